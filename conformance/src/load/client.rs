//! One client: it subscribes as the technique has it, and hears until it is told to go.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use pushspec_wire::websocket::{Frame, Opcode};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::gone::Gone;
use super::process::source;
use super::reader::{Heard, Reader};
use super::tally::{Seen, Tally};
use super::{Options, Technique};
use crate::case::statement::{Attribute, AttributeValue};
use crate::drive::{OpenedSession, Route, Sessions, Stream};
use crate::judge::Quota;
use crate::judge::receive::content::Reading;
use crate::judge::run::places::technique_path;
use crate::judge::run::request::request;
use crate::judge::run::scope::CaseScope;
use crate::profile::Target;
use crate::profile::cursor::Values;

/// How long a client may take to be connected and subscribed, and an answer that is not held to come.
const ANSWER: Duration = Duration::from_secs(30);

/// How long the end of a WebSocket is waited for.
const CLOSING: Duration = Duration::from_secs(1);

/// A long poll that is answered sooner and without news was not held: the next one waits as long, so that a server
/// that holds none is not asked without a pause.
const NOT_HELD: Duration = Duration::from_millis(100);

/// How long a first long poll keeps its place among those on their way. A connection is there before the server has
/// accepted it, and one that finds its queue full waits for a second.
const ACCEPTED: Duration = Duration::from_millis(50);

/// How much is read at once. It lies on the stack of the thread, not in the client.
const READ: usize = 4 * 1024;

/// What all clients have in common.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) target: Arc<Target>,
    pub(super) options: Options,
    /// The way to the server.
    pub(super) route: Route,
    /// Opens the session of each client, where the profile has one.
    pub(super) sessions: Sessions,
    pub(super) channel: String,
    pub(super) tally: Tally,
    /// How much memory may hold what comes.
    pub(super) quota: Quota,
    /// Who may be on the way to the server: its queue of connections is short.
    pub(super) slots: Semaphore,
    pub(super) stop: watch::Receiver<bool>,
}

impl Plan {
    /// Where the profile has the clients wait.
    pub(super) fn path(&self) -> String {
        let path = match self.options.technique {
            Technique::WebSocket => {
                self.target.profile.websocket.as_ref().and_then(|websocket| websocket.subscription().cloned())
            }
            other => technique_path(&self.target, other.name()),
        };
        path.unwrap_or_default()
    }
}

#[derive(Debug)]
struct Client {
    index: usize,
    plan: Arc<Plan>,
    session: Option<OpenedSession>,
    connection: Option<Connection>,
    /// Whether it was connected and subscribed at some time.
    open: bool,
    /// Whether the request in progress was answered, at least in part.
    answered: bool,
    seen: Seen,
}

#[derive(Debug)]
struct Connection {
    stream: Stream,
    reader: Reader,
}

/// What a poll brought.
struct Answered {
    cursor: Option<Values>,
    news: bool,
}

/// Lives the life of a client.
pub(super) async fn live(index: usize, plan: Arc<Plan>) {
    let mut stop = plan.stop.clone();
    let technique = plan.options.technique;
    let mut client = Client {
        index,
        plan,
        session: None,
        connection: None,
        open: false,
        answered: false,
        seen: Seen::default(),
    };
    let life = async {
        client.open_session().await?;
        match technique {
            Technique::Polling => client.poll().await,
            Technique::LongPolling => client.long_poll().await,
            Technique::Sse | Technique::Iframe | Technique::WebSocket => client.listen().await,
        }
    };
    let ended = tokio::select! {
        Err(why) = life => Some(why),
        _ = stop.wait_for(|stop| *stop) => None,
    };
    match ended {
        Some(why) => client.plan.tally.gone(&why, client.open, &client.seen),
        None => client.close().await,
    }
}

impl Client {
    /// Opens the session in which it asks.
    async fn open_session(&mut self) -> Result<(), Gone> {
        let plan = Arc::clone(&self.plan);
        if plan.target.profile.session.is_none() {
            return Ok(());
        }
        let _slot = plan.slots.acquire().await;
        // What lives for a moment is no part of every client.
        let opening = Box::pin(plan.sessions.open(&plan.target, &plan.channel));
        let opened = opening.await.map_err(Gone::NoSession)?;
        self.session = Some(opened);
        Ok(())
    }

    /// The server, as it is in the session.
    fn target(&self) -> &Target {
        self.session.as_ref().map_or(&self.plan.target, |session| &session.target)
    }

