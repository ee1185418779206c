//! Pages and clauses of one's own.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{Result, assert_exit, err, out, pushspec};

/// A page with a case that covers these clauses.
fn page(covers: &str, conversation: &str) -> String {
    format!(
        "# A section\n\n## opens\n\nWhy.\n\n```toml\ncovers = [{covers}]\n```\n\n```wire\n{conversation}\n```\n"
    )
}

const OPENS: &str = "open sse\n< HTTP/1.1 200 *";

const MINE: &str = "title = \"Mine\"\nlink = \"https://example.org/#{section}\"\n\n[[clause]]\nid = \"1/done-last\"\nlevel = \"must\"\ntext = \"The last event is done.\"\n";

fn write(folder: &Path, file: &str, text: &str) -> Result {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().ok_or("no folder")?)?;
    Ok(fs::write(path, text)?)
}

#[test]
fn own_clauses_stand_beside_the_built_in_ones() -> Result {
    let folder = TempDir::new()?;
    let covers = "\"html-sse/9.2.3/status-200\", \"mine/1/done-last\"";
    write(folder.path(), "m/sse/q.md", &page(covers, OPENS))?;
    write(folder.path(), "m/requirements/mine.toml", MINE)?;
    assert_exit(&pushspec(folder.path(), &["run", "--fixtures", "m", "--no-built-in"])?, 0);
    let clauses = out(&pushspec(folder.path(), &["list", "--clauses", "--fixtures", "m"])?);
    assert!(clauses.contains("mine/1/done-last") && clauses.contains("rfc6455/5.1/"), "{clauses}");
    Ok(())
}

#[test]
fn own_pages_stand_beside_the_built_in_ones_and_replace_those_of_their_name() -> Result {
    let folder = TempDir::new()?;
    let covers = "\"html-sse/9.2.3/status-200\"";
    write(folder.path(), "m/sse/q.md", &page(covers, OPENS))?;
    write(folder.path(), "m/sse/9.2.6-interpreting-an-event-stream.md", &page(covers, OPENS))?;
    let ids =
        |arguments: &[&str]| Ok::<_, Box<dyn std::error::Error>>(out(&pushspec(folder.path(), arguments)?));
    let all = ids(&["list", "--fixtures", "m"])?;
    for id in [
        "sse/q/opens",
        "sse/9.2.6-interpreting-an-event-stream/opens",
        "websocket/5.1-masking/unmasked-text-frame",
    ] {
        assert!(all.contains(id), "{id}");
    }
    assert_eq!(
        all.matches(" sse/9.2.6-interpreting-an-event-stream/").count(),
        1,
        "the page of that name stands in the place of the built-in one"
    );
    let own = ids(&["list", "--fixtures", "m", "--no-built-in"])?;
    assert_eq!(own.lines().count(), 2, "{own}");
    assert_exit(&pushspec(folder.path(), &["list", "--no-built-in"])?, 2);
    Ok(())
}

#[test]
fn a_case_that_judges_a_client_is_listed_and_skipped() -> Result {
    let folder = TempDir::new()?;
    let covers = "\"rfc6455/5.1/close-on-unmasked\"";
    write(folder.path(), "m/websocket/q.md", &page(covers, "accept\n< GET * HTTP/1.1"))?;
    let listed = out(&pushspec(folder.path(), &["list", "--fixtures", "m"])?);
    assert!(listed.contains("websocket/q/opens"), "{listed}");
    let explained = out(&pushspec(folder.path(), &["explain", "websocket/q/opens", "--fixtures", "m"])?);
    assert!(explained.contains("needs: nothing"), "{explained}");
    // Nothing that was selected could be judged.
    assert_exit(
        &pushspec(folder.path(), &["run", "--fixtures", "m", "--no-built-in", "--report-dir", "r"])?,
        4,
    );
    let report = fs::read_to_string(folder.path().join("r/report.json"))?;
    assert!(report.contains("it judges a client, and no client is run yet"), "{report}");
    Ok(())
}

