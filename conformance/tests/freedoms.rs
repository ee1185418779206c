//! What servers are free to do, case by case, and the least that is told where they are not.

mod recorded;
mod servers;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use pushspec::case::Case;
use pushspec::case::statement::{Expectation, Statement};
use pushspec::catalogue::Binds;
use pushspec::drive::schedule::Options;
use pushspec::judge::{Judgement, Verdict, needs};
use pushspec::profile::{Profile, Target};
use pushspec::suite::{Pattern, Suite};
use pushspec::transcript;
use recorded::{judge, judge_with};
use rstest::rstest;
use servers::Habit;
use tokio::net::TcpListener;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The clauses that are broken.
fn told(judgement: &Judgement) -> Vec<&str> {
    judgement.findings.iter().map(|finding| finding.clause.as_str()).collect()
}

/// The names of the invariants that are broken.
fn breached(judgement: &Judgement) -> Vec<&'static str> {
    judgement.breaches.iter().map(|breach| breach.invariant.name()).collect()
}

const STREAM: &str = "HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n\\r\\n";

/// A server that is told to publish what would be an injection, and what it makes of it.
fn injected(name: &str, made: &str) -> Result<Judgement> {
    let recorded = format!(
        "1.000 #0 < \"{STREAM}\"\n30.000 published\n31.000 #0 < \"data: two recorded\\n\\n\"\n40.000 published\n{made}\
         50.000 published\n51.000 #0 < \"data: three recorded\\n\\n\"\n60.000 published\n61.000 #0 < \"data: four recorded\\n\\n\"\n"
    );
    judge(&format!("sse/9.2.6-interpreting-an-event-stream/{name}"), &recorded)
}

#[rstest]
#[case("name-starts-no-event[lf]", "event: x", "html-sse/9.2.6/no-injection")]
#[case("identifier-starts-no-event[lf]", "id: x", "html-sse/9.2.6/no-injection")]
#[case("comment-starts-no-event[lf]", ": x", "html-sse/9.2.6/comments-are-contained")]
fn an_injection_is_what_was_injected(
    #[case] name: &str,
    #[case] field: &str,
    #[case] clause: &str,
) -> Result {
    let refused = injected(name, "")?;
    assert_eq!(
        (refused.verdict, told(&refused), breached(&refused)),
        (Verdict::Pass, vec![], vec![]),
        "{name}"
    );
    let escaped = injected(name, "41.000 #0 < \"data: one recorded\\n\\n\"\n")?;
    assert_eq!((escaped.verdict, told(&escaped)), (Verdict::Pass, vec![]), "{name}");
    let made = format!("41.000 #0 < \"{field}\\ndata: two recorded\\n\\n\\ndata: one recorded\\n\\n\"\n");
    assert_eq!(told(&injected(name, &made)?), [clause], "{name}");
    // A field is enough.
    let made = format!("41.000 #0 < \"{field}\\ndata: two recorded\\ndata: one recorded\\n\\n\"\n");
    assert_eq!(told(&injected(name, &made)?), [clause], "{name}");
    Ok(())
}

#[rstest]
#[case("name-starts-no-event[lf]")]
#[case("identifier-starts-no-event[crlf]")]
#[case("comment-starts-no-event[cr]")]
fn an_end_in_place_of_what_cannot_be_published_is_a_warning(#[case] name: &str) -> Result {
    let recorded = format!(
        "1.000 #0 < \"{STREAM}\"\n30.000 published\n31.000 #0 < \"data: two recorded\\n\\n\"\n40.000 published\n\
         41.000 #0 < eof\n50.000 published\n60.000 published\n"
    );
    let judgement = judge(&format!("sse/9.2.6-interpreting-an-event-stream/{name}"), &recorded)?;
    let expected = (Verdict::Warn, vec!["html-sse/9.2.6/refusal-ends-no-stream"], vec![]);
    assert_eq!((judgement.verdict, told(&judgement), breached(&judgement)), expected);
    Ok(())
}

