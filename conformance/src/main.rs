//! The program `pushspec`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(pushspec::cli::main()),
        Err(error) => pushspec::cli::no_runtime(&error),
    }
}
