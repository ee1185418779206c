//! A page of cases: Markdown on the outside.

use std::ops::Range;

use super::fence::{Fence, Layout};
use super::front_matter::{self, FrontMatter};
use super::name::{FIXTURES, is_kebab_case};
use super::parse::{self, Mistake};
use super::statement::Line;
use crate::mistake::Place;
use crate::mistake::{PageError, PageErrors, did_you_mean, meant_or_known};

/// A parsed page. [`ToString`] gives back the text it was parsed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The folder in which the reader finds it.
    pub root: String,
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
    /// What stands between the heading and the front matter.
    pub prose: String,
    /// The `toml` fence.
    pub front_matter: FrontMatter,
    /// The line on which the text of the front matter begins.
    pub front_matter_line: usize,
    /// What stands between the two fences.
    pub between: String,
    /// The `wire` fence; an invariant has none.
    pub conversation: Option<Vec<Line>>,
    /// What stands behind the fences.
    pub tail: String,
}

impl Page {
    /// Reads a page of `fixtures/`. `path` is relative to it, without `.md`.
    pub fn parse(path: &str, text: &str) -> Result<Page, PageErrors> {
        Page::parse_in(FIXTURES, path, text)
    }

    /// Reads a page of a folder that is laid out like `fixtures/`.
    pub fn parse_in(root: &str, path: &str, text: &str) -> Result<Page, PageErrors> {
        // Lines with their ends, so that joining them gives the text again.
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut reader = Reader { file: file_of(root, path), lines, errors: Vec::new() };
        reader.check_encoding();
        if !reader.errors.is_empty() {
            return Err(PageErrors(reader.errors));
        }
        let page = reader.page(root, path);
        if reader.errors.is_empty() { Ok(page) } else { Err(PageErrors(reader.errors)) }
    }

    /// The folder: the technique, or `http`.
    pub fn folder(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// The file as the reader knows it.
    pub fn file(&self) -> String {
        file_of(&self.root, &self.path)
    }
}

/// The file of a page as the reader knows it.
fn file_of(root: &str, path: &str) -> String {
    format!("{root}/{path}.md")
}

struct Reader<'a> {
    file: String,
    lines: Vec<&'a str>,
    errors: Vec<PageError>,
}