#[test]
fn a_line_feed_that_is_escaped_eats_no_space() -> Result {
    let id = "sse/9.2.6-interpreting-an-event-stream/leading-space-behind-a-line-feed";
    let recorded = format!(
        "1.000 #0 < \"{STREAM}\"\n30.000 published\n31.000 #0 < \"data:   recorded\\n\\n\"\n40.000 published\n\
         41.000 #0 < \"data: line recorded\\\\nrecorded\\n\\n\"\n50.000 published\n51.000 #0 < \"data: one\\\\n  two\\n\\n\"\n"
    );
    assert_eq!(told(&judge(id, &recorded)?), ["html-sse/9.2.6/verbatim"]);
    Ok(())
}

/// What is published is asked for when the request has left and 200 ms are over, and has 12 s from then.
#[rstest]
#[case::the_pieces_left_at_once("", Verdict::Error)]
#[case::the_last_piece_left_late("6000.000 #0 > written\n", Verdict::Pass)]
fn a_wait_counts_from_the_last_piece(#[case] written: &str, #[case] verdict: Verdict) -> Result {
    let id = "long-polling/6202-2.1-long-polling/request-in-pieces";
    let answer =
        "\"HTTP/1.1 200 OK\\r\\nContent-Length: 29\\r\\n\\r\\n\\{\\\"cursor\\\": 1, \\\"messages\\\": []}\"";
    let judgement = judge(id, &format!("{written}15000.000 published\n15010.000 #0 < {answer}\n"))?;
    assert_eq!(judgement.verdict, verdict, "{:?} {:?}", judgement.reason, judgement.findings);
    Ok(())
}

/// An answer without content.
fn answer(status: &str, fields: &str) -> String {
    format!("\"HTTP/1.1 {status}\\r\\n{fields}Content-Length: 0\\r\\n\\r\\n\"")
}

#[test]
fn an_error_of_the_server_needs_no_date() -> Result {
    for id in ["http/9110-6.6.1-date/date-in-answer[sse]", "http/9110-6.6.1-date/date-in-refusal[sse]"] {
        let error = judge(id, &format!("1.000 #0 < {}\n", answer("500 Internal Server Error", "")))?;
        assert_eq!(told(&error), [] as [&str; 0], "{id}");
        let refusal = judge(id, &format!("1.000 #0 < {}\n", answer("404 Not Found", "")))?;
        assert_eq!(told(&refusal), ["rfc9110/6.6.1/date"], "{id}");
    }
    Ok(())
}

#[test]
fn a_refusal_may_have_any_status_that_is_final() -> Result {
    for status in ["409 Conflict", "410 Gone", "421 Misdirected Request", "422 Unprocessable Content"] {
        let refused = answer(status, "");
        let unknown = judge("http/9110-9-methods/unknown-method[sse]", &format!("1.000 #0 < {refused}\n"))?;
        assert_eq!((unknown.verdict, told(&unknown)), (Verdict::Pass, vec![]), "{status}");
        let nowhere = "polling/9110-13.2-evaluation/not-where-nothing-is[match]";
        let nowhere = judge(nowhere, &format!("1.000 #0 < {refused}\n2.000 #1 < {refused}\n"))?;
        assert_eq!((nowhere.verdict, told(&nowhere)), (Verdict::Pass, vec![]), "{status}");
    }
    Ok(())
}

#[rstest]
#[case::its_empty_line("", &["html-sse/9.2.6/blank-line-dispatches"])]
#[case::nothing_of_it("none", &["html-sse/9.2.3/every-subscriber"])]
fn what_is_missing_of_an_event_is_told(#[case] what: &str, #[case] expected: &[&str]) -> Result {
    let event = if what.is_empty() { "31.000 #0 < \"data: one\\n\"\n" } else { "" };
    let id = "sse/9.2.6-interpreting-an-event-stream/message-arrives";
    let judgement = judge(id, &format!("1.000 #0 < \"{STREAM}\"\n30.000 published\n{event}"))?;
    assert_eq!(told(&judgement), expected);
    Ok(())
}

#[test]
fn an_end_within_a_head_that_is_not_noticed_is_a_warning() -> Result {
    let judgement = judge("http/9112-2.2-message-parsing/cut-off-head[polling]", "")?;
    assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Warn, vec!["rfc9112/9.5/end-is-noticed"]));
    Ok(())
}

