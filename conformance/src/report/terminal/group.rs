//! What was found, clause by clause.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::super::readable::readable;
use super::summary::bound;
use super::{Detail, Paint};
use crate::escape::visible;
use crate::judge::Verdict;
use crate::outcome::cases;
use crate::report::stored::{Case, Example, Group, Report};
use crate::transcript::Line;

/// How many lines all groups that are told in full have together.
const FULL: usize = 70;

/// How many groups are told in a line behind those.
const BRIEF: usize = 18;

/// How many lines of a transcript are shown; more of them are in the report.
const SHOWN: usize = 10;

/// How many lines of a transcript are shown where all is.
const SHOWN_OF_ALL: usize = 40;

/// How many characters of a line are shown that is not the decisive one.
const WIDTH: usize = 160;

/// How many cases are named behind the first one.
const NAMED: usize = 4;

/// What was found, the worst first: as much of it in full as a reader takes in, the rest in a line each.
pub(super) fn groups(out: &mut impl Write, report: &Report, detail: Detail, paint: Paint) -> io::Result<()> {
    let is_told = |group: &Group<'_>| {
        detail.is_all() || (!group.accepted && (group.verdict != Verdict::Info || detail.info))
    };
    let (told, untold): (Vec<_>, Vec<_>) = report.groups().into_iter().partition(is_told);
    let blocks: Vec<Vec<String>> = told.iter().map(|group| block(report, group, detail, paint)).collect();
    let full = chosen(&told, &blocks, detail);
    for (_, block) in blocks.iter().enumerate().filter(|(at, _)| full.contains(at)) {
        block.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    let brief: Vec<_> =
        told.iter().enumerate().filter(|(at, _)| !full.contains(at)).map(|(_, group)| group).collect();
    briefly(out, &brief, paint)?;
    errors(out, report, detail, paint)?;
    untold_lines(&untold).iter().try_for_each(|line| writeln!(out, "\n{}", paint.dim(line)))
}

/// Which groups are told in full: the worst of each technique in turn, as long as there is room, so that a reader hears of
/// each what is wrong with it.
fn chosen(groups: &[Group<'_>], blocks: &[Vec<String>], detail: Detail) -> BTreeSet<usize> {
    if detail.is_all() {
        return (0..groups.len()).collect();
    }
    let mut turns: BTreeMap<&str, usize> = BTreeMap::new();
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let turn = turns.entry(group.techniques().first().copied().unwrap_or_default()).or_default();
        order.push((*turn, at));
        *turn += 1;
    }
    // What is only a warning waits for all failures.
    order.sort_by_key(|(turn, at)| (Reverse(groups[*at].verdict), *turn, *at));
    let mut room = FULL;
    let mut chosen = BTreeSet::new();
    for (_, at) in order {
        // What is shorter may still find room.
        let Some(left) = room.checked_sub(blocks[at].len()) else { continue };
        room = left;
        chosen.insert(at);
    }
    chosen
}

/// A group in full: the clause once, with the smallest example.
fn block(report: &Report, group: &Group<'_>, detail: Detail, paint: Paint) -> Vec<String> {
    let level = paint.verdict(group.verdict, &group.level);
    let count = if group.is_at_large() { "on all traffic".to_owned() } else { cases(group.examples.len()) };
    let mut lines = vec![
        String::new(),
        format!("{level} {} {}", paint.bold(&visible(group.clause)), paint.dim(&format!("({count})"))),
    ];
    if let Some(clause) = group.written {
        lines.push(format!("  {}", visible(&clause.text)));
        lines.extend(clause.note.iter().map(|note| format!("  Note: {}", visible(note))));
        lines.push(format!("  {}", paint.dim(&visible(&clause.link))));
    }
    lines.extend(group.also_broken(visible).map(|also| format!("  {also}")));
    let shown = if detail.is_all() { group.examples.len() } else { 1 };
    for example in group.examples.iter().take(shown) {
        lines.extend(self::example(report, example, detail, paint));
    }
    if let Some(more) = more(&group.examples[shown.min(group.examples.len())..]) {
        lines.insert(lines.len().saturating_sub(1), format!("  also in:  {more}"));
    }
    lines
}

fn example(report: &Report, example: &Example<'_>, detail: Detail, paint: Paint) -> Vec<String> {
    let Example { case, finding } = example;
    let mut lines = vec![format!("  case:     {}", paint.bold(&visible(&case.name())))];
    if let Some(reason) = &case.accepted {
        lines.push(format!("  accepted: {}", visible(reason)));
    }
    if !case.server_output.is_empty() {
        lines.push("  the last lines of the server's output:".to_owned());
        lines.extend(case.server_output.iter().map(|line| format!("    {}", visible(line))));
    }
    let place = format!("{}:{}", visible(&finding.place.file), finding.place.line);
    lines.push(format!("  expected: {}  {}", readable(&finding.expected), paint.dim(&format!("({place})"))));
    let findings = case.findings.iter().filter(|other| other.clause == finding.clause);
    let shown = if detail.is_all() { usize::MAX } else { 1 };
    for finding in findings.take(shown) {
        let seen_in = finding.seen_in.as_ref().map(|id| format!(", in {}", visible(id))).unwrap_or_default();
        let when = paint.dim(&format!("(at {:.1} ms{seen_in})", finding.at_ms));
        lines.push(format!(
            "  received: {}  {when}",
            paint.verdict(finding.verdict, &readable(&finding.received))
        ));
    }
    let seen_in = report.seen_in(case, finding).unwrap_or(case);
    lines.extend(transcript(&seen_in.transcript, finding.line, detail, paint));
    lines.extend(case.rerun.iter().map(|rerun| format!("  run it again: {}", visible(rerun))));
    lines
}

