//! `pushspec list`

use std::io::Write as _;

use serde_json::json;

use super::{CliError, Format, ListArguments};
use crate::case::Case;
use crate::judge::needs;
use crate::suite::{Pattern, Suite, Unmatched};
use pushspec_faults as fault;

pub(super) fn list(arguments: &ListArguments) -> Result<u8, CliError> {
    let suite = if arguments.faults { None } else { Some(arguments.fixtures.suite()?) };
    let rows = |patterns: &[Pattern]| {
        let wanted = |id: &str| patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(id));
        match &suite {
            None => faults(&wanted),
            Some(suite) if arguments.clauses => clauses(suite, &wanted),
            Some(suite) => cases(suite, patterns),
        }
    };
    let patterns: Vec<Pattern> = arguments.patterns.iter().map(|pattern| Pattern::new(pattern)).collect();
    let (rows, all) = (rows(&patterns), || rows(&[]));
    if rows.is_empty() {
        let (what, command) = match (arguments.faults, arguments.clauses) {
            (true, _) => ("fault", "pushspec list --faults"),
            (false, true) => ("clause", "pushspec list --clauses"),
            (false, false) => ("case", "pushspec list"),
        };
        let all = all();
        let names = all.iter().map(|row| row.name.as_str());
        if let Some(unmatched) = Unmatched::of(what, command, &patterns, names) {
            return Err(CliError::NothingListed(unmatched));
        }
    }
    let mut out = anstream::stdout().lock();
    match arguments.format {
        Format::Text => rows.iter().try_for_each(|row| writeln!(out, "{}", row.text))?,
        Format::Json => {
            let values: Vec<&serde_json::Value> = rows.iter().map(|row| &row.json).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&values).map_err(std::io::Error::from)?)?;
        }
        Format::Junit => {
            return Err(CliError::Usage("a list cannot be written as JUnit; use --format json".into()));
        }
    }
    Ok(0)
}

struct Row {
    name: String,
    text: String,
    json: serde_json::Value,
}

fn cases(suite: &Suite, patterns: &[Pattern]) -> Vec<Row> {
    let row = |case: crate::case::Case| {
        let level = suite.catalogue.clause(case.clause()).map(|clause| clause.level);
        let spelling = level.map(crate::catalogue::Level::spelling).unwrap_or_default();
        Row {
            name: case.id.clone(),
            text: format!("{spelling:10}  {}", case.id),
            json: json!({
                "id": case.id,
                "technique": case.folder,
                "title": case.title(),
                "level": level,
                "clauses": case.clauses(),
                "needs": needs(&case),
                "file": case.page.file(),
                "line": case.section().line,
            }),
        }
    };
    let wanted = |case: &Case| patterns.is_empty() || patterns.iter().any(|one| is_meant(suite, one, case));
    suite.cases.iter().filter(|case| wanted(case)).cloned().map(row).collect()
}

/// Whether a pattern asks for a case: by its id; or, where no id is like that, by its heading or by a capability that it
/// needs.
fn is_meant(suite: &Suite, pattern: &Pattern, case: &Case) -> bool {
    if suite.cases.iter().any(|case| pattern.matches(&case.id)) {
        return pattern.matches(&case.id);
    }
    let name = case.heading().rsplit('/').next().unwrap_or_default();
    let words = pattern.to_string().to_lowercase().replace(' ', "-");
    name.contains(&words) || needs(case).contains(&pattern.to_string())
}

fn clauses(suite: &Suite, wanted: &dyn Fn(&str) -> bool) -> Vec<Row> {
    let clauses = suite.catalogue.clauses().filter(|clause| wanted(&clause.id));
    let row = |clause: &crate::catalogue::Clause| Row {
        name: clause.id.clone(),
        text: format!("{:10}  {}", clause.level.spelling(), clause.id),
        json: json!({
            "id": clause.id,
            "level": clause.level,
            "binds": clause.binds,
            "text": clause.text,
            "link": clause.link,
            "note": clause.note,
            "waived": clause.waived,
        }),
    };
    clauses.map(row).collect()
}

fn faults(wanted: &dyn Fn(&str) -> bool) -> Vec<Row> {
    let faults = fault::all().filter(|fault| wanted(fault.name));
    let row = |fault: &fault::Fault| Row {
        name: fault.name.to_owned(),
        text: format!("{:14}  {:44}  {}", fault.technique, fault.name, fault.summary),
        json: json!({ "name": fault.name, "technique": fault.technique, "clause": fault.clause, "summary": fault.summary }),
    };
    faults.map(row).collect()
}
