//! Files of one's own that are none: each is a clear error, at once, and short.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Result, assert_exit, err, pushspec};

#[test]
#[cfg(unix)]
fn a_pipe_or_a_device_is_no_profile_and_no_page() -> Result {
    let folder = TempDir::new()?;
    fs::create_dir_all(folder.path().join("pages/sse"))?;
    for pipe in ["pipe.toml", "pages/sse/a.md"] {
        assert!(Command::new("mkfifo").arg(folder.path().join(pipe)).status()?.success());
    }
    for arguments in [
        ["run", "http://127.0.0.1:1", "--profile", "pipe.toml"].as_slice(),
        &["run", "http://127.0.0.1:1", "--profile", "/dev/zero"],
        &["run", "http://127.0.0.1:1", "--baseline", "/dev/zero"],
        &["list", "--fixtures", "pages"],
    ] {
        let start = Instant::now();
        let output = pushspec(folder.path(), arguments)?;
        assert_exit(&output, 2);
        assert!(err(&output).contains("it is a device or a pipe, and not a file"), "{}", err(&output));
        assert!(start.elapsed() < Duration::from_secs(10), "{arguments:?}");
    }
    Ok(())
}

#[test]
fn a_page_of_50_megabytes_is_refused_before_it_is_read() -> Result {
    let folder = TempDir::new()?;
    fs::create_dir_all(folder.path().join("sse"))?;
    fs::File::create(folder.path().join("sse/a.md"))?.set_len(50 << 20)?;
    let output = pushspec(folder.path(), &["list", "--fixtures", "."])?;
    assert_exit(&output, 2);
    assert!(err(&output).contains("it is larger than 4 MB"), "{}", err(&output));
    Ok(())
}

#[test]
#[cfg(unix)]
fn what_moves_the_cursor_in_a_name_does_not_reach_the_terminal() -> Result {
    let folder = TempDir::new()?;
    let name = "pages\u{1b}[31m";
    for inner in ["sse", "nothing\u{1b}[32m"] {
        fs::create_dir_all(folder.path().join(name).join(inner))?;
        fs::write(
            folder.path().join(name).join(inner).join("a\u{1b}[1m.md"),
            "# A\n\n```wire\nconnect\n```\n",
        )?;
    }
    fs::write(folder.path().join("profile\u{1b}[31m.toml"), "sse = 1\n")?;
    for arguments in [
        ["list", "--fixtures", name].as_slice(),
        &["run", "http://127.0.0.1:1", "--profile", "profile\u{1b}[31m.toml"],
        &["run", "http://127.0.0.1:1", "--profile", "nothing\u{1b}[31m.toml"],
    ] {
        let output = pushspec(folder.path(), arguments)?;
        assert_exit(&output, 2);
        let text = err(&output);
        assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}["), "{text:?}");
    }
    Ok(())
}

#[test]
fn many_mistakes_and_long_lines_make_a_short_error() -> Result {
    let folder = TempDir::new()?;
    let fields: String = (0..8000).map(|number| format!("\"a b{number}\" = \"c\"\n")).collect();
    let long = format!("[headers]\n\"a b\" = \"{}\"\n", "c".repeat(3 << 20));
    for text in ["[headers]\n".to_owned() + &fields, long] {
        fs::write(folder.path().join("p.toml"), text)?;
        let start = Instant::now();
        let output = pushspec(folder.path(), &["run", "http://127.0.0.1:1", "--profile", "p.toml"])?;
        assert_exit(&output, 2);
        assert!(output.stderr.len() < 16 * 1024, "{} bytes", output.stderr.len());
        assert!(err(&output).contains("is not the name of a header field"), "{}", err(&output));
        assert!(start.elapsed() < Duration::from_secs(15));
    }
    Ok(())
}
