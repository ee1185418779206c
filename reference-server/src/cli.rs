//! The command line of the server: its arguments, its log, and how it runs until it is told to stop.

use std::{
    fs,
    io::{self, IsTerminal, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use thiserror::Error;
use tracing_subscriber::EnvFilter;

use crate::{
    config::{Config, Origin, Subprotocol},
    query,
    server::{Server, StartError},
    tls::{Identity, IdentityError},
};

/// The arguments of the server. The defaults are those of [`Config`], but the port is 8080.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct ServeArguments {
    /// Listens on this address and port; localhost:8080 and a port alone are those of this machine
    #[arg(long = "listen", short, value_name = "ADDRESS:PORT", value_parser = address, default_value = "127.0.0.1:8080")]
    pub address: SocketAddr,
    /// Holds a long poll for this time when there is no message
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "25s")]
    pub hold: Duration,
    /// Sends a heartbeat when a stream or a WebSocket has been idle for this time
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "15s")]
    pub heartbeat: Duration,
    /// The reconnection time that event streams send
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "3s")]
    pub retry: Duration,
    /// Lets pages of this origin read the responses; can be repeated
    #[arg(long = "allow-origin", value_name = "ORIGIN", default_values = ["http://localhost:8000"])]
    pub allowed_origins: Vec<Origin>,
    /// Refuses WebSocket connections from pages of other origins
    #[arg(long)]
    pub check_origin: bool,
    /// Lets pages of every origin publish, and clients that call the server by any name
    #[arg(long)]
    pub open_publishing: bool,
    /// Accepts this WebSocket subprotocol; can be repeated
    #[arg(long = "subprotocol", value_name = "NAME", default_values = ["echo", "chat"])]
    pub subprotocols: Vec<Subprotocol>,
    /// Declines permessage-deflate, so that no WebSocket message is compressed
    #[arg(long)]
    pub no_deflate: bool,
    /// Speaks TLS, with a certificate for localhost that is made for this run
    #[arg(long)]
    pub tls: bool,
    /// Speaks TLS, with this certificate in PEM, and those that it needs behind it
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls")]
    pub tls_cert: Option<PathBuf>,
    /// Reads the private key of the certificate from this file, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Writes the certificate authority of --tls, which a client has to trust, to this file
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub tls_cert_out: Option<PathBuf>,
    /// Stops when standard input ends, as it does with the program that has started the server
    #[arg(long)]
    pub until_end_of_input: bool,
    /// Ends connections of TLS without a closure alert, which RFC 9112 section 9.8 forbids: to try clients
    #[arg(long)]
    pub tls_cut: bool,
    /// Writes the log in this format
    #[arg(long, value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// Logs what passes this filter, such as info, debug or hyper=trace
    #[arg(long, value_name = "FILTER", default_value = "info")]
    pub log: String,
    /// The limits
    #[command(flatten)]
    pub limits: LimitArguments,
}