#[rstest]
#[case("505 HTTP Version Not Supported", &[])]
#[case("404 Not Found", &[])]
#[case("417 Expectation Failed", &["rfc9110/10.1.1/not-for-1.0"])]
fn what_a_client_of_1_0_expects_is_passed_over(#[case] status: &str, #[case] expected: &[&str]) -> Result {
    let id = "http/9110-10.1.1-expect/not-for-a-client-of-1.0[polling]";
    let answered = answer(status, "Connection: close\\r\\n");
    assert_eq!(told(&judge(id, &format!("1.000 #0 < {answered}\n1.000 #0 < eof\n"))?), expected);
    assert_eq!(told(&judge(id, "1.000 #0 < eof\n")?), [] as [&str; 0]);
    Ok(())
}

#[test]
fn a_body_without_an_end_may_be_answered_with_any_error_and_the_end() -> Result {
    let id = "http/9112-6-message-body/chunk-size-that-is-no-number[word,polling]";
    let answered = answer("502 Bad Gateway", "Connection: close\\r\\n");
    for recorded in [format!("1.000 #0 < {answered}\n2.000 #0 < eof\n"), "1.000 #0 < eof\n".to_owned()] {
        let judgement = judge(id, &recorded)?;
        assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Pass, vec![]));
    }
    Ok(())
}

#[test]
fn a_server_may_choose_no_subprotocol() -> Result {
    let open =
        "\"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n\"";
    let id = "websocket/11.3-fields/known-subprotocol-in-the-second-line";
    assert_eq!(told(&judge(id, &format!("1.000 #0 < {open}\n2.000 #1 < {open}\n"))?), [] as [&str; 0]);
    Ok(())
}

#[rstest]
#[case("Cache-Control: max-age=10\\r\\n", "Cache-Control: max-age=9\\r\\n", &[])]
#[case("Cache-Control: no-cache\\r\\n", "", &["rfc9110/15.4.5/cache-fields"])]
fn what_counts_down_is_no_other_value(
    #[case] before: &str,
    #[case] after: &str,
    #[case] expected: &[&str],
) -> Result {
    let always = "ETag: \\\"a\\\"\\r\\nDate: Sun, 06 Nov 1994 08:49:37 GMT\\r\\n";
    let first = answer("200 OK", &format!("{always}{before}"));
    let second = format!("\"HTTP/1.1 304 Not Modified\\r\\n{always}{after}\\r\\n\"");
    let recorded = format!("10.000 published\n300.000 #0 < {first}\n600.000 #1 < {second}\n");
    let judgement = judge("polling/9110-15.4.5-not-modified/cache-fields-are-repeated", &recorded)?;
    assert_eq!(told(&judgement), expected, "{:?}", judgement.reason);
    Ok(())
}

#[test]
fn a_stream_may_break_off_anywhere() -> Result {
    let head =
        "HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n";
    let recorded = format!("1.000 #0 < \"{head}\"\n2.000 #0 < \"f\\r\\ndata: a\"\n100.000 #0 < eof\n");
    let judgement = judge("sse/9112-6-message-body/stream-for-a-client-that-asks-to-close", &recorded)?;
    assert_eq!(breached(&judgement), [] as [&str; 0], "{:?}", judgement.breaches);
    Ok(())
}

#[rstest]
#[case("", &[])]
#[case("Age: 0\\r\\n", &[])]
#[case("Age: 7\\r\\n", &["rfc9111/5.1/age-is-of-caches"])]
fn an_age_of_nothing_is_none(#[case] field: &str, #[case] expected: &[&str]) -> Result {
    let head = format!("\"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n{field}\\r\\n\"");
    let judgement =
        judge("sse/9111-5.2-cache-control/made-for-each-client", &format!("1.000 #0 < {head}\n"))?;
    assert_eq!(told(&judgement), expected);
    Ok(())
}

/// The answer to a poll of the reference server.
fn polled(cursor: u8, messages: &str) -> String {
    let body = format!("\\{{\\\"cursor\\\": {cursor}, \\\"messages\\\": [{messages}]}}");
    format!("\"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\n{body}\"")
}

