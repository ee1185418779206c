//! What a run comes to when its process can open no more files. The limit is that of the whole process, so this test has one
//! of its own.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use pushspec::drive::schedule::Options;
use pushspec::judge::Verdict;
use pushspec::outcome::Ending;
use pushspec::profile::{Profile, Target};
use pushspec::report::stored::Report;
use pushspec::suite::{Pattern, Suite};
use rlimit::Resource;

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

/// A server in another process, which has its own files. It ends with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve() -> std::io::Result<(Server, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushspec"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--log", "error"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take();
    let server = Server(child);
    let mut line = String::new();
    output.map(|output| BufReader::new(output).read_line(&mut line)).transpose()?;
    Ok((server, line.trim().trim_end_matches('/').to_owned()))
}

#[tokio::test]
async fn a_run_without_open_files_ends_with_what_was_judged_and_accuses_nobody() -> Result {
    let (_server, url) = serve()?;
    let target = Target::new(&url, Profile::reference()?)?;
    let (soft, hard) = rlimit::getrlimit(Resource::NOFILE)?;
    let options = Options {
        jobs: 4,
        probe: false,
        select: vec![Pattern::new("sse/9.2.5-parsing-an-event-stream"), Pattern::new("polling")],
        ..Options::default()
    };
    let mut done = 0;
    let outcome = Suite::embedded()?
        .run_with(&Arc::new(target), &options, |_| {
            done += 1;
            // No file has a number from here on.
            if done == 10 {
                let _ = rlimit::setrlimit(Resource::NOFILE, 0, hard);
            }
        })
        .await;
    rlimit::setrlimit(Resource::NOFILE, soft, hard)?;
    let outcome = outcome?;
    assert_eq!(outcome.ending, Some(Ending::OutOfFiles));
    let counts = outcome.counts();
    assert!(counts.of(Verdict::Pass) >= 5 && counts.of(Verdict::Skip) > 50, "{counts:?}");
    assert_eq!((counts.of(Verdict::Fail), counts.of(Verdict::Error)), (0, 0), "{counts:?}");
    let report = Report::new(&outcome, false);
    assert!(report.out_of_files && !report.conformant);
    assert_eq!(report.verdict(), "cut short");
    assert!(report.objections[0].contains("ulimit -n"), "{:?}", report.objections);
    Ok(())
}
