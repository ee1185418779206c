//! What a procedure that is not answered as it should breaks: the clause about its answer, and not the one that the case is
//! about, to which it never came.

mod recorded;

use pushspec::case::Case;
use pushspec::case::statement::{Line, Procedure, Statement};
use pushspec::judge::{Finding, Judgement, Verdict};
use pushspec::profile::Profile;
use pushspec::suite::Suite;
use recorded::{judge, judge_case, judge_with};
use rstest::rstest;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The clauses that are broken.
fn told(judgement: &Judgement) -> Vec<&str> {
    judgement.findings.iter().map(|finding| finding.clause.as_str()).collect()
}

/// An answer without content.
fn answer(status: &str) -> String {
    format!("\"HTTP/1.1 {status}\\r\\nContent-Length: 0\\r\\n\\r\\n\"")
}

/// The clause about how a procedure is answered.
fn about(procedure: Procedure) -> &'static str {
    match procedure {
        Procedure::OpenWebSocket | Procedure::SubscribeWebSocket => "rfc6455/4.2.2/status",
        Procedure::OpenSse => "html-sse/9.2.3/status-200",
        Procedure::OpenIframe => "iframe/1/status-200",
        Procedure::Poll => "rfc6202/2.1/short-poll-brings-news",
        Procedure::LongPoll => "rfc6202/2.1/news-is-answer",
    }
}

/// The procedure with which a case begins that does not look at the head of its answer, and its line.
fn first_procedure(case: &Case) -> Option<(&Case, Procedure, &Line)> {
    let lines = case.section().conversation.as_deref().unwrap_or_default();
    let line = lines.iter().find(|line| line.statement.is_some())?;
    let Some(Statement::Procedure(procedure, name, _)) = &line.statement else { return None };
    let expects =
        |line: &&Line| matches!(&line.statement, Some(Statement::Expect(other, _)) if other == name);
    if ["again=", "times="].iter().any(|many| line.source.contains(many)) {
        return None;
    }
    let looks = lines.iter().find(expects).is_some_and(|line| line.source.contains("< HTTP/"));
    (!looks).then_some((case, *procedure, line))
}

fn procedures(suite: &Suite) -> Vec<(&Case, Procedure, &Line)> {
    suite.cases.iter().filter_map(first_procedure).collect()
}

/// Publications that succeed.
fn published() -> String {
    (1..80).map(|at| format!("{}.000 published\n", 2000 + at * 100)).collect()
}

/// What the target does in the place of the answer, and publications that succeed.
fn recorded(what: &str) -> String {
    format!("50.000 #0 < {what}\n{}", published())
}

fn rests_on_the_line(finding: &Finding, line: &Line) -> bool {
    finding.place.line == line.number
}

#[rstest]
#[case::refused(&answer("400 Bad Request"))]
#[case::broken(&answer("500 Internal Server Error"))]
fn a_procedure_that_fails_breaks_the_clause_about_its_answer(#[case] what: &str) -> Result {
    let suite = Suite::embedded()?;
    let procedures = procedures(&suite);
    assert!(procedures.len() > 250, "{}", procedures.len());
    let mut named = 0;
    for (case, procedure, line) in procedures {
        let judgement = judge_case(Profile::reference()?, &suite, case, &recorded(what))?;
        for finding in judgement.findings.iter().filter(|finding| rests_on_the_line(finding, line)) {
            let own = line.clause.as_ref().map(|clause| clause.text.trim());
            // A server that does not take an offer declines it, and the connection opens.
            let offers = line.source.contains("offer=");
            let opening = if offers { "rfc6455/9.1/decline" } else { about(procedure) };
            assert_eq!(finding.clause, own.unwrap_or(opening), "{}", case.id);
            named += 1;
        }
    }
    assert!(named > 150, "{named}");
    Ok(())
}

