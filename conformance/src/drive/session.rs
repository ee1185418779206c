//! Opens the session of a profile: sends its requests and takes what it keeps of the responses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::exchange::{Answered, ExchangeError, exchange};
use super::publish::encode;
use super::route::Route;
use super::stream::Stream;
use crate::profile::session::{Session, SessionRequest, Source};
use crate::profile::template::{fill, percent_encode};
use crate::profile::{Target, taken};
use crate::secret::Secrets;

/// How long the responses of a session are waited for, each.
const ANSWER: Duration = Duration::from_secs(10);

/// How often a body is looked at whenever more of it has come. Behind that it is looked at each time it has doubled, and
/// when nothing more has come for a moment.
const FIRST_LOOKS: usize = 8;
const QUIET: Duration = Duration::from_millis(20);

/// How much of a body is read to find a value, in bytes.
const LONGEST_BODY: usize = 256 * 1024;

/// Opens sessions with a target.
#[derive(Debug)]
pub(crate) struct Sessions {
    route: Route,
    /// What a session gives is secret from then on.
    secrets: Secrets,
    shared: OnceCell<Result<Opened, String>>,
}

/// A session that is open. The streams from which a value was taken stay open as long as it does: some servers end a
/// session with its stream.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) target: Arc<Target>,
    _streams: Arc<Vec<Stream>>,
}

impl Sessions {
    pub(crate) fn new(route: Route, secrets: Secrets) -> Sessions {
        Sessions { route, secrets, shared: OnceCell::new() }
    }

    /// The target as a case sees it: with the values of its session, or of the one that all cases share. An error says
    /// which request gave no value.
    pub(crate) async fn open(&self, target: &Arc<Target>, channel: &str) -> Result<Opened, String> {
        match &target.profile.session {
            None => Ok(Opened { target: Arc::clone(target), _streams: Arc::default() }),
            Some(session) if session.once => {
                self.shared.get_or_init(|| self.begin(target, session, channel)).await.clone()
            }
            Some(session) => self.begin(target, session, channel).await,
        }
    }

    async fn begin(&self, target: &Target, session: &Session, channel: &str) -> Result<Opened, String> {
        let mut values = BTreeMap::new();
        let mut streams = Vec::new();
        for request in &session.request {
            let failed = |why: String| format!("[session] `{}`: {why}", request.request);
            let sent = tokio::time::timeout(ANSWER, self.send(target, request, channel, &values));
            let outcome = sent.await.map_err(|_| failed(format!("no response within {ANSWER:?}")))?;
            let (taken, stream) = outcome.map_err(failed)?;
            values.extend(taken);
            streams.extend(stream);
        }
        let target = Arc::new(target.with_session(&values));
        Ok(Opened { target, _streams: Arc::new(streams) })
    }

