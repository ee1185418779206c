//! A folder laid out like `fixtures/`.

use std::fs;
use std::path::{Path, PathBuf};

use super::SuiteError;
use crate::case::name::is_kebab_case;
use crate::mistake::{PageError, PageErrors, meant_or_known};
use crate::profile::TECHNIQUES;

/// The folders of `fixtures/` that hold no pages.
const OTHERS: [&str; 2] = ["event-stream", "requirements"];

/// The endings that files of Markdown have; a page has the first.
const MARKDOWN: [&str; 3] = ["md", "markdown", "mdown"];

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
                return Err(SuiteError::Name { path: page, what: "is not the name of a page", hint });
            }
        } else if !OTHERS.contains(&name.as_str()) && pages.any(|page| has_conversation(&page)) {
            let hint = meant_or_known(&name, TECHNIQUES);
            return Err(SuiteError::Name { path, what: "is not a folder of pages", hint });
        }
    }
    Ok(())
}

/// The folder as it stands before the names of its pages.
pub(super) fn root(folder: &Path) -> String {
    let name = folder.display().to_string();
    // Of the root of all folders nothing is left: its pages begin with the slash.
    name.trim_end_matches('/').to_owned()
}

/// The files of a folder with an ending: their names without it, as in `sse/9.2-text`, and what is in them.
pub(super) fn read(root: &Path, folder: &str, ending: &str) -> Result<Vec<(String, String)>, SuiteError> {
    let path = root.join(folder);
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for file in entries(&path)?.into_iter().filter(|file| is(file, ending)) {
        let bytes =
            crate::mistake::read(&file).map_err(|error| SuiteError::Read { path: file.clone(), error })?;
        let name = format!("{folder}/{}", stem(&file));
        let text = String::from_utf8(bytes).map_err(|error| {
            PageErrors(vec![PageError::not_utf8(format!("{}/{name}.{ending}", self::root(root)), &error)])
        })?;
        files.push((name, text));
    }
    Ok(files)
}

/// The files that look like pages and are read as none: beside the folders of the techniques, in a folder below one of
/// them, or with another ending.
pub(super) fn unread(root: &Path) -> Result<Vec<PathBuf>, SuiteError> {
    let mut unread = Vec::new();
    for path in entries(root)? {
        let name = file_name(&path);
        if is_page_like(&path) && stem(&path) != "README" {
            unread.push(path);
        } else if TECHNIQUES.contains(&name.as_str()) && path.is_dir() {
            for path in entries(&path)? {
                if path.is_dir() {
                    // What cannot be read is no page.
                    unread.extend(
                        entries(&path).unwrap_or_default().into_iter().filter(|path| is_page_like(path)),
                    );
                } else if !is(&path, "md") && is_page_like(&path) {
                    unread.push(path);
                }
            }
        }
    }
    Ok(unread)
}

/// Whether a file is Markdown, by any of its endings, with a conversation.
fn is_page_like(file: &Path) -> bool {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| MARKDOWN.contains(&ending.as_str()))
        && file.is_file()
        && has_conversation(file)
}

/// Whether a file is meant for a page, rather than for people alone.
fn has_conversation(file: &Path) -> bool {
    crate::mistake::read(file).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("\n```wire\n"))
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
