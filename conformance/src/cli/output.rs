//! What comes out of a run or of stored reports: text on standard output, and files.

use std::borrow::Cow;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::UNREACHABLE;
use super::{CliError, REPORT_DIR, REPORTS, note};
use crate::escape::visible;
use crate::report::terminal::{self, Detail, Extent};
use crate::report::{self, Format, Report, ReportError};

/// Where reports go, and what of them is printed.
#[derive(Debug, Args)]
pub(super) struct OutputArguments {
    /// Where report.json, junit.xml and report.html go, unless there is a --report: reports/latest where there is a
    /// pushspec.toml, a .git or a folder reports, and otherwise the cache of the user
    #[arg(long, value_name = "DIR", help_heading = REPORTS)]
    report_dir: Option<PathBuf>,
    /// Writes a report, as in html=report.html; - is standard output; can be repeated
    #[arg(long, value_name = "FORMAT=PATH", value_parser = destination, help_heading = REPORTS)]
    report: Vec<Destination>,
    /// What goes to standard output
    #[arg(long, short, value_enum, default_value = "text", help_heading = REPORTS, hide_possible_values = true)]
    format: Format,
    /// Only findings and the verdict; twice: nothing
    #[arg(long, short, action = clap::ArgAction::Count, help_heading = REPORTS)]
    quiet: u8,
    /// Every finding of every case, and every reason
    #[arg(long, short, conflicts_with = "quiet", help_heading = REPORTS)]
    verbose: bool,
    /// Also which way the server goes where a specification leaves the choice open
    #[arg(long, help_heading = REPORTS)]
    info: bool,
}

/// A format and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    format: Format,
    /// `None` is standard output.
    path: Option<PathBuf>,
}