    async fn send(
        &self,
        target: &Target,
        request: &SessionRequest,
        channel: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<(BTreeMap<String, String>, Option<Stream>), String> {
        let bytes = written(target, request, channel, values);
        let stream = self.route.open().await.map_err(|error| error.to_string())?;
        let mut answered =
            exchange(stream, &bytes, false).await.map_err(|error: ExchangeError| error.to_string())?;
        if !(200..300).contains(&answered.status) {
            return Err(format!("the response is {}", answered.status));
        }
        let mut found = BTreeMap::new();
        let mut looks = Looks::default();
        let mut is_over = false;
        loop {
            is_over |= answered.is_complete() || answered.content().len() > LONGEST_BODY;
            // What is there is looked at in proportion to it, and once nothing more comes for a moment.
            if !is_over && !looks.are_due(answered.content().len()) {
                match tokio::time::timeout(QUIET, answered.more()).await {
                    Ok(has_more) => {
                        is_over = !has_more;
                        continue;
                    }
                    Err(_) => looks.note(answered.content().len()),
                }
            }
            self.take(request, &answered, &mut found);
            if found.len() == request.take.len() {
                // A stream that goes on is part of the session.
                let stream = answered.unfinished();
                return Ok((found, stream));
            }
            if is_over {
                let missing =
                    request.take.iter().find(|(name, _)| !found.contains_key(&format!("session.{name}")));
                let (name, place) =
                    missing.map(|(name, place)| (name.as_str(), place.as_str())).unwrap_or_default();
                return Err(format!("the response has nothing at `{place}`, where `{name}` is taken from"));
            }
            is_over = !answered.more().await;
        }
    }

    /// Takes what is there by now of the values that a request is to give.
    fn take(&self, request: &SessionRequest, answered: &Answered, found: &mut BTreeMap<String, String>) {
        for (name, written) in &request.take {
            let key = format!("session.{name}");
            let Some(source) = Source::parse(written).filter(|_| !found.contains_key(&key)) else { continue };
            let value = taken::value(&source, &answered.head, answered.content());
            if let Some(value) = value {
                taken::keep_secret(&self.secrets, name, &source, &value);
                found.insert(key, value);
            }
        }
    }
}

/// How often a body was looked at, and how much it was then: a server may send it byte by byte.
#[derive(Debug, Default)]
struct Looks {
    count: usize,
    size: usize,
}

impl Looks {
    /// Whether a body is to be looked at that is so much by now.
    fn are_due(&mut self, size: usize) -> bool {
        let are_due = self.count < FIRST_LOOKS || size >= 2 * self.size;
        if are_due {
            self.count += 1;
            self.note(size);
        }
        are_due
    }

