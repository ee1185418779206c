//! Everything that can be run: the pages, their cases and the catalogue, checked against each other.

mod check;
mod folder;
mod pattern;
mod unmatched;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use pattern::Pattern;
pub use unmatched::Unmatched;

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
        Suite::in_folder(folder, &[])
    }

    /// The built-in suite, and beside it the pages and clauses in a folder laid out like `fixtures/`; a file with the name of
    /// a built-in one stands in its place.
    pub fn with_folder(folder: &Path) -> Result<Suite, SuiteError> {
        Suite::in_folder(folder, pushspec_fixtures::PAGES)
    }

    fn in_folder(folder: &Path, built_in: &[(&str, &str)]) -> Result<Suite, SuiteError> {
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
        let own = pages.iter().map(|(name, text)| (root.as_str(), name.as_str(), text.as_str()));
        let is_replaced = |path: &str| pages.iter().any(|(name, _)| name == path);
        let others = built_in.iter().filter(|(path, _)| !is_replaced(path));
        let others = others.map(|(path, text)| (FIXTURES, *path, *text));
        Ok(Suite { unread: folder::unread(folder)?, ..Suite::of(own.chain(others), catalogue)? })
    }

    /// Reads pages of `fixtures/` and checks them against a catalogue.
    pub fn new<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        catalogue: Catalogue,
    ) -> Result<Suite, PageErrors> {
        Suite::of(files.into_iter().map(|(path, text)| (FIXTURES, path, text)), catalogue)
    }

    /// Pages, each with the folder in which it lies.
    fn of<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
        catalogue: Catalogue,
    ) -> Result<Suite, PageErrors> {
        let mut pages = Vec::new();
        let mut errors = Vec::new();
        for (root, path, text) in files {
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

    /// The cases whose id matches one of the patterns; all of them where there is no pattern. A pattern that matches none is
    /// an error.
    pub fn select(&self, patterns: &[Pattern]) -> Result<Vec<Case>, Unmatched> {
        let ids = self.cases.iter().map(|case| case.id.as_str());
        match Unmatched::of("case", "pushspec list", patterns, ids) {
            Some(unmatched) => Err(unmatched),
            None => {
                let wanted = |case: &&Case| {
                    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(&case.id))
                };
                Ok(self.cases.iter().filter(wanted).cloned().collect())
            }
        }
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