/// The limits of the server.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitArguments {
    /// The largest body of a publication
    #[arg(long, value_name = "BYTES", default_value_t = 2 << 20)]
    pub message_size: usize,
    /// The largest message that a WebSocket accepts
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    pub websocket_message_size: usize,
    /// The largest number of channels
    #[arg(long, value_name = "NUMBER", default_value_t = 16384, value_parser = at_least_one)]
    pub channels: usize,
    /// Removes a channel that has been unused for this time, when there are too many channels
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    pub channel_idle: Duration,
    /// The largest number of messages that a channel retains
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    pub history: usize,
    /// The largest number of bytes that a channel retains
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20)]
    pub history_size: usize,
    /// The largest number of bytes that are held for all clients together
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20)]
    pub memory: usize,
    /// The largest number of open connections
    #[arg(long, value_name = "NUMBER", default_value_t = 1024, value_parser = at_least_one)]
    pub connections: usize,
    /// The largest head of a request
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 10)]
    pub header_size: usize,
    /// The longest time in which the head of a request arrives
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    pub header_timeout: Duration,
    /// The longest time in which the body of a publication arrives
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub body_timeout: Duration,
    /// The longest time in which a client reads no bytes
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub write_timeout: Duration,
    /// The longest time that a shutdown waits for connections to end
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "5s")]
    pub grace: Duration,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Why the program ends before it is told to.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The server did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The argument of `--log` is not a filter.
    #[error("{filter:?} is not a filter for the log: {source}")]
    LogFilter {
        /// The argument.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// A file of --tls-cert, --tls-key or --tls-cert-out.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing to show to clients.
    #[error("the certificate and its key: {0}")]
    Identity(#[from] IdentityError),
    /// The signals that stop the server cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
}

impl ServeError {
    /// The exit code of a program that ends with it: 2 for an argument that is wrong, 5 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::LogFilter { .. } => 2,
            Self::Start(_) | Self::File { .. } | Self::Identity(_) | Self::Signals(_) => 5,
        }
    }
}

impl From<ServeArguments> for Config {
    fn from(arguments: ServeArguments) -> Self {
        let limits = arguments.limits;
        Self {
            address: arguments.address,
            hold: arguments.hold,
            heartbeat: arguments.heartbeat,
            retry: arguments.retry,
            message_size: limits.message_size,
            websocket_message_size: limits.websocket_message_size,
            channels: limits.channels,
            channel_idle: limits.channel_idle,
            history: limits.history,
            history_size: limits.history_size,
            memory: limits.memory,
            open_publishing: arguments.open_publishing,
            connections: limits.connections,
            header_size: limits.header_size,
            header_timeout: limits.header_timeout,
            body_timeout: limits.body_timeout,
            write_timeout: limits.write_timeout,
            grace: limits.grace,
            subprotocols: arguments.subprotocols,
            deflate: !arguments.no_deflate,
            allowed_origins: arguments.allowed_origins,
            check_origin: arguments.check_origin,
            tls: None,
            cuts_tls: arguments.tls_cut,
        }
    }
}

/// Starts a server with a log on standard error, runs it until the process is interrupted or terminated, and shuts it
/// down. A second signal ends the process at once.
pub async fn serve(arguments: ServeArguments) -> Result<(), ServeError> {
    start_log(&arguments)?;
    allow_files(arguments.limits.connections);
    let tls = identity(&arguments)?;
    let until_end_of_input = arguments.until_end_of_input;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let server = Server::start(Config { tls, ..arguments.into() }).await?;
    tell_address(scheme, server.address());
    tokio::select! {
        stopped = stop_signal() => stopped.map_err(ServeError::Signals)?,
        () = end_of_input(), if until_end_of_input => {}
    }
    tracing::info!("shutting down");
    tokio::select! {
        () = server.shutdown() => Ok(()),
        stopped = stop_signal() => stopped.map_err(ServeError::Signals),
    }
}

/// The address to click, on standard output: the log is on standard error.
fn tell_address(scheme: &str, address: SocketAddr) {
    // Nobody can go to all addresses.
    let authority = match address {
        all if all.ip().is_unspecified() => format!("localhost:{}", all.port()),
        one => one.to_string(),
    };
    // Who has closed standard output does not want to know.
    let _ = writeln!(io::stdout(), "{scheme}://{authority}/");
}

/// What is shown to clients; `None` where the server speaks in the clear.
fn identity(arguments: &ServeArguments) -> Result<Option<Identity>, ServeError> {
    let file = |path: &Path, source| ServeError::File { path: path.to_owned(), source };
    let read = |path: &Path| fs::read(path).map_err(|source| file(path, source));
    if let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) {
        return Ok(Some(Identity::from_pem(&read(certificate)?, &read(key)?)?));
    }
    if !arguments.tls {
        return Ok(None);
    }
    let identity = Identity::made()?;
    if let (Some(path), Some(authority)) = (&arguments.tls_cert_out, identity.authority()) {
        fs::write(path, authority).map_err(|source| file(path, source))?;
        tracing::info!(path = %path.display(), "the authority to trust is written");
    } else {
        tracing::info!(authority = identity.authority(), "the authority to trust; --tls-cert-out writes it");
    }
    Ok(Some(identity))
}

