//! What a server has at some paths. Nothing is sent but a GET and an opening handshake for each: they are safe
//! (RFC 9110 section 9.2.1).

use std::time::Duration;

use pushspec_wire::websocket::{FrameScanner, Opcode};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::exchange::{Answered, exchange};
use super::publish::encode;
use super::route::Route;
use crate::profile::Target;

/// How long the head of a response is waited for. A poll that is held has none for longer.
const HEAD: Duration = Duration::from_secs(2);

/// How long what follows a head is watched.
const WATCH: Duration = Duration::from_millis(1500);

/// How much of what follows a head is kept, in bytes.
const LONGEST: usize = 64 * 1024;

/// How many paths are looked at together.
const TOGETHER: usize = 4;

/// What a client accepts that does not know yet what is there.
const ACCEPT: &str = "text/event-stream, application/json;q=0.9, text/html;q=0.9, */*;q=0.8";

/// The key of each opening handshake. What is made of it is judged by the cases, and not here.
const KEY: &str = "cHVzaHNwZWMgaXMgaGVyZQ==";

/// What is at a path.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    /// Path and query.
    pub(crate) path: String,
    /// What a GET brought.
    pub(crate) got: Got,
    /// What an opening handshake brought.
    pub(crate) handshake: Got,
}

/// What a request brought.
#[derive(Debug, Clone)]
pub(crate) enum Got {
    /// A response.
    Response(Response),
    /// No head within two seconds, and the connection is open.
    Silence,
    /// No response, and why.
    Nothing(String),
}

/// A response.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    /// The status code (RFC 9110 section 15).
    pub(crate) status: u16,
    /// The essence of the media type, in lower case; empty where the response has none.
    pub(crate) media_type: String,
    /// The methods of `Allow`.
    pub(crate) allow: Option<String>,
    /// The beginning of what follows the head, without its coding.
    pub(crate) content: Vec<u8>,
    /// Whether that is all: the response is complete.
    pub(crate) is_complete: bool,
}

impl Got {
    /// The response, if one came.
    pub(crate) fn response(&self) -> Option<&Response> {
        match self {
            Got::Response(response) => Some(response),
            Got::Silence | Got::Nothing(_) => None,
        }
    }

    /// Whether it is an open WebSocket.
    pub(crate) fn is_open(&self) -> bool {
        self.response().is_some_and(|response| response.status == 101)
    }

    /// The text messages that came on an open WebSocket unasked.
    pub(crate) fn greetings(&self) -> Vec<Vec<u8>> {
        let mut scanner = FrameScanner::new();
        let opened = self.response().filter(|response| response.status == 101);
        scanner.push(opened.map(|response| response.content.as_slice()).unwrap_or_default());
        let frames = std::iter::from_fn(|| scanner.next_frame());
        let texts = frames.filter(|frame| frame.opcode == Opcode::TEXT && frame.fin);
        texts.map(|frame| frame.unmasked_payload().into_owned()).collect()
    }
}

/// Looks at each path. The sights come in the order of the paths.
pub(crate) async fn look(target: &Target, route: &Route, paths: &[String]) -> Vec<Sight> {
    let mut sights = Vec::new();
    for group in paths.chunks(TOGETHER) {
        let mut looking = JoinSet::new();
        for (number, path) in group.iter().enumerate() {
            let (target, route, path) = (target.clone(), route.clone(), path.clone());
            looking.spawn(async move {
                let got = get(&target, &route, &path).await;
                let handshake = open(&target, &route, &path).await;
                (number, Sight { path, got, handshake })
            });
        }
        let mut seen: Vec<(usize, Sight)> = looking.join_all().await;
        seen.sort_by_key(|(number, _)| *number);
        sights.extend(seen.into_iter().map(|(_, sight)| sight));
    }
    sights
}

async fn get(target: &Target, route: &Route, path: &str) -> Got {
    let fields = [("Accept".to_owned(), ACCEPT.to_owned())];
    ask(target, route, path, &fields).await
}

async fn open(target: &Target, route: &Route, path: &str) -> Got {
    let mut fields: Vec<(String, String)> = Vec::new();
    for (name, value) in [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ] {
        fields.push((name.to_owned(), value.to_owned()));
    }
    ask(target, route, path, &fields).await
}

async fn ask(target: &Target, route: &Route, path: &str, fields: &[(String, String)]) -> Got {
    let own = |name: &str| fields.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let shared = target.profile.headers.iter().filter(|(name, _)| !own(name));
    let shared = shared.map(|(name, value)| (name.clone(), value.clone()));
    let fields: Vec<(String, String)> = shared.chain(fields.iter().cloned()).collect();
    let request = encode("GET", path, &target.authority(), &fields, None, "");
    let asked = async {
        let stream = route.open().await?;
        exchange(stream, &request, false).await
    };
    match timeout(HEAD, asked).await {
        Err(_) => Got::Silence,
        Ok(Err(error)) => Got::Nothing(error.to_string()),
        Ok(Ok(answered)) => Got::Response(watch(answered).await),
    }
}

/// Reads what follows the head for a while.
async fn watch(mut answered: Answered) -> Response {
    let until = Instant::now() + WATCH;
    while answered.content().len() < LONGEST {
        if !matches!(timeout_at(until, answered.more()).await, Ok(true)) {
            break;
        }
    }
    let value =
        |name: &str| answered.head.value(name).map(|value| String::from_utf8_lossy(&value).into_owned());
    let media_type = value("Content-Type").unwrap_or_default();
    let content = answered.content();
    Response {
        status: answered.status,
        media_type: media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
        allow: value("Allow"),
        content: content[..content.len().min(LONGEST)].to_vec(),
        is_complete: answered.is_complete(),
    }
}
