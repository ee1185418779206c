//! The case machine, judged from recorded transcripts: no socket, no sleep.

mod recorded;

use std::sync::Arc;
use std::time::Duration;

use pushspec::case::expand::expand;
use pushspec::case::{Case, Page};
use pushspec::judge::replay::replay;
use pushspec::judge::{Judgement, Settings, Verdict};
use pushspec::profile::{Profile, Target};
use pushspec::suite::Suite;
use pushspec::transcript;
use recorded::{judge, judge_with};
use rstest::rstest;

const UNMASKED: &str = "websocket/5.1-masking/unmasked-text-frame";

/// A handshake for a case that does not look at the accept key, and what follows it.
fn opened(rest: &str) -> String {
    format!(
        "1.000 #0 < \"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n\"\n{rest}"
    )
}

#[rstest]
#[case::close_and_end("2.000 #0 < x\"88 02 03 ea\"\n3.000 #0 < eof\n", Verdict::Pass)]
#[case::close_and_reset("2.000 #0 < x\"88 02 03 ea\"\n3.000 #0 < reset\n", Verdict::Pass)]
#[case::cut_everywhere(
    "2.000 #0 < x\"88\"\n2.100 #0 < x\"02\"\n2.200 #0 < x\"03\"\n2.300 #0 < x\"ea\"\n3.000 #0 < eof\n",
    Verdict::Pass
)]
#[case::a_ping_before_the_close(
    "2.000 #0 < x\"89 00\"\n2.000 #0 < x\"88 02 03 ea\"\n3.000 #0 < eof\n",
    Verdict::Pass
)]
#[case::no_close_frame("2.000 #0 < eof\n", Verdict::Info)]
#[case::another_code("2.000 #0 < x\"88 02 03 e8\"\n3.000 #0 < eof\n", Verdict::Info)]
#[case::the_echo("2.000 #0 < x\"81 05 48 65 6c 6c 6f\"\n3.000 #0 < eof\n", Verdict::Fail)]
#[case::nothing_at_all("", Verdict::Fail)]
#[case::no_end("2.000 #0 < x\"88 02 03 ea\"\n", Verdict::Fail)]
fn the_answer_to_an_unmasked_frame(
    #[case] rest: &str,
    #[case] verdict: Verdict,
) -> Result<(), Box<dyn std::error::Error>> {
    let judgement = judge(UNMASKED, &opened(rest))?;
    assert_eq!(judgement.verdict, verdict, "{:#?}", judgement.findings);
    Ok(())
}

#[test]
fn a_trace_of_many_fields_ends_where_there_is_no_more_room() -> Result<(), Box<dyn std::error::Error>> {
    let fields = "Field: value\\r\\n".repeat(4000);
    let head = format!("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\n{fields}\\r\\n");
    let rest = "2.000 #0 < x\"88 02 03 ea\"\n3.000 #0 < eof\n";
    let judgement = judge(UNMASKED, &format!("1.000 #0 < \"{head}\"\n{rest}"))?;
    assert_eq!(judgement.verdict, Verdict::Pass, "{:#?}", judgement.findings);
    assert!(judgement.trace.len() <= 201, "{}", judgement.trace.len());
    Ok(())
}

#[rstest]
#[case::behind_the_host("absolute-form-target", "Host: 127.0.0.1:8080 > Authorization: Bearer a > Upgrade")]
#[case::in_one_piece("request-in-large-pieces", "Host: 127.0.0.1:8080 > Authorization: Bearer a > Upgrade")]
#[case::without_a_blank(
    "no-blank-behind-the-colons",
    "Host:127.0.0.1:8080 > Authorization: Bearer a > Upgrade"
)]
#[case::in_small_letters(
    "every-name-in-small-letters",
    "host: 127.0.0.1:8080 > Authorization: Bearer a > upgrade"
)]
fn the_fields_of_the_profile_go_with_requests_that_a_case_writes_out(
    #[case] name: &str,
    #[case] sent: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut profile = Profile::reference()?;
    profile.headers.insert("Authorization".into(), "Bearer a".into());
    let id = format!("websocket/4.2.1-opening-handshake/{name}");
    let judgement = judge_with(profile, &id, "1.000 #0 < \"HTTP/1.1 401 Unauthorized\\r\\n\\r\\n\"\n")?;
    assert_eq!(judgement.verdict, Verdict::Skip, "{judgement:#?}");
    let printed = transcript::printed(&judgement.transcript).join("\n");
    let words = printed.replace("0.0 ms", "").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(sent), "{printed}");
    Ok(())
}