    /// It is looked at when it is so much.
    fn note(&mut self, size: usize) {
        self.size = size;
    }
}

/// The bytes of a request of a session.
fn written(
    target: &Target,
    request: &SessionRequest,
    channel: &str,
    values: &BTreeMap<String, String>,
) -> Vec<u8> {
    let value = |name: &str| match name {
        "channel" => Some(channel.to_owned()),
        other => values.get(other).cloned(),
    };
    let (method, path) = request.request.split_once(' ').unwrap_or(("GET", &request.request));
    let path = fill(path, |name| value(name).map(|value| percent_encode(&value)));
    let body = request.body.as_deref().map(|body| fill(body, value)).unwrap_or_default();
    let mut fields: Vec<(String, String)> = Vec::new();
    let own = |name: &str| request.headers.keys().any(|own| own.eq_ignore_ascii_case(name));
    let shared = target.profile.headers.iter().filter(|(name, _)| !own(name));
    fields.extend(shared.chain(&request.headers).map(|(name, text)| (name.clone(), fill(text, value))));
    let content_type = request.content_type.as_deref().filter(|_| request.body.is_some());
    encode(method, &path, &target.authority(), &fields, content_type, &body)
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;
    use crate::profile::Profile;

    const SESSION: &str = "[headers]\nX-Key = \"k\"\n[[session.request]]\nrequest = \"POST /open/{channel}\"\n\
        content-type = \"application/json\"\nbody = '{\"v\": 1}'\ntake = { sid = \"/sid\" }\n\
        [[session.request]]\nrequest = \"GET /stream?sid={session.sid}\"\ntake = { endpoint = \"event:endpoint\" }\n\
        [sse]\npath = \"/sse?at={session.endpoint}\"\n";

    /// Serves these responses, one a connection, and keeps each connection open. The requests come out of the channel.
    async fn sessions(
        profile: &str,
        responses: &'static [&'static str],
    ) -> io::Result<(Sessions, Arc<Target>, mpsc::UnboundedReceiver<String>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (heard, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut open = Vec::new();
            for response in responses {
                let Ok((mut stream, _)) = listener.accept().await else { break };
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).await.unwrap_or_default();
                let _ = heard.send(String::from_utf8_lossy(&buffer[..length]).into_owned());
                let _ = stream.write_all(response.as_bytes()).await;
                open.push(stream);
            }
            std::future::pending::<()>().await;
        });
        let profile = Profile::parse("pushspec.toml", profile).map_err(io::Error::other)?;
        let target = Target::new(&format!("http://{address}"), profile).map_err(io::Error::other)?;
        let sessions = Sessions::new(Route::to(&target).await?, Secrets::default());
        Ok((sessions, Arc::new(target), requests))
    }

    #[tokio::test]
    async fn each_request_may_use_what_the_one_before_it_gave() -> io::Result<()> {
        let responses = &[
            "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"sid\":\"a b\"}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\nevent: endpoint\ndata: /m?s=1\n\n\n\r\n",
        ];
        let (sessions, target, mut requests) = sessions(SESSION, responses).await?;
        let opened = sessions.open(&target, "c1").await.map_err(io::Error::other)?;
        let path = opened.target.profile.sse.as_ref().map(|sse| sse.path.clone());
        assert_eq!(path.as_deref(), Some("/sse?at=%2Fm%3Fs%3D1"));
        let first = requests.recv().await.unwrap_or_default();
        assert!(first.starts_with("POST /open/c1 HTTP/1.1\r\nHost: 127.0.0.1:"), "{first}");
        assert!(first.contains("\r\nX-Key: k\r\n") && first.ends_with("\r\n\r\n{\"v\": 1}"), "{first}");
        let second = requests.recv().await.unwrap_or_default();
        assert!(second.starts_with("GET /stream?sid=a%20b HTTP/1.1\r\n"), "{second}");
        Ok(())
    }

    #[tokio::test]
    async fn a_session_that_gives_nothing_says_which_request_and_what_is_missing() -> io::Result<()> {
        for (response, words) in [
            (&["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"], "has nothing at `/sid`"),
            (
                &["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"],
                "`POST /open/{channel}`: the response is 404",
            ),
        ] {
            let (sessions, target, _requests) = sessions(SESSION, response).await?;
            let why = sessions.open(&target, "c1").await.err().unwrap_or_default();
            assert!(why.contains(words), "{why}");
        }
        Ok(())
    }

    #[test]
    fn a_body_is_looked_at_in_proportion_to_it_however_it_is_cut() {
        let work = |pieces: usize| {
            let mut looks = Looks::default();
            (1..=pieces).filter(|size| looks.are_due(*size)).sum::<usize>()
        };
        let (once, twice) = (work(100_000), work(200_000));
        assert!(once <= 4 * 100_000, "{once}");
        assert!(twice <= 4 * 200_000, "{twice}");
    }

    #[tokio::test]
    async fn what_comes_last_on_a_stream_that_stays_open_is_found_however_it_is_cut() -> io::Result<()> {
        const PROFILE: &str = "[[session.request]]\nrequest = \"GET /stream\"\n\
            take = { sid = \"event:endpoint\" }\n[sse]\npath = \"/sse?at={session.sid}\"\n";
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let _ = stream.read(&mut [0; 4096]).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await?;
            let comments = format!(": {}\n\n", "c".repeat(3000));
            for byte in comments.as_bytes().chunks(1) {
                stream.write_all(byte).await?;
                tokio::task::yield_now().await;
            }
            stream.write_all(b"event: endpoint\ndata: one\n\n").await?;
            // It stays open, and nothing more comes.
            std::future::pending::<io::Result<()>>().await
        });
        let profile = Profile::parse("pushspec.toml", PROFILE).map_err(io::Error::other)?;
        let target = Arc::new(Target::new(&format!("http://{address}"), profile).map_err(io::Error::other)?);
        let sessions = Sessions::new(Route::to(&target).await?, Secrets::default());
        let opened = sessions.open(&target, "c1").await.map_err(io::Error::other)?;
        let path = opened.target.profile.sse.as_ref().map(|sse| sse.path.clone());
        assert_eq!(path.as_deref(), Some("/sse?at=one"));
        Ok(())
    }
}