#[test]
fn a_file_with_the_name_of_a_built_in_one_stands_in_its_place() -> Result {
    let folder = TempDir::new()?;
    write(folder.path(), "m/sse/q.md", &page("\"html-sse/1/done-last\"", OPENS))?;
    write(folder.path(), "m/requirements/html-sse.toml", MINE)?;
    let clauses = out(&pushspec(folder.path(), &["list", "--clauses", "--fixtures", "m", "--no-built-in"])?);
    assert!(clauses.contains("html-sse/1/done-last") && !clauses.contains("html-sse/9.2.3/"), "{clauses}");
    Ok(())
}

#[test]
fn a_clause_that_stands_there_twice_is_a_mistake_with_a_place() -> Result {
    let folder = TempDir::new()?;
    write(folder.path(), "m/sse/q.md", &page("\"mine/1/done-last\"", OPENS))?;
    let twice = format!("{MINE}\n{}", MINE.split_once("\n\n").ok_or("no clause")?.1);
    write(folder.path(), "m/requirements/mine.toml", &twice)?;
    let output = pushspec(folder.path(), &["list", "--fixtures", "m"])?;
    assert_exit(&output, 2);
    assert!(err(&output).contains("--> m/requirements/mine.toml:10:"), "{}", err(&output));
    Ok(())
}

#[test]
fn an_unknown_clause_is_told_where_one_of_ones_own_stands() -> Result {
    let folder = TempDir::new()?;
    write(folder.path(), "m/sse/q.md", &page("\"another/7/thing-of-mine\"", OPENS))?;
    let output = pushspec(folder.path(), &["list", "--fixtures", "m"])?;
    assert_exit(&output, 2);
    let text = err(&output);
    for words in ["`pushspec list --clauses --fixtures m`", "m/requirements/another.toml"] {
        assert!(text.contains(words), "{text}");
    }
    Ok(())
}

#[test]
fn pages_that_stand_where_none_is_read_are_named() -> Result {
    let folder = TempDir::new()?;
    let text = page("\"html-sse/9.2.3/status-200\"", OPENS);
    for file in ["m/sse/good.md", "m/q.md", "m/sse/q.markdown", "m/sse/sub/r.md", "m/README.md"] {
        write(folder.path(), file, &text)?;
    }
    write(folder.path(), "m/sse/notes.markdown", "# Nothing that could run\n")?;
    for arguments in [["run", "--fixtures", "m", "--no-built-in"].as_slice(), &["list", "--fixtures", "m"]] {
        let output = pushspec(folder.path(), arguments)?;
        assert_exit(&output, 0);
        let text = err(&output);
        for file in ["m/q.md", "m/sse/q.markdown", "m/sse/sub/r.md"] {
            assert!(text.contains(&format!("note: {file} is not read:")), "{text}");
        }
        assert_eq!(text.matches("is not read").count(), 3, "{text}");
    }
    Ok(())
}

#[test]
fn a_case_of_ones_own_is_explained_with_the_line_that_runs_it() -> Result {
    let folder = TempDir::new()?;
    write(folder.path(), "my pages/sse/q.md", &page("\"html-sse/9.2.3/status-200\"", OPENS))?;
    for id in ["sse/q/opens", "html-sse/9.2.3/status-200"] {
        let text =
            out(&pushspec(folder.path(), &["explain", id, "--fixtures", "my pages", "--no-built-in"])?);
        let again = "pushspec run --fixtures 'my pages' --no-built-in --select 'sse/q/opens'";
        assert!(text.contains(again), "{text}");
    }
    Ok(())
}

#[test]
fn a_slip_of_spaces_is_told_as_that() -> Result {
    let folder = TempDir::new()?;
    let two_blanks = "put at least two spaces before a comment or a clause";
    for (line, words) in [
        ("< message \"x\" # why", two_blanks),
        ("< message \"x\" @html-sse/9.2.3/status-200", two_blanks),
        ("connect # why", two_blanks),
        ("\t< message \"x\"", "the line begins with a tab"),
    ] {
        let conversation = format!("{OPENS}\n{line}");
        write(folder.path(), "m/sse/q.md", &page("\"html-sse/9.2.3/status-200\"", &conversation))?;
        let output = pushspec(folder.path(), &["list", "--fixtures", "m"])?;
        assert_exit(&output, 2);
        assert!(err(&output).contains(words), "{line}: {}", err(&output));
    }
    Ok(())
}
