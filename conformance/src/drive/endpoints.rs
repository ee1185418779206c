//! Several endpoints of one technique: each further one is judged by the cases that use it.

use std::collections::BTreeMap;

use super::options::Options;
use crate::case::Case;
use crate::judge::needed_techniques;
use crate::outcome::{CaseOutcome, ClauseOutcome, Outcome};
use crate::profile::Profile;
use crate::suite::{Pattern, Suite};

/// The technique of a further endpoint, and the suite of the cases that use it. Nothing where none of them is selected.
pub(super) fn of<'p>(suite: &Suite, endpoint: &'p Profile, options: &Options) -> Option<(&'p str, Suite)> {
    let technique = endpoint.names.keys().next()?.as_str();
    let uses = |case: &&Case| {
        case.folder == technique
            || needed_techniques(case).iter().any(|needed| needed == technique)
            || (case.invariant().is_some() && case.folder == "http")
    };
    let cases: Vec<Case> = suite.cases.iter().filter(uses).cloned().collect();
    let suite = Suite { cases, ..suite.clone() };
    let is_selected = suite.selected(endpoint, options).next().is_some();
    is_selected.then_some((technique, suite))
}

impl Suite {
    /// How many cases a run comes to, at all endpoints of a profile together; of a shard, those of the whole.
    pub fn count(&self, profile: &Profile, options: &Options) -> usize {
        let further = profile.further.iter().filter_map(|further| {
            let (_, suite) = of(self, further, options)?;
            Some(suite.selected(further, options).count())
        });
        self.selected(profile, options).count() + further.sum::<usize>()
    }

    /// The cases that are asked for at the endpoints of a profile, and not left out.
    pub(super) fn selected<'s>(
        &'s self,
        profile: &'s Profile,
        options: &'s Options,
    ) -> impl Iterator<Item = &'s Case> {
        self.matching(profile, &options.select).filter(|case| !is_excluded(profile, options, case))
    }

    /// The cases that match at the endpoints of a profile; all of them where there is no pattern.
    pub(super) fn matching<'s>(
        &'s self,
        profile: &'s Profile,
        patterns: &'s [Pattern],
    ) -> impl Iterator<Item = &'s Case> {
        let wanted = |case: &&Case| patterns.is_empty() || is_any_of(patterns, profile, case);
        self.cases.iter().filter(wanted)
    }
}

/// Whether a case is left out at the endpoint of a profile.
pub(super) fn is_excluded(profile: &Profile, options: &Options, case: &Case) -> bool {
    is_any_of(&options.exclude, profile, case)
}

fn is_any_of(patterns: &[Pattern], profile: &Profile, case: &Case) -> bool {
    // Which endpoint a case has costs more to say than whether a pattern has it.
    patterns.iter().any(|pattern| match pattern.endpoint() {
        None => pattern.matches(&case.id),
        Some(endpoint) => {
            pattern.matches(&format!("{}@{endpoint}", case.id)) && of_case(profile, case) == Some(endpoint)
        }
    })
}

/// The name of the endpoint of a profile at which a case is judged.
pub(crate) fn of_case<'p>(profile: &'p Profile, case: &Case) -> Option<&'p str> {
    // A further endpoint is the only one of its run.
    let only = || profile.names.values().next().filter(|_| profile.names.len() == 1 && profile.is_alone());
    let techniques = needed_techniques(case);
    let mut techniques = techniques.iter().map(String::as_str).chain([case.folder.as_str()]);
    let name = techniques.find_map(|technique| profile.endpoint(technique));
    name.or_else(|| only().map(String::as_str))
}

/// Says of each case at which endpoint it was judged, where that has a name.
pub(super) fn name(outcome: &mut Outcome, profile: &Profile) {
    for case in &mut outcome.cases {
        case.endpoint = of_case(profile, &case.case).map(ToOwned::to_owned);
    }
    outcome.clauses = ClauseOutcome::of(&outcome.cases, &outcome.catalogue);
}

/// Says that what is not known of a technique is not known of its endpoint alone.
pub(super) fn name_unjudged(outcome: &mut Outcome, technique: &str) {
    let name = outcome.cases.iter().find_map(|case| case.endpoint.clone()).unwrap_or_default();
    let unjudged = std::mem::take(&mut outcome.unjudged).into_iter();
    outcome.unjudged = unjudged
        .map(|(place, why)| (if place == technique { format!("{technique}@{name}") } else { place }, why))
        .collect();
}

/// Puts what a further endpoint came to beside the rest.
pub(super) fn join(suite: &Suite, outcome: &mut Outcome, other: Outcome) {
    let Outcome {
        target: _,
        started: _,
        cases,
        excluded,
        clauses: _,
        unjudged,
        serves_at_once,
        stale: _,
        ends,
        ending,
        shard,
        duration: _,
        catalogue: _,
        secrets: _,
    } = other;
    let name = cases.iter().find_map(|case| case.endpoint.clone()).unwrap_or_default();
    let excluded = excluded.into_iter().filter(|id| !outcome.excluded.contains(id)).collect::<Vec<_>>();
    outcome.excluded.extend(excluded.into_iter().map(|id| format!("{id}@{name}")));
    outcome.cases.extend(cases);
    let place: BTreeMap<&str, usize> =
        suite.cases.iter().enumerate().map(|(place, case)| (case.id.as_str(), place)).collect();
    outcome.cases.sort_by_key(|case: &CaseOutcome| place.get(case.case.id.as_str()).copied());
    outcome.clauses = ClauseOutcome::of(&outcome.cases, &suite.catalogue);
    outcome.unjudged.extend(unjudged);
    outcome.serves_at_once = outcome.serves_at_once.into_iter().chain(serves_at_once).min();
    outcome.ends.extend(ends);
    outcome.ending = ending;
    if let (Some(one), Some(other)) = (&mut outcome.shard, shard) {
        one.selected += other.selected;
    }
}
