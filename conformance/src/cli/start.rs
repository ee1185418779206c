//! The arguments of `run` that say how a server is started, and how long all may take.

use std::time::Duration;

use clap::Args;

use crate::drive::schedule::{Launch, Options};

/// How the server is started.
#[derive(Debug, Args)]
#[command(next_help_heading = "Starting the server")]
pub(super) struct StartArguments {
    /// Starts the server with this line of the shell before it is judged, starts it again where a case ends it, and ends
    /// it with all its children afterwards; --wait says how long it may take to listen, 30s if nothing else is said
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["fault", "tls"])]
    start: Option<String>,
    /// How long the whole run may take, as in 5m: what was judged until then is reported, and the exit code is 1
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    max_time: Option<Duration>,
}

impl StartArguments {
    /// Whether a server is started.
    pub(super) fn starts(&self) -> bool {
        self.start.is_some()
    }

    /// The options, with what these arguments say.
    pub(super) fn set(&self, options: Options) -> Options {
        let start = self.start.clone().map(|command| Launch { command });
        Options { start, max_time: self.max_time, ..options }
    }

    /// The argument that a line needs that runs a case again.
    pub(super) fn words(&self) -> Vec<String> {
        self.start.iter().flat_map(|command| ["--start".to_owned(), command.clone()]).collect()
    }
}
