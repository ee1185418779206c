//! A folder laid out like `fixtures/`.

use std::fs;
use std::path::{Path, PathBuf};

use super::SuiteError;
use crate::case::error::{PageError, PageErrors, meant_or_known};
use crate::case::page::is_kebab_case;
use crate::target::TECHNIQUES;

/// The folders of `fixtures/` that hold no pages.
const OTHERS: [&str; 2] = ["event-stream", "requirements"];

/// A folder in which a page would not be read, and a page whose name cannot stand in the id of a case.
pub(super) fn check_names(root: &Path) -> Result<(), SuiteError> {
    for path in entries(root)? {
        let name = file_name(&path);
        if name.starts_with('.') || !path.is_dir() {
            continue;
        }
        // What cannot be read is told where it is one of the folders that are.
        let files = entries(&path).unwrap_or_default();
        let mut pages = files.into_iter().filter(|file| is(file, "md"));
        if TECHNIQUES.contains(&name.as_str()) {
            if let Some(page) = pages.find(|page| !is_kebab_case(&stem(page))) {
                let hint =
                    "small letters, digits, dots and single hyphens, as in `5.1-masking.md`".to_owned();
                return Err(SuiteError::Name { path: page, what: "is no name of a page", hint });
            }
        } else if !OTHERS.contains(&name.as_str()) && pages.any(|page| has_conversation(&page)) {
            let hint = meant_or_known(&name, TECHNIQUES);
            return Err(SuiteError::Name { path, what: "is no folder of pages", hint });
        }
    }
    Ok(())
}

/// The files of a folder with an ending: their names without it, as in `sse/9.2-text`, and what is in them.
pub(super) fn read(root: &Path, folder: &str, ending: &str) -> Result<Vec<(String, String)>, SuiteError> {
    let path = root.join(folder);
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for file in entries(&path)?.into_iter().filter(|file| is(file, ending)) {
        let bytes = fs::read(&file).map_err(|error| SuiteError::Read { path: file.clone(), error })?;
        let name = format!("{folder}/{}", stem(&file));
        let text = String::from_utf8(bytes).map_err(|error| {
            PageErrors(vec![PageError::not_utf8(format!("fixtures/{name}.{ending}"), &error)])
        })?;
        files.push((name, text));
    }
    Ok(files)
}

/// Whether a file is meant for a page, rather than for people alone.
fn has_conversation(file: &Path) -> bool {
    fs::read(file).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("\n```wire\n"))
}

/// What is in a folder, sorted, so that the same mistake is told first each time.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, SuiteError> {
    let read_error = |error| SuiteError::Read { path: folder.to_owned(), error };
    let entries = fs::read_dir(folder).map_err(read_error)?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(read_error)?;
    paths.sort();
    Ok(paths)
}

fn is(file: &Path, ending: &str) -> bool {
    file.extension().is_some_and(|found| found == ending)
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
