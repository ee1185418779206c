//! `pushspec load`

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::run::chosen_profile;
use super::{CliError, LoadArguments, LoadFormat, note};
use crate::load::{Load, LoadError, Measurement, Options, Progress};
use crate::profile::{Target, UrlError};

/// How long the reference server may take to start.
const START: Duration = Duration::from_secs(10);

/// How often the progress bar moves.
const FRAME: Duration = Duration::from_millis(50);

/// Connections that the reference server takes beside those of the clients: the publisher's, and the first look whether
/// anybody is there.
const OTHER_CONNECTIONS: usize = 16;

/// The least history that lets a slow client of the reference server catch up.
const HISTORY: usize = 1000;

/// What a measurement leaves out of the paths: the reference server ticks for the cases that judge heartbeats, which a
/// server with many clients does not do.
const TICKS: [&str; 2] = ["?heartbeat=200ms", "&heartbeat=200ms"];

pub(super) async fn load(arguments: &LoadArguments) -> Result<u8, CliError> {
    let interrupts = interrupts();
    let chosen = chosen_profile(arguments.profile.as_deref(), arguments.url.is_some())?;
    let url = chosen.url(arguments.url.as_ref())?;
    let mut profile = chosen.profile;
    if chosen.assumed {
        let paths = [
            profile.sse.as_mut().map(|sse| &mut sse.path),
            profile.iframe.as_mut().map(|iframe| &mut iframe.path),
        ];
        for path in paths.into_iter().flatten() {
            *path = TICKS.iter().fold(path.clone(), |path, tick| path.replace(tick, ""));
        }
    }
    // Held to the end: dropping it ends the process.
    let reference = match url {
        Some(_) => None,
        None => Some(Reference::start(arguments).await?),
    };
    if chosen.assumed && reference.is_none() && arguments.format == LoadFormat::Text {
        note("no profile: assuming the paths of the reference server; name your own with --profile FILE");
    }
    let url = url.or_else(|| reference.as_ref().map(|server| format!("http://{}", server.address)));
    let target = Target::new(&url.unwrap_or_default(), profile).map_err(|error| match error {
        UrlError::Path { path, .. } => CliError::Usage(format!(
            "remove `{path}` from the URL: the profile has the path of each technique"
        )),
        error => error.into(),
    })?;
    let pid = arguments.pid.or_else(|| reference.as_ref().and_then(|server| server.process.id()));
    let load = Load::prepare(target, options(arguments, pid)).await?;
    let measurement = watched(&load, interrupts).await?;
    print(arguments.format, &measurement)?;
    Ok(0)
}

fn options(arguments: &LoadArguments, pid: Option<u32>) -> Options {
    let LoadArguments { technique, clients, messages, rate, interval, wait, .. } = *arguments;
    Options {
        technique,
        clients: usize::try_from(clients).unwrap_or(usize::MAX),
        messages: usize::try_from(messages).unwrap_or(usize::MAX),
        rate,
        interval,
        wait,
        pid,
    }
}

/// Measures, with a progress bar on a terminal.
async fn watched(load: &Load, interrupts: watch::Receiver<usize>) -> Result<Measurement, LoadError> {
    let bar = progress_bar();
    let mut measuring = pin!(load.measure(interrupts));
    let measured = loop {
        tokio::select! {
            measured = &mut measuring => break measured,
            () = tokio::time::sleep(FRAME) => show(&bar, load.progress()),
        }
    };
    bar.finish_and_clear();
    measured
}

fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40.cyan} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, Progress { publishing, done, total }: Progress) {
    bar.set_length(total);
    bar.set_position(done);
    bar.set_message(if publishing { "deliveries" } else { "clients" });
}

fn print(format: LoadFormat, measurement: &Measurement) -> Result<(), CliError> {
    let mut out = anstream::stdout().lock();
    match format {
        LoadFormat::Text => measurement.print(&mut out)?,
        LoadFormat::Json => {
            let text = serde_json::to_string_pretty(measurement).map_err(io::Error::from)?;
            writeln!(out, "{text}")?;
        }
    }
    Ok(())
}

/// Counts interrupts from the terminal.
fn interrupts() -> watch::Receiver<usize> {
    let (count, counted) = watch::channel(0);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            count.send_modify(|count| *count += 1);
        }
        // A receiver whose sender is gone would take that for an interrupt.
        std::future::pending::<()>().await;
    });
    counted
}

/// The reference server in a process of its own, so that its memory is its own too.
struct Reference {
    process: Child,
    address: SocketAddr,
}

impl Reference {
    async fn start(arguments: &LoadArguments) -> Result<Reference, CliError> {
        let failed = |error: io::Error| CliError::Reference(error.to_string());
        let connections = usize::try_from(arguments.clients).unwrap_or(usize::MAX);
        let history = usize::try_from(arguments.messages).unwrap_or(usize::MAX).max(HISTORY);
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
                "--log",
                "pushspec_reference=info",
            ])
            .args(["--connections", &connections.saturating_add(OTHER_CONNECTIONS).to_string()])
            .args(["--history", &history.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // An interrupt from the terminal goes to the whole group: the server has to outlive it until all is measured.
        #[cfg(unix)]
        command.process_group(0);
        let mut process = command.spawn().map_err(failed)?;
        let address = timeout(START, listening(&mut process))
            .await
            .map_err(|_| CliError::Reference(format!("it did not listen within {START:?}")))?
            .map_err(failed)?;
        Ok(Reference { process, address })
    }
}

/// Reads the log up to the line that tells the address.
async fn listening(process: &mut Child) -> io::Result<SocketAddr> {
    let ended = || io::Error::new(io::ErrorKind::UnexpectedEof, "it ended");
    let mut log = BufReader::new(process.stderr.take().ok_or_else(ended)?);
    let mut said = String::new();
    loop {
        let mut line = String::new();
        if log.read_line(&mut line).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("it ended: {}", said.trim())));
        }
        let entry: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        let address = entry.pointer("/fields/address").and_then(serde_json::Value::as_str);
        if let Some(address) = address.and_then(|address| address.parse().ok()) {
            // A log whose reader is gone breaks the server.
            process.stderr = Some(log.into_inner());
            return Ok(address);
        }
        said.push_str(&line);
    }
}
