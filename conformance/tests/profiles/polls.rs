//! Polls by POST, and answers of another shape than the profile says.

use std::net::SocketAddr;

use super::server::{Hub, answer, json, serve};
use super::{Result, assert_passes, assert_told, judge};

const PUBLISH: &str = "\n[publish]\nrequest = \"POST /publish/{channel}\"\nbody = \"{data}\"\n";

/// A server that is polled by POST, with channel and cursor in the body.
fn polled() -> Result<SocketAddr> {
    let hub = Hub::default();
    serve(move |request, stream| {
        if let Some(channel) = request.path.strip_prefix("/publish/") {
            hub.publish(channel, &request.body, |_| {});
            return answer(&stream, "202 Accepted", "text/plain", "");
        }
        let asked: serde_json::Value = serde_json::from_str(&request.body).unwrap_or_default();
        let (Some(channel), Some(after)) = (asked["room"].as_str(), asked["after"].as_str()) else {
            return answer(&stream, "400 Bad Request", "text/plain", "");
        };
        let said = hub.said(channel);
        let after: usize = after.parse().unwrap_or_default();
        let news: Vec<String> =
            said.iter().skip(after).map(|text| format!("{{\"text\":{}}}", json(text))).collect();
        let body = format!("{{\"next\": \"{}\", \"news\": [{}]}}", said.len(), news.join(","));
        answer(&stream, "200 OK", "application/json", &body);
    })
}

fn profile(answer: &str) -> String {
    let body = r#"body = '{"room": "{channel}", "after": "{cursor}"}'"#;
    format!(
        "[polling]\npath = \"/poll?{{cursor}}\"\n{body}\nstart = \"0\"\ncursor = \"/next\"\n{answer}{PUBLISH}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_by_post_has_its_cursor_in_the_body() -> Result {
    let right = profile("messages = \"/news\"\ndata = \"/text\"\n");
    let page = "polling/6202-2.1-short-polling";
    let cases = ["poll-is-answered", "news-is-brought", "nothing-twice", "only-what-is-new", "order-of-news"];
    let select: Vec<String> = cases.iter().map(|case| format!("{page}/{case}")).collect();
    let select: Vec<&str> = select.iter().map(String::as_str).collect();
    let outcome = judge(polled()?, &right, &select[..4]).await?;
    assert_passes(&outcome, 4);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_in_another_place_is_told_with_the_keys_that_lead_to_it() -> Result {
    for wrong in ["", "messages = \"/news\"\n", "messages = \"/news\"\ndata = \"/data\"\n"] {
        let outcome = judge(polled()?, &profile(wrong), &["polling/6202-2.1-short-polling"]).await?;
        let told =
            ["\"Can you read this?\"", "write `messages = \"/news\"` and `data = \"/text\"` into [polling]"];
        assert_told(&outcome, "polling/6202-2.1-short-polling/news-can-be-read", &told)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipe_that_is_not_there_is_no_fault_of_the_poll() -> Result {
    let right =
        profile("messages = \"/news\"\ndata = \"/text\"\n").replace("POST /publish/", "PUT /nowhere/");
    let outcome = judge(polled()?, &right, &["polling/6202-2.1-short-polling"]).await?;
    let told = ["publishing failed", "see [publish] in the profile"];
    let id = "polling/6202-2.1-short-polling/news-can-be-read";
    let reason = super::case(&outcome, id)?.reason.clone().unwrap_or_default();
    assert!(
        reason.contains("PUT /nowhere/{channel} was 400") || told.iter().all(|part| reason.contains(part)),
        "{reason}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_that_is_not_there_is_told_before_the_recipe_is() -> Result {
    let nothing = serve(|_, stream| answer(&stream, "404 Not Found", "text/plain", ""))?;
    let poll = "path = \"/wait?{cursor}\"\nstart = \"0\"\ncursor = \"/next\"\n";
    let outcome =
        judge(nothing, &format!("[long-polling]\n{poll}{PUBLISH}"), &["long-polling/6202-2.1-long-polling"])
            .await?;
    let told = ["/wait?0 is answered with 404", "`[long-polling]`"];
    assert_told(&outcome, "long-polling/6202-2.1-long-polling/poll-is-answered", &told)
}