/// Reads `FORMAT=PATH`.
pub(super) fn destination(text: &str) -> Result<Destination, String> {
    let (format, path) =
        text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`; write it like html=report.html"))?;
    let format = <Format as clap::ValueEnum>::from_str(format, false).map_err(|_| {
        let names = Format::NAMES;
        let hint = crate::mistake::did_you_mean(format, names);
        format!("there is no format `{format}`; {}", hint.unwrap_or_else(|| names.join(", ")))
    })?;
    match path {
        "" => Err(format!("`{text}` names no file; - is standard output")),
        "-" => Ok(Destination { format, path: None }),
        path => Ok(Destination { format, path: Some(path.into()) }),
    }
}

impl OutputArguments {
    /// The folder of the reports, if they go to one.
    pub(super) fn folder(&self) -> Option<Cow<'_, Path>> {
        let default = || self.report.is_empty().then(default_folder);
        self.report_dir.as_deref().map(Cow::Borrowed).or_else(|| default().map(Cow::Owned))
    }

    /// How much less than usual is printed.
    pub(super) fn quiet(&self) -> u8 {
        self.quiet
    }

    /// Whether what is printed is for people.
    pub(super) fn is_told(&self) -> bool {
        self.quiet == 0 && self.printed() == Ok(Format::Text)
    }

    /// The format of what goes to standard output.
    fn printed(&self) -> Result<Format, String> {
        let mut named = self.report.iter().filter(|destination| destination.path.is_none());
        match (named.next(), named.next()) {
            (Some(_), Some(_)) => {
                Err("two reports go to standard output: give one of them a file".to_owned())
            }
            (Some(destination), None) => Ok(destination.format),
            (None, _) => Ok(self.format),
        }
    }

    /// What is wrong with the arguments themselves.
    pub(super) fn check(&self) -> Result<(), CliError> {
        self.printed().map(drop).map_err(CliError::Usage)?;
        let mut paths: Vec<&PathBuf> = self.report.iter().filter_map(|one| one.path.as_ref()).collect();
        paths.sort();
        match paths.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(CliError::Usage(format!(
                "two reports go to `{}`",
                visible(&pair[0].display().to_string())
            ))),
            None => Ok(()),
        }
    }

    /// Takes away the report of the run before, whose verdict must not be taken for that of this one.
    pub(super) fn forget(&self) {
        // What cannot be removed is told where it is written.
        if let Some(folder) = self.folder() {
            let _ = report::remove(&folder);
        }
        for path in self.report.iter().filter_map(|destination| destination.path.as_ref()) {
            // A link is taken away, and not what it leads to; what is no file stays.
            if path.symlink_metadata().is_ok_and(|found| found.is_file() || found.is_symlink()) {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// Says before the run what will not be written after it. The run takes place: its verdict is worth more than a file.
    pub(super) fn announce_trouble(&self) {
        let folder = self.folder().map(|folder| report::prepare(&folder));
        let files = self.report.iter().filter_map(|destination| destination.path.as_deref());
        let files = files.map(report::check_file);
        for trouble in folder.into_iter().chain(files).filter_map(Result::err) {
            if self.quiet < 2 {
                note(&visible(&trouble.to_string()));
            }
        }
    }

    /// Prints the report, and then writes the files: what cannot be written does not keep the verdict back.
    pub(super) fn deliver(&self, report: &Report) -> Result<(), CliError> {
        match self.print(report) {
            // Who reads the output has seen enough, as with `| head`: the verdict is the same.
            Err(CliError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            printed => printed?,
        }
        let mut trouble = self.folder().and_then(|folder| report.write(&folder).err());
        for destination in &self.report {
            let Some(path) = &destination.path else { continue };
            let written = destination.format.render(report).and_then(|text| report::write_file(path, &text));
            trouble = trouble.or(written.err());
        }
        trouble.map_or(Ok(()), |error: ReportError| Err(error.into()))
    }

    fn print(&self, report: &Report) -> Result<(), CliError> {
        if self.quiet > 1 {
            return Ok(());
        }
        let format = self.printed().map_err(CliError::Usage)?;
        let mut out = anstream::stdout().lock();
        if format != Format::Text {
            out.write_all(format.render(report)?.as_bytes())?;
            return Ok(());
        }
        let extent = match (self.verbose, self.quiet) {
            (true, _) => Extent::All,
            (false, 0) => Extent::Usual,
            (false, _) => Extent::Brief,
        };
        terminal::print(&mut out, report, Detail { extent, info: self.info, color: true })?;
        if self.quiet == 0 {
            let files = self.report.iter().filter_map(|destination| destination.path.clone());
            let page = self.folder().map(|folder| folder.join("report.html"));
            let names = page.into_iter().chain(files).map(|path| visible(&path.display().to_string()));
            writeln!(out, "report: {}", names.collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    }
}

/// What tells that the current folder is one of a project, in which a report has its place.
const PROJECT: [&str; 3] = ["pushspec.toml", ".git", "reports"];

/// Where reports go when nothing else is said: a run in whatever folder leaves nothing behind there.
fn default_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || Some(set("HOME")?.join(".cache"));
    let cache = || set("XDG_CACHE_HOME").or_else(|| set("LOCALAPPDATA")).or_else(home);
    let is_project = PROJECT.iter().any(|name| Path::new(name).exists());
    let cache = if is_project { None } else { cache().filter(|cache| cache.is_absolute()) };
    cache.map_or_else(|| PathBuf::from(REPORT_DIR), |cache| cache.join("pushspec").join("latest"))
}

/// The exit code that a report stands for.
pub(super) fn exit_code(report: &Report) -> u8 {
    match () {
        // Not the server's affair: it comes before all that is.
        () if report.out_of_files => 5,
        () if report.gone.is_some() => UNREACHABLE,
        // Nothing may have been judged, and that is not for want of cases.
        () if report.overdue_ms.is_some() => 1,
        () if report.is_empty() => 4,
        () => u8::from(!report.conformant),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_open_files_is_no_verdict_on_the_server() {
        let report = Report { conformant: false, out_of_files: true, ..crate::report::testing::report() };
        assert_eq!(exit_code(&report), 5);
        assert_eq!(exit_code(&Report { out_of_files: false, ..report }), UNREACHABLE);
    }

    #[test]
    fn a_destination_is_a_format_and_a_path() {
        let html = Destination { format: Format::Html, path: Some("a=b.html".into()) };
        assert_eq!(destination("html=a=b.html"), Ok(html));
        assert_eq!(destination("tap=-"), Ok(Destination { format: Format::Tap, path: None }));
        for (text, words) in
            [("html", "no `=`"), ("htm=x", "did you mean `html`?"), ("html=", "names no file")]
        {
            assert!(destination(text).is_err_and(|error| error.contains(words)), "{text}");
        }
    }
}
