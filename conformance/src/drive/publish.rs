//! Publishing by the recipe of the profile. What the recipe's answer looks like is nobody's clause.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Route;
use super::exchange::{Answered, ExchangeError, exchange};
use super::speaker::Speaker;
use super::stream::Stream;
use crate::profile::publish::PublishRequest;
use crate::profile::{Profile, Target, taken};
use crate::transcript::Unpublished;

/// How long a publication may take where nobody gives up sooner: a case does.
const TIMEOUT: Duration = Duration::from_secs(45);

/// How much of an answer is read for the id that it has, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How many connections wait for the next publication.
const IDLE: usize = 32;

/// How many connections are read to the end of their answers at a time: each is open, and has its memory.
const READ_ON: usize = 64;

/// What reads the rest of answers. It ends with the last clone of its publisher.
#[derive(Debug, Clone)]
struct Rests {
    readers: Arc<Mutex<JoinSet<()>>>,
    places: Arc<Semaphore>,
}

impl Default for Rests {
    fn default() -> Rests {
        Rests { readers: Arc::default(), places: Arc::new(Semaphore::new(READ_ON)) }
    }
}

/// Sends publications, the way that the cases go. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    route: Route,
    authority: String,
    headers: Vec<(String, String)>,
    idle: Arc<Mutex<Vec<Stream>>>,
    speaker: Speaker,
    /// Whether connections are kept for the next publication.
    keeps: Arc<AtomicBool>,
    rests: Rests,
    timeout: Duration,
}

impl Publisher {
    /// A publisher for a target. It goes the way of the cases, unless the recipe names an address of its own.
    pub(crate) async fn new(target: &Target, route: Route) -> io::Result<Publisher> {
        let headers = target.profile.headers.clone().into_iter().collect();
        let own = target.profile.publish.as_ref().and_then(|publish| publish.url.as_deref());
        let keeps = Arc::new(AtomicBool::new(true));
        let Some(url) = own else {
            return Ok(Publisher {
                route,
                authority: target.authority(),
                headers,
                idle: Arc::default(),
                speaker: Speaker::default(),
                keeps,
                rests: Rests::default(),
                timeout: TIMEOUT,
            });
        };
        let mut endpoint = Target::new(url, Profile::default()).map_err(io::Error::other)?;
        endpoint.tls = target.tls.clone();
        let route = Route::to(&endpoint).await?.noting_on(&route);
        let (authority, idle, speaker) = (endpoint.authority(), Arc::default(), Speaker::default());
        let rests = Rests::default();
        Ok(Publisher { route, authority, headers, idle, speaker, keeps, rests, timeout: TIMEOUT })
    }

    /// The same, for a run that multiplies its deadlines by this factor: it never gives up before a case does.
    #[must_use]
    pub(crate) fn patient(self, patience: f64) -> Publisher {
        Publisher { timeout: TIMEOUT.mul_f64(patience.max(1.0)), ..self }
    }

    /// From now on each publication has a connection of its own: one that waits may keep a server from anything else.
    pub(crate) fn keep_none(&self) {
        self.keeps.store(false, Ordering::Relaxed);
    }

    /// Sends a request; an answer other than 2xx is an error, unless it is a refusal that the case allows. The id that the
    /// message gets is that of the answer, where the recipe says that it is there.
    pub(crate) async fn publish(&self, request: &PublishRequest) -> Result<Option<String>, Unpublished> {
        let timeout = self.timeout;
        let failed = |why: String| Unpublished {
            refused: false,
            why: format!("{} {}: {why}", request.method, request.path),
        };
        if request.is_message {
            let said = tokio::time::timeout(timeout, self.say(request)).await;
            return said
                .map_err(|_| failed(format!("no answer within {timeout:?}")))?
                .map_err(|error| failed(error.to_string()))
                .map(|()| None);
        }
        let answered = tokio::time::timeout(timeout, self.send(request))
            .await
            .map_err(|_| failed(format!("no answer within {timeout:?}")))?
            .map_err(|error| failed(error.to_string()));
        // A server that ends the connection refuses as well.
        if answered.is_err() && request.may_be_refused {
            return Ok(None);
        }
        let mut answered = answered?;
        let status = answered.status;
        let is_published = (200..300).contains(&status);
        let mut id = None;
        if let Some(place) = request.id.as_ref().filter(|_| is_published) {
            id = tokio::time::timeout(timeout, id_of(&mut answered, place)).await.ok().flatten();
            if id.is_none() {
                let place = if place.is_empty() { "body".to_owned() } else { format!("`{place}`") };
                return Err(failed(format!(
                    "the response has nothing at its {place}, where `id` of [publish] is"
                )));
            }
        }
        self.read_on(answered);
        if is_published || (request.may_be_refused && status >= 400) {
            return Ok(id);
        }
        // These say that the content is the trouble, not the recipe (RFC 9110 section 15.5, RFC 4918 section 11.2).
        let refused = matches!(status, 400 | 413 | 415 | 422);
        Err(Unpublished {
            refused,
            why: format!("the response to {} {} was {status}", request.method, request.path),
        })
    }