    /// A stream, or a WebSocket: one answer that does not end.
    async fn listen(&mut self) -> Result<Infallible, Gone> {
        let plan = Arc::clone(&self.plan);
        let slot = plan.slots.acquire().await;
        let subscribing = async {
            self.connect().await?;
            self.send(&self.plan.request(self.index, self.target(), None)?).await?;
            loop {
                if let Heard::Answer(status) = self.hear().await? {
                    break Ok(status);
                }
            }
        };
        let status = timeout(ANSWER, subscribing).await.map_err(|_| Gone::Late(ANSWER))??;
        drop(slot);
        if status != if plan.options.technique == Technique::WebSocket { 101 } else { 200 } {
            return Err(Gone::Status(status));
        }
        self.opened();
        loop {
            match self.hear().await? {
                Heard::Message(data) => drop(self.arrived(&data)),
                Heard::Ping(payload) => self.send_frame(Frame::new(Opcode::PONG, &payload)).await?,
                Heard::Close => return Err(Gone::Closed),
                Heard::End { .. } => return Err(Gone::Ended),
                Heard::Answer(_) => {}
            }
        }
    }

    /// A poll is behind the other, each with the cursor of the one before.
    async fn long_poll(&mut self) -> Result<Infallible, Gone> {
        let mut cursor = None;
        loop {
            let asked = Instant::now();
            let answered = self.ask(cursor.as_deref()).await?;
            cursor = self.plan.next(cursor, answered.cursor);
            if !answered.news && asked.elapsed() < NOT_HELD {
                sleep(NOT_HELD).await;
            }
        }
    }

    /// A poll an interval. The clients are spread over it.
    async fn poll(&mut self) -> Result<Infallible, Gone> {
        let Options { clients, interval, .. } = self.plan.options;
        let found = self.ask(None).await?.cursor;
        let mut cursor = self.plan.next(None, found);
        self.opened();
        #[expect(clippy::cast_precision_loss, reason = "a place within an interval needs no precision")]
        let place = self.index as f64 / clients as f64;
        let mut due = Instant::now() + interval.mul_f64(place);
        loop {
            sleep_until(due).await;
            let found = self.ask(cursor.as_deref()).await?.cursor;
            cursor = self.plan.next(cursor, found);
            // A server that is slower than the interval is not asked twice at once.
            due = (due + interval).max(Instant::now());
        }
    }

