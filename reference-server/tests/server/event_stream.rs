//! Event streams, read as the standard says (WHATWG HTML, section 9.2.6).

use std::time::Duration;

use pushspec_reference::Server;
use reqwest::{Client, StatusCode};
use rstest::rstest;

use crate::support::{Wire, field, get, publish, soon, start, start_with, url};

/// A client with the state that the standard gives it.
struct Source {
    response: reqwest::Response,
    text: String,
    last_event_id: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Event {
    kind: String,
    data: String,
    id: String,
}

impl Source {
    async fn open(server: &Server, target: &str, last_event_id: Option<&str>) -> Self {
        let mut request = Client::new().get(url(server, target));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = soon(request.send()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Self { response, text: String::new(), last_event_id: String::new() }
    }

    async fn next(&mut self) -> Event {
        let (mut data, mut kind) = (String::new(), String::new());
        loop {
            let line = self.line().await;
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "data" => data = data + value + "\n",
                "event" => value.clone_into(&mut kind),
                "id" if !value.contains('\0') => value.clone_into(&mut self.last_event_id),
                "" if line.is_empty() && data.is_empty() => kind.clear(),
                "" if line.is_empty() => {
                    data.pop();
                    return Event { kind, data, id: self.last_event_id.clone() };
                }
                _ => {}
            }
        }
    }

