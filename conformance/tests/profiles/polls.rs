//! Polls by POST, and answers of another shape than the profile says.

use std::net::SocketAddr;

use super::server::{Hub, answer, json, serve};
use super::{Result, assert_passes, assert_told, judge};

const PUBLISH: &str = "\n[publish]\nrequest = \"POST /publish/{channel}\"\nbody = \"{data}\"\n";

/// A server that is polled by POST, with channel and cursor in the body.
pub(super) fn polled() -> Result<SocketAddr> {
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
    let cases = ["poll-is-answered", "news-is-brought", "nothing-twice", "only-what-is-new", "oldest-first"];
    let select: Vec<String> = cases.iter().map(|case| format!("{page}/{case}")).collect();
    let select: Vec<&str> = select.iter().map(String::as_str).collect();
    let outcome = judge(polled()?, &right, &select).await?;
    assert_passes(&outcome, 5);
    Ok(())
}

/// What a field of a request says.
fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A server that wants two values of its last response: how many messages there were, and a generation, which is another one
/// behind each message. A client that has one of the two, or a wrong one, is told so. A client that has none begins anew.
fn of_two_values() -> Result<SocketAddr> {
    let hub = Hub::default();
    serve(move |request, stream| {
        if let Some(channel) = request.path.strip_prefix("/publish/") {
            hub.publish(channel, &request.body, |_| {});
            return answer(&stream, "202 Accepted", "text/plain", "");
        }
        let asked = request.path.trim_start_matches("/poll/");
        let (channel, since) = asked.split_once("?since=").unwrap_or_default();
        let generation = field(&request.head, "X-Generation");
        let known = since.parse::<usize>().ok();
        let fits = match (known, generation) {
            (Some(0), None) => true,
            (Some(since), Some(generation)) => generation == format!("g{since}"),
            _ => false,
        };
        if !fits {
            return answer(&stream, "400 Bad Request", "text/plain", "another generation");
        }
        let said = hub.said(channel);
        let news: Vec<String> = said.iter().skip(known.unwrap_or_default()).map(|text| json(text)).collect();
        let body = format!("{{\"since\": {}, \"news\": [{}]}}", said.len(), news.join(","));
        let status = format!("200 OK\r\nX-Generation: g{}", said.len());
        answer(&stream, &status, "application/json", &body);
    })
}

const TWO_VALUES: &str = "[polling]
path = \"/poll/{channel}?since={cursor.since}\"
headers = { X-Generation = \"{cursor.generation}\" }
start = { since = \"0\" }
cursor = { since = \"/since\", generation = \"header:X-Generation\" }
messages = \"/news\"

[publish]
request = \"POST /publish/{channel}\"
body = \"{data}\"
";

const SHORT: &str = "polling/6202-2.1-short-polling";

/// Cases that poll more than once.
const FOLLOWED: [&str; 5] = [
    "polling/6202-2.1-short-polling/news-is-brought",
    "polling/6202-2.1-short-polling/nothing-twice",
    "polling/6202-2.1-short-polling/only-what-is-new",
    "polling/6202-2.1-short-polling/oldest-first",
    "polling/6202-2.1-short-polling/cursor-that-never-was",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_has_as_many_values_as_the_profile_names() -> Result {
    let outcome = judge(of_two_values()?, TWO_VALUES, &[SHORT]).await?;
    super::assert_at_most(&outcome, pushspec::judge::Verdict::Info, 20);
    for id in FOLLOWED {
        let cases = outcome.cases.iter().filter(|case| case.case.id.starts_with(id));
        let verdicts: Vec<_> = cases.map(|case| case.verdict).collect();
        assert!(
            !verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == pushspec::judge::Verdict::Pass),
            "{id}: {verdicts:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_a_cursor_in_another_place_is_told() -> Result {
    let [answered, read] =
        ["poll-is-answered", "news-can-be-read"].map(|name| format!("polling/6202-2.1-short-polling/{name}"));
    for (right, wrong, id, told) in [
        (
            "\"/since\"",
            "\"/after\"",
            answered,
            "nothing at /after, where the profile expects it; see [polling]",
        ),
        (
            "header:X-Generation",
            "header:X-Epoch",
            read,
            "the response has no header field `X-Epoch`, where the profile expects the cursor; see [polling]",
        ),
    ] {
        let profile = TWO_VALUES.replace(right, wrong);
        assert_ne!(profile, TWO_VALUES);
        let outcome = judge(of_two_values()?, &profile, &[SHORT]).await?;
        assert_told(&outcome, &id, &[told])?;
    }
    Ok(())
}

/// A server whose long polls go on behind two header fields of the last response, as those of Nchan do.
fn of_two_fields() -> Result<SocketAddr> {
    let hub = Hub::default();
    serve(move |request, stream| {
        if let Some(channel) = request.path.strip_prefix("/publish/") {
            hub.publish(channel, &request.body, |_| {});
            return answer(&stream, "202 Accepted", "text/plain", "");
        }
        let channel = request.path.trim_start_matches("/wait/");
        let fields = ["If-Modified-Since", "If-None-Match"].map(|name| field(&request.head, name));
        let after = match fields {
            [None, None] => 0,
            [Some(time), Some(tag)]
                if time == format!("Fri, 27 Nov 2026 08:00:{:0>2} GMT", tag.trim_matches('"')) =>
            {
                tag.trim_matches('"').parse().unwrap_or_default()
            }
            _ => return answer(&stream, "400 Bad Request", "text/plain", "both, or none"),
        };
        for _ in 0..200 {
            if let Some(text) = hub.said(channel).get::<usize>(after) {
                let next = after + 1;
                let status = format!(
                    "200 OK\r\nETag: \"{next}\"\r\nLast-Modified: Fri, 27 Nov 2026 08:00:{next:0>2} GMT"
                );
                return answer(&stream, &status, "text/plain", text);
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        answer(&stream, "408 Request Timeout", "text/plain", "");
    })
}

const TWO_FIELDS: &str = "[long-polling]
path = \"/wait/{channel}\"
headers = { If-Modified-Since = \"{cursor.time}\", If-None-Match = \"{cursor.tag}\" }
cursor = { time = \"header:Last-Modified\", tag = \"header:ETag\" }
empty = [408]
hold = \"2s\"

[publish]
request = \"POST /publish/{channel}\"
body = \"{data}\"
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_values_of_a_cursor_may_all_be_header_fields() -> Result {
    let between = "long-polling/6202-2.2-between-polls";
    let outcome = judge(of_two_fields()?, TWO_FIELDS, &[between]).await?;
    super::assert_at_most(&outcome, pushspec::judge::Verdict::Info, 8);
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