#[test]
fn a_long_poll_may_bring_one_message_at_a_time() -> Result {
    let message = |text: &str| format!("\\{{\\\"data\\\": \\\"{text}\\\"}}");
    let (first, second) = (polled(1, &message("one")), polled(2, &message("two")));
    let recorded = format!(
        "230.000 published\n240.000 #0 < {first}\n241.000 #0 < eof\n270.000 published\n300.000 published\n5000.000 #1 < {second}\n5001.000 #1 < eof\n"
    );
    let judgement = judge("long-polling/6202-2.2-between-polls/news-during-the-answer", &recorded)?;
    assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Pass, vec![]), "{:?}", judgement.reason);
    Ok(())
}

/// A poll that is answered with 204 gives no cursor: the first cursor is the one that it asked with.
#[rstest]
#[case::by_polls("polling/6202-2.1-short-polling/asking-takes-nothing-away")]
#[case::by_two_clients("polling/6202-2.1-short-polling/two-clients-at-their-own-pace")]
fn an_answer_without_content_leaves_the_cursor_where_it_was(#[case] id: &str) -> Result {
    let nothing = "\"HTTP/1.1 204 No Content\\r\\nConnection: close\\r\\n\\r\\n\"";
    let news = |cursor: u8, texts: &[&str]| {
        let message = |text: &&str| format!("\\{{\\\"data\\\": \\\"{text}\\\"}}");
        polled(cursor, &texts.iter().map(message).collect::<Vec<_>>().join(","))
    };
    let (first, second, both) = (news(1, &["one"]), news(2, &["two"]), news(2, &["one", "two"]));
    let begun = format!(
        "1.000 #0 < {nothing}\n1.000 #0 < eof\n100.000 published\n200.000 #1 < {first}\n201.000 #1 < eof\n"
    );
    let recorded = if id.ends_with("asking-takes-nothing-away") {
        format!("{begun}300.000 #2 < {first}\n301.000 #2 < eof\n")
    } else {
        format!(
            "{begun}300.000 published\n400.000 #2 < {second}\n401.000 #2 < eof\n500.000 #3 < {both}\n501.000 #3 < eof\n"
        )
    };
    let judgement = judge(id, &recorded)?;
    assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Pass, vec![]), "{:?}", judgement.reason);
    let asked: Vec<String> = transcript::printed(&judgement.transcript);
    let last = asked.iter().rev().find(|line| line.contains("GET ")).ok_or("no poll")?;
    assert!(
        last.contains("after=0&") || last.contains("after=0 "),
        "the last poll asks with the first cursor: {last}"
    );
    Ok(())
}

#[test]
fn a_poll_by_head_may_be_left_unanswered() -> Result {
    let message = "\\{\\\"data\\\": \\\"one\\\"}";
    let (first, last) = (polled(1, ""), polled(2, message));
    let recorded = format!(
        "1.000 #0 < {first}\n2.000 #0 < eof\n30.000 published\n5000.000 #2 < {last}\n5001.000 #2 < eof\n"
    );
    let judgement = judge("polling/6202-2.1-short-polling/head-takes-nothing-away", &recorded)?;
    assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Pass, vec![]), "{:?}", judgement.reason);
    Ok(())
}

#[rstest]
#[case::a_second_late(16_100, &[])]
#[case::far_too_late(22_000, &["html-sse/9.2.7/heartbeat-in-time"])]
fn a_heartbeat_comes_every_fifteen_seconds_or_so(#[case] next: u64, #[case] expected: &[&str]) -> Result {
    let mut profile = Profile::reference()?;
    profile.sse.as_mut().ok_or("no event stream")?.heartbeat = Some(Duration::from_secs(15));
    let beats = format!("1000.000 #0 < \": a\\n\\n\"\n{}.000 #0 < \": a\\n\\n\"\n", 1000 + next);
    let recorded = format!("1.000 #0 < \"{STREAM}\"\n{beats}");
    let judgement = judge_with(profile, "sse/9.2.7-authoring-notes/heartbeat-comes-in-time", &recorded)?;
    assert_eq!(told(&judgement), expected);
    Ok(())
}

