//! How long a poll is held, by what the profile says of it.

use std::sync::Arc;

use pushspec::judge::replay::replay;
use pushspec::judge::{Judgement, Settings, Verdict, needs};
use pushspec::profile::{Profile, Target};
use pushspec::suite::Suite;
use pushspec::transcript;
use rstest::rstest;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A target that holds polls for a time of its own, or for one that it is told.
fn target(hold: &str, query: &str) -> Result<Arc<Target>> {
    let table = format!(
        "[long-polling]\npath = \"/{{channel}}{query}\"\nhold = \"{hold}\"\nmessages = \"/messages\"\n"
    );
    let publish = "[publish]\nrequest = \"POST /{channel}\"\nbody = \"{data}\"\n";
    Ok(Arc::new(Target::new("http://127.0.0.1:8080", Profile::parse("pushspec.toml", &(table + publish))?)?))
}

fn judge(target: &Arc<Target>, id: &str, recorded: &str) -> Result<Judgement> {
    let suite = Suite::embedded()?;
    let case = suite.cases.iter().find(|case| case.id == id).ok_or_else(|| format!("no case {id}"))?;
    let settings = Settings { patience: 1.0, channel: "recorded".into() };
    let lacking: Vec<_> = needs(case).into_iter().filter(|need| !target.can(need)).collect();
    assert!(lacking.is_empty(), "{id} needs {lacking:?}");
    let transcript = transcript::parse(recorded)?;
    Ok(replay(case.clone(), Arc::clone(target), Arc::clone(&suite.catalogue), settings, &transcript))
}

/// The answer to a poll without news at a time, in milliseconds.
fn without_news(at: u64) -> String {
    format!(
        "{at}.000 #0 < \"HTTP/1.1 200 OK\\r\\nContent-Length: 15\\r\\n\\r\\n\\{{\\\"messages\\\":[]}}\"\n"
    )
}

/// A publication at a time, in milliseconds, and the answer that brings it.
fn news(at: u64) -> String {
    let body = "\\{\\\"messages\\\":[\\\"one\\\"]}";
    format!(
        "{at}.000 published\n{}.000 #0 < \"HTTP/1.1 200 OK\\r\\nContent-Length: 20\\r\\n\\r\\n{body}\"\n",
        at + 5
    )
}

const BEST: &str = "long-polling/6202-5-best-practices";
const HELD: &str = "rfc6202/2.1/held-without-news";
const IN_TIME: &str = "rfc6202/5.5/hold-time";

#[rstest]
#[case::a_second_of_ten(
    "10s",
    "long-polling/6202-2.1-long-polling/held-for-three-seconds",
    1_000,
    Some(HELD)
)]
#[case::a_second_of_ten_on_the_slow_page(
    "10s",
    "long-polling/slow/held-for-half-its-own-time",
    1_000,
    Some(HELD)
)]
#[case::a_second_of_three(
    "3s",
    "long-polling/6202-5-best-practices/held-for-half-its-time",
    1_000,
    Some(HELD)
)]
#[case::all_of_two_held("2s", "long-polling/6202-5-best-practices/held-for-half-its-time", 2_000, None)]
#[case::all_of_two("2s", "long-polling/6202-5-best-practices/answered-when-its-time-is-up", 2_000, None)]
#[case::a_little_more_than_two(
    "2s",
    "long-polling/6202-5-best-practices/answered-when-its-time-is-up",
    3_900,
    None
)]
#[case::three_times_two(
    "2s",
    "long-polling/6202-5-best-practices/answered-when-its-time-is-up",
    6_000,
    Some(IN_TIME)
)]
#[case::all_of_ten("10s", "long-polling/slow/answered-when-its-own-time-is-up", 10_000, None)]
#[case::three_times_ten("10s", "long-polling/slow/answered-when-its-own-time-is-up", 30_000, Some(IN_TIME))]
#[case::all_of_ten_held("10s", "long-polling/slow/held-for-half-its-own-time", 10_000, None)]
fn a_hold_is_as_long_as_the_profile_says(
    #[case] hold: &str,
    #[case] id: &str,
    #[case] answered: u64,
    #[case] clause: Option<&str>,
) -> Result {
    let target = target(hold, "")?;
    // Where the silence is kept the case publishes, and the poll is answered with that.
    let publishes = id.contains("/held-");
    let kept = publishes && clause.is_none();
    let recorded = if kept { news(answered / 2 + 100) } else { without_news(answered) };
    let judgement = judge(&target, id, &recorded)?;
    let told: Vec<&str> = judgement.findings.iter().map(|finding| finding.clause.as_str()).collect();
    assert_eq!(told, clause.into_iter().collect::<Vec<_>>(), "{:?}", judgement.reason);
    assert_eq!(
        judgement.verdict,
        if clause.is_some() { Verdict::Warn } else { Verdict::Pass },
        "{:?}",
        judgement.reason
    );
    Ok(())
}

/// A client that asks for two seconds is held for two, or for as long as the server has for all.
#[rstest]
#[case::as_asked("25s", 1_990, Some(HELD))]
#[case::a_bit_less("25s", 990, Some(HELD))]
fn a_hold_that_is_asked_for_is_judged_by_what_was_asked(
    #[case] hold: &str,
    #[case] answered: u64,
    #[case] early: Option<&str>,
) -> Result {
    let target = target(hold, "?hold={hold}")?;
    let judgement = judge(&target, &format!("{BEST}/held-for-half-its-time"), &without_news(answered))?;
    let told = judgement.findings.first().map(|finding| finding.clause.as_str());
    assert_eq!(told, early.filter(|_| answered < 1_000), "{:?}", judgement.findings);
    let late = judge(&target, &format!("{BEST}/answered-when-its-time-is-up"), &without_news(6_000))?;
    assert_eq!(late.findings.len(), 1, "{:?}", late.findings);
    Ok(())
}

#[test]
fn a_server_that_holds_no_poll_for_longer_is_not_asked_to() -> Result {
    let target = target("1s", "?hold={hold}")?;
    let held = judge(&target, &format!("{BEST}/held-for-half-its-time"), &news(600))?;
    assert_eq!(held.verdict, Verdict::Pass, "{:?} {:?}", held.findings, held.reason);
    let over = judge(&target, &format!("{BEST}/answered-when-its-time-is-up"), &without_news(1_000))?;
    assert_eq!(over.verdict, Verdict::Pass, "{:?}", over.findings);
    Ok(())
}