/// Files that are open beside the connections: the runtime's own, standard input and output.
const OTHER_FILES: usize = 32;

/// Raises the limit of open files as far as this process may: each connection is one. The server runs also with fewer,
/// but then connections wait that `--connections` promises to serve.
fn allow_files(connections: usize) {
    let needed = connections.saturating_add(OTHER_FILES) as u64;
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit >= needed => {}
        Ok(limit) => {
            tracing::warn!(connections, limit, "the limit of open files is below that of connections");
        }
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
    }
}

fn start_log(arguments: &ServeArguments) -> Result<(), ServeError> {
    let filter = EnvFilter::try_new(&arguments.log)
        .map_err(|source| ServeError::LogFilter { filter: arguments.log.clone(), source })?;
    let colours = io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours);
    // A program that embeds the server may have a log of its own, which stays.
    let _ = match arguments.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    Ok(())
}

/// Waits until standard input ends. What comes on it says nothing.
async fn end_of_input() {
    let (ended, waited) = tokio::sync::oneshot::channel();
    // A thread, as a read of a terminal cannot be given up. It ends with the process.
    let spawned = std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = ended.send(());
    });
    if spawned.is_err() {
        return std::future::pending().await;
    }
    let _ = waited.await;
}

/// Waits for an interrupt from the terminal, its end, or a request to terminate.
async fn stop_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
            _ = hangup.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let here = |port: &str| port.parse().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    match text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')) {
        Some(port) => here(port).ok(),
        None => text.parse().ok().or_else(|| here(text).ok()),
    }
    .ok_or("write it like 127.0.0.1:8080, localhost:8080 or 8080; 0.0.0.0:8080 is for other machines, too")
}

fn at_least_one(text: &str) -> Result<usize, &'static str> {
    let number: usize = text.parse().map_err(|_| "this is not a number")?;
    if number == 0 { Err("a server with none serves nobody: at least 1") } else { Ok(number) }
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    query::duration(text).ok_or("a duration is a number with a unit, such as 300ms or 5s")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        serve: ServeArguments,
    }

    #[test]
    fn the_defaults_are_those_of_the_library_but_for_the_port() {
        let arguments = Program::parse_from(["program"]).serve;
        let expected = Config { address: SocketAddr::from(([127, 0, 0, 1], 8080)), ..Config::default() };
        assert_eq!(format!("{:?}", Config::from(arguments)), format!("{expected:?}"));
    }

    #[test]
    fn an_address_is_written_as_one_says_it() {
        for (text, address) in [
            ("8080", "127.0.0.1:8080"),
            (":8080", "127.0.0.1:8080"),
            ("localhost:8098", "127.0.0.1:8098"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:8080", "[::1]:8080"),
        ] {
            let parsed = Program::try_parse_from(["program", "--listen", text]);
            assert_eq!(
                parsed.ok().map(|program| program.serve.address.to_string()).as_deref(),
                Some(address),
                "{text}"
            );
        }
    }

    #[test]
    fn arguments_that_are_no_settings_are_refused() {
        for arguments in [
            ["--hold", "5"],
            ["--allow-origin", "*"],
            ["--subprotocol", "a b"],
            ["--listen", "example.org:80"],
            ["--listen", "80800"],
            ["--connections", "0"],
            ["--channels", "0"],
        ] {
            assert!(Program::try_parse_from([["program", ""].as_slice(), &arguments].concat()).is_err());
            assert!(
                Program::try_parse_from([["program"].as_slice(), &arguments].concat()).is_err(),
                "{arguments:?}"
            );
        }
    }
}
