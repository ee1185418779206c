//! What servers that do the worst they can cost a run: wall time, time of the processor, and peak memory of one process of
//! `pushspec`, one row a server. `cargo run --example hostile -- target/release/pushspec long-id pings` measures these two.
//! The exit code is 1 where a row takes more than 60 s or 512 MB, is ended by a signal, or where a run leaves no report. Linux.

#[path = "../tests/servers/hostile.rs"]
mod hostile;
#[path = "../tests/servers/measured.rs"]
mod measured;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use hostile::ROWS;
use measured::{Measured, watch};
use pushspec_reference::{Config, Server};
use tokio::net::TcpListener;

/// What a row may take at most: wall time, and peak memory in kB.
const BOUND: Duration = Duration::from_secs(60);
const MOST: u64 = 512 * 1000;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a measurement prints what it measured")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().ok_or("the path of the program is missing")?;
    let names: Vec<String> = arguments.collect();
    let asked = |name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
    let mut all_within = true;
    println!("| the target | wall | processor | peak | exit code | report |");
    println!("|---|---|---|---|---|---|");
    for (name, words) in ROWS.iter().filter(|(name, _)| asked(name)) {
        let folder = tempfile::tempdir()?;
        let measured = measure(&program, name, words, folder.path()).await?;
        let report = fs::metadata(folder.path().join("report.json")).map(|file| file.len()).ok();
        all_within &= is_within(&measured, report.is_some() || !words.starts_with("run"));
        let report = report.map_or_else(|| "none".to_owned(), |bytes| format!("{} kB", bytes / 1000));
        let options = words.split_once("URL").map_or("", |(_, options)| options);
        println!(
            "| {name}{options} | {:.1} s | {:.1} s | {} MB | {} | {report} |",
            measured.wall.as_secs_f64(),
            measured.processor,
            measured.peak / 1000,
            measured.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string()),
        );
    }
    Ok(if all_within { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether it is what a row may take. Behind it a report is left where there is to be one.
fn is_within(measured: &Measured, has_report: bool) -> bool {
    measured.wall <= BOUND && measured.peak <= MOST && measured.code.is_some() && has_report
}

async fn measure(program: &str, name: &str, words: &str, folder: &Path) -> Result<Measured, Box<dyn Error>> {
    let right = Server::start(Config { connections: 4096, ..Config::default() }).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let serving = tokio::spawn({
        let (name, address) = (name.to_owned(), right.address());
        async move { hostile::serve(listener, &name, address).await }
    });
    let profile = folder.join("profile.toml");
    let reference = pushspec_fixtures::REFERENCE_PROFILE;
    // The path says whose the request is.
    fs::write(&profile, reference.replace("\"/websocket/echo\"", "\"/websocket/echo?of={channel}\""))?;
    let mut command = Command::new(program);
    command.args(words.replace("URL", &url).split(' ')).arg("--profile").arg(&profile);
    if words.starts_with("run") {
        command.arg("--report-dir").arg(folder);
    }
    let output = fs::File::create(folder.join("output.txt"))?;
    let child = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn()?;
    let measured = watch(child).await?;
    if std::env::var_os("HOSTILE_OUTPUT").is_some() {
        let text = fs::read(folder.join("output.txt"))?;
        fs::write(std::env::temp_dir().join(format!("hostile-{name}.txt")), text)?;
        let report = folder.join("report.json");
        if report.exists() {
            fs::copy(report, std::env::temp_dir().join(format!("hostile-{name}.json")))?;
        }
    }
    serving.abort();
    right.shutdown().await;
    Ok(measured)
}
