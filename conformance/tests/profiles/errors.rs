//! What a profile has wrong of the techniques that the other files leave out: each is told within three seconds, with what
//! was expected and what came, and nobody is accused.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use pushspec::drive::schedule::Options;
use pushspec::judge::Verdict;
use pushspec::profile::{Profile, Target};
use pushspec::suite::Suite;

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

/// When the first case of a run of the whole suite cannot be judged for this reason; the run ends there.
async fn first_told(address: SocketAddr, profile: &str, told: &str) -> Result<Duration> {
    let profile = Profile::parse("pushspec.toml", profile)?;
    let target = Target::new(&format!("http://{address}"), profile)?;
    let options = Options::default();
    let (start, mut first) = (Instant::now(), None);
    let mut reasons = Vec::new();
    let suite = Suite::embedded()?;
    let outcome = suite.run_with(&target, &options, |case| {
        let reason = case.reason.clone().unwrap_or_default();
        if case.verdict != Verdict::Error {
            return;
        }
        if reason.contains(told) {
            first.get_or_insert(start.elapsed());
            options.stop.stop();
        }
        reasons.push(reason);
    });
    outcome.await?;
    Ok(first.ok_or_else(|| format!("nothing is told of {told}: {reasons:#?}"))?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_profile_has_wrong_is_told_soon_where_the_whole_suite_is_run() -> Result {
    let iframe = "[iframe]\npath = \"/iframe/{channel}\"\n";
    let poll = "[long-polling]\npath = \"/poll/{channel}?{cursor}\"\n";
    let elsewhere = PUBLISH.replace("request", "url = \"http://127.0.0.1:1\"\nrequest");
    for (profile, told) in [
        (format!("{iframe}callback = \"push\"\n{PUBLISH}"), "write `data = \"/text\"` into [iframe]"),
        (
            format!("{iframe}callback = \"deliver\"\ndata = \"/text\"\n{PUBLISH}"),
            "comes in no call of `deliver`, the `callback` of [iframe]",
        ),
        (format!("{iframe}callback = \"push\"\ndata = \"/text\"\n{elsewhere}"), "POST /publish/{channel}: "),
        (format!("{poll}data = \"/message\"\n{PUBLISH}"), "write `data = \"/text\"` into [long-polling]"),
        (
            format!("{poll}data = \"/text\"\ncursor = \"/next\"\n{PUBLISH}"),
            "which has nothing at `/next`, where `cursor` of [long-polling] is",
        ),
    ] {
        let at = first_told(wrapping()?, &profile, told).await?;
        assert!(at < Duration::from_secs(3), "{told}: after {at:?}");
    }
    Ok(())
}