#[rstest]
#[case::of_another_site(
    "target-outranks-host[sse]",
    "Host: other.invalid > Authorization: Bearer a > Accept: text/event-stream"
)]
#[case::twice(
    "two-host-fields[sse]",
    "Host: 127.0.0.1:8080 > Authorization: Bearer a > Accept: text/event-stream > Host: 127.0.0.1:8080"
)]
#[case::of_no_site(
    "invalid-host[sse]",
    "Host: not a host > Authorization: Bearer a > Accept: text/event-stream"
)]
#[case::none("missing-host[sse]", "HTTP/1.1 > Authorization: Bearer a > Accept: text/event-stream")]
fn the_fields_of_the_profile_go_once_with_whatever_host_a_case_names(
    #[case] name: &str,
    #[case] sent: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut profile = Profile::reference()?;
    profile.headers.insert("Authorization".into(), "Bearer a".into());
    let id = format!("http/9112-3-request-line/{name}");
    let judgement = judge_with(profile, &id, "1.000 #0 < \"HTTP/1.1 400 Bad Request\\r\\n\\r\\n\"\n")?;
    let printed = transcript::printed(&judgement.transcript).join("\n");
    let words = printed.replace("0.0 ms", "").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(sent), "{printed}");
    assert_eq!(words.matches("Authorization").count(), 1, "{printed}");
    Ok(())
}

#[test]
fn a_field_that_a_case_writes_out_is_not_sent_twice() -> Result<(), Box<dyn std::error::Error>> {
    let mut profile = Profile::reference()?;
    profile.allowed_origin = Some("https://a.example".into());
    profile.headers.insert("origin".into(), "https://b.example".into());
    let suite = Suite::embedded()?;
    let writes = |case: &&Case| {
        let mut lines = case.section().conversation.iter().flatten();
        lines.any(|line| line.source.contains("> Origin: {origin}"))
    };
    let case = suite.cases.iter().find(writes).ok_or("no case")?;
    let judgement = judge_with(profile, &case.id, "1.000 #0 < eof\n")?;
    let printed = transcript::printed(&judgement.transcript).join("\n").to_lowercase();
    assert_eq!(printed.matches("origin: https").count(), 1, "{printed}");
    Ok(())
}

#[test]
fn a_server_that_may_want_a_subprotocol_is_not_accused_for_want_of_one()
-> Result<(), Box<dyn std::error::Error>> {
    let id = "websocket/4.2.1-opening-handshake/well-formed-request-opens";
    let refused = "1.000 #0 < \"HTTP/1.1 400 Bad Request\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n";
    let judgement = judge_with(Profile::reference()?, id, refused)?;
    assert_eq!(judgement.verdict, Verdict::Error, "{judgement:#?}");
    let mut profile = Profile::reference()?;
    profile.headers.insert("Sec-WebSocket-Protocol".into(), "echo".into());
    assert_eq!(judge_with(profile, id, refused)?.verdict, Verdict::Fail);
    Ok(())
}

#[rstest]
#[case::of_which_no_upgrade_arrives("426 Upgrade Required", "may have dropped Upgrade")]
#[case::that_takes_no_notice_of_it("200 OK", "is that the path of `[websocket]`")]
#[case::that_has_nothing_to_say("204 No Content", "is that the path of `[websocket]`")]
fn a_server_that_upgrades_nothing_is_told_what_may_be_wrong(
    #[case] status: &str,
    #[case] why: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let answer = format!(
        "1.000 #0 < \"HTTP/1.1 {status}\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n\"\n"
    );
    for headers in [vec![], vec!["Sec-WebSocket-Protocol"]] {
        let mut profile = Profile::reference()?;
        profile.headers.extend(headers.into_iter().map(|name| (name.to_owned(), "echo".to_owned())));
        let reason = reason(judge_with(profile, WEBSOCKET, &answer)?)?;
        assert!(reason.contains(why) && !reason.contains("subprotocol"), "{reason}");
    }
    Ok(())
}

