//! The reference server as a program.

use std::process::ExitCode;

use clap::Parser;
use pushspec_reference::cli::{ServeArguments, serve};

/// A server that implements every technique of server push
#[derive(Debug, Parser)]
#[command(name = "pushspec-reference", version)]
struct Program {
    #[command(flatten)]
    arguments: ServeArguments,
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(Program::parse().arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the program has to say why it ends")]
            {
                eprintln!("pushspec-reference: {error}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}
