//! The program `pushspec`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    pushspec::cli::main().await
}
