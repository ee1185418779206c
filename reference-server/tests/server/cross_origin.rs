//! Cross-origin reads.

use reqwest::{Client, Method, StatusCode};
use rstest::rstest;

use crate::support::{field, start_with, url};

const FRIEND: &str = "https://friend.example";

#[rstest]
#[case("/polling/news", 200)]
#[case("/sse/news", 200)]
#[case("/polling/news?after=x", 400)]
#[case("/nothing", 404)]
#[case("/websocket/echo", 426)]
#[tokio::test]
async fn an_allowed_origin_can_read_answers_and_refusals(#[case] target: &str, #[case] status: u16) {
    let server = start_with(|config| config.allowed_origins = vec![FRIEND.parse().unwrap()]).await;
    let response = Client::new().get(url(&server, target)).header("origin", FRIEND).send().await.unwrap();
    assert_eq!(response.status(), status);
    assert_eq!(field(&response, "access-control-allow-origin"), FRIEND);
    assert_eq!(field(&response, "access-control-allow-credentials"), "true");
    assert_eq!(field(&response, "vary"), "Origin");
    assert!(field(&response, "access-control-expose-headers").contains("ETag"));
}

#[tokio::test]
async fn another_origin_cannot_and_the_answer_varies_all_the_same() {
    let server = start_with(|config| config.allowed_origins = vec![FRIEND.parse().unwrap()]).await;
    for origin in [Some("https://other.example"), Some("null"), None] {
        let mut request = Client::new().get(url(&server, "/polling/news"));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(field(&response, "access-control-allow-origin"), "");
        assert_eq!(field(&response, "vary"), "Origin");
    }
}

#[tokio::test]
async fn a_304_varies_too() {
    let server = start_with(|config| config.allowed_origins = vec![FRIEND.parse().unwrap()]).await;
    let request = Client::new().get(url(&server, "/polling/news")).header("if-none-match", "*");
    let response = request.header("origin", FRIEND).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(field(&response, "vary"), "Origin");
    assert_eq!(field(&response, "access-control-allow-origin"), FRIEND);
}

#[rstest]
#[case("/publish/news", "POST, OPTIONS")]
#[case("/sse/news", "GET, HEAD, OPTIONS")]
#[tokio::test]
async fn a_preflight_is_answered(#[case] target: &str, #[case] methods: &str) {
    let server = start_with(|config| config.allowed_origins = vec![FRIEND.parse().unwrap()]).await;
    let preflight = |origin: &str| {
        let request = Client::new().request(Method::OPTIONS, url(&server, target)).header("origin", origin);
        request.header("access-control-request-method", "POST").send()
    };
    let response = preflight(FRIEND).await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(field(&response, "access-control-allow-origin"), FRIEND);
    assert_eq!(field(&response, "access-control-allow-methods"), methods);
    for name in ["Content-Type", "If-None-Match", "Last-Event-ID"] {
        assert!(field(&response, "access-control-allow-headers").contains(name));
    }
    assert_eq!(field(&response, "content-length"), "");

    let response = preflight("https://other.example").await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(field(&response, "access-control-allow-methods"), "");
}

#[tokio::test]
async fn without_allowed_origins_nothing_depends_on_the_origin() {
    let server = start_with(|config| config.allowed_origins.clear()).await;
    let response =
        Client::new().get(url(&server, "/polling/news")).header("origin", FRIEND).send().await.unwrap();
    assert_eq!(field(&response, "access-control-allow-origin"), "");
    assert_eq!(field(&response, "vary"), "");
}

#[tokio::test]
async fn a_page_publishes_where_it_may_read_and_nowhere_else() {
    let publish = async |open: bool, name: &'static str, value: &str| {
        let server = start_with(|config| {
            config.allowed_origins = vec![FRIEND.parse().unwrap()];
            config.open_publishing = open;
        })
        .await;
        let own = format!("http://{}", server.address());
        let value = if value == "own" { &own } else { value };
        let request = Client::new().post(url(&server, "/publish/news")).header(name, value).body("one");
        request.send().await.unwrap().status().as_u16()
    };
    for (name, value, status) in [
        ("origin", FRIEND, 201),
        ("origin", "own", 201),
        ("origin", "https://other.example", 403),
        ("origin", "null", 403),
        ("host", "localhost", 201),
        ("host", "app.LOCALHOST:80", 201),
        ("host", "[::1]:80", 201),
        ("host", "192.0.2.1", 201),
        ("host", "other.example", 403),
        ("host", "127.0.0.1.other.example:80", 403),
    ] {
        assert_eq!(publish(false, name, value).await, status, "{name}: {value}");
        assert_eq!(publish(true, name, value).await, 201, "{name}: {value}");
    }
}