    /// A request and its answer. A server may end an idle connection just when it is used again: then the request is
    /// sent once more, on a new one (RFC 9112 section 9.3.1).
    async fn ask(&mut self, cursor: Option<&str>) -> Result<Answered, Gone> {
        let request = self.plan.request(self.index, self.target(), cursor)?;
        let reused = self.connection.is_some();
        match self.exchange(&request).await {
            Err(Gone::Ended | Gone::Broken(_)) if reused && !self.answered => {
                self.connection = None;
                self.exchange(&request).await
            }
            answered => answered,
        }
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Answered, Gone> {
        self.answered = false;
        let plan = Arc::clone(&self.plan);
        let mut slot = None;
        if self.connection.is_none() {
            slot = plan.slots.acquire().await.ok();
            self.connect().await?;
        }
        self.send(request).await?;
        let mut deadline = ANSWER;
        if plan.options.technique == Technique::LongPolling {
            deadline += plan.hold();
            if !self.open {
                // That it waits is all that there is to see.
                self.opened();
                sleep(ACCEPTED).await;
            }
        }
        if self.open {
            drop(slot.take());
        }
        timeout(deadline, self.answer()).await.map_err(|_| Gone::Late(deadline))?
    }

    async fn answer(&mut self) -> Result<Answered, Gone> {
        let mut news = false;
        loop {
            match self.hear().await? {
                Heard::Answer(status) if !(200..300).contains(&status) && status != 304 => {
                    return Err(Gone::Status(status));
                }
                Heard::Answer(_) => self.answered = true,
                Heard::Message(data) => news |= self.arrived(&data),
                Heard::End { cursor, reusable } => {
                    if !reusable {
                        self.connection = None;
                    }
                    return Ok(Answered { cursor, news });
                }
                Heard::Ping(_) | Heard::Close => {}
            }
        }
    }

    fn opened(&mut self) {
        if !self.open {
            self.open = true;
            self.plan.tally.opened.fetch_add(1, Relaxed);
        }
    }

    fn arrived(&mut self, data: &[u8]) -> bool {
        self.plan.tally.arrived(&mut self.seen, data, self.plan.repeats())
    }

    async fn connect(&mut self) -> Result<(), Gone> {
        let index = self.index;
        let opening = Box::pin(self.plan.route.open_from(|address| source(index, address)));
        let stream =
            timeout(ANSWER, opening).await.map_err(|_| Gone::Late(ANSWER))?.map_err(Gone::Connect)?;
        self.connection =
            Some(Connection { stream, reader: Reader::new(self.plan.reading(), self.plan.quota.part()) });
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        let connection = self.connection.as_mut().ok_or(Gone::Ended)?;
        connection.stream.write_all(bytes).await.map_err(Gone::Broken)?;
        connection.stream.flush().await.map_err(Gone::Broken)
    }

    /// A client masks what it sends (RFC 6455 section 5.3). The key need not be a secret here.
    async fn send_frame(&mut self, frame: Frame) -> Result<(), Gone> {
        let [.., a, b, c, d] = self.index.to_be_bytes();
        self.send(&frame.masked([a, b, c, d]).encode()).await
    }

    async fn hear(&mut self) -> Result<Heard, Gone> {
        let connection = self.connection.as_mut().ok_or(Gone::Ended)?;
        loop {
            if let Some(heard) = connection.reader.next() {
                return Ok(heard);
            }
            std::future::poll_fn(|context| connection.poll_read(context)).await?;
        }
    }

    /// Ends in order: a WebSocket with its closing handshake (RFC 6455 section 7.1.2), anything else by hanging up.
    async fn close(&mut self) {
        if !self.connection.as_ref().is_some_and(|connection| connection.reader.is_websocket()) {
            return;
        }
        let handshake = async {
            self.send_frame(Frame::close(1000, b"")).await?;
            while self.hear().await? != Heard::Close {}
            Ok::<(), Gone>(())
        };
        let _ = timeout(CLOSING, handshake).await;
    }
}

impl Connection {
    /// Reads what is there. The buffer is here because what lives over a wait is part of every client.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        let mut buffer = [0; READ];
        let mut buffer = ReadBuf::new(&mut buffer);
        let read = std::task::ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
        Poll::Ready(match read {
            Ok(()) if buffer.filled().is_empty() => {
                self.reader.finish();
                if self.reader.is_silent() { Err(Gone::Ended) } else { Ok(()) }
            }
            Ok(()) => self.reader.push(buffer.filled()),
            Err(error) => Err(Gone::Broken(error)),
        })
    }
}

impl Plan {
    /// The request of a client; of a poll, the one after a cursor.
    fn request(&self, index: usize, target: &Target, cursor: Option<&str>) -> Result<Vec<u8>, Gone> {
        let scope = CaseScope::of_target(&format!("load {index}"), target, &self.channel);
        let after = cursor.map(|cursor| Attribute {
            key: "after".to_owned(),
            value: AttributeValue::Word(cursor.to_owned()),
        });
        let procedure = self.options.technique.procedure();
        request(procedure, after.as_slice(), target, &scope)
            .map_err(|error| Gone::Unreadable(error.to_string()))
    }

    /// The cursor of the next poll, of what the last one asked with and what its answer has.
    fn next(&self, before: Option<String>, found: Option<Values>) -> Option<String> {
        let answer = self.target.profile.answer_of(self.options.technique.name());
        let (Some(answer), Some(found)) = (answer, found) else { return before };
        let start = || answer.start.as_start();
        Some(answer.cursor.as_ref()?.after(&before.unwrap_or_else(start), found))
    }

    fn reading(&self) -> Reading {
        let profile = &self.target.profile;
        let reading = match self.options.technique {
            Technique::Polling => profile.polling.as_ref().map(|poll| Reading::Poll(poll.answer.clone())),
            Technique::LongPolling => {
                profile.long_polling.as_ref().map(|poll| Reading::Poll(poll.answer.clone()))
            }
            Technique::Iframe => profile.iframe.clone().map(Reading::Iframe),
            Technique::Sse => profile.sse.clone().map(Reading::EventStream),
            Technique::WebSocket => {
                profile.websocket.as_ref().map(|websocket| Reading::WebSocket(websocket.parts.clone()))
            }
        };
        reading.unwrap_or(Reading::Opaque)
    }

    fn hold(&self) -> Duration {
        self.target.profile.long_polling.as_ref().map(|poll| poll.hold).unwrap_or_default()
    }

    /// Whether an answer holds what the one before held: a poll that has no cursor.
    pub(super) fn repeats(&self) -> bool {
        self.options.technique == Technique::Polling && !self.target.can("polling.cursor")
    }
}