/// A stream or a page that is not answered at all was asked for as before: that says nothing of what the case is about.
#[rstest]
#[case::ended(&recorded("eof"))]
#[case::silent(&published())]
fn a_stream_that_is_not_answered_breaks_nothing(#[case] recorded: &str) -> Result {
    let suite = Suite::embedded()?;
    let mut counted = 0;
    for (case, procedure, line) in procedures(&suite) {
        let is_stream = matches!(procedure, Procedure::OpenSse | Procedure::OpenIframe);
        if !is_stream || line.source.contains("field=") || case.is_precondition() {
            continue;
        }
        let judgement = judge_case(Profile::reference()?, &suite, case, recorded)?;
        let blamed = judgement.findings.iter().find(|finding| rests_on_the_line(finding, line));
        let is_another = line.source.contains("path=") || line.source.contains("version=");
        assert!(blamed.is_none() || is_another, "{}: {blamed:?}", case.id);
        counted += usize::from(judgement.verdict == Verdict::Error);
    }
    assert!(counted > 50, "{counted}");
    Ok(())
}

#[test]
fn a_procedure_of_a_server_that_is_busy_breaks_nothing() -> Result {
    let suite = Suite::embedded()?;
    for (case, _, line) in procedures(&suite) {
        let busy = recorded(&answer("503 Service Unavailable"));
        let judgement = judge_case(Profile::reference()?, &suite, case, &busy)?;
        let blamed = judgement.findings.iter().any(|finding| rests_on_the_line(finding, line));
        assert!(!blamed, "{}: {:?}", case.id, judgement.findings);
    }
    Ok(())
}

const STREAM: &str = "HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n\\r\\n";

#[rstest]
#[case::another_stream(
    "sse/9.2.3-processing-model/every-subscriber-gets-the-message",
    1,
    "html-sse/9.2.3/status-200"
)]
#[case::the_last_of_twelve(
    "sse/9.2.3-processing-model/message-reaches-twelve-streams",
    11,
    "html-sse/9.2.3/status-200"
)]
#[case::the_last_of_many(
    "sse/9.2.3-processing-model/twelve-streams-at-once",
    11,
    "html-sse/9.2.3/many-streams"
)]
fn so_does_one_that_is_not_the_first(
    #[case] id: &str,
    #[case] connection: usize,
    #[case] clause: &str,
) -> Result {
    let opened: String =
        (0..connection).map(|one| format!("{}.000 #{one} < \"{STREAM}\"\n", one + 1)).collect();
    let refused = answer("500 Internal Server Error");
    let judgement = judge(id, &format!("{opened}{}.000 #{connection} < {refused}\n", connection + 1))?;
    assert_eq!(told(&judgement), [clause]);
    Ok(())
}

#[rstest]
#[case("subscribers", "websocket/5.1-push/every-subscriber-gets-the-message")]
#[case("channels", "websocket/5.1-push/message-reaches-its-own-subscribers-alone")]
fn a_subscription_that_is_refused_after_the_precondition_says_nothing(
    #[case] what: &str,
    #[case] id: &str,
) -> Result {
    let judgement = judge(id, &format!("1.000 #0 < {}\n", answer("500 Internal Server Error")))?;
    assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Error, vec![]), "{what}");
    Ok(())
}

/// A long poll that is not answered has no news: the first one of a case because none comes, and a later one by what the case
/// is about.
#[test]
fn a_long_poll_without_an_answer_brings_no_news() -> Result {
    let news = "\"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\n\\{\\\"cursor\\\": 1, \\\"messages\\\": [\\{\\\"data\\\": \\\"one\\\"}]}\"";
    let id = "long-polling/6202-2.2-between-polls/news-between-polls";
    let published = "230.000 published\n";
    assert_eq!(told(&judge(id, published)?), ["rfc6202/2.1/news-is-answer"]);
    let first = format!("{published}240.000 #0 < {news}\n241.000 #0 < eof\n300.000 published\n");
    assert_eq!(told(&judge(id, &first)?), ["rfc6202/2.2/queued-between-polls"]);
    Ok(())
}

