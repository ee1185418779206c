//! What a profile has wrong: each is told before anything rests on it, with what was expected and what came, and nobody is
//! accused.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pushspec::drive::schedule::Options;
use pushspec::judge::{Verdict, needs};
use pushspec::profile::{Profile, Target};
use pushspec::suite::Suite;
use pushspec_reference::{Config, Server};

use super::server::{Hub, answer, chunk, json, serve};
use super::{Result, assert_told, judge};

const PUBLISH: &str = "\n[publish]\nrequest = \"POST /publish/{channel}\"\nbody = \"{data}\"\n";

/// A server that wraps what is published: `{"text": …}` in each script and each answer.
fn wrapping() -> Result<SocketAddr> {
    let hub = Hub::default();
    serve(move |request, mut stream| match request.path.split('/').collect::<Vec<_>>()[..] {
        [_, "iframe", channel] => {
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nDate: Fri, 27 Nov 2026 09:00:00 GMT\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n",
            );
            chunk(&stream, &format!("<!doctype html><body>{}\n", " ".repeat(1024)));
            hub.listen(channel, stream);
        }
        [_, "poll", channel] => {
            let channel = channel.split('?').next().unwrap_or_default();
            for _ in 0..200 {
                if let Some(text) = hub.said(channel).last() {
                    let body = format!("{{\"text\": {}}}", json(text));
                    return answer(&stream, "200 OK", "application/json", &body);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            answer(&stream, "204 No Content", "text/plain", "");
        }
        [_, "publish", channel] => {
            let script = format!("<script>parent.push({{\"text\": {}}})</script>\n", json(&request.body));
            hub.publish(channel, &request.body, |listener| chunk(listener, &script));
            answer(&stream, "202 Accepted", "text/plain", "");
        }
        [_, "login"] => answer(&stream, "200 OK", "application/json", "{\"token\": \"t\"}"),
        _ => answer(&stream, "404 Not Found", "text/plain", ""),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrapped_argument_of_a_script_is_told_with_the_pointer_to_it() -> Result {
    for pointers in ["", "data = \"/message\"\n"] {
        let profile =
            format!("[iframe]\npath = \"/iframe/{{channel}}\"\ncallback = \"push\"\n{pointers}{PUBLISH}");
        let outcome = judge(wrapping()?, &profile, &["iframe/3-messages"]).await?;
        let told = ["\"Can you read this?\"", "\\\"text\\\"", "write `data = \"/text\"` into [iframe]"];
        assert_told(&outcome, "iframe/3-messages/message-can-be-read", &told)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrapped_answer_to_a_long_poll_is_told_with_the_pointer_to_it() -> Result {
    for pointers in ["", "data = \"/message\"\n"] {
        let profile = format!("[long-polling]\npath = \"/poll/{{channel}}\"\n{pointers}{PUBLISH}");
        let outcome = judge(wrapping()?, &profile, &["long-polling/6202-2.1-long-polling"]).await?;
        let told = ["\"Can you read this?\"", "\\\"text\\\"", "write `data = \"/text\"` into [long-polling]"];
        assert_told(&outcome, "long-polling/6202-2.1-long-polling/poll-is-answered", &told)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_takes_from_the_wrong_place_is_told() -> Result {
    let profile = "[sse]\npath = \"/sse/{channel}?t={session.sid}\"\n\
        [[session.request]]\nrequest = \"GET /login\"\ntake.sid = \"/sid\"\n";
    let outcome = judge(wrapping()?, profile, &["sse"]).await?;
    let case = outcome.cases.iter().find(|case| case.verdict == Verdict::Error).ok_or("no error")?;
    let reason = case.reason.as_deref().unwrap_or_default();
    assert!(reason.contains("[session] `GET /login`: the response has nothing at `/sid`"), "{reason}");
    assert!(outcome.duration < Duration::from_secs(3), "{:?}", outcome.duration);
    assert!(outcome.findings().is_empty());
    Ok(())
}

/// Runs the whole suite until a case cannot be judged for this reason. Until then nobody was accused of what was published, and
/// no case has published but those that look whether the profile is true.
async fn assert_first_told(address: SocketAddr, profile: &str, told: &[&str]) -> Result {
    let parsed = Profile::parse("pushspec.toml", profile)?;
    let target = Arc::new(Target::new(&format!("http://{address}"), parsed)?);
    // Generous: it is how many cases publish that says whether a run with a wrong profile ends soon.
    let options = Options { max_time: Some(Duration::from_secs(120)), again: false, ..Options::default() };
    let mut reasons = Vec::new();
    let mut is_told = false;
    let suite = Suite::embedded()?;
    let outcome = suite.run_with(&target, &options, |case| {
        let reason = case.reason.clone().unwrap_or_default();
        if case.verdict == Verdict::Error && told.iter().all(|part| reason.contains(part)) {
            is_told = true;
            options.stop.stop();
        }
        if case.verdict == Verdict::Error {
            reasons.push(reason);
        }
    });
    let outcome = outcome.await?;
    assert!(is_told, "{profile}: nothing is told of {told:?}: {reasons:#?}");
    for case in outcome.cases.iter().filter(|case| needs(&case.case).contains("publish")) {
        let is_run = case.verdict != Verdict::Skip;
        assert!(!is_run || case.case.is_precondition(), "{profile}: {} was run", case.case.id);
        assert!(case.findings.is_empty(), "{profile}: {}: {:?}", case.case.id, case.findings);
    }
    Ok(())
}

const IFRAME: &str = "[iframe]\npath = \"/iframe/{channel}\"\n";
const POLL: &str = "[long-polling]\npath = \"/poll/{channel}?{cursor}\"\n";
const SHORT: &str = "[polling]\npath = \"/poll\"\nbody = '{\"room\": \"{channel}\", \"after\": \"{cursor}\"}'\nstart = \"0\"\n";
const STREAM: &str = "[sse]\npath = \"/sse/{channel}\"\n";
const READ: &str = "\"Can you read this?\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_profile_has_wrong_is_told_soon_where_the_whole_suite_is_run() -> Result {
    let elsewhere = PUBLISH.replace("request", "url = \"http://127.0.0.1:1\"\nrequest");
    let unknown = PUBLISH.replace("/publish/", "/pub/");
    let server = wrapping()?;
    for (profile, told) in [
        (
            format!("{IFRAME}callback = \"push\"\n{PUBLISH}"),
            &[READ, "write `data = \"/text\"` into [iframe]"][..],
        ),
        (
            format!("{IFRAME}callback = \"deliver\"\ndata = \"/text\"\n{PUBLISH}"),
            &[READ, "comes in no call of `deliver`, the `callback` of [iframe]"],
        ),
        (
            format!("{IFRAME}callback = \"push\"\ndata = \"/text\"\n{elsewhere}"),
            &["POST /publish/{channel}: "],
        ),
        (format!("{POLL}{PUBLISH}"), &[READ, "\\\"text\\\"", "write `data = \"/text\"` into [long-polling]"]),
        (
            format!("{POLL}data = \"/message\"\n{PUBLISH}"),
            &[READ, "write `data = \"/text\"` into [long-polling]"],
        ),
        (
            format!("{POLL}data = \"/text\"\ncursor = \"/next\"\n{PUBLISH}"),
            &[READ, "which has nothing at `/next`, where `cursor` of [long-polling] is"],
        ),
        (
            format!("{POLL}data = \"/text\"\nmessages = \"/text\"\n{PUBLISH}"),
            &[READ, "write `data = \"/text\"`, and no `messages`, into [long-polling]"],
        ),
    ] {
        assert_first_told(server, &profile, told).await?;
    }
    let server = super::streams::wrapping()?;
    for (profile, told) in [
        (format!("{STREAM}{PUBLISH}"), &[READ, "\\\"at\\\": 7", "write `data = \"/text\"` into [sse]"][..]),
        (format!("{STREAM}data = \"/at\"\n{PUBLISH}"), &[READ, "write `data = \"/text\"` into [sse]"]),
        (
            format!("{STREAM}data = \"/text\"\n{unknown}"),
            &["POST /pub/{channel} was 404", "`request` in [publish]"],
        ),
        (format!("{STREAM}data = \"/text\"\n{elsewhere}"), &["POST /publish/{channel}: "]),
    ] {
        assert_first_told(server, &profile, told).await?;
    }
    // What is published goes to another channel.
    let other = PUBLISH.replace("{channel}", "other");
    for (server, profile) in [
        (super::streams::wrapping()?, format!("{STREAM}data = \"/text\"\n{other}")),
        (wrapping()?, format!("{POLL}data = \"/text\"\n{other}").replace("?{cursor}", "")),
        (
            super::polls::polled()?,
            format!("{SHORT}cursor = \"/next\"\nmessages = \"/news\"\ndata = \"/text\"\n{other}"),
        ),
    ] {
        let told = [
            READ,
            "nothing that is published arrives",
            "does `request` in [publish] of the profile publish for",
        ];
        assert_first_told(server, &profile, &told).await?;
    }
    let server = super::polls::polled()?;
    for (profile, told) in [
        (
            format!("{SHORT}cursor = \"/next\"\n{PUBLISH}"),
            &[READ, "write `messages = \"/news\"` and `data = \"/text\"` into [polling]"][..],
        ),
        (
            format!("{SHORT}cursor = \"/after\"\nmessages = \"/news\"\ndata = \"/text\"\n{PUBLISH}"),
            &["the body has nothing at /after, where the profile expects it; see [polling]"],
        ),
        (
            format!(
                "{}cursor = \"/next\"\nmessages = \"/news\"\ndata = \"/text\"\n{PUBLISH}",
                SHORT.replace("room", "channel")
            ),
            &["/poll is answered with 400", "[polling]"],
        ),
    ] {
        assert_first_told(server, &profile, told).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_comes_as_it_is_is_told_where_the_profile_leads_into_it() -> Result {
    let server = Server::start(Config::default()).await?;
    let data = "data = \"/text\"\n";
    let echo = format!("[websocket]\npath = \"/websocket/echo\"\nreply = \"{{message}}\"\n{data}");
    let socket = format!("[websocket]\npath = \"/websocket/{{channel}}\"\n{data}{PUBLISH}");
    for (profile, told) in [
        (format!("{STREAM}{data}{PUBLISH}"), &[READ, "comes as it is: take `data`", "out of [sse]"][..]),
        (format!("{STREAM}prefix = \"a\"\n{PUBLISH}"), &[READ, "comes as it is: take", "`prefix`"]),
        (socket, &[READ, "comes as it is: take `data`", "out of [websocket]"]),
        (echo, &["\"Who is there?\"", "comes as it is: take `data`", "out of [websocket]"]),
    ] {
        assert_first_told(server.address(), &profile, told).await?;
    }
    let poll = |start: &str| {
        format!(
            "[polling]\npath = \"/polling/{{channel}}?after={{cursor}}\"\ncursor = \"/cursor\"\nstart = \"{start}\"\n{PUBLISH}"
        )
    };
    let told = ["/polling/{channel}?after=first is answered with 400", "`path` and `start` of `[polling]`"];
    assert_first_told(server.address(), &poll("first"), &told).await?;
    // This one wants the name of a function.
    let iframe = format!("{IFRAME}callback = \"push\"\n{PUBLISH}");
    let told = ["/iframe/{channel} is answered with 400", "`path` and its parameters of `[iframe]`"];
    assert_first_told(server.address(), &iframe, &told).await?;
    server.shutdown().await;
    let iframe = format!("{IFRAME}callback = \"push\"\n{data}method = \"POST\"\n{PUBLISH}");
    let told = [READ, "parent.push(", "the body has nothing at /text", "see [iframe] in the profile"];
    assert_first_told(super::keys::posted()?, &iframe, &told).await?;
    let poll = format!(
        "[long-polling]\npath = \"/wait\"\nbody = \"room={{channel}}\"\n{data}\
        content-type = \"application/x-www-form-urlencoded\"\n{PUBLISH}"
    );
    let told = [READ, "the body is not JSON", "see [long-polling] in the profile"];
    assert_first_told(super::keys::posted()?, &poll, &told).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_profile_has_wrong_of_a_websocket_or_a_session_is_told_soon() -> Result {
    let (server, publisher) = super::websockets::speaking(super::websockets::enveloped).await?;
    let socket = "[websocket]\npath = \"/{channel}\"\n";
    let publish = PUBLISH.replace("request", &format!("url = \"http://{publisher}\"\nrequest"));
    for (profile, told) in [
        (
            format!("{socket}reply = \"{{message}}\"\n"),
            &["\"Who is there?\"", "write `data = \"/text\"`"][..],
        ),
        (
            format!("{socket}reply = \"said: {{message}}\"\ndata = \"/text\"\n"),
            &["\"Who is there?\"", "reply"],
        ),
        (format!("{socket}{publish}"), &[READ, "\\\"news\\\"", "write `data = \"/text\"` into [websocket]"]),
        (
            format!("{socket}data = \"/type\"\n{publish}"),
            &[READ, "write `data = \"/text\"` into [websocket]"],
        ),
    ] {
        assert_first_told(server, &profile, told).await?;
    }
    for (request, told) in [
        ("GET /login", "[session] `GET /login`: the response has nothing at `/sid`"),
        ("GET /logn", "[session] `GET /logn`: the response is 404"),
    ] {
        let session = format!("[[session.request]]\nrequest = \"{request}\"\ntake.sid = \"/sid\"\n");
        let profile = format!("{STREAM}{session}").replace("{channel}", "{channel}?t={session.sid}");
        assert_first_told(wrapping()?, &profile, &[told]).await?;
    }
    Ok(())
}
