//! A page of cases: Markdown on the outside.

use std::ops::Range;

use super::error::{PageError, PageErrors, did_you_mean};
use super::facts::{self, Facts};
use super::parse::{Mistake, parse_line};
use super::statement::Line;

/// A parsed page. [`ToString`] gives back the text it was parsed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The path without `.md`: `websocket/5.1-masking`.
    pub path: String,
    /// What `#` says.
    pub title: String,
    /// Everything before the first `##`.
    pub preamble: String,
    /// The cases.
    pub sections: Vec<Section>,
}

/// A case as it stands on the page, before `each` multiplies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What `##` says.
    pub name: String,
    /// The line of the heading, counted from 1.
    pub line: usize,
    /// What stands between the heading and the facts.
    pub prose: String,
    /// The `toml` fence.
    pub facts: Facts,
    /// The line on which the text of the facts begins.
    pub facts_line: usize,
    /// What stands between the two fences.
    pub between: String,
    /// The `wire` fence; an invariant has none.
    pub conversation: Option<Vec<Line>>,
    /// What stands behind the fences.
    pub tail: String,
}

impl Page {
    /// Reads a page. `path` is relative to `fixtures/`, without `.md`.
    pub fn parse(path: &str, text: &str) -> Result<Page, PageErrors> {
        let mut reader =
            Reader { file: format!("fixtures/{path}.md"), lines: split(text), errors: Vec::new() };
        let page = reader.page(path);
        if reader.errors.is_empty() { Ok(page) } else { Err(PageErrors(reader.errors)) }
    }

    /// The folder: the technique, or `http`.
    pub fn folder(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// The file as the reader knows it.
    pub fn file(&self) -> String {
        format!("fixtures/{}.md", self.path)
    }
}

/// Lines with their ends, so that joining them gives the text again.
fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

struct Reader<'a> {
    file: String,
    lines: Vec<&'a str>,
    errors: Vec<PageError>,
}

