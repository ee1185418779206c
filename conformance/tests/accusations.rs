//! What no server is accused of, and what is told once: each test is a habit of servers that people use.

mod recorded;
mod servers;

use std::sync::Arc;
use std::time::Duration;

use pushspec::case::statement::{Declared, Line, Statement};
use pushspec::drive::schedule::Options;
use pushspec::judge::{Judgement, Verdict};
use pushspec::outcome::Outcome;
use pushspec::profile::{Profile, Target};
use pushspec::suite::{Pattern, Suite};
use pushspec::transcript;
use recorded::judge;
use rstest::rstest;
use servers::Habit;
use tokio::net::TcpListener;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The clauses that are broken, each with what came.
fn told(judgement: &Judgement) -> Vec<(&str, &str)> {
    let findings = judgement.findings.iter();
    findings.map(|finding| (finding.clause.as_str(), finding.received.as_str())).collect()
}

/// The names of the invariants that are broken.
fn breached(judgement: &Judgement) -> Vec<&'static str> {
    judgement.breaches.iter().map(|breach| breach.invariant.name()).collect()
}

const STREAM: &str = "HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n\\r\\n";

/// An open WebSocket, and what follows.
fn opened(rest: &str) -> String {
    format!(
        "1.000 #0 < \"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n\"\n{rest}"
    )
}

const HEAD: &str = "sse/9.2.3-processing-model/head-before-first-event";

#[rstest]
#[case::with_the_tick("1000.000")]
#[case::a_moment_before("990.000")]
#[case::at_the_bound("700.400")]
fn a_head_that_comes_with_the_first_tick_is_late_whenever_the_tick_is(#[case] at: &str) -> Result {
    let expected = [("html-sse/9.2.3/head-before-first-event", "nothing within 700ms")];
    assert_eq!(told(&judge(HEAD, &format!("{at} #0 < \"{STREAM}\"\n"))?), expected);
    assert_eq!(told(&judge(HEAD, "")?), expected, "late and not at all are told alike");
    assert_eq!(told(&judge(HEAD, &format!("650.000 #0 < \"{STREAM}\"\n"))?), []);
    Ok(())
}

/// A poll that is answered on a connection that goes on, and the end of it.
#[rstest]
#[case::at_once(320, &["http-close-announced", "http-close-in-every-answer"])]
#[case::when_it_has_been_idle(500, &[])]
fn an_end_is_unannounced_where_it_belongs_to_the_answer(
    #[case] end: u32,
    #[case] expected: &[&str],
) -> Result {
    let answer = "300.000 #0 < \"HTTP/1.1 200 OK\\r\\nContent-Length: 29\\r\\n\\r\\n\\{\\\"cursor\\\": 1, \\\"messages\\\": []}\"\n";
    let recorded = format!("{answer}{end}.000 #0 < eof\n600.000 published\n");
    let judgement = judge("polling/6202-2.1-short-polling/only-what-is-new", &recorded)?;
    assert_eq!(breached(&judgement), expected, "{}", judgement.transcript);
    Ok(())
}

const BEHIND_BAD_TEXT: &str = "websocket/8.1-utf-8/message-behind-bad-text";

#[rstest]
#[case::it_sends_the_bad_text_back("2.000 #0 < x\"81 01 ff 81 06\" + \"behind\"\n", &["rfc6455/8.1/invalid-utf8"])]
#[case::it_sends_a_replacement_back("2.000 #0 < x\"81 03 ef bf bd 81 06\" + \"behind\"\n", &["rfc6455/8.1/invalid-utf8"])]
#[case::it_falls_silent("", &["rfc6455/8.1/invalid-utf8"])]
#[case::it_goes_on("2.000 #0 < x\"81 06\" + \"behind\"\n3.000 #0 < eof\n", &["rfc6455/7.1.7/nothing-processed-after-failing"])]
#[case::it_goes_on_behind_its_close("2.000 #0 < x\"88 02 03 ef 81 06\" + \"behind\"\n3.000 #0 < eof\n", &[])]
#[case::it_fails("2.000 #0 < x\"88 02 03 ef\"\n3.000 #0 < eof\n", &[])]
#[case::it_fails_without_a_word("2.000 #0 < eof\n", &[])]
fn nothing_is_processed_behind_a_failure_only_where_there_is_one(
    #[case] rest: &str,
    #[case] expected: &[&str],
) -> Result {
    let judgement = judge(BEHIND_BAD_TEXT, &opened(rest))?;
    let goes_on_behind_its_close = rest.contains("88 02 03 ef 81");
    assert_eq!(breached(&judgement).contains(&"websocket-nothing-after-close"), goes_on_behind_its_close);
    assert_eq!(told(&judgement).iter().map(|(clause, _)| *clause).collect::<Vec<_>>(), expected);
    Ok(())
}

