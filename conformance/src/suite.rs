//! Everything that can be run: the pages, their cases and the catalogue, checked against each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::case::error::{PageError, PageErrors, did_you_mean};
use crate::case::page::Place;
use crate::case::{Case, Page, Section, expand};
use crate::catalogue::Catalogue;
use crate::judge::Invariant;
use crate::target::{CAPABILITIES, TECHNIQUES};

/// Pages, cases and clauses.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The pages, sorted by path.
    pub pages: Vec<Arc<Page>>,
    /// The cases of all pages, in their order.
    pub cases: Vec<Case>,
    /// The clauses.
    pub catalogue: Arc<Catalogue>,
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
        "`{0}` holds no page: pages are at http/*.md, polling/*.md, long-polling/*.md, iframe/*.md, sse/*.md and websocket/*.md below it"
    )]
    Empty(PathBuf),
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

    /// The suite in a folder laid out like `fixtures/`. Without `requirements/` in it, the built-in catalogue holds.
    pub fn from_folder(folder: &Path) -> Result<Suite, SuiteError> {
        let mut pages = Vec::new();
        for technique in TECHNIQUES {
            pages.extend(read_folder(folder, technique, "md")?);
        }
        if pages.is_empty() {
            return Err(SuiteError::Empty(folder.to_owned()));
        }
        let requirements = read_folder(folder, "requirements", "toml")?;
        let catalogue = if requirements.is_empty() {
            Catalogue::parse(pushspec_fixtures::REQUIREMENTS.iter().copied())?
        } else {
            Catalogue::parse(requirements.iter().map(|(name, text)| (name.as_str(), text.as_str())))?
        };
        Ok(Suite::new(pages.iter().map(|(name, text)| (name.as_str(), text.as_str())), catalogue)?)
    }

    /// Reads pages and checks them against a catalogue.
    pub fn new<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        catalogue: Catalogue,
    ) -> Result<Suite, PageErrors> {
        let mut pages = Vec::new();
        let mut errors = Vec::new();
        for (path, text) in files {
            match Page::parse(path, text) {
                Ok(page) => {
                    let lines: Vec<&str> = text.lines().collect();
                    check_page(&page, &lines, &catalogue, &mut errors);
                    pages.push(Arc::new(page));
                }
                Err(mistakes) => errors.extend(mistakes.0),
            }
        }
        if !errors.is_empty() {
            return Err(PageErrors(errors));
        }
        pages.sort_by(|one, other| one.path.cmp(&other.path));
        let cases = pages.iter().flat_map(expand::expand).collect();
        Ok(Suite { pages, cases, catalogue: Arc::new(catalogue) })
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

fn read_folder(root: &Path, folder: &str, extension: &str) -> Result<Vec<(String, String)>, SuiteError> {
    let path = root.join(folder);
    let read_error = |path: &Path| {
        let path = path.to_owned();
        move |error| SuiteError::Read { path, error }
    };
    if !root.is_dir() {
        fs::read_dir(root).map_err(read_error(root))?;
    }
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&path).map_err(read_error(&path))? {
        let file = entry.map_err(read_error(&path))?.path();
        if file.extension().is_some_and(|found| found == extension) {
            let text = fs::read_to_string(&file).map_err(read_error(&file))?;
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            files.push((format!("{folder}/{stem}"), text));
        }
    }
    files.sort();
    Ok(files)
}

/// Names that a page uses must exist: clauses, capabilities, invariants, techniques.
fn check_page(page: &Page, lines: &[&str], catalogue: &Catalogue, errors: &mut Vec<PageError>) {
    let mut check = Check { page, lines, errors };
    for section in &page.sections {
        check.facts(section, catalogue);
        for line in section.conversation.iter().flatten() {
            let Some(note) = &line.clause else { continue };
            let id = note.text.trim();
            if catalogue.clause(id).is_none() {
                let before = line.source.split('@').next().unwrap_or_default().chars().count();
                check.add(
                    line.number,
                    before + 1,
                    id.chars().count() + 1,
                    format!("unknown clause `{id}`"),
                    catalogue.nearest(id),
                );
            }
        }
    }
}

struct Check<'a> {
    page: &'a Page,
    lines: &'a [&'a str],
    errors: &'a mut Vec<PageError>,
}

impl Check<'_> {
    fn facts(&mut self, section: &Section, catalogue: &Catalogue) {
        let facts = &section.facts;
        for (clause, range) in &facts.covers {
            if catalogue.clause(clause).is_none() {
                self.fact(section, range, format!("unknown clause `{clause}`"), catalogue.nearest(clause));
            }
        }
        for (need, range) in &facts.needs {
            if !CAPABILITIES.iter().any(|(name, _)| name == need) {
                let hint = did_you_mean(need, CAPABILITIES.iter().map(|(name, _)| *name));
                self.fact(section, range, format!("unknown capability `{need}`"), hint);
            }
        }
        if let Some((name, range)) = &facts.invariant
            && Invariant::from_name(name).is_none()
        {
            let hint = did_you_mean(name, Invariant::ALL.iter().map(|invariant| invariant.name()));
            self.fact(section, range, format!("unknown invariant `{name}`"), hint);
        }
        for value in facts.each.get("technique").into_iter().flatten() {
            if !TECHNIQUES.contains(&value.value.as_str()) {
                let hint = did_you_mean(&value.value, TECHNIQUES);
                self.fact(section, &(0..1), format!("unknown technique `{}`", value.value), hint);
            }
        }
    }

    fn fact(
        &mut self,
        section: &Section,
        range: &std::ops::Range<usize>,
        message: String,
        hint: Option<String>,
    ) {
        let place = Place::of(&section.facts.source, range);
        self.add(section.facts_line + place.line, place.column + 1, place.width, message, hint);
    }

    fn add(&mut self, line: usize, column: usize, width: usize, message: String, hint: Option<String>) {
        let source = self.lines.get(line - 1).copied().unwrap_or_default().to_owned();
        self.errors.push(PageError { file: self.page.file(), line, column, width, source, message, hint });
    }
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
