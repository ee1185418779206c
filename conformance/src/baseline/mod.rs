//! Deviations that are known and accepted. Their cases still run: what no longer deviates makes the run fail, so that a
//! list of what is accepted never outlives its reasons.

#[cfg(feature = "program")]
mod update;

#[cfg(feature = "program")]
use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::calendar;
use crate::judge::Verdict;
use crate::mistake::{Examples, toml_wrong};
use crate::mistake::{PageError, PageErrors, Wrong, did_you_mean, listed};
use crate::outcome::{Acceptance, CaseOutcome, Outcome};
use crate::suite::{Pattern, Suite};

#[cfg(feature = "program")]
pub use update::UpdateError;

/// A list of deviations that are accepted.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Its name as the reader knows it: the file, or the platform.
    name: String,
    entries: Vec<Entry>,
    /// It comes with pushspec, and says what a platform is known for: other versions of the platform may do better.
    is_built_in: bool,
}

#[derive(Debug, Clone)]
struct Entry {
    pattern: Pattern,
    /// The only endpoint at which it holds.
    endpoint: Option<String>,
    verdict: Accepted,
    reason: String,
    ticket: Option<String>,
    /// The last day on which it holds.
    expires: Option<Datetime>,
    line: usize,
}

/// A verdict that can be accepted. An `error` cannot: nothing is known of the server then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Accepted {
    Fail,
    Warn,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    accept: Vec<WrittenEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntry {
    case: Spanned<String>,
    endpoint: Option<String>,
    verdict: Accepted,
    reason: Spanned<String>,
    ticket: Option<String>,
    expires: Option<Spanned<Datetime>>,
}

/// What each key looks like.
const EXAMPLES: &Examples = &[
    ("accept", "[[accept]]"),
    ("case", "case = \"http/9112-3-request-line/two-host-fields\""),
    ("endpoint", "endpoint = \"ticker\""),
    ("verdict", "verdict = \"fail\""),
    ("reason", "reason = \"Node's HTTP parser takes two Host fields.\""),
    ("ticket", "ticket = \"https://example.org/issues/7\""),
    ("expires", "expires = 2030-12-31"),
];

/// A baseline that cannot be used: what is wrong, each with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BaselineError(pub PageErrors);

impl Entry {
    /// Whether it speaks of a case, at its endpoint.
    fn holds_at(&self, case: &CaseOutcome) -> bool {
        self.pattern.matches(&case.case.id)
            && self.endpoint.as_ref().is_none_or(|endpoint| case.endpoint.as_ref() == Some(endpoint))
    }
}

impl Accepted {
    fn verdict(self) -> Verdict {
        match self {
            Accepted::Fail => Verdict::Fail,
            Accepted::Warn => Verdict::Warn,
        }
    }
}

impl Baseline {
    /// Its name as the reader knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads a baseline; `name` is its name for errors.
    pub fn parse(name: &str, text: &str) -> Result<Baseline, BaselineError> {
        let placed =
            |range: &std::ops::Range<usize>, wrong| PageError::in_text(name.to_owned(), text, range, wrong);
        let written: Written = toml::from_str(text).map_err(|error| {
            let (range, wrong) = toml_wrong(&error, text, EXAMPLES);
            BaselineError(PageErrors(vec![placed(&range, wrong)]))
        })?;
        let mut mistakes = Vec::new();
        let mut entries = Vec::new();
        for entry in written.accept {
            mistakes.extend(entry_mistake(&entry).map(|(range, wrong)| placed(&range, wrong)));
            let line = text[..entry.case.span().start].matches('\n').count() + 1;
            entries.push(Entry {
                pattern: Pattern::new(entry.case.get_ref()),
                endpoint: entry.endpoint,
                verdict: entry.verdict,
                reason: entry.reason.into_inner(),
                ticket: entry.ticket,
                expires: entry.expires.map(Spanned::into_inner),
                line,
            });
        }
        if mistakes.is_empty() {
            Ok(Baseline { name: name.to_owned(), entries, is_built_in: false })
        } else {
            Err(BaselineError(PageErrors(mistakes)))
        }
    }

    /// One that comes with pushspec, by the name of its platform.
    pub fn built_in(platform: &str) -> Option<Result<Baseline, BaselineError>> {
        let path = format!("baselines/{platform}");
        let (_, text) = pushspec_fixtures::BASELINES.iter().find(|(name, _)| *name == path)?;
        let parsed = Baseline::parse(&format!("fixtures/{path}.toml"), text);
        Some(parsed.map(|baseline| Baseline { name: platform.to_owned(), is_built_in: true, ..baseline }))
    }