const ANSWERED: &str = "rfc6455/5.5.1/close-answered";

/// What a case is about breaks where something comes that it rules out.
#[rstest]
#[case("websocket/5.2-base-framing/close-in-pieces", "rfc6455/5.2/frame-boundaries")]
#[case("websocket/5.4-fragmentation/close-between-fragments", "rfc6455/5.4/control-frames-between")]
#[case("websocket/7-closing/tcp-connection-ends-in-order", ANSWERED)]
#[case("websocket/7-closing/data-after-close-is-not-answered", ANSWERED)]
#[case("websocket/7-closing/garbage-after-close", ANSWERED)]
fn a_connection_that_does_not_end_behind_its_close_breaks_that_alone(
    #[case] id: &str,
    #[case] of_silence: &str,
) -> Result {
    let clauses = |rest: &str| -> Result<Vec<String>> {
        Ok(told(&judge(id, &opened(rest))?).iter().map(|(clause, _)| (*clause).to_owned()).collect())
    };
    assert_eq!(clauses("2.000 #0 < x\"88 02 03 e8\"\n")?, ["rfc6455/5.5.1/connection-closed"]);
    assert_eq!(clauses("")?, [of_silence]);
    assert_eq!(clauses("2.000 #0 < x\"88 02 03 e8\"\n3.000 #0 < eof\n")?, [""; 0]);
    Ok(())
}

#[test]
fn an_answer_behind_a_close_breaks_what_the_case_is_about() -> Result {
    let id = "websocket/7-closing/data-after-close-is-not-answered";
    let judgement = judge(id, &opened("2.000 #0 < x\"81 04\" + \"late\"\n"))?;
    assert_eq!(told(&judgement), [("rfc6455/6.1/only-while-open", "message \"late\"")]);
    Ok(())
}

/// An answer that is cut off in the middle of a parameter.
#[test]
fn an_acceptance_that_nobody_can_read_breaks_no_clause_of_a_parameter() -> Result {
    let answer = |extensions: &str| {
        format!(
            "1.000 #0 < \"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: \
             Upgrade\\r\\nSec-WebSocket-Extensions: {extensions}\\r\\n\\r\\n\"\n"
        )
    };
    let id = "websocket/7692-7.1-parameters/window-of-the-server-with-others[all-four]";
    let all = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
               server_max_window_bits=10; client_max_window_bits";
    for (answered, expected) in [
        (format!("{all}="), vec!["rfc7692/7/answer"]),
        (format!("{all}=12"), vec![]),
        (all.replace("=10", "=15") + "=12", vec!["rfc7692/7.1.2.1/answered"]),
    ] {
        let judgement = judge(id, &answer(&answered))?;
        let clauses: Vec<&str> = told(&judgement).iter().map(|(clause, _)| *clause).collect();
        assert_eq!(clauses, expected, "{answered}");
    }
    Ok(())
}

/// Whether a server has read a line as the host shows only where it asks for a host.
#[rstest]
#[case(
    "http/9112-2.2-message-parsing/white-space-before-first-field[sse]",
    "rfc9112/2.2/white-space-before-first-field"
)]
#[case("http/9112-2.2-message-parsing/carriage-return-ends-no-line[sse]", "rfc9112/2.2/bare-cr-in-request")]
fn what_a_server_reads_that_needs_no_host_is_not_held_against_it(
    #[case] id: &str,
    #[case] clause: &str,
) -> Result {
    const REFUSAL: &str = "HTTP/1.1 400 Bad Request\\r\\nContent-Length: 0\\r\\n\\r\\n";
    for (without_a_host, verdict, expected) in
        [(STREAM, Verdict::Skip, vec![]), (REFUSAL, Verdict::Fail, vec![clause])]
    {
        let recorded = format!("1.000 #0 < \"{without_a_host}\"\n2.000 #1 < \"{STREAM}\"\n");
        let judgement = judge(id, &recorded)?;
        assert_eq!(judgement.verdict, verdict, "{:?}", judgement.reason);
        assert_eq!(told(&judgement).iter().map(|(clause, _)| *clause).collect::<Vec<_>>(), expected);
    }
    Ok(())
}