    /// The server only ends lines with LF, so a CR here is a fault.
    async fn line(&mut self) -> String {
        loop {
            assert!(!self.text.contains('\r'));
            if let Some(end) = self.text.find('\n') {
                let line: String = self.text.drain(..=end).collect();
                return line.trim_end_matches('\n').to_owned();
            }
            let chunk = soon(self.response.chunk()).await.unwrap().expect("the stream goes on");
            self.text += str::from_utf8(&chunk).unwrap();
        }
    }
}

fn event(data: &str, id: &str) -> Event {
    Event { kind: String::new(), data: data.to_owned(), id: id.to_owned() }
}

async fn publish_named(server: &Server, data: &'static str, query: &[(&str, &str)]) {
    let target = reqwest::Url::parse_with_params(&url(server, "/publish/news"), query).unwrap();
    assert_eq!(Client::new().post(target).body(data).send().await.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test]
async fn the_head_and_a_comment_leave_at_once() {
    let server = start().await;
    let mut wire = Wire::get(&server, "/sse/news").await;
    let head = wire.head().await;
    assert_eq!(head.status, 200);
    assert_eq!(head.field("content-type"), Some("text/event-stream"));
    assert_eq!(head.field("cache-control"), Some("no-store, no-transform"));
    assert_eq!(head.field("content-length"), None);
    assert_eq!(wire.until("\n\n").await, "19\r\n: connected\nretry: 3000\n\n");
    wire.until("\r\n").await;
    wire.assert_silent().await;
}

#[tokio::test]
async fn a_message_is_one_event_in_one_chunk() {
    let server = start().await;
    let mut wire = Wire::get(&server, "/sse/news").await;
    wire.until("\n\n\r\n").await;
    publish(&server, "news", "one").await;
    assert_eq!(wire.until("\n\n\r\n").await, "11\r\nid: 1\ndata: one\n\n\r\n");
}

#[tokio::test]
async fn without_an_id_only_new_messages_come() {
    let server = start().await;
    publish(&server, "news", "old").await;
    let mut source = Source::open(&server, "/sse/news", None).await;
    publish_named(&server, "new", &[("id", "x y"), ("event", "tick")]).await;
    assert_eq!(
        source.next().await,
        Event { kind: "tick".to_owned(), data: "new".to_owned(), id: "x y".to_owned() }
    );
}

#[tokio::test]
async fn every_payload_arrives_with_its_line_ends_as_lf_and_injects_nothing() {
    let server = start().await;
    let mut source = Source::open(&server, "/sse/news", None).await;
    for (number, payload) in [
        "",
        " ",
        "  two spaces",
        "\n",
        "a\n\nb",
        "a\rb",
        "a\r\nb",
        "\r\n\r\n",
        "data: x\n\nid: 99\nevent: evil\ndata: injected\n\n",
        ": comment",
        "\u{feff}mark",
        "\0",
        "\u{2028}\u{2029}\u{85}\u{b}\u{c}",
        "retry: 1",
        "\u{10ffff}é",
    ]
    .into_iter()
    .enumerate()
    {
        publish(&server, "news", payload).await;
        let arrived = payload.replace("\r\n", "\n").replace('\r', "\n");
        assert_eq!(source.next().await, event(&arrived, &(number + 1).to_string()), "{payload:?}");
    }
}

#[rstest]
#[case::a_number("3", &["4", "5"])]
#[case::the_newest("5", &[])]
#[case::given("é seven", &["2", "3", "4", "5"])]
#[case::unknown("what", &["one", "2", "3", "4", "5"])]
#[case::from_the_future("99", &["one", "2", "3", "4", "5"])]
#[tokio::test]
async fn a_stream_resumes_after_the_last_event_id(
    #[values(true, false)] in_field: bool,
    #[case] id: &str,
    #[case] expected: &[&str],
) {
    let server = start().await;
    publish_named(&server, "one", &[("id", "é seven")]).await;
    for data in ["2", "3", "4", "5"] {
        publish(&server, "news", data).await;
    }
    let mut source = if in_field {
        Source::open(&server, "/sse/news?lastEventId=2", Some(id)).await
    } else {
        let target =
            reqwest::Url::parse_with_params(&url(&server, "/sse/news"), [("lastEventId", id)]).unwrap();
        let target = format!("{}?{}", target.path(), target.query().unwrap());
        Source::open(&server, &target, None).await
    };
    publish(&server, "news", "live").await;
    for data in expected.iter().chain(&["live"]) {
        assert_eq!(source.next().await.data, *data);
    }
}

#[tokio::test]
async fn an_empty_id_resets_and_resumes_with_nothing() {
    let server = start().await;
    publish(&server, "news", "one").await;
    let mut source = Source::open(&server, "/sse/news", Some("")).await;
    publish_named(&server, "two", &[("id", "")]).await;
    assert_eq!(source.next().await, event("two", ""));
}

#[tokio::test]
async fn an_id_with_white_space_around_it_is_found_although_the_field_loses_it() {
    let server = start().await;
    publish_named(&server, "one", &[("id", " a ")]).await;
    publish(&server, "news", "two").await;
    let mut source = Source::open(&server, "/sse/news", Some("a")).await;
    assert_eq!(source.next().await.data, "two");
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_over_reconnections_while_others_publish() {
    const MESSAGES: usize = 150;
    let server = start().await;
    publish(&server, "news", "0").await;
    let publisher = {
        let target = url(&server, "/publish/news");
        tokio::spawn(async move {
            let client = Client::new();
            for number in 1..=MESSAGES {
                client.post(&target).body(number.to_string()).send().await.unwrap();
            }
        })
    };
    let mut seen = Vec::new();
    let mut id = "1".to_owned();
    while seen.len() < MESSAGES {
        let mut source = Source::open(&server, "/sse/news", Some(&id)).await;
        for _ in 0..7.min(MESSAGES - seen.len()) {
            let event = source.next().await;
            seen.push(event.data.parse::<usize>().unwrap());
            id = event.id;
        }
    }
    assert_eq!(seen, (1..=MESSAGES).collect::<Vec<_>>());
    publisher.await.unwrap();
}

#[tokio::test]
async fn comments_keep_an_idle_stream_alive() {
    let server = start_with(|config| config.heartbeat = Duration::from_millis(100)).await;
    for target in ["/sse/news", "/sse/news?heartbeat=50ms", "/sse/news?heartbeat=1h"] {
        if target.ends_with('h') {
            assert_eq!(get(&server, target).await.status(), StatusCode::BAD_REQUEST);
            continue;
        }
        let mut wire = Wire::get(&server, target).await;
        wire.until("\n\n\r\n").await;
        assert_eq!(wire.until("\n\r\n").await, "2\r\n:\n\r\n");
        assert_eq!(wire.until("\n\r\n").await, "2\r\n:\n\r\n");
    }
}

#[tokio::test]
async fn head_has_the_fields_and_ends() {
    let server = start().await;
    let head = Client::new().head(url(&server, "/sse/news")).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(field(&head, "content-type"), "text/event-stream");
    assert_eq!(field(&head, "content-length"), "");
}

#[tokio::test]
async fn an_http_1_0_client_gets_the_stream_without_chunks() {
    let server = start().await;
    let mut wire = Wire::open(&server, "GET /sse/news HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    let head = wire.head().await;
    assert_eq!(head.field("connection"), Some("close"));
    assert_eq!(head.field("transfer-encoding"), None);
    assert_eq!(wire.until("\n\n").await, ": connected\nretry: 3000\n\n");
    publish(&server, "news", "one").await;
    assert_eq!(wire.until("\n\n").await, "id: 1\ndata: one\n\n");
}

#[rstest]
#[case::not_utf8("last-event-id: \u{ff}")]
#[case::twice("last-event-id: 1\r\nlast-event-id: 2")]
#[tokio::test]
async fn a_last_event_id_that_is_none_is_refused(#[case] line: &str) {
    let server = start().await;
    let mut request = b"GET /sse/news HTTP/1.1\r\nHost: localhost\r\n".to_vec();
    // Latin-1, so that the one character becomes the one byte that UTF-8 does not have.
    request.extend(line.chars().map(|character| u8::try_from(character).unwrap()));
    request.extend(b"\r\n\r\n");
    let (head, _) = Wire::open(&server, request).await.response().await;
    assert_eq!(head.status, 400);
    assert_eq!(head.field("content-type"), Some("text/plain; charset=utf-8"));
}

#[tokio::test]
async fn a_stream_with_a_limit_ends_after_so_many_events() {
    let server = start().await;
    let mut wire = Wire::get(&server, "/sse/news?limit=2").await;
    wire.until("\n\n\r\n").await;
    publish(&server, "news", "one").await;
    publish(&server, "news", "two").await;
    publish(&server, "news", "three").await;
    wire.until("id: 1\ndata: one\n\n\r\n").await;
    assert_eq!(wire.until("0\r\n\r\n").await, "11\r\nid: 2\ndata: two\n\n\r\n0\r\n\r\n");
}

#[tokio::test]
async fn a_stream_that_would_have_no_event_is_over() {
    let server = start().await;
    assert_eq!(get(&server, "/sse/news?limit=0").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(get(&server, "/sse/news?limit=-1").await.status(), StatusCode::BAD_REQUEST);
}

#[rstest]
#[case("/sse/news?redirect=307", "/sse/news")]
#[case("/sse/news?re%64irect=307&heartbeat=1s", "/sse/news?heartbeat=1s")]
#[case("/sse/news?limit=1&redirect=307&heartbeat=1s", "/sse/news?limit=1&heartbeat=1s")]
#[tokio::test]
async fn a_stream_redirects_to_itself(#[case] target: &str, #[case] location: &str) {
    let server = start().await;
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(url(&server, target)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(field(&answer, "location"), location);
    assert_eq!(get(&server, "/sse/news?redirect=200").await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_comment_has_as_many_lines_as_it_needs() {
    let server = start().await;
    let mut wire = Wire::get(&server, "/sse/news").await;
    wire.until("\n\n\r\n").await;
    publish_named(&server, "one", &[("comment", "a\r\ndata: b\n")]).await;
    let event = wire.until("\n\n\r\n").await;
    assert_eq!(event.split_once("\r\n").unwrap().1, ": a\n: data: b\n: \nid: 1\ndata: one\n\n\r\n");
}
