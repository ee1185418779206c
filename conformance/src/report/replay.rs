//! A stored report, judged again: by pages or a profile that have changed since, and without the server.

use std::sync::Arc;

use serde::Serialize;

use super::readable::readable;
use super::stored::{Case, Report};
use crate::case;
use crate::drive::endpoint_of;
use crate::escape::visible;
use crate::judge::replay::replay;
use crate::judge::{Judgement, Settings, Verdict};
use crate::outcome::cases;
use crate::profile::{Profile, Target};
use crate::suite::{Pattern, Suite};

/// A case that was judged again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Again {
    /// The case, with its endpoint behind an `@` where its technique has several.
    pub id: String,
    /// What it came to in the run.
    pub was: Verdict,
    /// What it comes to now; `None` where it cannot be judged again.
    pub is: Option<Verdict>,
    /// What is received where something else is expected, with the clause; or why it cannot be judged.
    pub why: Vec<String>,
}

impl Again {
    /// Whether it comes to something else than in the run.
    pub fn differs(&self) -> bool {
        self.is.is_some_and(|is| is != self.was)
    }
}

/// What a stored report comes to when it is judged again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// The cases of which the report has what came from the target.
    pub cases: Vec<Again>,
}

impl Replay {
    /// Judges the cases of a report again that did not pass, those alone that match a pattern where there is one.
    pub fn of(
        report: &Report,
        suite: &Suite,
        target: &Arc<Target>,
        patience: f64,
        select: &[Pattern],
    ) -> Replay {
        let is_selected =
            |case: &&Case| select.is_empty() || select.iter().any(|pattern| pattern.matches(&case.name()));
        let recorded = report.cases.iter().filter(is_selected).filter(|case| case.recorded.is_some());
        Replay { cases: recorded.map(|case| again(case, suite, target, patience)).collect() }
    }

    /// Whether a case comes to something else than in the run.
    pub fn differs(&self) -> bool {
        self.cases.iter().any(Again::differs)
    }

    /// For people: what differs first.
    pub fn text(&self) -> String {
        let differing = self.cases.iter().filter(|again| again.differs()).count();
        let lost = self.cases.iter().filter(|again| again.is.is_none()).count();
        let mut out =
            format!("{} judged again, {differing} with another verdict\n", cases(self.cases.len() - lost));
        let mut sorted: Vec<&Again> = self.cases.iter().collect();
        sorted.sort_by_key(|again| (!again.differs(), again.is.is_some()));
        for again in sorted {
            let is = match again.is {
                Some(is) if is == again.was => is.spelling().to_owned(),
                Some(is) => format!("{}, was {}", is.spelling(), again.was.spelling()),
                None => format!("not judged, was {}", again.was.spelling()),
            };
            out.push_str(&format!("{is}: {}\n", visible(&again.id)));
            again.why.iter().for_each(|why| out.push_str(&format!("    {}\n", visible(why))));
        }
        out
    }
}

fn again(stored: &Case, suite: &Suite, target: &Arc<Target>, patience: f64) -> Again {
    let id = stored.name().into_owned();
    let lost = |why: String| Again { id: id.clone(), was: stored.verdict, is: None, why: vec![why] };
    let Some(recorded) = &stored.recorded else { return lost("nothing is recorded of it".into()) };
    let Some(case) = suite.cases.iter().find(|case| case.id == stored.id) else {
        return lost("there is no such case any more".into());
    };
    let transcript = match recorded.transcript() {
        Ok(transcript) => transcript,
        Err(error) => return lost(error.to_string()),
    };
    let Some(target) = at_endpoint(target, case, stored.endpoint.as_deref()) else {
        return lost("the profile has no such endpoint any more".into());
    };
    let settings = Settings { patience, channel: recorded.channel.clone() };
    let judged = replay(case.clone(), target, Arc::clone(&suite.catalogue), settings, &transcript);
    Again { is: Some(judged.verdict), why: why(&judged), ..lost(String::new()) }
}

/// The target with the endpoint at which a case was judged.
fn at_endpoint(target: &Arc<Target>, case: &case::Case, endpoint: Option<&str>) -> Option<Arc<Target>> {
    let is_it = |profile: &&Profile| endpoint.is_none() || endpoint_of(profile, case) == endpoint;
    if is_it(&&target.profile) {
        return Some(Arc::clone(target));
    }
    let further = target.profile.further.iter().find(is_it)?;
    Some(Arc::new(Target { profile: further.clone(), ..Target::clone(target) }))
}

fn why(judged: &Judgement) -> Vec<String> {
    let found = judged.findings.iter().map(|finding| {
        let (expected, received) = (readable(&finding.expected), readable(&finding.received));
        format!("{}: expected {expected}, received {received}", finding.clause)
    });
    judged.reason.iter().cloned().chain(found).collect()
}