#[test]
fn bytes_that_are_no_frame_are_charged_to_no_other_clause() -> Result<(), Box<dyn std::error::Error>> {
    let judgement = judge(UNMASKED, &opened("2.000 #0 < \"\\r\\n\\x88\\x02\\x03\\xea\"\n3.000 #0 < eof\n"))?;
    assert_eq!(judgement.verdict, Verdict::Error, "{judgement:#?}");
    assert!(judgement.findings.is_empty());
    let seen: Vec<&str> = judgement.breaches.iter().map(|breach| breach.seen.as_str()).collect();
    assert_eq!(seen, [r#"bytes that are no frame, x"0d 0a 88 02 03 ea""#]);
    Ok(())
}

#[test]
fn interim_answers_may_come_before_any_other() -> Result<(), Box<dyn std::error::Error>> {
    let early = "0.500 #0 < \"HTTP/1.1 103 Early Hints\\r\\nLink: </a>\\r\\n\\r\\n\"\n0.600 #0 < \"HTTP/1.1 102 Processing\\r\\n\\r\\n\"\n";
    let rest = opened("2.000 #0 < x\"88 02 03 ea\"\n3.000 #0 < eof\n");
    assert_eq!(judge(UNMASKED, &format!("{early}{rest}"))?.verdict, Verdict::Pass);
    Ok(())
}

#[test]
fn a_greeting_that_looks_like_an_echo_is_not_one() -> Result<(), Box<dyn std::error::Error>> {
    // The greeting comes in one piece with the 101, before the case has sent its own "Hello".
    let greeting = "0.900 #0 < \"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n\\x81\\x05Hello\"\n";
    let rest = "2.000 #0 < x\"88 02 03 ea\"\n3.000 #0 < eof\n";
    let judgement = judge(UNMASKED, &format!("{greeting}{rest}"))?;
    assert_eq!(judgement.verdict, Verdict::Pass, "{:#?}", judgement.findings);
    Ok(())
}

#[test]
fn a_deadline_passes_without_a_sleep() -> Result<(), Box<dyn std::error::Error>> {
    let judgement = judge(UNMASKED, &opened(""))?;
    assert!(judgement.duration >= Duration::from_secs(10), "{:?}", judgement.duration);
    assert!(judgement.findings[0].received.contains("nothing within 12s") || judgement.findings.len() > 1);
    Ok(())
}

#[test]
fn the_end_of_a_connection_may_take_its_time() -> Result<(), Box<dyn std::error::Error>> {
    let judgement = judge(UNMASKED, &opened("2.000 #0 < x\"88 02 03 ea\"\n9000.000 #0 < eof\n"))?;
    assert_eq!(judgement.verdict, Verdict::Pass, "{:#?}", judgement.findings);
    Ok(())
}

#[test]
fn a_second_close_frame_is_a_breach_and_does_not_stand_for_the_end() -> Result<(), Box<dyn std::error::Error>>
{
    let closes = "2.000 #0 < x\"88 02 03 ea\"\n2.500 #0 < x\"88 02 03 e8\"\n";
    let judgement = judge(UNMASKED, &opened(&format!("{closes}3.000 #0 < eof\n")))?;
    assert_eq!(judgement.verdict, Verdict::Pass, "{:#?}", judgement.findings);
    let breached: Vec<&str> = judgement.breaches.iter().map(|breach| breach.invariant.name()).collect();
    assert_eq!(breached, ["websocket-one-close"]);
    assert_eq!(judge(UNMASKED, &opened(closes))?.verdict, Verdict::Fail);
    Ok(())
}

#[test]
fn a_bad_close_frame_is_a_breach_of_the_rule_that_it_breaks() -> Result<(), Box<dyn std::error::Error>> {
    for (frame, invariant) in [
        ("88 02 03 ed", "websocket-close-code-for-the-wire"),
        ("88 02 13 88", "websocket-close-code-in-range"),
        ("88 01 03", "websocket-close-body-well-formed"),
        ("88 03 03 ea e9", "websocket-close-body-well-formed"),
    ] {
        let judgement = judge(UNMASKED, &opened(&format!("2.000 #0 < x\"{frame}\"\n3.000 #0 < eof\n")))?;
        let breached: Vec<&str> = judgement.breaches.iter().map(|breach| breach.invariant.name()).collect();
        assert_eq!(breached, [invariant], "{frame}");
    }
    Ok(())
}

#[test]
fn a_masked_frame_of_the_server_is_a_breach_whatever_the_case() -> Result<(), Box<dyn std::error::Error>> {
    let judgement = judge(UNMASKED, &opened("2.000 #0 < x\"88 82 00 00 00 00 03 ea\"\n3.000 #0 < eof\n"))?;
    assert_eq!(judgement.verdict, Verdict::Pass);
    let breached: Vec<&str> = judgement.breaches.iter().map(|breach| breach.invariant.name()).collect();
    assert_eq!(breached, ["websocket-server-unmasked"]);
    Ok(())
}

#[test]
fn a_refused_connection_is_an_error_and_no_verdict_on_the_server() -> Result<(), Box<dyn std::error::Error>> {
    let judgement = judge(UNMASKED, "0.100 #0 refused \"connection refused\"\n")?;
    assert_eq!(judgement.verdict, Verdict::Error);
    assert!(judgement.reason.is_some_and(|reason| reason.contains("connection refused")));
    Ok(())
}

#[test]
fn a_server_that_is_busy_is_an_error_and_no_verdict_on_the_server() -> Result<(), Box<dyn std::error::Error>>
{
    let judgement = judge(
        UNMASKED,
        "1.000 #0 < \"HTTP/1.1 503 Service Unavailable\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n",
    )?;
    assert_eq!(judgement.verdict, Verdict::Error, "{:?}", judgement.findings);
    Ok(())
}

const RESUMED: &str = "sse/9.2.4-last-event-id/resume-sends-what-was-missed";

const STREAM: &str = "HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n\\r\\n";

/// The conversation of [`RESUMED`], with what the resumed stream holds.
fn resumed(events: &str) -> String {
    format!(
        "1.000 #0 < \"{STREAM}\"\n30.000 published\n31.000 #0 < \"id: 1\\ndata: one recorded\\n\\n: h\\n\"\n\
         60.000 published\n70.000 published\n80.000 #1 < \"{STREAM}\"\n81.000 #1 < {events}\n"
    )
}

#[rstest]
#[case::everything("\"id: 2\\ndata: two recorded\\n\\nid: 3\\ndata: three recorded\\n\\n\"", Verdict::Pass)]
#[case::with_carriage_returns(
    "\"id: 2\\rdata: two recorded\\r\\rid: 3\\rdata: three recorded\\r\\r\"",
    Verdict::Pass
)]
#[case::without_the_blank_after_the_colon(
    "\"id:2\\ndata:two recorded\\n\\nid:3\\ndata:three recorded\\n\\n\"",
    Verdict::Pass
)]
#[case::a_gap("\"id: 3\\ndata: three recorded\\n\\n\"", Verdict::Warn)]
#[case::a_double(
    "\"id: 1\\ndata: one recorded\\n\\nid: 2\\ndata: two recorded\\n\\nid: 3\\ndata: three recorded\\n\\n\"",
    Verdict::Warn
)]
#[case::an_event_without_its_blank_line(
    "\"id: 2\\ndata: two recorded\\n\\nid: 3\\ndata: three recorded\\n\"",
    Verdict::Warn
)]
fn a_resumed_stream(
    #[case] events: &str,
    #[case] verdict: Verdict,
) -> Result<(), Box<dyn std::error::Error>> {
    let judgement = judge(RESUMED, &resumed(events))?;
    assert_eq!(judgement.verdict, verdict, "{:#?}\n{}", judgement.findings, judgement.trace.join("\n"));
    Ok(())
}