#[rstest]
#[case("websocket/10.7-invalid-data/request-that-is-no-handshake-is-answered[Upgrade]")]
#[case("websocket/10.7-invalid-data/refusal-has-a-status[host]")]
#[case("websocket/10.7-invalid-data/refusal-of-what-is-missing-has-a-status[Host]")]
fn any_status_is_an_answer(#[case] id: &str) -> Result {
    for status in ["400 Bad Request", "426 Upgrade Required", "500 Internal Server Error"] {
        let judgement = judge(id, &format!("1.000 #0 < {}\n", answer(status, "")))?;
        assert_eq!((judgement.verdict, told(&judgement)), (Verdict::Pass, vec![]), "{id}: {status}");
    }
    assert_eq!(judge(id, "1.000 #0 < eof\n")?.verdict, Verdict::Warn, "{id}");
    Ok(())
}

#[test]
fn a_handshake_in_single_bytes_may_be_refused_on_purpose() -> Result {
    let id = "websocket/4.2.1-opening-handshake/request-byte-by-byte";
    assert_eq!(judge(id, "1.000 #0 < eof\n")?.verdict, Verdict::Warn);
    Ok(())
}

#[test]
fn a_code_that_nobody_may_send_has_one_verdict() -> Result {
    let suite = Suite::embedded()?;
    for id in ["7.4.1/unusable-code-received", "7.4.1/codes-not-sent", "7.4.2/codes-in-range"] {
        let clause = suite.catalogue.clause(&format!("rfc6455/{id}")).ok_or(id)?;
        assert_eq!(Verdict::from(clause.level), Verdict::Fail, "{id}");
    }
    Ok(())
}

#[test]
fn thousands_of_messages_are_sent_where_the_profile_says_that_they_are_answered() -> Result {
    let suite = Suite::embedded()?;
    let cases: Vec<&Case> =
        suite.cases.iter().filter(|case| case.id.contains("thousands-of-tiny-messages")).collect();
    assert!(!cases.is_empty() && cases.iter().all(|case| needs(case).contains("websocket.reply")));
    Ok(())
}

