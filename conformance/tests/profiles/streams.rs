//! Event streams whose messages are within JSON, that are asked for by POST, or that end.

use std::net::{SocketAddr, TcpStream};

use pushspec::judge::Verdict;

use super::server::{Hub, Request, answer, chunk, json, open_stream, serve};
use super::{Result, assert_passes, assert_told, case, judge};

const PAGE: &str = "sse/9.2.3-processing-model";
const READABLE: &str = "sse/9.2.3-processing-model/message-can-be-read";

const PUBLISH: &str = "\n[publish]\nrequest = \"POST /publish/{channel}\"\nbody = \"{data}\"\n";

/// A server that sends `{"at": 7, "text": …}` in each event, and events of its own between.
pub(super) fn wrapping() -> Result<SocketAddr> {
    let hub = Hub::default();
    serve(move |request, stream| match request.path.split('/').collect::<Vec<_>>()[..] {
        [_, "sse", channel] => {
            open_stream(&stream);
            chunk(&stream, "data: {\"welcome\": true}\n\n");
            hub.listen(channel, stream);
        }
        [_, "publish", channel] => {
            let event = format!("data: {{\"at\": 7, \"text\": {}}}\n\n", json(&request.body));
            hub.publish(channel, &request.body, |listener| chunk(listener, &event));
            answer(&stream, "202 Accepted", "text/plain", "");
        }
        _ => answer(&stream, "404 Not Found", "text/plain", ""),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_within_json_is_told_with_the_pointer_to_it() -> Result {
    for pointers in ["", "data = \"/message\"\n", "data = \"/at\"\n"] {
        let profile = format!("[sse]\npath = \"/sse/{{channel}}\"\n{pointers}{PUBLISH}");
        let outcome = judge(wrapping()?, &profile, &[PAGE]).await?;
        let told = ["\"Can you read this?\"", "\\\"at\\\": 7", "write `data = \"/text\"` into [sse]"];
        assert_told(&outcome, READABLE, &told)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_pointer_is_right_messages_are_judged() -> Result {
    let profile = format!("[sse]\npath = \"/sse/{{channel}}\"\ndata = \"/text\"\n{PUBLISH}");
    let outcome = judge(wrapping()?, &profile, &["sse/9.2.3-processing-model/*message*"]).await?;
    assert_passes(&outcome, 8);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipe_with_a_wrong_path_is_told_as_that() -> Result {
    let profile = "[sse]\npath = \"/sse/{channel}\"\ndata = \"/text\"\n[publish]\nrequest = \"POST /pub/{channel}\"\nbody = \"{data}\"\n";
    let outcome = judge(wrapping()?, profile, &[PAGE]).await?;
    let told = ["POST /pub/{channel} was 404", "the path of `request` in [publish]"];
    assert_told(&outcome, READABLE, &told)
}

/// A server that answers a publication with the id that the message gets; under `/other` with another one, and under
/// `/none` with none.
fn calling() -> Result<SocketAddr> {
    let hub = Hub::default();
    serve(move |request, stream| match request.path.split('/').collect::<Vec<_>>()[..] {
        [_, "sse", channel] => {
            open_stream(&stream);
            hub.listen(channel, stream);
        }
        [_, kind, channel] => {
            let id = format!("urn:{}", request.body.len());
            let event = format!("id: {id}\ndata: {}\n\n", request.body);
            let said = match kind {
                "other" => "{\"id\": \"urn:other\"}".to_owned(),
                "none" => "{}".to_owned(),
                "plain" => format!("{id}\n"),
                _ => format!("{{\"id\": \"{id}\"}}"),
            };
            hub.publish(channel, &request.body, |listener| chunk(listener, &event));
            answer(&stream, "200 OK", "text/plain", &said);
        }
        _ => answer(&stream, "404 Not Found", "text/plain", ""),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_id_in_the_answer_to_a_publication_is_that_of_the_message() -> Result {
    let profile = |path: &str, id: &str| {
        let publish = format!(
            "[publish]\nrequest = \"POST /{path}/{{channel}}\"\nbody = \"{{data}}\"\nid = \"{id}\"\n"
        );
        format!("[sse]\npath = \"/sse/{{channel}}\"\n{publish}")
    };
    for (path, id) in [("json", "/id"), ("plain", "")] {
        assert_passes(&judge(calling()?, &profile(path, id), &[READABLE]).await?, 1);
    }
    for (path, id, told) in [
        (
            "other",
            "/id",
            ["`id` of [publish] does not hold", "the id \"urn:other\"", "the id \"urn:18\""].as_slice(),
        ),
        ("none", "/id", &["the response has nothing at its `/id`, where `id` of [publish] is"]),
        ("json", "header:X-Id", &["the response has nothing at its `header:X-Id`"]),
    ] {
        let outcome = judge(calling()?, &profile(path, id), &[READABLE]).await?;
        assert_told(&outcome, READABLE, told)?;
    }
    Ok(())
}

/// A gateway that streams what a model says, and is asked by POST alone.
fn gateway(events: &'static [&'static str]) -> Result<SocketAddr> {
    let is_asked = |request: &Request| {
        request.method == "POST"
            && request.head.contains("Content-Type: application/json\r\n")
            && request.head.contains("Authorization: Bearer secret\r\n")
            && serde_json::from_str::<serde_json::Value>(&request.body)
                .is_ok_and(|body| body["stream"] == true)
    };
    serve(move |request, stream: TcpStream| match request.path.as_str() {
        "/v1/chat" if request.method != "POST" => {
            let _ = std::io::Write::write_all(
                &mut &stream,
                b"HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        "/v1/chat" if is_asked(request) => {
            open_stream(&stream);
            for event in events {
                chunk(&stream, event);
            }
            chunk(&stream, "");
        }
        "/v1/chat" => answer(&stream, "400 Bad Request", "text/plain", ""),
        _ => answer(&stream, "404 Not Found", "text/plain", ""),
    })
}

const GATEWAY: &str = "[sse]
path = \"/v1/chat\"
body = '{\"stream\": true}'
headers = { Authorization = \"Bearer secret\" }
finite = true
done = \"[DONE]\"
data = \"/choices/0/delta/content\"
";

const TOKEN: &str = "data: {\"choices\": [{\"delta\": {\"content\": \"one\"}}]}\n\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_asked_by_post_is_judged_without_one_wrong_finding() -> Result {
    assert!(GATEWAY.lines().count() <= 10, "a gateway needs few lines");
    let address = gateway(&[TOKEN, "data: [DONE]\n\n"])?;
    let outcome = judge(address, GATEWAY, &["sse", "http/9110-6.6.1-date"]).await?;
    let accused: Vec<_> = outcome.findings().iter().map(|finding| format!("{finding:?}")).collect();
    let wrong: Vec<_> = accused.iter().filter(|finding| !finding.contains("no-transform")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for id in ["stream-opens", "head-before-first-event"] {
        assert_eq!(case(&outcome, &format!("{PAGE}/{id}"))?.verdict, Verdict::Pass, "{id}");
    }
    let head = case(&outcome, "sse/9110-9.3-methods/head-says-what-get-would")?;
    assert_eq!(
        head.reason.as_deref(),
        Some("the profile has no `sse.get`: [sse] without a method other than GET, and without a body")
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finite_stream_is_judged_to_its_last_byte() -> Result {
    let address = gateway(&[TOKEN, "data: [DONE]\n"])?;
    let outcome = judge(address, GATEWAY, &[PAGE]).await?;
    let clauses: Vec<&str> = outcome.findings().iter().map(|(_, finding)| finding.clause.as_str()).collect();
    assert_eq!(clauses, ["html-sse/9.2.5/whole-events"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_text_that_ends_a_stream_comes_last() -> Result {
    for events in [&[TOKEN, "data: [DONE]\n\n", TOKEN][..], &[TOKEN]] {
        let outcome = judge(gateway(events)?, GATEWAY, &[PAGE]).await?;
        let told = ["`done` of the profile", "expected \"[DONE]\" as the last event, received \"one\""];
        assert_told(&outcome, "sse/9.2.3-processing-model/stream-opens", &told)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_is_not_safe_is_sent_where_the_profile_names_it() -> Result {
    let page = "http/9110-9-methods/delete-is-refused";
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = std::sync::Arc::clone(&heard);
    let address = serve(move |request, stream| {
        noted.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(request.method.clone());
        if request.method == "GET" {
            open_stream(&stream);
            std::thread::sleep(std::time::Duration::from_secs(2));
        } else {
            answer(&stream, "405 Method Not Allowed", "text/plain", "");
        }
    })?;
    let outcome = judge(address, "[sse]\npath = \"/\"\n", &[page]).await?;
    let reason = "the profile's `methods` does not name DELETE";
    assert_eq!(case(&outcome, page)?.reason.as_deref(), Some(reason));
    let unsafe_ones = |heard: &[String]| heard.iter().filter(|method| method.as_str() == "DELETE").count();
    assert_eq!(unsafe_ones(&heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner)), 0);
    let outcome = judge(address, "methods = [\"DELETE\"]\n[sse]\npath = \"/\"\n", &[page]).await?;
    assert_eq!(case(&outcome, page)?.verdict, Verdict::Pass);
    assert_ne!(unsafe_ones(&heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner)), 0);
    Ok(())
}