#[test]
fn a_transcript_that_a_run_recorded_gives_the_same_judgement_again() -> Result<(), Box<dyn std::error::Error>>
{
    let first = judge(UNMASKED, &opened("2.000 #0 < x\"88 02 03 ea\"\n3.000 #0 < eof\n"))?;
    let second = judge(UNMASKED, &first.transcript.to_string())?;
    assert_eq!(first.trace, second.trace);
    assert_eq!(first.transcript, second.transcript);
    Ok(())
}

#[test]
fn an_identifier_without_data_moves_the_point_of_resumption() -> Result<(), Box<dyn std::error::Error>> {
    let head = "HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n\\r\\n";
    let recorded = format!(
        "1.000 #0 < \"{head}\"\n2.000 published\n3.000 #0 < \"id: 1\\ndata: one recorded\\n\\nid: 5\\n\\n\"\n4.000 published\n5.000 published\n6.000 #1 < \"{head}\"\n"
    );
    let judgement = judge("sse/9.2.4-last-event-id/resume-sends-what-was-missed", &recorded)?;
    let printed = transcript::printed(&judgement.transcript).join("\n");
    assert!(printed.contains("Last-Event-ID: 5"), "{printed}");
    Ok(())
}

#[test]
fn what_came_in_place_of_a_reply_is_told_once() -> Result<(), Box<dyn std::error::Error>> {
    let judgement =
        judge("websocket/5.1-masking/masked-hello", &opened("2.000 #0 < x\"81 05 6f 74 68 65 72\"\n"))?;
    let received: Vec<&str> = judgement.findings.iter().map(|finding| finding.received.as_str()).collect();
    assert_eq!(received, [r#"nothing of the kind within 8s; the last that came: message "other""#]);
    Ok(())
}

const WEBSOCKET: &str = "websocket/4.2.1-opening-handshake/well-formed-request-opens";
const REPLY: &str = "websocket/6-messages/reply-is-that-of-the-profile";
const EVENT_STREAM: &str = "sse/9.2.3-processing-model/stream-opens";
const POLL: &str = "polling/6202-2.1-short-polling/poll-is-answered";
const LONG_POLL: &str = "long-polling/6202-2.1-long-polling/poll-is-answered";

/// Why a case could not be judged.
fn reason(judgement: Judgement) -> Result<String, Box<dyn std::error::Error>> {
    assert_eq!(
        (judgement.verdict, judgement.findings.len()),
        (Verdict::Error, 0),
        "{:?}",
        judgement.findings
    );
    Ok(judgement.reason.ok_or("no reason")?)
}

#[rstest]
#[case::with_a_close_frame(
    "100.000 #0 < x\"88 0e 0f a4\" + \"no such room\"\n",
    "[close 4004 \"no such room\"]"
)]
#[case::with_the_end_alone("100.000 #0 < eof\n", "with eof")]
#[case::with_a_reset("100.000 #0 < reset\n", "with reset")]
fn a_websocket_that_is_closed_at_once_is_no_verdict_on_the_server(
    #[case] end: &str,
    #[case] how: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let reason = reason(judge(WEBSOCKET, &opened(end))?)?;
    assert!(reason.contains(how) && reason.contains("see [headers]"), "{reason}");
    assert_eq!(judge(WEBSOCKET, &opened("100.000 #0 < x\"89 00\"\n"))?.verdict, Verdict::Pass);
    Ok(())
}

