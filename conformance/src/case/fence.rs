//! Where the fences and the headings of a page are, before anything in them is read.

use std::ops::Range;

use super::name::is_kebab_case;
use super::parse::Mistake;

/// A fenced block: the lines between its fences.
#[derive(Debug, Clone)]
pub(super) struct Fence {
    pub(super) language: String,
    pub(super) inner: Range<usize>,
}

impl Fence {
    /// The line on which it opens.
    pub(super) fn opening(&self) -> usize {
        self.inner.start - 1
    }

    /// A mistake at the name of its language.
    pub(super) fn mistake(&self, message: impl Into<String>) -> Mistake {
        Mistake::at(3, self.language.chars().count().max(1), message)
    }
}

/// The frame of a page: lines are counted from 0.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The lines with a `## `, outside of fences.
    pub(super) headings: Vec<usize>,
    /// The fences that are open and closed as they should be, in order.
    pub(super) fences: Vec<Fence>,
    /// What is wrong with the others, and on which line.
    pub(super) mistakes: Vec<(usize, Mistake)>,
}

const KINDS: &str = "a fence opens with ```toml or ```wire, and closes with ``` alone";

impl Layout {
    pub(super) fn of(lines: &[&str]) -> Layout {
        let mut layout = Layout::default();
        let mut open: Option<Fence> = None;
        for (index, line) in lines.iter().enumerate() {
            if let Some(rest) = line.strip_prefix("```") {
                let language = rest.strip_suffix('\n').unwrap_or(rest);
                open = layout.fence(lines, index, language, open);
            } else if open.is_none() && line.starts_with("## ") {
                layout.headings.push(index);
            }
        }
        if let Some(fence) = open {
            layout.not_closed(lines, &fence, lines.len());
        }
        layout
    }

    /// Whether the fences of a section are in order.
    pub(super) fn is_sound(&self, section: &Range<usize>) -> bool {
        !self.mistakes.iter().any(|(line, _)| section.contains(line))
    }

    /// A line that begins with three backquotes: gives the fence that is open behind it.
    fn fence(&mut self, lines: &[&str], index: usize, language: &str, open: Option<Fence>) -> Option<Fence> {
        let closes = language.trim().is_empty();
        let opened = Fence { language: language.to_owned(), inner: index + 1..lines.len() };
        if !language.is_empty() && !is_kebab_case(language) {
            self.mistakes.push((index, Mistake::whole("this is not a fence").hint(KINDS)));
        }
        match open {
            Some(fence) if closes => {
                self.fences.push(Fence { inner: fence.inner.start..index, ..fence });
                None
            }
            Some(fence) if is_kebab_case(language) => {
                self.not_closed(lines, &fence, index);
                Some(opened)
            }
            Some(fence) => Some(fence),
            None if closes => {
                if language.is_empty() {
                    self.mistakes.push((index, Mistake::whole("there is no fence to close").hint(KINDS)));
                }
                None
            }
            None => Some(opened),
        }
    }

    /// A fence without an end: the next heading is taken for one, so that it spoils its own case only.
    fn not_closed(&mut self, lines: &[&str], fence: &Fence, end: usize) {
        let hint = "add a line with ``` alone after its last line";
        self.mistakes.push((fence.opening(), Mistake::whole("the fence is not closed").hint(hint)));
        let is_heading = |index: &usize| {
            let name = lines[*index].strip_prefix("## ").map(str::trim_end);
            name.is_some_and(is_kebab_case)
        };
        self.headings.extend((fence.inner.start..end).filter(is_heading));
    }
}
