//! Everything that can be run: the pages, their cases and the catalogue, checked against each other.

mod check;
mod folder;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::case::name::FIXTURES;
use crate::case::{Case, Page, expand};
use crate::catalogue::Catalogue;
use crate::mistake::PageErrors;
use crate::profile::TECHNIQUES;

/// Pages, cases and clauses.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The pages, sorted by path.
    pub pages: Vec<Arc<Page>>,
    /// The cases of all pages, in their order.
    pub cases: Vec<Case>,
    /// The clauses.
    pub catalogue: Arc<Catalogue>,
    /// Files of the folder that look like pages and stand where none is read.
    pub unread: Vec<PathBuf>,
}

/// Why there is no suite.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// Pages or clauses are broken.
    #[error("{0}")]
    Pages(PageErrors),
    /// A folder or a file cannot be read.
    #[error("failed to read `{path}`: {error}")]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A folder without pages.
    #[error(
        "`{0}` has no page: pages are at http/*.md, polling/*.md, long-polling/*.md, iframe/*.md, sse/*.md and websocket/*.md below it"
    )]
    Empty(PathBuf),
    /// A file or a folder whose name keeps its pages from being read.
    #[error("`{path}` {what}: {hint}")]
    Name {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
        /// A way out.
        hint: String,
    },
}

impl From<PageErrors> for SuiteError {
    fn from(errors: PageErrors) -> SuiteError {
        SuiteError::Pages(errors)
    }
}

impl Suite {
    /// The suite that is built into the program.
    pub fn embedded() -> Result<Suite, SuiteError> {
        let catalogue = Catalogue::parse(pushspec_fixtures::REQUIREMENTS.iter().copied())?;
        Ok(Suite::new(pushspec_fixtures::PAGES.iter().copied(), catalogue)?)
    }

    /// The suite in a folder laid out like `fixtures/`. Its `requirements/` stand beside the built-in ones; a file with the
    /// name of a built-in one stands in its place.
    pub fn from_folder(folder: &Path) -> Result<Suite, SuiteError> {
        folder::check_names(folder)?;
        let root = folder::root(folder);
        let mut pages = Vec::new();
        for technique in TECHNIQUES {
            pages.extend(folder::read(folder, technique, "md")?);
        }
        if pages.is_empty() {
            return Err(SuiteError::Empty(folder.to_owned()));
        }
        let requirements = folder::read(folder, "requirements", "toml")?;
        let own = requirements.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let catalogue = Catalogue::parse_beside(pushspec_fixtures::REQUIREMENTS, &root, own)?;
        let pages = pages.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Ok(Suite { unread: folder::unread(folder)?, ..Suite::new_in(&root, pages, catalogue)? })
    }

    /// Reads pages of `fixtures/` and checks them against a catalogue.
    pub fn new<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        catalogue: Catalogue,
    ) -> Result<Suite, PageErrors> {
        Suite::new_in(FIXTURES, files, catalogue)
    }

    fn new_in<'a>(
        root: &str,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        catalogue: Catalogue,
    ) -> Result<Suite, PageErrors> {
        let mut pages = Vec::new();
        let mut errors = Vec::new();
        for (path, text) in files {
            match Page::parse_in(root, path, text) {
                Ok(page) => {
                    errors.extend(check::page(&page, text, &catalogue));
                    pages.push(Arc::new(page));
                }
                Err(mistakes) => errors.extend(mistakes.0),
            }
        }
        pages.sort_by(|one, other| one.path.cmp(&other.path));
        errors.extend(check::precondition(&pages));
        if !errors.is_empty() {
            return Err(PageErrors(errors));
        }
        let cases = pages.iter().flat_map(expand::expand).collect();
        Ok(Suite { pages, cases, catalogue: Arc::new(catalogue), unread: Vec::new() })
    }

    /// The cases whose id matches one of the patterns; all of them where there is no pattern.
    pub fn select(&self, patterns: &[Pattern]) -> Vec<Case> {
        let wanted =
            |case: &&Case| patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(&case.id));
        self.cases.iter().filter(wanted).cloned().collect()
    }

    /// The clauses that have neither a case nor a waiver.
    pub fn uncovered(&self) -> Vec<&str> {
        let covered: BTreeSet<&str> = self.cases.iter().flat_map(Case::clauses).collect();
        let open = self
            .catalogue
            .clauses()
            .filter(|clause| clause.waived.is_none() && !covered.contains(clause.id.as_str()));
        open.map(|clause| clause.id.as_str()).collect()
    }
}

/// What `--select` takes: a part of an id from its beginning (`websocket/5.2`), or with `*` for any characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl std::fmt::Display for Pattern {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl Pattern {
    /// A pattern as it was written.
    pub fn new(text: &str) -> Pattern {
        Pattern(text.trim_end_matches('/').to_owned())
    }

    /// Whether it asks for the page of a case that matches, and not for all of a technique.
    pub(crate) fn asks_for(&self, id: &str) -> bool {
        self.0.contains('/') && self.matches(id)
    }

    /// Whether an id matches: the whole of it, or up to a `/` or `[`.
    pub fn matches(&self, id: &str) -> bool {
        let ends =
            id.char_indices().filter(|(_, character)| matches!(character, '/' | '[')).map(|(at, _)| at);
        ends.chain([id.len()]).any(|end| glob(self.0.as_bytes(), &id.as_bytes()[..end]))
            // A part of a heading's name, as in `websocket/5.`
            || (!self.0.contains('*') && self.0.contains('/') && id.starts_with(&self.0))
    }
}

/// Matches with `*` for any characters, in linear time in the length of the text for each star.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut position) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        if pattern.get(position) == Some(&b'*') {
            star = Some((position + 1, at));
            position += 1;
        } else if pattern.get(position) == Some(&text[at]) {
            position += 1;
            at += 1;
        } else if let Some((after, from)) = star {
            star = Some((after, from + 1));
            position = after;
            at = from + 1;
        } else {
            return false;
        }
    }
    pattern[position..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_parts_and_stars() {
        let id = "websocket/5.2-base-framing/echo-of-size[126]";
        for pattern in [
            "websocket",
            "websocket/5.2",
            "websocket/5.2-base-framing",
            "*/echo-of-size",
            id,
            "*[126]",
            "web*",
        ] {
            assert!(Pattern::new(pattern).matches(id), "{pattern}");
        }
        for pattern in ["web", "sse", "echo-of-size", "websocket/5.3", "*[127]"] {
            assert!(!Pattern::new(pattern).matches(id), "{pattern}");
        }
    }

    #[test]
    fn a_page_is_asked_for_by_its_name_and_not_by_that_of_its_technique() {
        let id = "websocket/10.4-limits/huge-text[4MiB]";
        for pattern in ["websocket/10.4-limits", "websocket/10.4", id] {
            assert!(Pattern::new(pattern).asks_for(id), "{pattern}");
        }
        for pattern in ["websocket", "websocket/", "*", "sse/9.2.3-processing-model"] {
            assert!(!Pattern::new(pattern).asks_for(id), "{pattern}");
        }
    }
}