    /// Reads the rest of an answer, beside what goes on: it says nothing that is waited for. Where many are read by now, the
    /// connection is given up.
    fn read_on(&self, answered: Answered) {
        let place = Arc::clone(&self.rests.places).try_acquire_owned();
        if place.is_err() && !answered.is_read() {
            return;
        }
        let idle = Arc::clone(&self.idle);
        let keeps = Arc::clone(&self.keeps);
        let mut readers = self.rests.readers.lock().unwrap_or_else(PoisonError::into_inner);
        while readers.try_join_next().is_some() {}
        readers.spawn(async move {
            let stream = answered.rest().await;
            drop(place);
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE && keeps.load(Ordering::Relaxed) {
                idle.extend(stream);
            }
        });
    }

    /// Says the body on the WebSocket of the recipe.
    async fn say(&self, request: &PublishRequest) -> Result<(), ExchangeError> {
        let fields = self.fields(request);
        self.speaker.say(&self.route, &request.path, &fields, &self.authority, &request.body).await
    }

    async fn send(&self, request: &PublishRequest) -> Result<Answered, ExchangeError> {
        let bytes = self.written(request);
        let is_head = request.method == "HEAD";
        if let Some(stream) = self.waiting() {
            match exchange(stream, &bytes, is_head).await {
                // The server has ended the connection just before: nobody has read the request.
                Err(ExchangeError::Ended | ExchangeError::Broken(_)) => {}
                answered => return answered,
            }
        }
        exchange(self.route.open().await?, &bytes, is_head).await
    }

    /// A connection that waits for a request, and that the server has not ended.
    fn waiting(&self) -> Option<Stream> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut stream) = idle.pop() {
            let mut buffer = [0; 1];
            let is_quiet =
                pin!(stream.read(&mut buffer)).poll(&mut Context::from_waker(Waker::noop())).is_pending();
            if is_quiet {
                return Some(stream);
            }
        }
        None
    }

    /// The bytes of a publication.
    fn written(&self, request: &PublishRequest) -> Vec<u8> {
        let PublishRequest { method, path, content_type, body, .. } = request;
        encode(method, path, &self.authority, &self.fields(request), Some(content_type), body)
    }

    /// The fields of the recipe, and those of all requests that it has not.
    fn fields(&self, request: &PublishRequest) -> Vec<(String, String)> {
        let replaced = |name: &str| request.headers.keys().any(|own| own.eq_ignore_ascii_case(name));
        let shared = self.headers.iter().filter(|(name, _)| !replaced(name)).cloned();
        let own = request.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
        shared.chain(own).collect()
    }
}

/// The id in an answer, whose body is read as far as that takes.
async fn id_of(answered: &mut Answered, place: &str) -> Option<String> {
    // What is the whole body, or a number in it, is known at its end.
    while !answered.is_complete() && answered.content().len() < LONGEST_ANSWER && answered.more().await {}
    taken::id(place, &answered.head, answered.content())
}

