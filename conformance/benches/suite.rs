//! Wall time, peak memory and cases per second of the whole suite against the reference server in the same process.
//! A measurement, not a test: quote medians and ratios.

use std::sync::Arc;
use std::time::Duration;

use pushspec::drive::schedule::Options;
use pushspec::profile::{Profile, Target};
use pushspec::suite::Suite;
use pushspec_reference::{Config, Server};

/// How many runs a median is taken of, for each number of jobs; one job alone waits a minute.
const RUNS: [(usize, usize); 3] = [(64, 9), (8, 3), (1, 1)];

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test --benches` asks for a list: there are no tests here.
    if std::env::args().any(|argument| argument == "--list") {
        return Ok(());
    }
    let suite = Suite::embedded()?;
    let server = Server::start(Config::default()).await?;
    let target = Arc::new(Target::new(&format!("http://{}", server.address()), Profile::reference()?)?);
    println!("jobs    runs    median wall    cases/s    peak memory so far");
    for (jobs, runs) in RUNS {
        let mut walls = Vec::new();
        let mut cases = 0;
        for _ in 0..runs {
            let outcome = suite.run(&target, &Options { jobs, ..Options::default() }).await?;
            assert!(outcome.is_conformant(true), "the reference server has findings");
            cases = outcome.cases.len();
            walls.push(outcome.duration);
        }
        walls.sort();
        let median: Duration = walls[walls.len() / 2];
        #[expect(clippy::cast_precision_loss, reason = "hundreds of cases")]
        let rate = cases as f64 / median.as_secs_f64();
        println!(
            "{jobs:>4}    {runs:>4}    {:>9.2} s    {rate:>7.0}    {}",
            median.as_secs_f64(),
            peak_memory()
        );
    }
    server.shutdown().await;
    Ok(())
}

/// The high-water mark of the resident set, where the system tells it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |value| value.trim().to_owned())
}
