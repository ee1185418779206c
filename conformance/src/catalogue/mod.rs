//! The catalogue: what the specifications ask, one clause an entry, and which case covers which.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::case::error::{PageError, PageErrors, did_you_mean};
use crate::case::page::Place;

/// How binding a clause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// MUST, REQUIRED, SHALL
    Must,
    /// MUST NOT, SHALL NOT
    MustNot,
    /// A rule of grammar or a step of an algorithm that is mandatory in effect.
    Grammar,
    /// SHOULD, RECOMMENDED
    Should,
    /// SHOULD NOT
    ShouldNot,
    /// Established practice: RFC 6202, field experience.
    Practice,
    /// MAY, OPTIONAL: the report says which way the server went.
    May,
}

impl Level {
    /// The spelling in the catalogue and in reports.
    pub fn spelling(self) -> &'static str {
        match self {
            Level::Must => "must",
            Level::MustNot => "must-not",
            Level::Grammar => "grammar",
            Level::Should => "should",
            Level::ShouldNot => "should-not",
            Level::Practice => "practice",
            Level::May => "may",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Level::Must => "MUST",
            Level::MustNot => "MUST NOT",
            Level::Grammar => "grammar",
            Level::Should => "SHOULD",
            Level::ShouldNot => "SHOULD NOT",
            Level::Practice => "practice",
            Level::May => "MAY",
        })
    }
}

/// Whom a clause binds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binds {
    /// The server alone.
    #[default]
    Server,
    /// The client alone: a server cannot break it.
    Client,
    /// Both ends.
    Both,
}

/// One clause of a specification.
#[derive(Debug, Clone)]
pub struct Clause {
    /// The full id: `rfc6455/5.1/close-on-unmasked`.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// Whom it binds.
    pub binds: Binds,
    /// What it asks, in our own words.
    pub text: String,
    /// Why no case can or need judge it.
    pub waived: Option<String>,
    /// The name of the specification.
    pub specification: String,
    /// Where to read it.
    pub link: String,
    /// The file and line of its entry.
    pub place: (String, usize),
}

impl Clause {
    /// The section: the middle part of the id.
    pub fn section(&self) -> &str {
        self.id.split('/').nth(1).unwrap_or_default()
    }
}

/// Every clause by its id.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    clauses: BTreeMap<String, Clause>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSpecification {
    title: String,
    link: String,
    #[serde(default)]
    clause: Vec<WrittenClause>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClause {
    id: Spanned<String>,
    level: Level,
    #[serde(default)]
    binds: Binds,
    text: String,
    waived: Option<String>,
}

impl Catalogue {
    /// Reads the files of the catalogue: name without extension (`requirements/rfc6455`), and text.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Catalogue, PageErrors> {
        let mut catalogue = Catalogue::default();
        let mut errors = Vec::new();
        for (name, text) in files {
            match toml::from_str::<WrittenSpecification>(text) {
                Ok(written) => catalogue.add(name, text, written, &mut errors),
                Err(error) => {
                    let range = error.span().unwrap_or_default();
                    errors.push(place_error(name, text, &range, error.message().to_owned()));
                }
            }
        }
        if errors.is_empty() { Ok(catalogue) } else { Err(PageErrors(errors)) }
    }

    fn add(&mut self, name: &str, text: &str, written: WrittenSpecification, errors: &mut Vec<PageError>) {
        let prefix = name.rsplit('/').next().unwrap_or(name);
        for clause in written.clause {
            let range = clause.id.span();
            let short = clause.id.into_inner();
            let id = format!("{prefix}/{short}");
            let Some((section, _)) = short.split_once('/').filter(|(_, slug)| !slug.contains('/')) else {
                errors.push(place_error(
                    name,
                    text,
                    &range,
                    "an id has a section and a name, as in `5.1/close-on-unmasked`".into(),
                ));
                continue;
            };
            let entry = Clause {
                id: id.clone(),
                level: clause.level,
                binds: clause.binds,
                text: clause.text,
                waived: clause.waived,
                specification: written.title.clone(),
                link: written.link.replace("{section}", section),
                place: (format!("fixtures/{name}.toml"), Place::of(text, &range).line + 1),
            };
            if self.clauses.insert(id, entry).is_some() {
                errors.push(place_error(name, text, &range, "the catalogue has this clause already".into()));
            }
        }
    }

    /// The clause of an id.
    pub fn clause(&self, id: &str) -> Option<&Clause> {
        self.clauses.get(id)
    }

    /// All clauses in the order of their ids.
    pub fn clauses(&self) -> impl Iterator<Item = &Clause> {
        self.clauses.values()
    }

    /// The clause that was probably meant.
    pub fn nearest(&self, id: &str) -> Option<String> {
        did_you_mean(id, self.clauses.keys().map(String::as_str))
    }
}

fn place_error(name: &str, text: &str, range: &std::ops::Range<usize>, message: String) -> PageError {
    let place = Place::of(text, range);
    PageError {
        file: format!("fixtures/{name}.toml"),
        line: place.line + 1,
        column: place.column + 1,
        width: place.width,
        source: text.lines().nth(place.line).unwrap_or_default().to_owned(),
        message,
        hint: None,
    }
}