/// The bytes of a request (RFC 9112 section 3).
pub(super) fn encode(
    method: &str,
    path: &str,
    authority: &str,
    fields: &[(String, String)],
    content_type: Option<&str>,
    body: &str,
) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    let mut field = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
    let has = |name: &str| fields.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    if !has("Host") {
        field("Host", authority);
    }
    for (name, value) in fields {
        field(name, value);
    }
    if !has("Accept") {
        field("Accept", "*/*");
    }
    if let Some(content_type) = content_type {
        field("Content-Type", content_type);
    }
    // A request without a body says nothing of its length, where its method expects none (RFC 9110 section 8.6).
    if content_type.is_some() || !body.is_empty() || !matches!(method, "GET" | "HEAD" | "DELETE" | "OPTIONS")
    {
        field("Content-Length", &body.len().to_string());
    }
    head.push_str("\r\n");
    [head.as_bytes(), body.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn request() -> PublishRequest {
        PublishRequest {
            is_message: false,
            method: "POST".to_owned(),
            path: "/publish".to_owned(),
            headers: [("X-Own".into(), "o".into())].into(),
            content_type: "text/plain".to_owned(),
            body: "one".to_owned(),
            id: None,
            may_be_refused: false,
        }
    }

    /// A publisher for a server that answers so many requests on each connection; the requests come out of the channel,
    /// each with the number of its connection.
    async fn publisher(
        answer: &'static [u8],
        each: usize,
    ) -> io::Result<(Publisher, tokio::sync::mpsc::UnboundedReceiver<(usize, String)>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (heard, requests) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((mut stream, _)) = listener.accept().await else { break };
                for _ in 0..each {
                    let mut buffer = [0; 4096];
                    let Ok(length @ 1..) = stream.read(&mut buffer).await else { break };
                    let _ = heard.send((number, String::from_utf8_lossy(&buffer[..length]).into_owned()));
                    let _ = stream.write_all(answer).await;
                }
            }
        });
        let profile = Profile { headers: [("X-Key".into(), "k".into())].into(), ..Profile::default() };
        let target = Target::new(&format!("http://{address}"), profile).map_err(io::Error::other)?;
        let route = Route::to(&target).await?;
        Ok((Publisher::new(&target, route).await?, requests))
    }

    #[tokio::test]
    async fn a_connection_serves_as_long_as_the_server_keeps_it() -> io::Result<()> {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let (publisher, mut requests) = publisher(answer, 2).await?;
        let mut connections = Vec::new();
        for _ in 0..4 {
            assert_eq!(publisher.publish(&request()).await.map_err(|error| error.why), Ok(None));
            // The rest of the answer is read beside it.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let (number, request) = requests.recv().await.unwrap_or_default();
            assert!(request.starts_with("POST /publish HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
            assert!(
                request.contains("\r\nX-Key: k\r\nX-Own: o\r\n") && request.ends_with("\r\n\r\none"),
                "{request}"
            );
            connections.push(number);
        }
        assert_eq!(connections, [0, 0, 1, 1]);
        Ok(())
    }

    /// A server that ends the first connection within its second request, behind these bytes of an answer.
    async fn ends_at_the_second_request(begun: &'static [u8]) -> io::Result<(bool, Vec<(usize, bool)>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (heard, mut requests) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((mut stream, _)) = listener.accept().await else { break };
                for turn in 0..2 {
                    let mut buffer = [0; 4096];
                    let Ok(length @ 1..) = stream.read(&mut buffer).await else { break };
                    let _ = heard.send((number, buffer[..length].ends_with(b"one")));
                    let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                    let is_first = number > 0 || turn == 0;
                    let _ = stream.write_all(if is_first { whole } else { begun }).await;
                }
            }
        });
        let target =
            Target::new(&format!("http://{address}"), Profile::default()).map_err(io::Error::other)?;
        let publisher = Publisher::new(&target, Route::to(&target).await?).await?;
        let _ = publisher.publish(&request()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let is_published = publisher.publish(&request()).await.is_ok();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut came = Vec::new();
        while let Ok(request) = requests.try_recv() {
            came.push(request);
        }
        Ok((is_published, came))
    }

    #[tokio::test]
    async fn what_a_connection_that_ends_may_have_swallowed_goes_on_another() -> io::Result<()> {
        assert_eq!(ends_at_the_second_request(b"").await?, (true, vec![(0, true), (0, true), (1, true)]));
        Ok(())
    }

    #[tokio::test]
    async fn what_was_answered_in_part_is_not_sent_again() -> io::Result<()> {
        let begun = b"HTTP/1.1 200 OK\r\nConte";
        assert_eq!(ends_at_the_second_request(begun).await?, (false, vec![(0, true), (0, true)]));
        Ok(())
    }

    #[tokio::test]
    async fn a_refusal_that_a_case_allows_is_none_of_the_recipe() -> io::Result<()> {
        for answer in [
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".as_slice(),
            b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n",
            b"",
        ] {
            for may_be_refused in [true, false] {
                let (publisher, _requests) = publisher(answer, 1).await?;
                let allowed = PublishRequest { may_be_refused, ..request() };
                assert_eq!(publisher.publish(&allowed).await.is_ok(), may_be_refused);
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn answers_that_do_not_end_hold_few_connections_and_none_behind_the_run() -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let target = Target::new(&format!("http://{}", listener.local_addr()?), Profile::default());
        let open = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let held = Arc::clone(&open);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                held.fetch_add(1, Ordering::SeqCst);
                let held = Arc::clone(&held);
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;";
                    let _ = stream.write_all(answer).await;
                    while stream.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {}
                    held.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        let target = target.map_err(io::Error::other)?;
        let route = Route::to(&target).await?;
        let publisher = Publisher::new(&target, route).await?;
        for _ in 0..READ_ON + 50 {
            assert_eq!(publisher.publish(&request()).await.map_err(|error| error.why), Ok(None));
        }
        let falls_to = async |most: usize| {
            while open.load(Ordering::SeqCst) > most {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        // Far less than for what the rest of an answer is waited for.
        let soon = Duration::from_secs(3);
        assert!(tokio::time::timeout(soon, falls_to(READ_ON)).await.is_ok(), "{open:?}");
        drop(publisher);
        assert!(tokio::time::timeout(soon, falls_to(0)).await.is_ok(), "{open:?}");
        Ok(())
    }

    #[tokio::test]
    async fn an_answer_that_refuses_the_content_is_told_from_one_that_refuses_the_recipe() -> io::Result<()> {
        for (answer, refused) in [
            (b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n\r\n".as_slice(), true),
            (b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n", false),
            (b"nothing of the kind\r\n\r\n", false),
        ] {
            let (publisher, _requests) = publisher(answer, 1).await?;
            let unpublished = publisher.publish(&request()).await.err().map(|error| error.refused);
            assert_eq!(unpublished, Some(refused));
        }
        Ok(())
    }
}