#[rstest]
#[case::another_text("2.000 #0 < x\"81 02\" + \"no\"\n3.000 #0 < eof\n")]
#[case::nothing("")]
#[case::the_end("2.000 #0 < eof\n")]
fn a_reply_that_is_not_that_of_the_profile_is_no_verdict_on_the_server(
    #[case] rest: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut profile = Profile::reference()?;
    profile.websocket.as_mut().ok_or("no WebSocket")?.reply = Some("You said {message}".into());
    let reason = reason(judge_with(profile, REPLY, &opened(rest))?)?;
    let expected =
        "`websocket.reply` of the profile does not hold: expected the answer \"You said Who is there?\" to";
    assert!(reason.starts_with(expected), "{reason}");
    Ok(())
}

#[rstest]
#[case::written_otherwise(r#"{"text":"\u0057ho is there?","type":"message"}"#, Verdict::Pass)]
#[case::another_text(r#"{"text":"Who?","type":"message"}"#, Verdict::Error)]
fn a_reply_in_json_is_compared_as_a_value(
    #[case] answer: &str,
    #[case] verdict: Verdict,
) -> Result<(), Box<dyn std::error::Error>> {
    let websocket = "[websocket]\npath = \"/\"\nreply-encoding = \"json\"\n";
    let reply = "reply = '{\"type\": \"message\", \"text\": \"{message}\"}'\n";
    let profile = Profile::parse("profile.toml", &format!("{websocket}{reply}"))?;
    let bytes: String = answer.bytes().map(|byte| format!(" {byte:02x}")).collect();
    let frame = format!("2.000 #0 < x\"81 {:02x}{bytes}\"\n3.000 #0 < eof\n", answer.len());
    let judgement = judge_with(profile, REPLY, &opened(&frame))?;
    assert_eq!(judgement.verdict, verdict, "{:?}", judgement.reason);
    Ok(())
}