/// What becomes of the second request cannot be asked where the first one is not answered, or opens the WebSocket.
#[rstest]
#[case("websocket/4.2.1-opening-handshake/handshake-behind-another-request", "", "nothing within 8s")]
#[case(
    "websocket/4.2.1-opening-handshake/handshake-behind-a-refused-one",
    &opened(""),
    "HTTP/1.1 101 Switching Protocols"
)]
#[case("http/9112-2.2-message-parsing/carriage-return-ends-no-line[sse]", "", "nothing within 8s")]
fn a_case_that_is_not_answered_as_it_rests_on_is_skipped(
    #[case] id: &str,
    #[case] rest: &str,
    #[case] received: &str,
) -> Result {
    let judgement = judge(id, rest)?;
    assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Skip, vec![]));
    let why = judgement.reason.unwrap_or_default();
    assert!(why.starts_with("it rests on HTTP/1.x "), "{why}");
    assert!(why.ends_with(&format!(", and {received} was received")), "{why}");
    Ok(())
}

#[rstest]
#[case("websocket/4.2.2-servers-answer/one-of-the-offered-subprotocols-at-most", &["rfc6455/4.2.2/subprotocol-selected"])]
#[case("websocket/4.2.2-servers-answer/subprotocols-in-lists[without-blanks]", &["rfc6455/4.2.2/subprotocol-selected"])]
#[case("websocket/11.3-fields/subprotocols-in-two-lines", &["rfc6455/4.2.2/subprotocol-selected"])]
#[case("websocket/4.2.2-servers-answer/subprotocol-as-offered[chat]", &[])]
#[case("websocket/4.2.2-servers-answer/subprotocol-that-nobody-speaks", &[])]
#[case("websocket/11.3-fields/one-subprotocol-line", &[])]
fn an_empty_subprotocol_breaks_one_clause(#[case] id: &str, #[case] expected: &[&str]) -> Result {
    let answer = "1.000 #0 < \"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Protocol:\\r\\n\\r\\n\"\n";
    let judgement = judge(id, answer)?;
    assert_eq!(told(&judgement).iter().map(|(clause, _)| *clause).collect::<Vec<_>>(), expected);
    Ok(())
}

/// What a server makes of text with a carriage return that writes it as it is, line by line at LF.
#[rstest]
#[case::in_the_midst("carriage-return-costs-no-text[cr]")]
#[case::at_the_ends("carriage-returns-at-the-ends-of-the-text[cr]")]
fn a_carriage_return_that_ends_a_line_is_told_as_an_injection_alone(#[case] name: &str) -> Result {
    let id = format!("sse/9.2.6-interpreting-an-event-stream/{name}");
    let recorded = format!(
        "1.000 #0 < \"{STREAM}\"\n30.000 published\n31.000 #0 < \"data: one\\ndata: one recorded\\n\\n\"\n40.000 \
         published\n50.000 published\n51.000 #0 < \"data: one\\rdata: one recorded\\n\\ndata: end recorded\\n\\n\"\n"
    );
    let judgement = judge(&id, &recorded)?;
    let clauses: Vec<&str> = told(&judgement).iter().map(|(clause, _)| *clause).collect();
    assert_eq!(clauses, ["html-sse/9.2.6/no-injection"], "{:?}", judgement.findings);
    Ok(())
}

#[test]
fn a_text_in_another_spelling_is_not_waited_for_in_vain() -> Result {
    let id = "sse/9.2.6-interpreting-an-event-stream/carriage-return-costs-no-text[cr]";
    let recorded = format!(
        "1.000 #0 < \"{STREAM}\"\n30.000 published\n31.000 #0 < \"data: one\\ndata: one recorded\\n\\n\"\n40.000 \
         published\n50.000 published\n51.000 #0 < \"data: one\\\\rdata: one recorded\\n\\ndata: end recorded\\n\\n\"\n\
         60.000 published\n61.000 #0 < \"data: one\\\\rtwo\\n\\n\"\n"
    );
    let judgement = judge(id, &recorded)?;
    let clauses: Vec<&str> = told(&judgement).iter().map(|(clause, _)| *clause).collect();
    assert_eq!(clauses, ["html-sse/9.2.6/line-break-kept"]);
    assert!(judgement.duration < Duration::from_secs(2), "{:?}", judgement.duration);
    Ok(())
}

#[test]
fn lines_that_the_case_itself_makes_are_no_unknown_fields() -> Result {
    let id = "sse/9.2.6-interpreting-an-event-stream/carriage-return-starts-no-event[cr]";
    let before = format!(
        "1.000 #0 < \"{STREAM}\"\n2.000 #0 < \"strange\\n\\n\"\n30.000 published\n31.000 #0 < \"data: two recorded\\n\\n\"\n"
    );
    let after = "40.000 published\n41.000 #0 < \"data: one\\rstranger\\n\\n\"\n50.000 published\n51.000 #0 < \"data: three recorded\\n\\n\"\n";
    let judgement = judge(id, &format!("{before}{after}"))?;
    let seen: Vec<&str> = judgement.breaches.iter().map(|breach| breach.seen.as_str()).collect();
    assert_eq!(seen, ["the line \"strange\""], "what came before the case published a line break counts");
    Ok(())
}