#[test]
fn each_clause_that_is_judged_can_be_named() -> Result {
    let suite = Suite::embedded()?;
    let mut named = BTreeSet::new();
    for case in &suite.cases {
        let lines = || case.section().conversation.iter().flatten();
        let rests_on_the_first = |statement: &Statement| match statement {
            Statement::Expect(_, Expectation { optional, .. }) => !optional,
            Statement::Procedure(..) | Statement::Silent(..) => true,
            _ => false,
        };
        // A field that may be absent must match where it is present.
        let is_field = |source: &str| source.contains("<? ") && !source.contains("HTTP/");
        let is_first = lines().any(|line| {
            line.clause.is_none()
                && (line.statement.as_ref().is_some_and(rests_on_the_first) || is_field(&line.source))
        });
        if is_first || case.invariant().is_some() {
            named.insert(case.clause().to_owned());
        }
        named.extend(lines().filter_map(|line| Some(line.clause.as_ref()?.text.trim().to_owned())));
    }
    let judged =
        suite.catalogue.clauses().filter(|clause| clause.waived.is_none() && clause.binds != Binds::Client);
    let dead: Vec<&str> = judged.map(|clause| clause.id.as_str()).filter(|id| !named.contains(*id)).collect();
    assert!(dead.is_empty(), "{dead:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_of_text_alone_is_told_so_once() -> Result {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
    let echo = "[websocket]\npath = \"/\"\nbinary = true\nreply = \"{message}\"\n";
    let url = format!("http://{}", listener.local_addr()?);
    let target = Arc::new(Target::new(&url, Profile::parse("pushspec.toml", echo)?)?);
    let serving = tokio::spawn(servers::serve(Arc::clone(&listener), Habit::TextAlone));
    let select = ["websocket/6-messages", "websocket/5.2-base-framing"];
    let select: Vec<Pattern> = select.iter().map(|pattern| Pattern::new(pattern)).collect();
    let outcome = Suite::embedded()?.run(&target, &Options { select, ..Options::default() }).await?;
    serving.abort();
    let of_binary: Vec<_> =
        outcome.cases.iter().filter(|case| needs(&case.case).contains("websocket.binary")).collect();
    let errors: Vec<_> = of_binary.iter().filter(|case| case.verdict == Verdict::Error).collect();
    assert_eq!(errors.len(), 1, "{:?}", errors.iter().map(|case| &case.case.id).collect::<Vec<_>>());
    assert!(errors[0].reason.as_deref().is_some_and(|reason| reason.contains("websocket.binary")));
    let skipped = of_binary.iter().filter(|case| case.verdict == Verdict::Skip).count();
    assert!(skipped > 5 && skipped + 1 == of_binary.len(), "{skipped} of {}", of_binary.len());
    Ok(())
}

/// What a server says in a coding that the suite does not read.
#[rstest]
#[case::a_message("sse/9.2.6-interpreting-an-event-stream/message-arrives", "text/event-stream")]
#[case::a_heartbeat("sse/9.2.7-authoring-notes/heartbeat-is-a-comment", "text/event-stream")]
#[case::what_comes_before_the_messages("iframe/2-prelude/*", "text/html")]
#[case::a_script("iframe/3-messages/messages-arrive-in-order", "text/html")]
#[case::a_poll("polling/6202-2.1-short-polling/at-once-without-news", "application/json")]
fn what_cannot_be_read_is_no_mistake(#[case] pattern: &str, #[case] media_type: &str) -> Result {
    for case in Suite::embedded()?.select(&[Pattern::new(pattern)])? {
        for coding in ["br", "zstd", "compress", "gzip, br"] {
            let head = format!(
                "HTTP/1.1 200 OK\\r\\nContent-Type: {media_type}\\r\\nContent-Encoding: {coding}\\r\\n\\r\\n"
            );
            let recorded = format!(
                "1.000 #0 < \"{head}\"\n2.000 #0 < x\"8b 00 80\"\n30.000 published\n31.000 #0 < x\"8b 00 80\"\n\
                 40.000 published\n50.000 published\n60.000 published\n70.000 published\n"
            );
            let judgement = judge(&case.id, &recorded)?;
            let coded = judgement.findings.iter().all(|finding| finding.clause.contains("12.5.3"));
            assert!(coded && judgement.verdict == Verdict::Error, "{}: {:?}", case.id, judgement.findings);
            let reason = judgement.reason.unwrap_or_default();
            assert!(reason.contains(coding), "{}: {reason}", case.id);
        }
    }
    Ok(())
}

#[rstest]
#[case("Origin, Accept-Encoding", true)]
#[case("*", true)]
#[case("*, Origin", true)]
#[case("", true)]
#[case("Origin Accept-Encoding", false)]
#[case("\\\"Origin\\\"", false)]
#[case("Origin; Accept", false)]
fn what_varies_is_a_list_of_names(#[case] value: &str, #[case] is_list: bool) -> Result {
    let head =
        answer("404 Not Found", &format!("Vary: {value}\\r\\nDate: Sun, 06 Nov 1994 08:49:37 GMT\\r\\n"));
    let judgement = judge("http/9110-9-methods/unknown-method[sse]", &format!("1.000 #0 < {head}\n"))?;
    assert_eq!(breached(&judgement).is_empty(), is_list, "{:?}", judgement.breaches);
    assert!(is_list || breached(&judgement) == ["vary-is-a-list"]);
    Ok(())
}

const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\n\\r\\n";

/// A poll that is answered before its content is there. What follows the answer on the connection decides.
#[rstest]
#[case::nothing("", true)]
#[case::the_end("400.000 #0 < eof\n", true)]
#[case::an_answer_to_the_content("400.000 #0 < \"NOT_FOUND\"\n", false)]
fn a_poll_that_is_answered_before_its_content_takes_no_request_from_it(
    #[case] rest: &str,
    #[case] is_free: bool,
) -> Result {
    let id = "http/9110-8.6-content-length/length-of-many-digits[4294967296,polling]";
    let answer =
        "HTTP/1.1 200 OK\\r\\nContent-Length: 29\\r\\n\\r\\n\\{\\\"cursor\\\": 1, \\\"messages\\\": []}";
    let rest = rest.replace("NOT_FOUND", NOT_FOUND);
    let judgement = judge(id, &format!("1.000 #0 < \"{answer}\"\n{rest}"))?;
    let expected: &[&str] = if is_free { &[] } else { &["rfc9110/8.6/large-lengths"] };
    assert_eq!(told(&judgement), expected, "{}", judgement.transcript);
    Ok(())
}

/// Node answers a poll before its content is there, and refuses the request once it knows that nothing more comes.
#[rstest]
#[case::at_once("60.000 #0 < eof\n", true)]
#[case::with_a_refusal(
    "60.000 #0 < \"HTTP/1.1 400 Bad Request\\r\\nConnection: close\\r\\n\\r\\n\"\n61.000 #0 < eof\n",
    true
)]
#[case::not_at_all("", false)]
fn a_request_that_breaks_off_may_be_refused_behind_its_answer(
    #[case] rest: &str,
    #[case] is_free: bool,
) -> Result {
    let id = "http/9112-6-message-body/content-that-breaks-off[polling]";
    let judgement = judge(id, &format!("1.000 #0 < \"{NOT_FOUND}\"\n{rest}"))?;
    let expected: &[&str] = if is_free { &[] } else { &["rfc9112/6.3/incomplete-request"] };
    assert_eq!(told(&judgement), expected, "{}", judgement.transcript);
    Ok(())
}

