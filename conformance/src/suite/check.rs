//! What a page says is held against the catalogue, the capabilities and the other pages.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::case::front_matter::Precondition;
use crate::case::{Page, Section};
use crate::catalogue::{Binds, Catalogue};
use crate::judge::Invariant;
use crate::mistake::Place;
use crate::mistake::{PageError, Wrong, meant_or_known};
use crate::profile::{CAPABILITIES, TECHNIQUES};

/// The mistakes of a page: the names that it uses must exist, be they clauses, capabilities, invariants or techniques.
pub(super) fn page(page: &Page, text: &str, catalogue: &Catalogue) -> Vec<PageError> {
    let mut check = Check { page, lines: text.lines().collect(), errors: Vec::new() };
    for section in &page.sections {
        check.covers(section, catalogue);
        check.names(section);
        check.notes(section, catalogue);
    }
    check.errors
}

/// The preconditions beyond the first of a folder, or of a capability: the others would rest on two.
pub(super) fn precondition(pages: &[Arc<Page>]) -> Vec<PageError> {
    let mut first: BTreeMap<(&str, Option<&str>), String> = BTreeMap::new();
    let mut errors = Vec::new();
    for page in pages {
        for section in &page.sections {
            let (capability, message) = match &section.front_matter.precondition {
                None => continue,
                Some(Precondition::Technique) => (None, "the folder already has a precondition".to_owned()),
                Some(Precondition::Capability(name, _)) => {
                    (Some(name.as_str()), format!("the folder already has a precondition for `{name}`"))
                }
                Some(Precondition::Fragments) => {
                    (Some("fragments"), "the folder already has a precondition for fragments".to_owned())
                }
            };
            let id = format!("{}/{}", page.path, section.name);
            let Some(other) = first.get(&(page.folder(), capability)) else {
                first.insert((page.folder(), capability), id);
                continue;
            };
            let wrong = Wrong::new(
                message,
                format!("remove `precondition` from the front matter here or in `{other}`"),
            );
            let place = Place { line: section.line - 1, column: 3, width: section.name.chars().count() };
            errors.push(error(page, place, format!("## {}", section.name), wrong));
        }
    }
    errors
}

/// Why a case cannot judge a clause.
fn clause_mistake(catalogue: &Catalogue, id: &str) -> Option<Wrong> {
    let Some(clause) = catalogue.clause(id) else {
        return Some(Wrong::new(format!("unknown clause `{id}`"), catalogue.nearest(id)));
    };
    let (file, line) = &clause.place;
    if clause.binds == Binds::Client {
        let hint = format!("a server cannot break it; see {file}:{line}");
        return Some(Wrong::new(format!("`{id}` binds clients"), hint));
    }
    clause.waived.as_ref().map(|reason| {
        let hint = format!("remove `waived` at {file}:{line}; its reason is: {reason}");
        Wrong::new(format!("`{id}` is waived"), hint)
    })
}

struct Check<'a> {
    page: &'a Page,
    lines: Vec<&'a str>,
    errors: Vec<PageError>,
}

impl Check<'_> {
    fn covers(&mut self, section: &Section, catalogue: &Catalogue) {
        for (clause, range) in &section.front_matter.covers {
            if let Some(wrong) = clause_mistake(catalogue, clause) {
                self.fact(section, range, wrong);
            }
        }
        // What breaks it breaks the first clause, and no line could say that it was another.
        if let [_, (other, range), ..] = section.front_matter.covers.as_slice()
            && section.front_matter.invariant.is_some()
        {
            let message = "an invariant covers one clause".to_owned();
            let hint = format!("write an invariant of its own for `{other}`");
            self.fact(section, range, Wrong::new(message, hint));
        }
    }

    /// The clauses that lines name.
    fn notes(&mut self, section: &Section, catalogue: &Catalogue) {
        for line in section.conversation.iter().flatten() {
            let Some(note) = &line.clause else { continue };
            let id = note.text.trim();
            if let Some(wrong) = clause_mistake(catalogue, id) {
                let column = line.columns.end - 1 + note.gap.chars().count();
                let place = Place { line: line.number - 1, column, width: id.chars().count() + 1 };
                self.add(place, wrong);
            }
        }
    }

    fn names(&mut self, section: &Section) {
        let front_matter = &section.front_matter;
        let mut capabilities: Vec<_> = front_matter.needs.iter().map(|(need, range)| (need, range)).collect();
        if let Some(Precondition::Capability(name, range)) = &front_matter.precondition {
            capabilities.push((name, range));
        }
        for (name, range) in capabilities {
            let known = CAPABILITIES.iter().map(|(name, _)| *name);
            self.known(section, range, "capability", name, known);
        }
        if let Some((name, range)) = &front_matter.invariant {
            let known = Invariant::ALL.iter().map(|invariant| invariant.name());
            self.known(section, range, "invariant", name, known);
        }
        for value in front_matter.each.get("technique").into_iter().flatten() {
            self.known(section, &value.place, "technique", &value.value, TECHNIQUES.into_iter());
        }
    }

    fn known<'n>(
        &mut self,
        section: &Section,
        range: &Range<usize>,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        if !known.clone().any(|other| other == name) {
            let wrong = Wrong::new(format!("unknown {what} `{name}`"), meant_or_known(name, known));
            self.fact(section, range, wrong);
        }
    }

    fn fact(&mut self, section: &Section, range: &Range<usize>, wrong: Wrong) {
        let place = Place::of(&section.front_matter.source, range);
        self.add(Place { line: section.front_matter_line - 1 + place.line, ..place }, wrong);
    }

    fn add(&mut self, place: Place, wrong: Wrong) {
        let source = self.lines.get(place.line).copied().unwrap_or_default().to_owned();
        self.errors.push(error(self.page, place, source, wrong));
    }
}

fn error(page: &Page, place: Place, source: String, wrong: Wrong) -> PageError {
    PageError {
        file: page.file(),
        line: place.line + 1,
        column: place.column + 1,
        width: place.width,
        source,
        message: wrong.message,
        hint: Some(wrong.hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invariant_covers_one_clause() {
        let clause = |id: &str| format!("[[clause]]\nid = \"{id}\"\nlevel = \"must\"\ntext = \"It does.\"\n");
        let spec =
            format!("title = \"A\"\nlink = \"https://a/{{section}}\"\n{}{}", clause("1/a"), clause("1/b"));
        let catalogue = Catalogue::parse([("spec", spec.as_str())]).expect("a catalogue");
        for (covers, expected) in
            [("\"spec/1/a\"", None), ("\"spec/1/a\", \"spec/1/b\"", Some("an invariant covers one clause"))]
        {
            let text = format!(
                "# A section\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [{covers}]\ninvariant = \"websocket-server-unmasked\"\n```\n"
            );
            let parsed = Page::parse("websocket/1-page", &text).expect("a page");
            let told: Vec<String> =
                page(&parsed, &text, &catalogue).into_iter().map(|error| error.message).collect();
            assert_eq!(told.first().map(String::as_str), expected);
        }
    }
}