#[test]
fn a_stream_that_ends_at_what_cannot_be_published_breaks_nothing_of_http() -> Result {
    let id = "sse/9.2.6-interpreting-an-event-stream/name-starts-no-event[lf]";
    let chunked =
        "HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n";
    let event = "17\\r\\ndata: two recorded\\n\\n: a\\r\\n";
    let recorded = format!(
        "1.000 #0 < \"{chunked}\"\n30.000 published\n31.000 #0 < \"{event}\"\n40.000 published\n41.000 #0 < \"0\\r\\n\\r\\n\"\n41.000 #0 < eof\n50.000 published\n60.000 published\n"
    );
    let judgement = judge(id, &recorded)?;
    assert_eq!(breached(&judgement), [] as [&str; 0], "{:?}", judgement.breaches);
    let clauses: Vec<&str> = told(&judgement).iter().map(|(clause, _)| *clause).collect();
    assert_eq!(clauses, ["html-sse/9.2.6/refusal-ends-no-stream"]);
    Ok(())
}

#[rstest]
#[case::that_does_not_look_at_methods("200 OK", "200 OK", &[("rfc9112/3.1/methods-alike", Verdict::Info)])]
#[case::that_takes_small_letters("405 Method Not Allowed", "200 OK", &[("rfc9112/3.1/method-in-exact-case", Verdict::Fail)])]
#[case::that_takes_neither("501 Not Implemented", "501 Not Implemented", &[])]
fn a_method_in_small_letters_is_held_against_a_server(
    #[case] unknown: &str,
    #[case] small: &str,
    #[case] expected: &[(&str, Verdict)],
) -> Result {
    let answer = |status: &str| format!("\"HTTP/1.1 {status}\\r\\nContent-Length: 0\\r\\n\\r\\n\"");
    let recorded = format!("1.000 #0 < {}\n2.000 #1 < {}\n", answer(unknown), answer(small));
    let judgement = judge("http/9112-3-request-line/method-in-lower-case[polling]", &recorded)?;
    let found: Vec<_> =
        judgement.findings.iter().map(|finding| (finding.clause.as_str(), finding.verdict)).collect();
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn a_stream_without_heartbeats_is_told_so_once() -> Result {
    for name in ["heartbeat-comes", "heartbeat-comes-in-time"] {
        let judgement =
            judge(&format!("sse/9.2.7-authoring-notes/{name}"), &format!("1.000 #0 < \"{STREAM}\"\n"))?;
        let clauses: Vec<&str> = told(&judgement).iter().map(|(clause, _)| *clause).collect();
        assert_eq!(clauses, ["html-sse/9.2.7/heartbeat"], "{name}");
    }
    Ok(())
}

const ECHO: &str = "[websocket]\npath = \"/\"\nbinary = true\nreply = \"{message}\"\n";

async fn judge_habit(habit: Habit, select: &[&str]) -> Result<Outcome> {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
    let target =
        Target::new(&format!("http://{}", listener.local_addr()?), Profile::parse("pushspec.toml", ECHO)?)?;
    let serving = tokio::spawn(servers::serve(Arc::clone(&listener), habit));
    let select = select.iter().map(|pattern| Pattern::new(pattern)).collect();
    let outcome =
        Suite::embedded()?.run(&Arc::new(target), &Options { select, ..Options::default() }).await?;
    serving.abort();
    Ok(outcome)
}

#[tokio::test]
async fn a_server_that_puts_no_fragments_together_is_told_so_once() -> Result {
    let outcome = judge_habit(Habit::Tutorial, &["websocket/5.4-fragmentation"]).await?;
    let reason = "the precondition websocket/5.4-fragmentation/two-fragments did not pass";
    let skipped = outcome.cases.iter().filter(|case| case.reason.as_deref() == Some(reason)).count();
    assert!(skipped > 50, "{:?}", outcome.counts());
    let accused: Vec<&str> = outcome
        .cases
        .iter()
        .filter(|case| case.case.page.path == "websocket/5.4-fragmentation" && !case.findings.is_empty())
        .map(|case| case.case.id.as_str())
        .collect();
    assert_eq!(accused, ["websocket/5.4-fragmentation/two-fragments"]);
    Ok(())
}

/// A poll, and what comes behind its answer.
fn polled(rest: &str) -> String {
    let answer = "300.000 #0 < \"HTTP/1.1 200 OK\\r\\nContent-Length: 29\\r\\n\\r\\n\\{\\\"cursor\\\": 1, \\\"messages\\\": []}\"\n";
    format!("{answer}{rest}600.000 published\n")
}

#[rstest]
#[case::nothing("", &[])]
#[case::a_line_end("310.000 #0 < \"\\r\\n\"\n", &[])]
#[case::a_refusal_before_the_end(
    "310.000 #0 < \"HTTP/1.1 408 Request Timeout\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n",
    &[]
)]
#[case::a_byte("310.000 #0 < \"}\"\n", &["http-nothing-behind-the-body"])]
#[case::another_answer(
    "310.000 #0 < \"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n",
    &["http-nothing-behind-the-body"]
)]
fn nothing_belongs_behind_a_body(#[case] rest: &str, #[case] expected: &[&str]) -> Result {
    let judgement = judge("polling/6202-2.1-short-polling/only-what-is-new", &polled(rest))?;
    assert_eq!(breached(&judgement), expected, "{}", judgement.transcript);
    Ok(())
}