#[test]
fn a_stream_whose_events_have_no_identifier_does_not_resume() -> Result {
    let id = "sse/9.2.4-last-event-id/what-others-missed-is-not-resent";
    let events: String = (1..9)
        .map(|at| format!("{at}00.000 published\n{at}10.000 #0 < \"data: one recorded\\n\\n\"\n"))
        .collect();
    let judgement = judge(id, &format!("1.000 #0 < \"{STREAM}\"\n{events}"))?;
    assert_eq!(told(&judgement), ["html-sse/9.2.4/resumes"], "{:?}", judgement.reason);
    Ok(())
}

#[test]
fn another_path_of_the_profile_at_which_nothing_is_says_nothing() -> Result {
    let id = "sse/9.2.5-parsing-an-event-stream/last-event-is-whole";
    let judgement = judge(id, &recorded(&answer("404 Not Found")))?;
    assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Error, vec![]));
    assert!(judgement.reason.is_some_and(|reason| reason.contains("path")));
    Ok(())
}

/// The answers to a first poll that is not the one that the server wants.
#[rstest]
#[case("polling/6202-2.1-short-polling/poll-is-answered", "polling")]
#[case("long-polling/6202-2.1-long-polling/poll-is-answered", "long-polling")]
fn a_first_poll_that_is_refused_says_how_to_ask(#[case] id: &str, #[case] table: &str) -> Result {
    for status in ["400 Bad Request", "422 Unprocessable Content"] {
        let judgement = judge(id, &format!("230.000 published\n300.000 #0 < {}\n", answer(status)))?;
        assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Error, vec![]), "{id}");
        let reason = judgement.reason.unwrap_or_default();
        assert!(reason.contains("`start`") && reason.contains(&format!("[{table}]")), "{reason}");
    }
    Ok(())
}

#[rstest]
#[case("polling/6202-2.1-short-polling/poll-is-answered")]
#[case("polling/6202-2.1-short-polling/nothing-twice")]
#[case("polling/9110-15.4.5-not-modified/tag-is-repeated")]
#[case("long-polling/6202-2.1-long-polling/poll-is-answered")]
fn a_first_poll_makes_no_condition(#[case] id: &str) -> Result {
    let unmodified = "\"HTTP/1.1 304 Not Modified\\r\\nETag: \\\"a\\\"\\r\\n\\r\\n\"";
    let recorded = format!("230.000 published\n500.000 #0 < {unmodified}\n");
    assert_eq!(told(&judge(id, &recorded)?), ["rfc9110/15.4.5/answers-a-condition"]);
    Ok(())
}

#[test]
fn a_profile_can_say_that_a_304_is_no_news() -> Result {
    let mut profile = Profile::reference()?;
    profile.polling.as_mut().ok_or("no polling")?.answer.empty = vec![304];
    let unmodified = "\"HTTP/1.1 304 Not Modified\\r\\n\\r\\n\"";
    let id = "polling/6202-2.1-short-polling/poll-is-answered";
    let judgement = judge_with(profile, id, &format!("1.000 #0 < {unmodified}\n"))?;
    assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Pass, vec![]));
    Ok(())
}

/// A server that answers a bad request as any other has another fault than the status with which it does so.
#[rstest]
#[case("http/9112-2.2-message-parsing/line-without-colon[polling]", true)]
#[case("http/9112-3-request-line/absolute-form[polling]", false)]
fn a_304_breaks_what_it_breaks(#[case] id: &str, #[case] is_to_be_refused: bool) -> Result {
    let unmodified = "1.000 #0 < \"HTTP/1.1 304 Not Modified\\r\\n\\r\\n\"\n";
    let asked = "rfc9110/15.4.5/answers-a-condition";
    assert_eq!(told(&judge(id, unmodified)?) != [asked], is_to_be_refused);
    let mut profile = Profile::reference()?;
    profile.polling.as_mut().ok_or("no polling")?.answer.empty = vec![304];
    assert_ne!(told(&judge_with(profile, id, unmodified)?), [asked]);
    Ok(())
}
