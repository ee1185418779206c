//! `pushspec completions` and `pushspec man`: what a shell and a manual know of the program.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{CliError, Program};
use crate::report::ReportError;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// Which shell
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Writes the page of the program and one of each command into a folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn completions(arguments: &CompletionsArguments) -> Result<u8, CliError> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Program::command(), "pushspec", &mut text);
    std::io::stdout().lock().write_all(&text)?;
    Ok(0)
}

pub(super) fn man(arguments: &ManArguments) -> Result<u8, CliError> {
    let command = Program::command();
    match &arguments.dir {
        Some(folder) => std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(command, folder))
            .map_err(|error| ReportError::Write { path: folder.clone(), error })?,
        None => {
            let mut text = Vec::new();
            clap_mangen::Man::new(command).render(&mut text)?;
            std::io::stdout().lock().write_all(&text)?;
        }
    }
    Ok(0)
}