#[rstest]
#[case::it_never_comes("", true)]
#[case::it_comes_late("600.000 #0 < \"\\r\\n\"\n", false)]
fn the_empty_line_behind_the_last_chunk_is_missed_by_its_own_name(
    #[case] rest: &str,
    #[case] is_missed: bool,
) -> Result {
    let chunks = "HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n1d\\r\\n\\{\\\"cursor\\\": 1, \\\"messages\\\": []}\\r\\n0\\r\\n";
    let recorded = format!("300.000 #0 < \"{chunks}\"\n{rest}");
    let judgement = judge("polling/6202-2.1-short-polling/only-what-is-new", &recorded)?;
    assert_eq!(breached(&judgement).contains(&"chunked-well-formed"), is_missed, "{}", judgement.transcript);
    assert!(told(&judgement).iter().all(|(_, received)| !received.contains("within 8s")) || !is_missed);
    Ok(())
}

#[test]
fn pings_of_the_server_are_answered_while_a_case_waits() -> Result {
    let id = "websocket/slow/quiet-for-seventeen-seconds";
    let pings = "2.000 #0 < x\"8a 04\" + \"here\"\n5000.000 #0 < x\"89 02\" + \"hi\"\n10000.000 #0 < x\"89 00\"\n17020.000 #0 < x\"8a 05\" + \"there\"\n";
    let judgement = judge(id, &opened(pings))?;
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.findings);
    let printed = transcript::printed(&judgement.transcript).join("\n");
    let answers: Vec<&str> = printed.lines().filter(|line| line.contains("> [pong")).collect();
    assert!(answers.len() == 2 && answers[0].contains("\"hi\""), "{printed}");
    assert!(judgement.trace.iter().all(|line| !line.contains("pong") || line.contains("here")));
    assert_eq!(judge(id, &judgement.transcript.to_string())?.transcript, judgement.transcript);
    Ok(())
}

#[test]
fn no_pong_goes_into_the_middle_of_a_frame_or_behind_a_close() -> Result {
    for id in [
        "websocket/8.1-utf-8/bad-text-fails-before-the-frame-ends",
        "websocket/7-closing/close-is-answered-soon",
    ] {
        let judgement = judge(id, &opened("2.000 #0 < x\"89 00\"\n"))?;
        let printed = transcript::printed(&judgement.transcript).join("\n");
        assert!(!printed.contains("pong"), "{id}: {printed}");
    }
    Ok(())
}

#[test]
fn text_that_is_escaped_is_another_text_and_not_an_injection() -> Result {
    let id = "sse/9.2.6-interpreting-an-event-stream/line-feeds-within-the-text[line]";
    let recorded = format!(
        "1.000 #0 < \"{STREAM}\"\n30.000 published\n31.000 #0 < \"data: one recorded\\\\ntwo\\n\\n\"\n"
    );
    let judgement = judge(id, &recorded)?;
    let clauses: Vec<&str> = told(&judgement).iter().map(|(clause, _)| *clause).collect();
    assert_eq!(clauses, ["html-sse/9.2.6/verbatim"]);
    Ok(())
}

#[rstest]
#[case::where_a_refusal_is_expected("http/9110-9-methods/unknown-method[polling]")]
#[case::where_a_handshake_is_refused("websocket/4.4-versions/*")]
#[case::where_a_host_is_refused("http/9112-3-request-line/two-host-fields[sse]")]
#[case::where_a_poll_is_answered("polling/6202-2.1-short-polling/poll-is-answered")]
fn a_server_that_is_busy_says_nothing_of_any_clause(#[case] pattern: &str) -> Result {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        for id in ids(pattern)? {
            let busy = format!("1.000 #0 < \"HTTP/1.1 {status}\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n");
            let judgement = judge(&id, &busy)?;
            assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Error, vec![]), "{id}: {status}");
        }
    }
    Ok(())
}

