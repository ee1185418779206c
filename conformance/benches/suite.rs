//! What a run of the whole suite costs, against the reference server and against three that are wrong: cases a second, time
//! of the processor a case, peak memory; each as a median, and beside it how many times what was recorded. Linux.
//!
//! `just bench` measures, `just bench --record` also records. A measurement, not a test: quote medians and ratios.

#[path = "../tests/servers/measured.rs"]
mod measured;
#[path = "../tests/servers/mod.rs"]
mod servers;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use measured::watch;
use pushspec_reference::{Config, Server};
use servers::Habit;
use tokio::net::TcpListener;

/// What was recorded: a table for each row.
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/recorded.toml");

/// What is measured: the name, the server, the arguments of `run`, and how many runs a median is taken of.
const ROWS: [(&str, Option<Habit>, &str, usize); 6] = [
    ("reference", None, "", 9),
    ("reference, --jobs 8", None, "--jobs 8", 3),
    ("reference, --jobs 1", None, "--jobs 1", 1),
    ("tutorial", Some(Habit::Tutorial), "--websocket / --echo", 3),
    ("silent", Some(Habit::Silent), "--websocket / --echo", 3),
    ("late", Some(Habit::Late), "--websocket / --echo", 3),
];

/// What one run, or the median of some, comes to.
#[derive(Debug, Clone, Copy)]
struct Cost {
    cases_per_second: f64,
    processor_ms_per_case: f64,
    peak_mb: f64,
    wall_s: f64,
}

impl Cost {
    const NAMES: [&str; 4] = ["cases-per-second", "processor-ms-per-case", "peak-mb", "wall-s"];

    fn values(self) -> [f64; 4] {
        [self.cases_per_second, self.processor_ms_per_case, self.peak_mb, self.wall_s]
    }

    /// The median of each value for itself.
    fn median(costs: &[Cost]) -> [f64; 4] {
        std::array::from_fn(|which| {
            let mut values: Vec<f64> = costs.iter().map(|cost| cost.values()[which]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        })
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
async fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test --benches` asks for a list: there are no tests here.
    if std::env::args().any(|argument| argument == "--list") {
        return Ok(());
    }
    let records = std::env::args().any(|argument| argument == "--record");
    let mut recorded: toml::Table = fs::read_to_string(RECORDED)?.parse()?;
    println!("| the server | {} |", Cost::NAMES.join(" | "));
    println!("|---{}|", "|---:".repeat(Cost::NAMES.len()));
    for (name, habit, words, runs) in ROWS {
        let mut costs = Vec::new();
        for _ in 0..runs {
            costs.push(cost(habit, words).await?);
        }
        let median = Cost::median(&costs);
        let before = recorded.get(name).and_then(toml::Value::as_table);
        let shown = median.iter().zip(Cost::NAMES).map(|(value, key)| {
            let before = before.and_then(|before| before.get(key)).and_then(toml::Value::as_float);
            let ratio = before.map(|before| format!(" ({:.2} ×)", value / before)).unwrap_or_default();
            format!("{value:.2}{ratio}")
        });
        println!("| {name} | {} |", shown.collect::<Vec<_>>().join(" | "));
        let rounded = |value: f64| toml::Value::Float((value * 100.0).round() / 100.0);
        let row = Cost::NAMES.iter().zip(median).map(|(key, value)| ((*key).to_owned(), rounded(value)));
        recorded.insert(name.to_owned(), toml::Value::Table(row.collect()));
    }
    if records {
        fs::write(RECORDED, recorded.to_string())?;
    }
    Ok(())
}

/// One run against a server of its own.
async fn cost(habit: Option<Habit>, words: &str) -> Result<Cost, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let words: Vec<&str> = words.split_whitespace().collect();
    let Some(habit) = habit else {
        let server = Server::start(Config::default()).await?;
        let profile = folder.path().join("profile.toml");
        fs::write(&profile, pushspec_fixtures::REFERENCE_PROFILE)?;
        let profile = profile.to_string_lossy();
        let url = format!("http://{}", server.address());
        let cost = run(&url, &[&words[..], &["--profile", &*profile]].concat(), folder.path()).await;
        server.shutdown().await;
        return cost;
    };
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
    let url = format!("http://{}", listener.local_addr()?);
    let serving = tokio::spawn(servers::serve(listener, habit));
    let cost = run(&url, &words, folder.path()).await;
    serving.abort();
    cost
}

/// What a process of `pushspec run` costs.
async fn run(url: &str, arguments: &[&str], folder: &Path) -> Result<Cost, Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushspec"));
    command.args(["run", url]).args(arguments).arg("-qq").arg("--report-dir").arg(folder);
    let child = command.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let measured = watch(child).await?;
    if !matches!(measured.code, Some(0 | 1)) {
        return Err(format!("the run came to {:?}", measured.code).into());
    }
    let report: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("report.json"))?)?;
    let total = report["summary"]["total"].as_object().ok_or("the report has no summary")?;
    let judged = total.iter().filter(|(verdict, _)| *verdict != "skip");
    let cases: f64 = judged.filter_map(|(_, count)| count.as_f64()).sum();
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 kB")]
    let peak = measured.peak as f64;
    let wall = measured.wall.as_secs_f64();
    Ok(Cost {
        cases_per_second: cases / wall,
        processor_ms_per_case: measured.processor * 1000.0 / cases,
        peak_mb: peak / 1000.0,
        wall_s: wall,
    })
}
