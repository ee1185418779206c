//! `pushspec load`

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::run::chosen_profile;
use super::signals;
use super::{CliError, LoadArguments, LoadFormat, hidden, keep_secret, note};
use crate::load::{Load, LoadError, Measurement, Options, Progress, Thresholds};
use crate::profile::{Profile, Target, UrlError};

/// How long the reference server may take to start.
const START: Duration = Duration::from_secs(10);

/// How long after a second signal the measurement so far may take to be printed.
const LAST_WORDS: Duration = Duration::from_millis(500);

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
    let (interrupts, signal) = interrupts()?;
    let chosen = chosen_profile(arguments.profile.as_deref(), arguments.url.as_deref())?;
    let Some(chosen) = chosen else {
        return Err(nothing_said(arguments.url.as_deref().unwrap_or_default()));
    };
    let url = chosen.url(arguments.url.as_ref())?;
    let mut profile = chosen.profile;
    keep_secret(profile.secrets());
    if url.is_none() {
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
    let url = url.or_else(|| reference.as_ref().map(|server| format!("http://{}", server.address)));
    let mut target = target(&url.unwrap_or_default(), profile)?;
    target.tls = arguments.trust.tls(None)?;
    let pid = arguments.pid.or_else(|| reference.as_ref().and_then(|server| server.process.id()));
    let load = Load::prepare(target, options(arguments, pid)).await?;
    let measurement = watched(&load, interrupts).await?;
    print(arguments.format, &measurement)?;
    let thresholds = Thresholds { max_lost: arguments.max_lost, max_p99: arguments.max_p99 };
    let exceeded = thresholds.exceeded(&measurement);
    for what in &exceeded {
        note(what);
    }
    // Ctrl-C is how a measurement is ended; the other signals are how the program is.
    let ended = signal.get().copied().filter(|code| *code != signals::INTERRUPTED);
    Ok(ended.unwrap_or(u8::from(!exceeded.is_empty())))
}

fn target(url: &str, profile: Profile) -> Result<Target, CliError> {
    Target::new(url, profile).map_err(|error| match error {
        UrlError::Path { path, .. } => CliError::Usage(format!(
            "remove `{path}` from the URL: the profile has the path of each technique"
        )),
        error => error.into(),
    })
}

/// What to do where nothing says what the server has at which path.
fn nothing_said(url: &str) -> CliError {
    target(url, Profile::default()).err().unwrap_or_else(|| {
        CliError::Usage(format!(
            "nothing says which technique this server has at which path, and how to publish: write a profile and name it \
            with --profile FILE; `pushspec init {url}` writes ./pushspec.toml to begin with"
        ))
    })
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
        memory: arguments.max_memory,
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
    let mut text = Vec::new();
    match format {
        LoadFormat::Text => measurement.print(&mut text)?,
        LoadFormat::Json => {
            writeln!(text, "{}", serde_json::to_string_pretty(measurement).map_err(io::Error::from)?)?;
        }
    }
    let text = hidden(&String::from_utf8_lossy(&text));
    anstream::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// Counts signals: the first ends the measurement, which is printed as far as it has come. At the second nothing is waited
/// for, and the program is over after a moment in any case. Tells the exit code of the first, too.
fn interrupts() -> Result<(watch::Receiver<usize>, signals::Ended), CliError> {
    let (count, counted) = watch::channel(0);
    let ended = signals::Ended::default();
    let code = Arc::clone(&ended);
    // A receiver whose sender is gone would take that for an interrupt: both keep it.
    let again = count.clone();
    let first = move |signal| {
        let _ = code.set(signal);
        count.send_modify(|count| *count += 1);
    };
    let last = move || {
        again.send_modify(|count| *count += 1);
        std::thread::sleep(LAST_WORDS);
    };
    signals::serve(first, last).map_err(|error| CliError::Runtime(error.to_string()))?;
    Ok((counted, ended))
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
            // However this process ends, its end of the pipe ends with it.
            .arg("--until-end-of-input")
            .stdin(Stdio::piped())
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
