//! The server: it accepts connections, serves each in a task of its own, and ends them all in an orderly way.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use futures_util::FutureExt;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tracing::{debug, info, warn};

use crate::{
    application::{Application, LONGEST, Seat},
    clock,
    config::Config,
    length::Lengths,
    response::{Answer, Refusal},
    service,
    socket::Socket,
};

/// How many connections beyond the limit are told so. Those beyond these are closed without a word.
const TURNED_AWAY: usize = 64;

/// When a client that was turned away may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The pause after an accept that failed, which is when the process has no more file descriptors. Without it the loop
/// would spin until one is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running server. Dropping it leaves it running; [`Server::shutdown`] ends it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    application: Arc<Application>,
}

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was configured.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl Server {
    /// Starts a server on the current Tokio runtime. It accepts connections when this returns.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let refused = |source| StartError::Listen { address: config.address, source };
        let listener = TcpListener::bind(config.address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;

        let application = Arc::new(Application::new(config));
        application.tasks.spawn(clock::run(Arc::clone(&application)));
        application.tasks.spawn(accept(Arc::clone(&application), listener));
        info!(%address, "listening");
        Ok(Self { address, application })
    }

    /// The address that the server listens on, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, ends streams after a complete message, answers held polls, closes every WebSocket with 1001, and
    /// waits until all connections have ended, at most for [`Config::grace`]. What has not ended then is dropped.
    pub async fn shutdown(self) {
        let Application { config, closing, tasks, .. } = &*self.application;
        closing.cancel();
        tasks.close();
        if timeout(config.grace, tasks.wait()).await.is_err() {
            warn!(tasks = tasks.len(), "dropping connections that did not end in time");
            self.application.aborting.cancel();
            tasks.wait().await;
        }
        info!("stopped");
    }
}

async fn accept(application: Arc<Application>, listener: TcpListener) {
    let door = Door::new(Arc::clone(&application));
    loop {
        let accepted = tokio::select! {
            () = application.closing.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => door.admit(stream, peer),
            Err(error) => {
                debug!(%error, "accepting failed");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // Connections that are waiting to be accepted would get a reset. So they get an orderly end like the others.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        door.admit(stream, peer);
    }
}

/// Where connections get their seat, or are turned away.
struct Door {
    application: Arc<Application>,
    seats: Arc<Semaphore>,
    /// Places for those who are told that there is no seat.
    standing: Arc<Semaphore>,
}

impl Door {
    fn new(application: Arc<Application>) -> Self {
        let seats = application.config.connections.min(Semaphore::MAX_PERMITS);
        Self {
            application,
            seats: Arc::new(Semaphore::new(seats)),
            standing: Arc::new(Semaphore::new(TURNED_AWAY)),
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        let application = Arc::clone(&self.application);
        if let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() {
            debug!(%peer, "connected");
            self.application.spawn(serve(application, Arc::new(seat), stream));
        } else if let Ok(place) = Arc::clone(&self.standing).try_acquire_owned() {
            debug!(%peer, "connection refused: too many connections");
            self.application.spawn(turn_away(application, place, stream));
        }
    }
}

async fn serve(application: Arc<Application>, seat: Seat, stream: TcpStream) {
    let shared = Arc::clone(&application);
    connection(&application, stream, move |request| {
        service::respond(Arc::clone(&shared), Arc::clone(&seat), request)
    })
    .await;
}

/// Answers the first request, so that the client learns why it is not served.
async fn turn_away(application: Arc<Application>, _place: OwnedSemaphorePermit, stream: TcpStream) {
    let limit = application.config.connections;
    connection(&application, stream, move |_| async move {
        let reason = format!("the limit of {limit} connections is reached");
        Refusal::unavailable(&reason, RETRY_AFTER).closing().into_answer()
    })
    .await;
}

/// Serves the requests of one connection until it ends, or until the server shuts down and the request that is being
/// answered is done.
async fn connection<R, F>(application: &Application, stream: TcpStream, respond: R)
where
    R: Fn(Request<Incoming>) -> F,
    F: Future<Output = Answer>,
{
    // Messages are small and have to leave at once. A socket that refuses the option still works.
    let _ = stream.set_nodelay(true);
    let config = &application.config;
    let socket = Socket::new(stream, config.write_timeout);
    #[cfg(feature = "tls")]
    if let Some(identity) = &config.tls {
        let shaken = tokio::select! {
            shaken = identity.accept(socket, config.header_timeout.min(LONGEST)) => shaken,
            () = application.closing.cancelled() => None,
        };
        if let Some(stream) = shaken {
            let stream = crate::tls::Closing { stream, is_cut: config.cuts_tls };
            exchange(application, stream, respond).await;
        }
        return;
    }
    exchange(application, socket, respond).await;
}

/// The same, over what lies beneath HTTP.
async fn exchange<S, R, F>(application: &Application, stream: S, respond: R)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    R: Fn(Request<Incoming>) -> F,
    F: Future<Output = Answer>,
{
    let config = &application.config;
    let socket = TokioIo::new(Lengths::new(stream));
    let service = service_fn(|request| {
        let answer = respond(request);
        async move { Ok::<_, std::convert::Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout.min(LONGEST))
        .max_buf_size(read_buffer(config.header_size))
        .serve_connection(socket, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = application.closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "the connection failed");
    }
}

/// The library's limit on a head, above which it answers 431 without a body. It is twice the configured one, so that
/// our own refusal, which has a reason, comes first in all but gross cases; 8 KiB is the least that it takes.
fn read_buffer(header_size: usize) -> usize {
    header_size.saturating_mul(2).max(8 << 10)
}
