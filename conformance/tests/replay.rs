//! The case machine, judged from recorded transcripts: no socket, no sleep.

use std::sync::Arc;
use std::time::Duration;

use pushspec::case::Case;
use pushspec::judge::replay::replay;
use pushspec::judge::{Judgement, Settings, Verdict};
use pushspec::suite::Suite;
use pushspec::target::{Profile, Target};
use pushspec::transcript;
use rstest::rstest;

/// Judges a case by what is recorded in a file below `transcripts/`.
fn judge(id: &str, recorded: &str) -> Result<Judgement, Box<dyn std::error::Error>> {
    judge_with(Profile::reference()?, id, recorded)
}

fn judge_with(profile: Profile, id: &str, recorded: &str) -> Result<Judgement, Box<dyn std::error::Error>> {
    let suite = Suite::embedded()?;
    let case: Case =
        suite.cases.iter().find(|case| case.id == id).cloned().ok_or_else(|| format!("no case {id}"))?;
    let target = Target::new("http://127.0.0.1:8080", profile)?;
    let settings = Settings { patience: 1.0, channel: "recorded".into() };
    let transcript = transcript::parse(recorded)?;
    Ok(replay(case, Arc::new(target), Arc::clone(&suite.catalogue), settings, &transcript))
}

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
    assert!(judgement.findings[0].received.contains("nothing within 10s") || judgement.findings.len() > 1);
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
        "1.000 #0 < \"{STREAM}\"\n30.000 published\n31.000 #0 < \"id: 1\\ndata: one\\n\\n: h\\n\"\n\
         60.000 published\n70.000 published\n80.000 #1 < \"{STREAM}\"\n81.000 #1 < {events}\n"
    )
}

#[rstest]
#[case::everything("\"id: 2\\ndata: two\\n\\nid: 3\\ndata: three\\n\\n\"", Verdict::Pass)]
#[case::with_carriage_returns("\"id: 2\\rdata: two\\r\\rid: 3\\rdata: three\\r\\r\"", Verdict::Pass)]
#[case::without_the_blank_after_the_colon("\"id:2\\ndata:two\\n\\nid:3\\ndata:three\\n\\n\"", Verdict::Pass)]
#[case::a_gap("\"id: 3\\ndata: three\\n\\n\"", Verdict::Warn)]
#[case::a_double(
    "\"id: 1\\ndata: one\\n\\nid: 2\\ndata: two\\n\\nid: 3\\ndata: three\\n\\n\"",
    Verdict::Warn
)]
#[case::an_event_without_its_blank_line("\"id: 2\\ndata: two\\n\\nid: 3\\ndata: three\\n\"", Verdict::Warn)]
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
        "1.000 #0 < \"{head}\"\n2.000 published\n3.000 #0 < \"id: 1\\ndata: one\\n\\nid: 5\\n\\n\"\n4.000 published\n5.000 published\n6.000 #1 < \"{head}\"\n"
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
    assert_eq!(received, [r#"nothing of the kind within 5s; the last that came: message "other""#]);
    Ok(())
}
