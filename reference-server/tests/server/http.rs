//! What HTTP asks of every request.

use reqwest::{Client, Method, StatusCode};
use rstest::rstest;

use crate::support::{Wire, field, get, start, url};

#[rstest]
#[case::no_host("GET / HTTP/1.1\r\n\r\n", 400)]
#[case::two_hosts("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400)]
#[case::two_hosts_in_1_0("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400)]
#[case::host_with_a_space("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400)]
#[case::host_with_user("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400)]
#[case::host_with_a_path("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400)]
#[case::empty_host("GET / HTTP/1.1\r\nHost:\r\n\r\n", 200)]
#[case::no_host_in_1_0("GET / HTTP/1.0\r\n\r\n", 200)]
#[case::absolute_target("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 200)]
#[case::asterisk("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204)]
#[case::unknown_method("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501)]
#[case::lower_case_method("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501)]
#[case::connect("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 404)]
#[case::trace("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405)]
#[case::half_an_escape("GET /polling/% HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
#[case::escape_not_utf8("GET /polling/%FF HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
#[case::query_not_utf8("GET /polling/a?after=%FF HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
#[case::space_before_the_colon("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400)]
#[case::folded_line("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400)]
#[case::no_version("GET /\r\n\r\n", 400)]
#[case::garbage("\u{1}\u{2}\u{3}\r\n\r\n", 400)]
#[case::two_lengths(
    "POST /publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    400
)]
#[case::length_no_number("POST /publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1\r\n\r\na", 400)]
#[case::two_codings(
    "POST /publish/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    501
)]
#[case::chunked_twice(
    "POST /publish/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    400
)]
#[case::unknown_coding("POST /publish/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 400)]
#[tokio::test]
async fn a_request_is_answered_with_its_status(#[case] request: &str, #[case] status: u16) {
    let server = start().await;
    let mut wire = Wire::open(&server, request).await;
    assert_eq!(wire.head().await.status, status);
}

#[rstest]
#[case("/", "GET, HEAD, OPTIONS")]
#[case("/publish/a", "POST, OPTIONS")]
#[case("/polling/a", "GET, HEAD, OPTIONS")]
#[case("/long-polling/a", "GET, HEAD, OPTIONS")]
#[case("/iframe/a", "GET, HEAD, OPTIONS")]
#[case("/sse/a", "GET, HEAD, OPTIONS")]
#[case("/websocket/a", "GET, OPTIONS")]
#[tokio::test]
async fn a_method_that_a_resource_lacks_is_refused_with_those_it_has(
    #[case] target: &str,
    #[case] methods: &str,
) {
    let server = start().await;
    for (method, status) in
        [(Method::DELETE, StatusCode::METHOD_NOT_ALLOWED), (Method::OPTIONS, StatusCode::NO_CONTENT)]
    {
        let response = Client::new().request(method, url(&server, target)).send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(field(&response, "allow"), methods);
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found_in_plain_text() {
    let server = start().await;
    for target in ["/favicon.ico", "/polling", "/polling/a/b", "//", "/POLLING/a"] {
        let response = get(&server, target).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{target}");
        assert_eq!(field(&response, "content-type"), "text/plain; charset=utf-8");
        assert_eq!(field(&response, "cache-control"), "no-store");
    }
}

#[tokio::test]
async fn the_page_is_whole_and_can_be_validated() {
    let server = start().await;
    let response = get(&server, "/").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(field(&response, "content-type"), "text/html; charset=utf-8");
    assert!(field(&response, "content-security-policy").contains("script-src 'sha256-"));
    let tag = field(&response, "etag").to_owned();
    assert!(response.text().await.unwrap().ends_with("</html>\n"));
    let request = Client::new().get(url(&server, "/")).header("if-none-match", tag);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn an_http_1_0_connection_is_kept_where_the_client_asks_and_the_answer_allows() {
    let server = start().await;
    let get = |target| format!("GET {target} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    let mut wire = Wire::open(&server, get("/polling/a")).await;
    assert_eq!(wire.response().await.0.field("connection"), Some("keep-alive"));
    wire.send(get("/polling/a").replace("Host: a", "Host: b c")).await;
    let (head, _) = wire.response().await;
    assert_eq!((head.status, head.field("connection")), (400, Some("close")));
    assert_eq!(wire.end().await, b"");
}

#[tokio::test]
async fn requests_can_follow_each_other_without_waiting() {
    let server = start().await;
    let get = "GET /polling/a HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut wire = Wire::open(&server, get.repeat(3)).await;
    for _ in 0..3 {
        assert_eq!(wire.response().await.0.status, 200);
    }
}

#[tokio::test]
async fn a_client_that_asks_for_the_end_of_the_connection_gets_it() {
    let server = start().await;
    let mut wire =
        Wire::open(&server, "GET /polling/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let (head, _) = wire.response().await;
    assert_eq!(head.field("connection"), Some("close"));
    assert_eq!(wire.end().await, b"");
}