#[rstest]
#[case::nothing_there(
    POLL,
    "1.000 #0 < \"HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\n\\r\\n\"\n",
    "is answered with 404"
)]
#[case::not_for_get(
    WEBSOCKET,
    "1.000 #0 < \"HTTP/1.1 405 Method Not Allowed\\r\\nAllow: POST\\r\\n\\r\\n\"\n",
    "/websocket/echo is answered with 405"
)]
#[case::silence(POLL, "", "answers nothing within 8s")]
#[case::silence_of_a_stream(EVENT_STREAM, "", "answers nothing within 8s")]
fn a_technique_that_is_not_there_is_no_verdict_on_the_server(
    #[case] id: &str,
    #[case] recorded: &str,
    #[case] why: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let reason = reason(judge(id, recorded)?)?;
    assert!(reason.contains(why), "{reason}");
    Ok(())
}

#[rstest]
#[case::of_a_poll(POLL, "", "[polling]")]
#[case::of_a_long_poll(LONG_POLL, "220.000 published\n", "[long-polling]")]
fn a_body_that_is_not_as_the_profile_says_is_no_verdict_on_the_server(
    #[case] id: &str,
    #[case] before: &str,
    #[case] table: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let answer =
        "230.000 #0 < \"HTTP/1.1 200 OK\\r\\nContent-Length: 13\\r\\n\\r\\n\\{\\\"cursor\\\": 1}\"\n";
    let reason = reason(judge(id, &format!("{before}{answer}"))?)?;
    assert!(reason.contains("nothing at /messages") && reason.contains(table), "{reason}");
    Ok(())
}

/// An event stream of which only the path is known.
fn passive() -> Result<Profile, Box<dyn std::error::Error>> {
    Ok(Profile::parse("profile.toml", "[sse]\npath = \"/\"\n")?)
}

#[rstest]
#[case::of_json("\\{\\\"t\\\": 1}\\n\\n", "the line \"\\{\\\"t\\\": 1}\"")]
#[case::without_blank_lines("data: a\\ndata: b\\n", "the line \"data: a\"")]
#[case::in_capitals("Data: a\\n\\n", "the line \"Data: a\"")]
#[case::without_line_feeds("data: a\\\\n\\\\n", "a line without an end")]
fn a_stream_without_events_is_no_verdict_on_the_server(
    #[case] content: &str,
    #[case] what: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    for end in ["", "3.000 #0 < eof\n"] {
        let recorded = format!("1.000 #0 < \"{STREAM}\"\n2.000 #0 < \"{content}\"\n{end}");
        let reason = reason(judge_with(passive()?, EVENT_STREAM, &recorded)?)?;
        assert!(reason.contains(what), "{reason}");
    }
    Ok(())
}

#[rstest]
#[case::quiet("")]
#[case::over("3.000 #0 < eof\n")]
#[case::of_comments("2.000 #0 < \": a\\n\\n\"\n")]
#[case::of_a_time_to_come_back("2.000 #0 < \"retry: 1000\\n\\n\"\n")]
#[case::of_an_event_in_pieces("2.000 #0 < \"da\"\n3000.000 #0 < \"ta: a\\n\"\n4000.000 #0 < \"\\n\"\n")]
#[case::of_a_strange_line_and_an_event("2.000 #0 < \"hello\\n\\n\"\n4000.000 #0 < \"data: a\\n\\n\"\n")]
fn a_stream_that_is_quiet_or_takes_its_time_is_one(
    #[case] rest: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let recorded = format!("1.000 #0 < \"{STREAM}\"\n{rest}");
    let judgement = judge_with(passive()?, EVENT_STREAM, &recorded)?;
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.reason);
    Ok(())
}

