//! Pages to cases: one for each combination of the `each` parameters.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::front_matter::Precondition;
use super::page::{Page, Section};
use super::text::Scope;

/// A case that can be run: what a section says, for one combination of its parameters.
#[derive(Debug, Clone)]
pub struct Case {
    /// Path, heading and parameters: `websocket/5.2-base-framing/echo-of-size[126]`.
    pub id: String,
    /// The technique or `http`: the folder of the page.
    pub folder: String,
    /// The technique whose `{path}` is meant; differs from the folder where `each.technique` says so.
    pub technique: String,
    /// Parameter to value.
    pub parameters: BTreeMap<String, String>,
    /// The page on which the case stands.
    pub page: Arc<Page>,
    /// Which section of the page.
    index: usize,
}

impl Case {
    /// The section of the page.
    pub fn section(&self) -> &Section {
        &self.page.sections[self.index]
    }

    /// The id without parameters: what all cases of one heading have in common.
    pub fn heading(&self) -> &str {
        self.id.split('[').next().unwrap_or(&self.id)
    }

    /// The heading in words.
    pub fn title(&self) -> String {
        self.section().name.replace('-', " ")
    }

    /// The clause on which expectations rest unless they name another.
    pub fn clause(&self) -> &str {
        self.section().front_matter.covers.first().map_or("", |(clause, _)| clause)
    }

    /// All clauses that the case judges: those that it covers and those that its lines name.
    pub fn clauses(&self) -> Vec<&str> {
        let mut clauses: Vec<&str> = Vec::new();
        let covered = self.section().front_matter.covers.iter().map(|(clause, _)| clause.as_str());
        let lines = self.section().conversation.iter().flatten();
        let named = lines.filter_map(|line| line.clause.as_ref()).map(|note| note.text.trim());
        for clause in covered.chain(named) {
            if !clauses.contains(&clause) {
                clauses.push(clause);
            }
        }
        clauses
    }

    /// Whether other cases rest on this one.
    pub fn is_precondition(&self) -> bool {
        self.section().front_matter.precondition.is_some()
    }

    /// Whether it shows that the target is what the profile says: where it does not pass, the profile may be what is wrong.
    pub(crate) fn checks_the_profile(&self) -> bool {
        self.section().front_matter.precondition.as_ref().is_some_and(|it| *it != Precondition::Fragments)
    }

    /// The invariant that the case states, if it is one.
    pub fn invariant(&self) -> Option<&str> {
        self.section().front_matter.invariant.as_ref().map(|(name, _)| name.as_str())
    }
}

impl Scope for Case {
    fn value(&self, name: &str) -> Option<Vec<u8>> {
        self.parameters.get(name).map(|value| value.clone().into_bytes())
    }
}

/// All cases of a page, in its order.
pub fn expand(page: &Arc<Page>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (index, section) in page.sections.iter().enumerate() {
        for (labels, parameters) in combinations(section) {
            let suffix = if labels.is_empty() { String::new() } else { format!("[{}]", labels.join(",")) };
            let folder = page.folder().to_owned();
            let technique = parameters.get("technique").cloned().unwrap_or_else(|| folder.clone());
            cases.push(Case {
                id: format!("{}/{}{suffix}", page.path, section.name),
                folder,
                technique,
                parameters,
                page: Arc::clone(page),
                index,
            });
        }
    }
    cases
}

/// Labels and values of every combination; a section without `each` has one that is empty.
fn combinations(section: &Section) -> Vec<(Vec<String>, BTreeMap<String, String>)> {
    let mut combinations = vec![(Vec::new(), BTreeMap::new())];
    for (name, values) in &section.front_matter.each {
        combinations = combinations
            .into_iter()
            .flat_map(|(labels, parameters)| {
                values.iter().map(move |each| {
                    let mut labels = labels.clone();
                    let mut parameters = parameters.clone();
                    labels.push(each.label.clone());
                    parameters.insert(name.clone(), each.value.clone());
                    (labels, parameters)
                })
            })
            .collect();
    }
    combinations
}
