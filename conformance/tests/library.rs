//! The suite as a library: what a test of a user's own sees of it.

mod servers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use pushspec::drive::schedule::{Options, RunError};
use pushspec::profile::event_stream::EventStream;
use pushspec::profile::websocket::WebSocket;
use pushspec::profile::{Profile, Target};
use pushspec::suite::{Pattern, Suite, SuiteError};
use tokio::net::TcpListener;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const CASE: &str = "websocket/4.2.1-opening-handshake/http-1.0-does-not-open";

#[tokio::test]
async fn an_assertion_that_fails_says_what_the_program_prints() -> Result {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(servers::serve(listener, servers::Habit::Tutorial));
    let profile = Profile::default()
        .with_websocket(WebSocket::at("/?token=s3cr3t-of-a-query").echoing())
        .with_secret("token")
        .with_header("Authorization", "Bearer s3cr3t-of-a-field");
    let target = Target::new(&url, profile)?;
    let outcome = Suite::embedded()?.run(&target, &Options::default().only(CASE)).await?;
    let panic = catch_unwind(AssertUnwindSafe(|| outcome.assert_conformant())).err().ok_or("it conforms")?;
    let said = panic.downcast_ref::<String>().ok_or("no text")?;
    for words in [
        "not conformant",
        "rfc6455/4.2.1/http-version",
        "https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1",
        "case:     websocket/4.2.1-opening-handshake/http-1.0-does-not-open",
        "expected: HTTP/1.x 2xx|3xx|4xx|5xx * or eof or reset",
        "received: HTTP/1.1 101 Switching Protocols",
        "> GET /?token=«token» HTTP/1.0",
        "▶",
        "run it again: Options::default().only(\"websocket/4.2.1-opening-handshake/http-1.0-does-not-open\")",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert!(!said.contains('\u{1b}') && !said.contains("Finding {") && !said.contains("s3cr3t"), "{said}");
    assert!(outcome.text().contains("not conformant"));
    Ok(())
}

#[tokio::test]
async fn a_slip_is_an_error_with_its_reason() -> Result {
    let suite = Suite::embedded()?;
    let error = suite.select(&[Pattern::new("websocket/5.1-maskin/x")]).err().ok_or("it is selected")?;
    assert!(error.to_string().contains("no case matches `websocket/5.1-maskin/x`"), "{error}");
    assert_eq!(suite.select(&[])?.len(), suite.cases.len());
    let run = async |profile: Profile, options: Options| {
        let target = Target::new("http://127.0.0.1:1", profile)?;
        let error = suite.run(&target, &options).await.err().ok_or("it is judged")?;
        Ok::<_, Box<dyn std::error::Error>>(error)
    };
    let sse = |path: &str| Profile::default().with_sse(EventStream::at(path));
    let error = run(sse("/events"), Options::default().only("sse/9.9")).await?;
    assert!(matches!(&error, RunError::NothingSelected(_)), "{error}");
    let error = run(sse("events"), Options::default()).await?;
    assert!(error.to_string().contains("[sse]: `events` is not a path; a path begins with `/`"), "{error}");
    let error = run(Profile::default(), Options::default()).await?;
    assert!(matches!(error, RunError::NoTechnique), "{error}");
    let error = run(sse("/events"), Options::default()).await?;
    assert!(matches!(error, RunError::Unreachable { .. }), "{error}");
    let error = Suite::from_folder(Path::new("no/such/folder")).err().ok_or("it is read")?;
    assert!(
        matches!(&error, SuiteError::Read { .. }) && error.to_string().contains("no/such/folder"),
        "{error}"
    );
    Ok(())
}