/// The cases of a pattern.
fn ids(pattern: &str) -> Result<Vec<String>> {
    let cases = Suite::embedded()?.select(&[Pattern::new(pattern)])?;
    let ids: Vec<String> = cases.into_iter().map(|case| case.id).collect();
    if ids.is_empty() { Err(format!("no case {pattern}").into()) } else { Ok(ids) }
}

#[rstest]
#[case("iframe/1-page/page-for-a-client-of-1.0")]
#[case("polling/6202-2.1-short-polling/old-client-is-served")]
#[case("long-polling/6202-2.1-long-polling/old-client-is-answered")]
#[case("sse/9112-6-message-body/message-reaches-an-http-1.0-client")]
#[case("sse/9.2.5-parsing-an-event-stream/last-event-is-whole-without-chunks")]
fn a_server_need_not_serve_http_1_0(#[case] id: &str) -> Result {
    for status in ["505 HTTP Version Not Supported", "426 Upgrade Required"] {
        let recorded = format!("250.000 #0 < \"HTTP/1.1 {status}\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n");
        let judgement = judge(id, &format!("{recorded}240.000 published\n"))?;
        assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Skip, vec![]), "{id}: {status}");
        assert!(judgement.reason.is_some_and(|reason| reason.contains("HTTP/1.0")));
    }
    let modern = "sse/9.2.3-processing-model/no-content-length";
    let judgement = judge(modern, "1.000 #0 < \"HTTP/1.1 505 No\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n")?;
    assert_ne!(judgement.verdict, Verdict::Skip, "a client of HTTP/1.1 is served");
    Ok(())
}

#[rstest]
#[case::of_a_page("iframe/1-page/page-without-length", "500 Internal Server Error", "iframe/1/status-200")]
#[case::of_a_stream(
    "sse/17.6-text-event-stream/no-entity-tag",
    "408 Request Timeout",
    "html-sse/9.2.3/status-200"
)]
#[case::of_a_poll(
    "long-polling/6202-2.1-long-polling/type-is-named",
    "500 Internal Server Error",
    "rfc6202/2.1/news-is-answer"
)]
#[case::of_a_name_that_is_taken(
    "iframe/5-callback/refusal-of-a-callback-is-no-page",
    "200 OK",
    "iframe/5/name-checked"
)]
#[case::of_a_condition(
    "polling/9110-13.1.4-if-unmodified-since/changed-since",
    "500 Internal Server Error",
    "rfc9110/15.5/client-errors"
)]
#[case::of_an_upgrade(
    "websocket/4.2.2-servers-answer/unknown-extension-is-declined",
    "400 Bad Request",
    "rfc6455/9.1/decline"
)]
fn a_status_breaks_the_clause_about_it(
    #[case] id: &str,
    #[case] status: &str,
    #[case] clause: &str,
) -> Result {
    let answer = format!("\"HTTP/1.1 {status}\\r\\nContent-Length: 0\\r\\n\\r\\n\"");
    let recorded = format!("230.000 published\n240.000 #0 < {answer}\n250.000 #1 < {answer}\n");
    let judgement = judge(id, &recorded)?;
    assert_eq!(told(&judgement).iter().map(|(clause, _)| *clause).collect::<Vec<_>>(), [clause]);
    Ok(())
}

#[rstest]
#[case("http/9110-5.4-field-limits/*", "")]
#[case(
    "http/9112-3-request-line/target-too-long",
    "1.000 #0 < \"HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n"
)]
fn a_server_that_has_read_enough_may_end_the_connection(
    #[case] pattern: &str,
    #[case] before: &str,
) -> Result {
    let on = if before.is_empty() { "#0" } else { "#1" };
    for end in ["eof", "reset"] {
        for id in ids(pattern)? {
            let judgement = judge(&id, &format!("{before}2.000 {on} < {end}\n"))?;
            assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Pass, vec![]), "{id}: {end}");
        }
    }
    Ok(())
}