impl Reader<'_> {
    fn page(&mut self, path: &str) -> Page {
        let starts = self.section_starts();
        let end = starts.first().copied().unwrap_or(self.lines.len());
        let preamble: String = self.lines[..end].concat();
        let title =
            preamble.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default().trim().to_owned();
        if title.is_empty() {
            self.mistake(0, Mistake::whole("a page begins with `# ` and the name of the section"));
        }
        if starts.is_empty() {
            self.mistake(0, Mistake::whole("the page has no case: a case begins with `## ` and its name"));
        }
        let mut sections: Vec<Section> = Vec::new();
        for (index, start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(self.lines.len());
            let Some(section) = self.section(*start..end) else { continue };
            if sections.iter().any(|other| other.name == section.name) {
                self.mistake(
                    *start,
                    Mistake::at(3, section.name.chars().count(), "the page has this case already"),
                );
            }
            sections.push(section);
        }
        Page { path: path.to_owned(), title, preamble, sections }
    }

    /// The indices of the lines with a `## `, outside of fences.
    fn section_starts(&mut self) -> Vec<usize> {
        let mut fence: Option<usize> = None;
        let mut starts = Vec::new();
        let mut ragged = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            if let Some(rest) = line.strip_prefix("```") {
                let rest = rest.strip_suffix('\n').unwrap_or(rest);
                let plain = if fence.is_some() { rest.is_empty() } else { is_kebab_case(rest) };
                ragged.extend((!plain).then_some(index));
                fence = if fence.is_some() { None } else { Some(index) };
            } else if fence.is_none() && line.starts_with("## ") {
                starts.push(index);
            }
        }
        for index in ragged {
            let hint = "a fence opens with ```toml or ```wire, and closes with ``` alone";
            self.mistake(index, Mistake::whole("this is no fence").hint(hint));
        }
        if let Some(index) = fence {
            self.mistake(index, Mistake::whole("the fence is not closed").hint("add a line with ``` alone"));
        }
        if !self.lines.last().is_some_and(|line| line.ends_with('\n')) {
            let last = self.lines.len().saturating_sub(1);
            self.mistake(last, Mistake::whole("the page does not end with a line break"));
        }
        starts
    }

    fn section(&mut self, range: Range<usize>) -> Option<Section> {
        let heading = self.lines[range.start];
        let name = heading["## ".len()..].trim_end_matches('\n').to_owned();
        if !is_kebab_case(&name) {
            let mistake = Mistake::at(3, name.chars().count(), "the name of a case is in kebab-case")
                .hint("small letters, digits and single hyphens, as in `unmasked-text-frame`");
            self.mistake(range.start, mistake);
            return None;
        }
        let fences = self.fences(&range);
        let Some(facts_fence) = fences.iter().find(|fence| fence.language == "toml").cloned() else {
            let hint = "add a fence ```toml with at least `covers = [\"…\"]`";
            self.mistake(
                range.start,
                Mistake::at(3, name.chars().count(), "the case has no facts").hint(hint),
            );
            return None;
        };
        let facts = self.facts(&facts_fence)?;
        let names: Vec<String> = facts.each.keys().cloned().collect();
        let wire = fences.iter().find(|fence| fence.language == "wire").cloned();
        self.check_fences(&range, &fences, &facts, wire.as_ref());
        let conversation = wire.as_ref().map(|fence| self.conversation(fence, &names));
        // A fence that is not closed, which is a mistake of its own, ends with its section.
        let after_facts = (facts_fence.inner.end + 1).min(range.end);
        let (between, tail_start) = match &wire {
            Some(fence) if fence.inner.start > after_facts => {
                (after_facts..fence.inner.start - 1, (fence.inner.end + 1).min(range.end))
            }
            _ => (after_facts..after_facts, after_facts),
        };
        Some(Section {
            prose: self.lines[range.start + 1..facts_fence.inner.start - 1].concat(),
            facts_line: facts_fence.inner.start + 1,
            between: self.lines[between].concat(),
            tail: self.lines[tail_start..range.end].concat(),
            line: range.start + 1,
            name,
            facts,
            conversation,
        })
    }

    fn fences(&self, range: &Range<usize>) -> Vec<Fence> {
        let mut fences: Vec<Fence> = Vec::new();
        let mut open = false;
        for index in range.clone() {
            let Some(language) = self.lines[index].strip_prefix("```") else { continue };
            match fences.last_mut() {
                Some(fence) if open => fence.inner.end = index,
                _ => fences
                    .push(Fence { language: language.trim_end().to_owned(), inner: index + 1..range.end }),
            }
            open = !open;
        }
        fences
    }

    fn check_fences(&mut self, range: &Range<usize>, fences: &[Fence], facts: &Facts, wire: Option<&Fence>) {
        for (index, fence) in fences.iter().enumerate() {
            let line = fence.inner.start - 1;
            let width = fence.language.chars().count().max(1);
            match fence.language.as_str() {
                "toml" | "wire" if fences[..index].iter().any(|other| other.language == fence.language) => {
                    self.mistake(line, Mistake::at(3, width, "the case has a second fence of this kind"));
                }
                "toml" if index > 0 => {
                    self.mistake(line, Mistake::at(3, width, "the facts stand before the conversation"));
                }
                "toml" | "wire" => {}
                other => {
                    let mut mistake = Mistake::at(3, width, format!("unknown fence `{other}`"));
                    mistake.hint = did_you_mean(other, ["toml", "wire"]);
                    self.mistake(line, mistake);
                }
            }
        }
        let heading = Mistake::at(3, 1, "the case has no conversation").hint("add a fence ```wire");
        match (wire, &facts.invariant) {
            (None, None) => self.mistake(range.start, heading),
            (Some(fence), Some(_)) => {
                self.mistake(fence.inner.start - 1, Mistake::at(3, 4, "an invariant has no conversation"));
            }
            _ => {}
        }
    }

    fn facts(&mut self, fence: &Fence) -> Option<Facts> {
        let source = self.lines[fence.inner.clone()].concat();
        match facts::parse(&source) {
            Ok(facts) => Some(facts),
            Err(error) => {
                let place = Place::of(&source, &error.range);
                let mut mistake = Mistake::at(place.column, place.width, error.message);
                let key = source.lines().nth(place.line).and_then(|line| line.split(['=', ' ', '.']).next());
                if mistake.message.starts_with("unknown field") {
                    mistake.message.truncate(
                        mistake.message.find(", expected").unwrap_or(usize::MAX).min(mistake.message.len()),
                    );
                    let known = ["covers", "needs", "each", "sanity", "large", "invariant"];
                    mistake.hint = key.and_then(|key| did_you_mean(key, known));
                }
                self.mistake(fence.inner.start + place.line, mistake);
                None
            }
        }
    }

    fn conversation(&mut self, fence: &Fence, names: &[String]) -> Vec<Line> {
        let mut lines = Vec::new();
        for index in fence.inner.clone() {
            let text = self.lines[index].trim_end_matches('\n');
            match parse_line(text, index + 1, names) {
                Ok(line) => lines.push(line),
                Err(mistake) => self.mistake(index, mistake),
            }
        }
        for (index, mistake) in super::parse::check_order(&lines) {
            self.mistake(lines[index].number - 1, mistake);
        }
        lines
    }

    fn mistake(&mut self, index: usize, mistake: Mistake) {
        let source = self.lines.get(index).map_or("", |line| line.trim_end_matches(['\r', '\n']));
        let width = if mistake.width == usize::MAX { source.chars().count() } else { mistake.width };
        self.errors.push(PageError {
            file: self.file.clone(),
            line: index + 1,
            column: mistake.column + 1,
            width: width.max(1),
            source: source.to_owned(),
            message: mistake.message,
            hint: mistake.hint,
        });
    }
}

/// A fenced block: the lines between its fences.
#[derive(Debug, Clone)]
struct Fence {
    language: String,
    inner: Range<usize>,
}

/// A place in a text of several lines, from 0.
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) width: usize,
}

impl Place {
    /// Where a range of bytes begins, and how far it goes on that line.
    pub(crate) fn of(text: &str, range: &Range<usize>) -> Place {
        let start = floor_char_boundary(text, range.start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_char_boundary(text, range.end).clamp(start, line_end);
        Place {
            line: before.matches('\n').count(),
            column: text[line_start..start].chars().count(),
            width: text[start..end].chars().count().max(1),
        }
    }
}

fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// Whether a name is made of small letters, digits and dots, joined by single hyphens.
pub(crate) fn is_kebab_case(name: &str) -> bool {
    !name.is_empty()
        && name.split('-').all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.')
        })
}