    /// The platforms for which there is one, and what may have been meant by a name.
    pub fn platforms(written: &str) -> String {
        let names = || {
            let names = pushspec_fixtures::BASELINES.iter();
            names.map(|(name, _)| name.strip_prefix("baselines/").unwrap_or(name))
        };
        did_you_mean(written, names())
            .unwrap_or_else(|| format!("there is no such file, and built in are {}", listed(names())))
    }

    /// Marks what is accepted, and adds to the outcome what is stale.
    pub fn apply(&self, suite: &Suite, outcome: &mut Outcome, now: SystemTime) {
        let today = day(now);
        for entry in &self.entries {
            let expired = entry.expires.filter(|expires| date(expires) < today);
            if let Some(expires) = expired {
                outcome.stale.push(self.stale(entry, &format!("has expired on {expires}")));
                continue;
            }
            let matches = |id: &str| entry.pattern.matches(id);
            if !suite.cases.iter().any(|case| matches(&case.id)) {
                outcome.stale.push(self.stale(entry, "matches no case"));
                continue;
            }
            let mut better = Vec::new();
            for case in outcome.cases.iter_mut().filter(|case| entry.holds_at(case)) {
                match (entry.verdict.verdict(), case.verdict) {
                    (accepted, verdict) if accepted == verdict => {
                        case.accepted = Some(self.acceptance(entry));
                    }
                    // It says nothing of the server, or something worse than what is accepted.
                    (_, Verdict::Skip | Verdict::Error | Verdict::Fail) => {}
                    (_, verdict) => better.push((case.case.id.clone(), verdict)),
                }
            }
            // What is accepted at one endpoint need not be there at another.
            better.retain(|(id, _)| {
                !outcome.cases.iter().any(|case| {
                    case.case.id == *id && entry.holds_at(case) && case.verdict == entry.verdict.verdict()
                })
            });
            if !self.is_built_in {
                outcome.stale.extend(self.better(entry, &better));
            }
        }
    }

    fn acceptance(&self, entry: &Entry) -> Acceptance {
        Acceptance { reason: entry.reason.clone(), ticket: entry.ticket.clone(), baseline: self.name.clone() }
    }

    fn stale(&self, entry: &Entry, what: &str) -> String {
        format!("stale baseline: {}:{}: `{}` {what}", self.name, entry.line, entry.pattern)
    }

    /// What to say of the cases that do better than an entry says.
    fn better(&self, entry: &Entry, better: &[(String, Verdict)]) -> Option<String> {
        let (first, verdict) = better.first()?;
        let more = if better.len() > 1 { format!(" (and {} more)", better.len() - 1) } else { String::new() };
        let accepted = entry.verdict.verdict().spelling();
        let what = format!("is accepted as {accepted}, and {first} comes to {}{more}", verdict.spelling());
        Some(self.stale(entry, &what))
    }
}

fn entry_mistake(entry: &WrittenEntry) -> Option<(std::ops::Range<usize>, Wrong)> {
    if entry.reason.get_ref().trim().is_empty() {
        let wrong =
            Wrong::new("no reason is given", "say why the deviation is accepted, for who reads this next");
        return Some((entry.reason.span(), wrong));
    }
    if entry.case.get_ref().trim().is_empty() {
        let wrong =
            Wrong::new("no case is named", "as in `case = \"http/9112-3-request-line/two-host-fields\"`");
        return Some((entry.case.span(), wrong));
    }
    let expires = entry.expires.as_ref()?;
    let is_date = expires.get_ref().date.is_some() && expires.get_ref().time.is_none();
    let wrong = || Wrong::new("`expires` is a day", "as in `expires = 2030-12-31`");
    (!is_date).then(|| (expires.span(), wrong()))
}

/// Year, month and day.
type Day = (u16, u8, u8);

fn date(written: &Datetime) -> Day {
    written.date.map_or((u16::MAX, 12, 31), |date| (date.year, date.month, date.day))
}

/// The day in UTC.
fn day(now: SystemTime) -> Day {
    let (year, month, day) = calendar::date(now);
    let small = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    (u16::try_from(year).unwrap_or(u16::MAX), small(month), small(day))
}

/// The cases of a heading that came to a verdict, of all that were judged.
#[cfg(feature = "program")]
fn by_heading(outcome: &Outcome) -> BTreeMap<&str, Vec<&CaseOutcome>> {
    let mut headings: BTreeMap<&str, Vec<&CaseOutcome>> = BTreeMap::new();
    for case in outcome.cases.iter().filter(|case| case.verdict != Verdict::Skip) {
        headings.entry(case.case.heading()).or_default().push(case);
    }
    headings
}