/// Whatever is answered, and whether: what these cases look for is the end.
#[rstest]
#[case("http/9112-9-connections/end-after-1.0[polling]")]
#[case("http/9112-9-connections/old-client-is-told-where-the-answer-ends[polling]")]
#[case("http/9112-9-connections/end-without-a-request")]
#[case("http/9112-9-connections/request-and-end[polling]")]
#[case("http/9112-6-message-body/body-of-a-get[length,polling]")]
#[case("http/9112-6-message-body/body-of-a-get[chunks,polling]")]
#[case("http/9112-6-message-body/several-chunks[polling]")]
#[case("http/9112-6-message-body/content-that-breaks-off[polling]")]
fn an_end_is_an_end_whatever_the_answer(#[case] id: &str) -> Result {
    for status in
        ["200 OK", "302 Found", "400 Bad Request", "408 Request Timeout", "500 Internal Server Error"]
    {
        let answer = format!("HTTP/1.1 {status}\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n");
        let judgement = judge(id, &format!("1.000 #0 < \"{answer}\"\n2.000 #0 < eof\n"))?;
        assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Pass, vec![]), "{id}: {status}");
    }
    for end in ["eof", "reset"] {
        let judgement = judge(id, &format!("1.000 #0 < {end}\n"))?;
        assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Pass, vec![]), "{id}: {end}");
    }
    Ok(())
}

#[rstest]
#[case("close-after-answer[polling]", &[])]
#[case("close-in-answer[polling]", &[])]
#[case("request-behind-the-last-one[polling]", &[])]
fn a_last_answer_that_is_an_error_is_the_last_all_the_same(
    #[case] name: &str,
    #[case] expected: &[&str],
) -> Result {
    for status in ["404 Not Found", "408 Request Timeout", "500 Internal Server Error"] {
        let answer = format!("HTTP/1.1 {status}\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n");
        let id = format!("http/9112-9-connections/{name}");
        let judgement = judge(&id, &format!("1.000 #0 < \"{answer}\"\n2.000 #0 < eof\n"))?;
        assert_eq!(
            told(&judgement).iter().map(|(clause, _)| *clause).collect::<Vec<_>>(),
            expected,
            "{status}"
        );
    }
    Ok(())
}

/// What is too large is refused with a code of the server's choice, and many a server waits behind its close frame.
#[rstest]
#[case("websocket/6-messages/small-messages-between-large-ones")]
#[case("websocket/6-messages/full-buffers")]
#[case("websocket/5.1-push/slow-subscriber-misses-nothing-unseen")]
#[case("websocket/5.4-fragmentation/fragments-of-one-byte[8]")]
#[case("websocket/10.4-limits/large-text[64KiB]")]
fn a_refusal_of_size_may_have_any_of_its_codes_and_be_the_last_word(#[case] id: &str) -> Result {
    let published: String = (3..12).map(|at| format!("{at}0.000 published\n")).collect();
    for frame in ["88 02 03 f0", "88 02 03 f1", "88 02 0b b8", "88 02 0f a0", "88 00"] {
        let judgement = judge(id, &opened(&format!("{published}400.000 #0 < x\"{frame}\"\n")))?;
        assert_eq!(told(&judgement), [], "{id}: {frame}");
    }
    Ok(())
}

/// A server that answers each poll as if it had no condition.
#[rstest]
#[case("polling/9110-13.1.2-if-none-match/either-strength*")]
#[case("polling/9110-13.1.2-if-none-match/list-*")]
#[case("polling/9110-13.1.2-if-none-match/comma-within-a-tag")]
#[case("polling/9110-15.4.5-not-modified/*")]
fn conditions_that_are_passed_over_are_no_mistakes_in_reading_them(#[case] pattern: &str) -> Result {
    let body = "\\{\\\"cursor\\\": 1, \\\"messages\\\": []}";
    let fields = "ETag: \\\"a\\\"\\r\\nDate: Sun, 06 Nov 1994 08:49:37 GMT\\r\\nContent-Length: 29";
    let answer = format!("\"HTTP/1.1 200 OK\\r\\n{fields}\\r\\n\\r\\n{body}\"");
    for id in ids(pattern)?.into_iter().filter(|id| !id.ends_with("/not-without-a-condition")) {
        let recorded = format!("10.000 published\n300.000 #0 < {answer}\n600.000 #1 < {answer}\n");
        let judgement = judge(&id, &recorded)?;
        let clauses: Vec<&str> = told(&judgement).iter().map(|(clause, _)| *clause).collect();
        assert_eq!(clauses, ["rfc9110/13.1.2/match-is-304"], "{id}");
    }
    Ok(())
}

/// What servers and proxies wait by default, in seconds.
const OF_THE_FIELD: [u64; 6] = [5, 10, 15, 30, 60, 75];