/// That HEAD is never answered is told by the clause about HEAD; here it is asked whether it takes a place.
#[rstest]
#[case::who_asks_next_is_answered("4501.000 #51 < \"STREAM\"\n", &[])]
#[case::nobody_is_answered_any_more("", &["html-sse/9.2.3/head-takes-no-place"])]
fn a_head_that_is_not_answered_takes_no_place_by_that(
    #[case] rest: &str,
    #[case] expected: &[&str],
) -> Result {
    let judgement = judge("sse/9.2.3-processing-model/head-takes-no-place", &rest.replace("STREAM", STREAM))?;
    assert_eq!(told(&judgement), expected, "{}", judgement.transcript);
    Ok(())
}

/// A server that has said that the connection ends need not answer what comes behind that, and may be slow to end it.
#[rstest]
#[case::it_lingers("Connection: close\\r\\n", &[])]
#[case::it_answers_nothing_more("", &["rfc6455/4.2.1/used-connection"])]
fn behind_an_announced_end_nothing_is_answered(#[case] field: &str, #[case] expected: &[&str]) -> Result {
    let id = "websocket/4.2.1-opening-handshake/handshake-behind-a-refused-one";
    let refusal = format!(
        "1.000 #0 < \"HTTP/1.1 426 Upgrade Required\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Version: 13\\r\\n{field}Content-Length: 0\\r\\n\\r\\n\"\n"
    );
    let judgement = judge(id, &refusal)?;
    assert_eq!(told(&judgement), expected, "{}", judgement.transcript);
    Ok(())
}

/// A server that knows no pings is told so by the clause about them, and not that it forgets quiet connections.
#[rstest]
#[case::it_answers("2.000 #0 < x\"8a 04\" + \"here\"\n3305.000 #0 < x\"8a 05\" + \"there\"\n", &[])]
#[case::it_takes_pings_for_messages("2.000 #0 < x\"81 04\" + \"here\"\n", &["rfc6455/5.5.2/pong"])]
#[case::it_answers_no_ping("", &["rfc6455/5.5.2/pong"])]
#[case::it_has_forgotten_the_connection("2.000 #0 < x\"8a 04\" + \"here\"\n", &["websocket-push/1/quiet-connections-stay"])]
#[case::it_has_ended_it("2.000 #0 < x\"8a 04\" + \"here\"\n3000.000 #0 < eof\n", &["websocket-push/1/quiet-connections-stay"])]
fn a_quiet_connection_stays_whatever_becomes_of_a_ping(
    #[case] rest: &str,
    #[case] expected: &[&str],
) -> Result {
    let id = "websocket/5.1-push/connection-that-is-quiet-for-three-seconds";
    let head =
        "HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n";
    let judgement = judge(id, &format!("1.000 #0 < \"{head}\"\n{rest}"))?;
    assert_eq!(told(&judgement), expected, "{}", judgement.transcript);
    Ok(())
}