#[test]
fn content_of_an_answer_to_head_breaks_the_clause_about_it_and_no_other()
-> Result<(), Box<dyn std::error::Error>> {
    let head = "1.000 #0 < \"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\n\"\n";
    let recorded = format!("{head}2.000 #0 < \"data: a\\n\\n\"\n3.000 #0 < eof\n");
    let judgement = judge("http/9110-9-methods/head-of-a-stream[sse]", &recorded)?;
    let clauses: Vec<&str> = judgement.findings.iter().map(|finding| finding.clause.as_str()).collect();
    assert_eq!(clauses, ["rfc9110/9.3.2/head-without-content"]);
    assert_eq!(judgement.findings[0].received, "the content \"data: a\\n\\n\" of the answer to HEAD");
    assert!(judgement.breaches.is_empty(), "{:?}", judgement.breaches);
    Ok(())
}

#[test]
fn a_reply_is_told_with_the_text_that_the_profile_makes_of_it() -> Result<(), Box<dyn std::error::Error>> {
    let mut profile = Profile::reference()?;
    profile.websocket.as_mut().ok_or("no WebSocket")?.reply = Some("{message}!".into());
    let echo = opened("2.000 #0 < x\"81 05 48 65 6c 6c 6f\"\n");
    let judgement = judge_with(profile, "websocket/5.1-masking/masked-hello", &echo)?;
    let expected: Vec<&str> = judgement.findings.iter().map(|finding| finding.expected.as_str()).collect();
    assert_eq!(expected, [r#"reply "Hello", by the profile "Hello!""#]);
    Ok(())
}

/// A page on which the suite is the server.
const CLIENT: &str = "# Opening handshake of a client

## client-opens-and-speaks

A client asks for the WebSocket, checks the answer to its key, and masks what it sends.

```toml
covers = [\"rfc6455/4.1/anything\"]
```

```wire
accept
< GET * HTTP/1.1
< Upgrade is websocket
< Connection lists upgrade
< Sec-WebSocket-Version: 13
<? Sec-WebSocket-Protocol present
> HTTP/1.1 101 Switching Protocols
> Upgrade: websocket
> Connection: Upgrade
> Sec-WebSocket-Accept: {accept}
>
< [text \"Hello\"]
> [text \"World\"]
> [close 1000]
< [close 1000]
> eof
< eof
```
";

/// Judges [`CLIENT`] by what is recorded of a client.
fn judge_client(recorded: &str) -> Result<Judgement, Box<dyn std::error::Error>> {
    let page = Page::parse("websocket/4.1-client", CLIENT)?;
    assert_eq!(page.to_string(), CLIENT);
    let case = expand(&Arc::new(page)).pop().ok_or("no case")?;
    let target = Target::new("http://127.0.0.1:8080", Profile::reference()?)?;
    let settings = Settings { patience: 1.0, channel: "recorded".into() };
    let catalogue = Arc::clone(&Suite::embedded()?.catalogue);
    Ok(replay(case, Arc::new(target), catalogue, settings, &transcript::parse(recorded)?))
}

/// The request of a client with the key of the standard's own example, and what follows it.
fn client(version: u8, rest: &str) -> String {
    format!(
        "1.000 #0 accepted\n2.000 #0 < \"GET /chat HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\n\"\n\
         2.500 #0 < \"Connection: keep-alive, Upgrade\\r\\nSec-WebSocket-Version: {version}\\r\\nSec-WebSocket-Key: \
         dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n\"\n{rest}"
    )
}

const HELLO: &str = "81 85 37 fa 21 3d 7f 9f 4d 51 58";
const CLOSE: &str = "88 82 00 00 00 00 03 e8";

#[rstest]
#[case::in_order(&format!("3.000 #0 < x\"{HELLO}\"\n4.000 #0 < x\"{CLOSE}\"\n5.000 #0 < eof\n"), Verdict::Pass)]
#[case::at_once(&format!("3.000 #0 < x\"{HELLO} {CLOSE}\"\n3.000 #0 < eof\n"), Verdict::Pass)]
#[case::cut_in_the_middle(
    "3.000 #0 < x\"81 85 37 fa 21\"\n3.100 #0 < x\"3d 7f 9f 4d 51 58 88 82 00 00 00 00 03 e8\"\n3.200 #0 < eof\n",
    Verdict::Pass
)]
#[case::another_text("3.000 #0 < x\"81 82 00 00 00 00 6e 6f\"\n", Verdict::Fail)]
#[case::another_code(&format!("3.000 #0 < x\"{HELLO} 88 82 00 00 00 00 03 e9\"\n"), Verdict::Fail)]
#[case::an_answer_in_place_of_frames("3.000 #0 < eof\n", Verdict::Fail)]
#[case::nothing("", Verdict::Fail)]
fn a_client_is_judged_where_a_page_begins_with_accept(
    #[case] rest: &str,
    #[case] verdict: Verdict,
) -> Result<(), Box<dyn std::error::Error>> {
    let judgement = judge_client(&client(13, rest))?;
    assert_eq!(judgement.verdict, verdict, "{:#?}\n{}", judgement.findings, judgement.trace.join("\n"));
    Ok(())
}

