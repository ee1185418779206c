//! `pushspec explain`

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::{CliError, ExplainArguments};
use crate::case::Case;
use crate::catalogue::Clause;
use crate::escape::quoted;
use crate::judge::needs;
use crate::mistake::did_you_mean;
use crate::profile::CAPABILITIES;
use crate::suite::{Pattern, Suite};
use pushspec_faults::{self as fault, Fault};

pub(super) fn explain(arguments: &ExplainArguments) -> Result<u8, CliError> {
    let suite = arguments.fixtures.suite()?;
    let words =
        arguments.fixtures.words().into_iter().map(|word| format!(" {}", quoted(&word))).collect::<String>();
    let mut out = anstream::stdout().lock();
    if let Some(clause) = suite.catalogue.clause(&arguments.id) {
        explain_clause(&mut out, &suite, clause, &words)?;
        return Ok(0);
    }
    let family: Vec<&Case> = suite.cases.iter().filter(|case| is_family(case, &arguments.id)).collect();
    if let Some(case) = family.first() {
        explain_case(&mut out, &suite, case, &family, &words)?;
        return Ok(0);
    }
    if let Some(fault) = fault::by_name(&arguments.id) {
        explain_fault(&mut out, fault)?;
        return Ok(0);
    }
    if let Some((name, key)) = CAPABILITIES.iter().find(|(name, _)| *name == arguments.id) {
        explain_capability(&mut out, &suite, name, key)?;
        return Ok(0);
    }
    // The heading alone is enough where one page has it.
    let headed: Vec<&Case> = suite.cases.iter().filter(|case| name(case) == arguments.id).collect();
    let pages: BTreeSet<&str> = headed.iter().map(|case| case.heading()).collect();
    if let (Some(case), 1) = (headed.first(), pages.len()) {
        explain_case(&mut out, &suite, case, &headed, &words)?;
        return Ok(0);
    }
    let id = &arguments.id;
    let hint = hint(&suite, id);
    Err(CliError::Usage(format!("`{id}` is not a case, a clause, a fault or a capability; {hint}")))
}

/// What may have been meant.
fn hint(suite: &Suite, id: &str) -> String {
    let pattern = Pattern::new(id);
    if suite.cases.iter().filter(|case| pattern.matches(&case.id)).nth(1).is_some() {
        return format!("several cases begin with this: see `pushspec list {id}`");
    }
    let headed: BTreeSet<&str> =
        suite.cases.iter().filter(|case| name(case).contains(id)).map(Case::heading).collect();
    if !headed.is_empty() {
        let first = headed.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        return format!("headings are like that: {first}; see `pushspec list {id}`");
    }
    if suite.catalogue.clauses().filter(|clause| pattern.matches(&clause.id)).nth(1).is_some() {
        return format!("several clauses begin with this: see `pushspec list --clauses {id}`");
    }
    // A section alone is that of several specifications.
    let section = format!("/{}/", id.trim_matches('/'));
    if let Some(clause) = suite.catalogue.clauses().find(|clause| clause.id.contains(&section)) {
        let specification = clause.id.split('/').next().unwrap_or_default();
        return format!("see `pushspec list --clauses {specification}{}`", section.trim_end_matches('/'));
    }
    let cases = suite.cases.iter().map(|case| case.id.as_str());
    let clauses = suite.catalogue.clauses().map(|clause| clause.id.as_str());
    let known = cases.chain(clauses).chain(fault::all().map(|fault| fault.name));
    did_you_mean(id, known).unwrap_or_else(|| {
        "see `pushspec list`, `pushspec list --clauses` and `pushspec list --faults`".to_owned()
    })
}

/// The heading of a case.
fn name(case: &Case) -> &str {
    case.heading().rsplit('/').next().unwrap_or_default()
}

/// A capability: what of the profile gives it, and which cases it makes possible.
fn explain_capability(out: &mut impl Write, suite: &Suite, name: &str, key: &str) -> io::Result<()> {
    writeln!(out, "{name}")?;
    writeln!(out, "A target has this capability if its profile has {key}.")?;
    let cases: BTreeSet<&str> =
        suite.cases.iter().filter(|case| needs(case).contains(name)).map(Case::heading).collect();
    writeln!(out, "\nneeded by:")?;
    cases.iter().try_for_each(|case| writeln!(out, "  {case}"))
}

/// The case itself, or all that `each` makes of one heading.
fn is_family(case: &Case, id: &str) -> bool {
    case.id == id || case.id.strip_prefix(id).is_some_and(|rest| rest.starts_with('['))
}

/// A case. `pages` is what the command line says of where the pages are.
fn explain_case(
    out: &mut impl Write,
    suite: &Suite,
    case: &Case,
    family: &[&Case],
    pages: &str,
) -> io::Result<()> {
    let section = case.section();
    let id = if family.len() > 1 { case.heading() } else { &case.id };
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
    writeln!(out, "\nrun it: pushspec run{pages} --select '{id}'")
}

fn explain_clause(out: &mut impl Write, suite: &Suite, clause: &Clause, pages: &str) -> io::Result<()> {
    clause_lines(out, clause)?;
    writeln!(out, "  {}:{}", clause.place.0, clause.place.1)?;
    if let Some(reason) = &clause.waived {
        writeln!(out, "\nno case: {reason}")?;
    }
    let cases = suite.cases.iter().filter(|case| case.clauses().contains(&clause.id.as_str()));
    let ids: Vec<&str> = cases.map(|case| case.id.as_str()).collect();
    if ids.is_empty() {
        writeln!(out, "\ncases: none")?;
    } else {
        writeln!(out, "\ncases:")?;
        ids.iter().try_for_each(|id| writeln!(out, "  {id}"))?;
        let families: BTreeSet<&str> = ids.iter().filter_map(|id| id.split('[').next()).collect();
        let patterns = families.into_iter().map(|id| format!(" '{id}'")).collect::<String>();
        writeln!(out, "\nrun them: pushspec run{pages} --select{patterns}")?;
    }
    Ok(())
}

fn explain_fault(out: &mut impl Write, fault: &Fault) -> io::Result<()> {
    writeln!(out, "{} ({})", fault.name, fault.technique)?;
    writeln!(out, "  A fault that the suite finds. A relay in front of a server adds it.")?;
    writeln!(out, "  {}", fault.summary)?;
    writeln!(out, "  It breaks {}.", fault.clause)?;
    writeln!(out, "\nrun it: pushspec run --fault {}", fault.name)
}

fn clause_lines(out: &mut impl Write, clause: &Clause) -> io::Result<()> {
    writeln!(out, "{} ({})", clause.id, clause.level)?;
    writeln!(out, "  {}", clause.text)?;
    if let Some(note) = &clause.note {
        writeln!(out, "  note: {note}")?;
    }
    writeln!(out, "  {}, section {}: {}", clause.specification, clause.section(), clause.link)
}