/// The lines of a transcript that matter: how it began, and what is around the decisive line. Of heads only the first lines
/// matter, but for those beside the decisive one.
fn transcript(lines: &[Line], decisive: Option<usize>, detail: Detail, paint: Paint) -> Vec<String> {
    let matters = |at: usize, line: &Line| {
        detail.is_all()
            || !is_of_head(line)
            || decisive.is_some_and(|decisive| {
                at == decisive || (at.abs_diff(decisive) < 2 && !line.text.is_empty())
            })
    };
    let lines: Vec<(usize, &Line)> =
        lines.iter().enumerate().filter(|(at, line)| matters(*at, line)).collect();
    let most = if detail.is_all() { SHOWN_OF_ALL } else { SHOWN };
    let at = decisive.and_then(|decisive| lines.iter().position(|(at, _)| *at == decisive));
    let end = at.map_or(lines.len(), |at| at + 2).clamp(most.min(lines.len()), lines.len());
    let begin = end.saturating_sub(most - 2);
    let head = if begin < 2 { begin } else { 2 };
    let show = |(at, line): &(usize, &Line)| {
        let text = readable(&line.to_string());
        if Some(*at) == decisive {
            return format!("  {}", paint.verdict(Verdict::Fail, &format!("▶ {text}")));
        }
        format!("    {}", paint.dim(&cut(&text)))
    };
    let gap = |count: usize| {
        let line = format!("    {}", paint.dim(&format!("             … {count} lines …")));
        (count > 0).then_some(line)
    };
    let shown = |range: &[(usize, &Line)]| range.iter().map(show).collect::<Vec<_>>();
    let mut out = shown(&lines[..head]);
    out.extend(gap(begin - head));
    out.extend(shown(&lines[begin..end]));
    out.extend(gap(lines.len() - end));
    out
}

/// Whether it is a field of a head, or the end of one.
fn is_of_head(line: &Line) -> bool {
    let name = line.text.split_once(':').map_or("", |(name, _)| name);
    let is_field =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    line.direction.is_some() && line.bytes.is_none() && (line.text.is_empty() || is_field)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

/// The other cases that found the same, by their headings.
fn more(examples: &[Example<'_>]) -> Option<String> {
    let mut headings: Vec<(&str, usize)> = Vec::new();
    for Example { case, .. } in examples {
        match headings.iter_mut().find(|(heading, _)| *heading == case.heading()) {
            Some((_, count)) => *count += 1,
            None => headings.push((case.heading(), 1)),
        }
    }
    let named = headings.iter().take(NAMED).map(|(heading, count)| match count {
        1 => visible(heading),
        count => format!("{} × {count}", visible(heading)),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let left: usize = headings.iter().skip(NAMED).map(|(_, count)| count).sum();
    let rest = if left > 0 { format!(", and {left} more") } else { String::new() };
    (!named.is_empty()).then(|| format!("{named}{rest}"))
}

/// The groups for which there is no room, in a line each; and those for which there is none of that, by section.
fn briefly(out: &mut impl Write, groups: &[&Group<'_>], paint: Paint) -> io::Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nalso found (--verbose and report.html tell them in full):")?;
    for group in groups.iter().take(BRIEF) {
        let level = paint.verdict(group.verdict, &group.level);
        let text = paint.dim(&cut(&visible(first_sentence(group.text()))));
        writeln!(out, "{:>5} × {level} {}  {text}", group.examples.len(), visible(group.clause))?;
    }
    let mut sections: BTreeMap<&str, usize> = BTreeMap::new();
    for group in groups.iter().skip(BRIEF) {
        let section = group.clause.rsplit_once('/').map_or(group.clause, |(section, _)| section);
        *sections.entry(section).or_default() += 1;
    }
    let left: usize = sections.values().sum();
    let named: Vec<String> =
        sections.iter().take(24).map(|(section, count)| format!("{} ({count})", visible(section))).collect();
    let rest = if sections.len() > named.len() { ", …" } else { "" };
    if left == 0 { Ok(()) } else { writeln!(out, "  and {left} more clauses: {}{rest}", named.join(", ")) }
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

/// What could not be run, each reason once.
fn errors(out: &mut impl Write, report: &Report, detail: Detail, paint: Paint) -> io::Result<()> {
    let errors = report.errors();
    if errors.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", paint.verdict(Verdict::Error, "could not be run:"))?;
    let line = |(reason, cases): &(&str, Vec<&Case>)| {
        let first = cases.first().map(|case| case.name()).unwrap_or_default();
        let more = if cases.len() > 1 { format!(", and {} more", cases.len() - 1) } else { String::new() };
        format!("  {}: {}{more}", visible(reason), visible(&first))
    };
    let mut lines: Vec<String> = errors.iter().map(line).collect();
    bound(&mut lines, detail);
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    let rerun = errors.first().and_then(|(_, cases)| cases.first()).and_then(|case| case.rerun.as_ref());
    rerun.map_or(Ok(()), |rerun| writeln!(out, "  run it again: {}", visible(rerun)))
}

/// What there is that nobody asked for.
fn untold_lines(untold: &[Group<'_>]) -> Vec<String> {
    let accepted = untold.iter().filter(|group| group.accepted).count();
    let open = untold.len() - accepted;
    let mut lines = Vec::new();
    if open > 0 {
        let choices = if open == 1 { "1 choice" } else { &format!("{open} choices") };
        lines.push(format!(
            "{choices} that a specification leaves open: --info shows which way the server goes"
        ));
    }
    if accepted > 0 {
        let clauses = if accepted == 1 { "1 clause" } else { &format!("{accepted} clauses") };
        lines.push(format!("accepted deviations from {clauses}: --verbose shows them"));
    }
    lines
}