impl Reader<'_> {
    /// Mistakes of an editor, which would show on every line below.
    fn check_encoding(&mut self) {
        let first = self.lines.first().copied().unwrap_or_default();
        if self.lines.concat().trim().is_empty() {
            let mistake = Mistake::whole("the page is empty");
            self.mistake(
                0,
                mistake.hint("it begins with `# ` and the name of the section, as in `# Masking`"),
            );
        } else if first.starts_with('\u{feff}') {
            let mistake = Mistake::at(0, 1, "the page begins with a byte order mark");
            self.mistake(0, mistake.hint("save it as UTF-8 without one"));
        } else if let Some(index) = self.lines.iter().position(|line| line.ends_with("\r\n")) {
            let end = self.lines[index].chars().count() - 2;
            let mistake = Mistake::at(end, 1, "the line ends with CR");
            self.mistake(index, mistake.hint("save the page with LF line ends"));
        } else if !self.lines.last().is_some_and(|line| line.ends_with('\n')) {
            let last = self.lines.len() - 1;
            let mistake =
                Mistake::at(self.lines[last].chars().count(), 1, "the page does not end with a line break");
            self.mistake(last, mistake.hint("add one after the last line"));
        }
    }

    fn page(&mut self, root: &str, path: &str) -> Page {
        let layout = Layout::of(&self.lines);
        for (index, mistake) in &layout.mistakes {
            self.mistake(*index, mistake.clone());
        }
        let end = layout.headings.first().copied().unwrap_or(self.lines.len());
        let preamble: String = self.lines[..end].concat();
        let title =
            preamble.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default().trim().to_owned();
        if title.is_empty() {
            let mistake = Mistake::whole("a page begins with `# ` and the name of the section");
            self.mistake(0, mistake.hint("put it above the first case, as in `# Masking`"));
        }
        if layout.headings.is_empty() {
            let mistake = Mistake::whole("the page has no case");
            self.mistake(
                0,
                mistake.hint("a case begins with `## ` and its name, as in `## unmasked-text-frame`"),
            );
        }
        let mut sections: Vec<Section> = Vec::new();
        for (index, start) in layout.headings.iter().enumerate() {
            let end = layout.headings.get(index + 1).copied().unwrap_or(self.lines.len());
            let Some(section) = self.section(*start..end, &layout) else { continue };
            if sections.iter().any(|other| other.name == section.name) {
                let mistake = self.at_heading(*start, "the page already has this case");
                self.mistake(*start, mistake.hint("give it another name, or remove one of the two"));
            }
            sections.push(section);
        }
        Page { root: root.to_owned(), path: path.to_owned(), title, preamble, sections }
    }

    fn section(&mut self, range: Range<usize>, layout: &Layout) -> Option<Section> {
        let name = self.lines[range.start]["## ".len()..].trim_end_matches('\n').to_owned();
        if !is_kebab_case(&name) {
            let mistake = self.at_heading(range.start, "the name of a case is in kebab-case");
            let hint = "small letters, digits and single hyphens, as in `unmasked-text-frame`";
            self.mistake(range.start, mistake.hint(hint));
            return None;
        }
        if !layout.is_sound(&range) {
            return None;
        }
        let fences: Vec<&Fence> =
            layout.fences.iter().filter(|fence| range.contains(&fence.opening())).collect();
        let (front_matter_fence, wire) = self.check_fences(range.start, &fences)?;
        let prose = range.start + 1..front_matter_fence.opening();
        if self.lines[prose.clone()].concat().trim().is_empty() {
            let mistake = self.at_heading(range.start, "the case does not say why it matters");
            self.mistake(
                range.start,
                mistake.hint("write two or three sentences between the heading and the front matter"),
            );
        }
        let front_matter = self.front_matter(front_matter_fence)?;
        self.check_kind(range.start, &front_matter, wire);
        let names: Vec<String> = front_matter.each.keys().cloned().collect();
        let conversation = wire.map(|fence| self.conversation(fence, &names));
        let after_front_matter = front_matter_fence.inner.end + 1;
        let (between, tail_start) = match wire {
            Some(fence) => (after_front_matter..fence.opening(), fence.inner.end + 1),
            None => (after_front_matter..after_front_matter, after_front_matter),
        };
        Some(Section {
            prose: self.lines[prose].concat(),
            front_matter_line: front_matter_fence.inner.start + 1,
            between: self.lines[between].concat(),
            tail: self.lines[tail_start..range.end].concat(),
            line: range.start + 1,
            name,
            front_matter,
            conversation,
        })
    }

    /// The front matter and the conversation, if the fences of a case are these two in this order.
    fn check_fences<'f>(
        &mut self,
        heading: usize,
        fences: &[&'f Fence],
    ) -> Option<(&'f Fence, Option<&'f Fence>)> {
        let is = |language: &'static str| move |fence: &&&Fence| fence.language == language;
        // A fence of another language belongs to the prose, unless it looks like one that is misspelt.
        let misspelt = |fence: &&&Fence| {
            let language = fence.language.as_str();
            !matches!(language, "toml" | "wire") && did_you_mean(language, ["toml", "wire"]).is_some()
        };
        if let Some(other) = fences.iter().find(misspelt) {
            let hint = meant_or_known(&other.language, ["toml", "wire"]);
            self.mistake(
                other.opening(),
                other.mistake(format!("unknown fence `{}`", other.language)).hint(hint),
            );
            return None;
        }
        for language in ["toml", "wire"] {
            if let Some(second) = fences.iter().filter(is(language)).nth(1) {
                let hint = "put both into one fence, or begin another case with `## ` and its name";
                self.mistake(
                    second.opening(),
                    second.mistake("the case has a second fence of this kind").hint(hint),
                );
                return None;
            }
        }
        let wire = fences.iter().find(is("wire")).copied();
        let Some(front_matter) = fences.iter().find(is("toml")).copied() else {
            let hint = "add a fence ```toml with at least `covers = [\"…\"]`";
            self.mistake(heading, self.at_heading(heading, "the case has no front matter").hint(hint));
            return None;
        };
        if wire.is_some_and(|wire| wire.inner.start < front_matter.inner.start) {
            let hint = "move the fence ```toml above the fence ```wire";
            self.mistake(
                front_matter.opening(),
                front_matter.mistake("the front matter stands before the conversation").hint(hint),
            );
            return None;
        }
        Some((front_matter, wire))
    }

    /// A case has a conversation or is an invariant.
    fn check_kind(&mut self, heading: usize, front_matter: &FrontMatter, wire: Option<&Fence>) {
        match (wire, &front_matter.invariant) {
            (None, None) => {
                let mistake = self.at_heading(heading, "the case has no conversation");
                self.mistake(heading, mistake.hint("add a fence ```wire after its front matter"));
            }
            (Some(fence), Some(_)) => {
                let mistake = fence.mistake("an invariant has no conversation");
                self.mistake(
                    fence.opening(),
                    mistake.hint("remove the fence, or `invariant` from the front matter"),
                );
            }
            _ => {}
        }
    }

    fn front_matter(&mut self, fence: &Fence) -> Option<FrontMatter> {
        let source = self.lines[fence.inner.clone()].concat();
        match front_matter::parse(&source) {
            Ok(front_matter) => Some(front_matter),
            Err(front_matter::FrontMatterError { range: Some(range), wrong }) => {
                let place = Place::of(&source, &range);
                let mistake = Mistake::at(place.column, place.width, wrong.message).hint(wrong.hint);
                // A fence in which something is not closed is wrong at its end, where another line begins.
                let last = fence.inner.len().saturating_sub(1);
                self.mistake(fence.inner.start + place.line.min(last), mistake);
                None
            }
            Err(front_matter::FrontMatterError { range: None, wrong }) => {
                self.mistake(fence.opening(), fence.mistake(wrong.message).hint(wrong.hint));
                None
            }
        }
    }

    fn conversation(&mut self, fence: &Fence, names: &[String]) -> Vec<Line> {
        let mut lines = Vec::new();
        let before = self.errors.len();
        for index in fence.inner.clone() {
            let text = self.lines[index].trim_end_matches('\n');
            match parse::parse_line(text, index + 1, names) {
                Ok(line) => lines.push(line),
                Err(mistake) => self.mistake(index, mistake),
            }
        }
        // What lines say of each other is not known before each is read.
        if self.errors.len() > before {
            return lines;
        }
        for (index, mistake) in parse::check_order(&lines) {
            self.mistake(lines[index].number - 1, mistake);
        }
        if !parse::expects_something(&lines) {
            let hint = "add what must come, as in `< eof`, or what must not, as in `silent 300ms`";
            self.mistake(fence.opening(), fence.mistake("the conversation expects nothing").hint(hint));
        }
        lines
    }

    /// A mistake at the name of a case.
    fn at_heading(&self, index: usize, message: &str) -> Mistake {
        let name = self.lines[index].trim_end_matches('\n').chars().count();
        Mistake::at(3, name.saturating_sub(3), message)
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