#[test]
fn no_time_on_a_page_meets_a_timer_of_the_field_by_chance() -> Result {
    let suite = Suite::embedded()?;
    let mut met = Vec::new();
    for case in &suite.cases {
        for line in case.section().conversation.iter().flatten() {
            let spans = match &line.statement {
                Some(Statement::Within(span) | Statement::Wait(span) | Statement::Silent(_, span, _)) => {
                    vec![*span]
                }
                Some(Statement::After(from, until)) => vec![*from, *until],
                _ => continue,
            };
            // The profile gives the times of heartbeats and holds.
            let spans = spans.into_iter().filter(|span| !span.is_declared());
            for time in spans.map(|span| span.duration(Declared::default())) {
                let is_near = |timer: &u64| {
                    let timer = Duration::from_secs(*timer);
                    time >= Duration::from_secs(3) && time.abs_diff(timer) * 15 < timer
                };
                met.extend(
                    OF_THE_FIELD.iter().filter(|timer| is_near(timer)).map(|_| (case.id.clone(), time)),
                );
            }
        }
    }
    assert!(met.is_empty(), "{met:#?}");
    Ok(())
}

#[rstest]
#[case::that_nobody_may_send("unusable-code[1005]", "03 ed")]
#[case::that_nobody_may_send_either("unusable-code[1015]", "03 f7")]
#[case::beyond_all_ranges("code-beyond-all-ranges[5000]", "13 88")]
fn a_code_that_is_sent_back_is_told_once(#[case] name: &str, #[case] code: &str) -> Result {
    let id = format!("websocket/7.4-close-codes/{name}");
    let judgement = judge(&id, &opened(&format!("2.000 #0 < x\"88 02 {code}\"\n3.000 #0 < eof\n")))?;
    let clauses: Vec<&str> = told(&judgement).iter().map(|(clause, _)| *clause).collect();
    assert_eq!((judgement.verdict, clauses), (Verdict::Fail, vec!["rfc6455/7.4.1/unusable-code-received"]));
    assert_eq!(breached(&judgement), [] as [&str; 0], "{:?}", judgement.breaches);
    let unasked =
        judge("websocket/7-closing/close-is-answered", &opened(&format!("2.000 #0 < x\"88 02 {code}\"\n")))?;
    assert_eq!(breached(&unasked).len(), 1, "{:?}", unasked.breaches);
    Ok(())
}

#[rstest]
#[case::at_a_limit("websocket/10.4-limits/large-text[64KiB]")]
#[case::at_half_a_code("websocket/7-closing/body-of-one-byte")]
#[case::at_a_code_that_nobody_has_defined("websocket/7.4-close-codes/undefined-code[2000]")]
fn a_close_frame_without_a_code_is_a_refusal(#[case] id: &str) -> Result {
    let judgement = judge(id, &opened("2.000 #0 < x\"88 00\"\n3.000 #0 < eof\n"))?;
    assert_eq!(told(&judgement), [], "{id}");
    Ok(())
}

/// Clauses whose business it is with which status something is answered.
const OF_A_STATUS: [&str; 7] = [
    "html-sse/9.2.1/redirects",
    "html-sse/9.2.2/accept-is-optional",
    "html-sse/9.2.2/browsers-fields",
    "html-sse/9.2.4/any-value-opens",
    "fetch-cors/cors-preflight-fetch/answer",
    "rfc6455/9.1/old-grammar",
    "rfc6455/11.3.4/several-lines",
];

#[test]
fn no_status_is_held_against_a_clause_about_a_field() -> Result {
    let suite = Suite::embedded()?;
    let mut blamed: Vec<String> = Vec::new();
    for case in &suite.cases {
        let lines: Vec<_> = case.section().conversation.iter().flatten().collect();
        for (at, line) in lines.iter().enumerate() {
            let source = line.source.trim();
            let Some((arrow, codes)) = source.split_once("< HTTP/1.") else { continue };
            let takes_all = ["2xx", "3xx", "4xx", "5xx"].iter().all(|class| codes.contains(class));
            if arrow.contains('#') || line.clause.is_some() || takes_all {
                continue;
            }
            let is_field = |line: &&&Line| {
                let item = line.source.trim().trim_start_matches(arrow);
                let item = item.strip_prefix("< ").or(item.strip_prefix("<? ")).unwrap_or_default();
                item.starts_with(|first: char| first.is_ascii_uppercase()) && !item.starts_with("HTTP/")
            };
            let mut fields = lines[at + 1..].iter().take_while(is_field);
            if fields.any(|field| field.clause.is_none()) && !OF_A_STATUS.contains(&case.clause()) {
                blamed.push(format!("{}: {source} rests on {}", case.id, case.clause()));
            }
        }
    }
    assert!(blamed.is_empty(), "{blamed:#?}");
    Ok(())
}
