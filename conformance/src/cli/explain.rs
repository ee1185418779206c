//! `pushspec explain`

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::{CliError, ExplainArguments};
use crate::case::Case;
use crate::case::error::did_you_mean;
use crate::catalogue::Clause;
use crate::judge::needs;
use crate::suite::{Pattern, Suite};

pub(super) fn explain(arguments: &ExplainArguments) -> Result<u8, CliError> {
    let suite = arguments.fixtures.suite()?;
    let mut out = anstream::stdout().lock();
    if let Some(clause) = suite.catalogue.clause(&arguments.id) {
        explain_clause(&mut out, &suite, clause)?;
        return Ok(0);
    }
    let family: Vec<&Case> = suite.cases.iter().filter(|case| is_family(case, &arguments.id)).collect();
    if let Some(case) = family.first() {
        explain_case(&mut out, &suite, case, &family)?;
        return Ok(0);
    }
    let ids = suite
        .cases
        .iter()
        .map(|case| case.id.as_str())
        .chain(suite.catalogue.clauses().map(|clause| clause.id.as_str()));
    let hint = did_you_mean(&arguments.id, ids).unwrap_or_else(|| {
        let pattern = Pattern::new(&arguments.id);
        if suite.cases.iter().any(|case| pattern.matches(&case.id)) {
            format!("several cases begin like this: see `pushspec list {}`", arguments.id)
        } else {
            "see `pushspec list` and `pushspec list --clauses`".to_owned()
        }
    });
    Err(CliError::Usage(format!("there is neither a case nor a clause `{}`; {hint}", arguments.id)))
}

/// The case itself, or all that `each` makes of one heading.
fn is_family(case: &Case, id: &str) -> bool {
    case.id == id || case.id.strip_prefix(id).is_some_and(|rest| rest.starts_with('['))
}

fn explain_case(out: &mut impl Write, suite: &Suite, case: &Case, family: &[&Case]) -> io::Result<()> {
    let section = case.section();
    let id = if family.len() > 1 { case.id.split('[').next().unwrap_or(&case.id) } else { &case.id };
    writeln!(out, "{id}")?;
    writeln!(out, "{}, {}:{}", case.page.title, case.page.file(), section.line)?;
    writeln!(out, "\n{}", section.prose.trim())?;
    for clause in case.clauses().iter().filter_map(|id| suite.catalogue.clause(id)) {
        writeln!(out)?;
        clause_lines(out, clause)?;
    }
    let needs: Vec<String> = needs(case).into_iter().collect();
    writeln!(out, "\nneeds: {}", if needs.is_empty() { "nothing".to_owned() } else { needs.join(", ") })?;
    match &section.conversation {
        Some(lines) => {
            writeln!(out)?;
            lines.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
        }
        None => writeln!(out, "\njudged on all traffic of all cases")?,
    }
    if family.len() > 1 {
        let labels: Vec<&str> =
            family.iter().map(|case| case.id[id.len()..].trim_matches(['[', ']'])).collect();
        writeln!(out, "\neach: {}", labels.join(" "))?;
    }
    writeln!(out, "\nrun it: pushspec run URL --select '{id}'")
}

fn explain_clause(out: &mut impl Write, suite: &Suite, clause: &Clause) -> io::Result<()> {
    clause_lines(out, clause)?;
    writeln!(out, "  {}:{}", clause.place.0, clause.place.1)?;
    if let Some(reason) = &clause.waived {
        writeln!(out, "\nno case: {reason}")?;
    }
    let cases = suite.cases.iter().filter(|case| case.clauses().contains(&clause.id.as_str()));
    let ids: Vec<&str> = cases.map(|case| case.id.as_str()).collect();
    if !ids.is_empty() {
        writeln!(out, "\ncases:")?;
        ids.iter().try_for_each(|id| writeln!(out, "  {id}"))?;
        let families: BTreeSet<&str> = ids.iter().filter_map(|id| id.split('[').next()).collect();
        let patterns = families.into_iter().map(|id| format!(" '{id}'")).collect::<String>();
        writeln!(out, "\nrun them: pushspec run URL --select{patterns}")?;
    }
    Ok(())
}

fn clause_lines(out: &mut impl Write, clause: &Clause) -> io::Result<()> {
    writeln!(out, "{} ({})", clause.id, clause.level)?;
    writeln!(out, "  {}", clause.text)?;
    writeln!(out, "  {}, section {}: {}", clause.specification, clause.section(), clause.link)
}