#[test]
fn the_suite_answers_the_key_of_a_client_and_masks_no_frame() -> Result<(), Box<dyn std::error::Error>> {
    let rest = format!("3.000 #0 < x\"{HELLO}\"\n4.000 #0 < x\"{CLOSE}\"\n5.000 #0 < eof\n");
    let judgement = judge_client(&client(13, &rest))?;
    let recorded = judgement.transcript.to_string();
    assert!(recorded.starts_with("0.000 #0 listen\n1.000 #0 accepted\n"), "{recorded}");
    assert!(recorded.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n"), "{recorded}");
    assert!(judgement.breaches.is_empty(), "{:?}", judgement.breaches);
    let printed = transcript::printed(&judgement.transcript).join("\n");
    assert!(printed.contains("< [text mask=37fa213d \"Hello\"]"), "{printed}");
    assert!(printed.contains("> [text \"World\"]"), "{printed}");
    assert_eq!(judge_client(&recorded)?.transcript, judgement.transcript);
    Ok(())
}

#[test]
fn the_fields_of_the_request_of_a_client_are_judged() -> Result<(), Box<dyn std::error::Error>> {
    let judgement = judge_client(&client(8, ""))?;
    let finding = judgement.findings.first().ok_or("no finding")?;
    assert_eq!(finding.expected, "Sec-WebSocket-Version: 13");
    assert_eq!(finding.received, r#"the field `Sec-WebSocket-Version: "8"`"#);
    let judgement =
        judge_client("1.000 #0 accepted\n2.000 #0 < \"POST / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\"\n")?;
    let finding = judgement.findings.first().ok_or("no finding")?;
    assert_eq!((finding.expected.as_str(), finding.received.as_str()), ("GET * HTTP/1.1", "POST / HTTP/1.1"));
    let judgement = judge_client("1.000 #0 accepted\n2.000 #0 < \"HTTP/1.1 200 OK\\r\\n\\r\\n\"\n")?;
    assert_eq!(judgement.findings[0].received, "\"HTTP/1.1 200 OK\" is no request of HTTP");
    Ok(())
}

#[test]
fn a_client_that_does_not_come_is_not_accused() -> Result<(), Box<dyn std::error::Error>> {
    let reason_of = |recorded: &str| reason(judge_client(recorded)?);
    assert_eq!(reason_of("")?, "no client connects within 8s");
    assert_eq!(
        reason_of("1.000 #0 refused \"the address is in use\"\n")?,
        "no client can connect: the address is in use"
    );
    Ok(())
}

/// The answer to an unmasked frame, which comes so late that only what held the frame up excuses it.
#[rstest]
#[case::it_left_at_once("", Verdict::Fail)]
#[case::it_left_late("6000.000 #0 > written\n", Verdict::Pass)]
fn a_time_counts_from_when_the_bytes_have_left(
    #[case] written: &str,
    #[case] verdict: Verdict,
) -> Result<(), Box<dyn std::error::Error>> {
    let rest = format!("{written}13000.000 #0 < x\"88 02 03 ea\"\n13000.000 #0 < eof\n");
    let judgement = judge(UNMASKED, &opened(&rest))?;
    assert_eq!(judgement.verdict, verdict, "{:#?}", judgement.findings);
    assert_eq!(judgement.transcript.to_string().contains("> written"), !written.is_empty());
    let again = judge(UNMASKED, &judgement.transcript.to_string())?;
    assert_eq!(again.verdict, verdict, "a transcript gives the same judgement again");
    Ok(())
}
