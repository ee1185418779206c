//! The catalogue: what the specifications ask, one clause an entry, and which case covers which.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::case::name::{FIXTURES, is_kebab_case};
use crate::mistake::Place;
use crate::mistake::{Examples, toml_wrong};
use crate::mistake::{PageError, PageErrors, Wrong, did_you_mean, listed, nearest};

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
    /// What else the text says: a doubt, or a freedom that another sentence gives. It does not lower the level.
    pub note: Option<String>,
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
    /// The folder of clauses that are not built in.
    folder: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSpecification {
    title: String,
    link: Spanned<String>,
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
    note: Option<String>,
    waived: Option<String>,
}

/// What each key looks like.
const EXAMPLES: &Examples = &[
    ("clause", "[[clause]]"),
    ("title", "title = \"RFC 6455: The WebSocket Protocol\""),
    ("link", LINK),
    ("id", ID),
    ("level", "level = \"must\""),
    ("binds", "binds = \"client\""),
    ("text", "text = \"A client masks every frame that it sends.\""),
    ("note", "note = \"A server without a clock has no date to give.\""),
    ("waived", "waived = \"Binds caches.\""),
];

const LINK: &str = "link = \"https://www.rfc-editor.org/rfc/rfc6455#section-{section}\"";

const ID: &str = "id = \"5.1/close-on-unmasked\"";

impl Catalogue {
    /// Reads the files of the catalogue: name without extension (`requirements/rfc6455`), and text.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Catalogue, PageErrors> {
        Catalogue::parse_in(FIXTURES, files)
    }

    /// Reads the files of a catalogue in a folder that is laid out like `fixtures/`.
    pub fn parse_in<'a>(
        root: &str,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Catalogue, PageErrors> {
        let mut catalogue = Catalogue::default();
        catalogue.read(root, files)?;
        Ok(catalogue)
    }

    /// Reads the files of a catalogue in a folder, and beside them those of the built-in ones whose names it has not.
    pub fn parse_beside<'a>(
        built_in: &[(&str, &str)],
        root: &str,
        files: impl IntoIterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Result<Catalogue, PageErrors> {
        let own: BTreeSet<&str> = files.clone().into_iter().map(|(name, _)| name).collect();
        let others = built_in.iter().copied().filter(|(name, _)| !own.contains(name));
        let mut catalogue = Catalogue::parse(others)?;
        catalogue.folder = Some(root.to_owned());
        catalogue.read(root, files)?;
        Ok(catalogue)
    }

    fn read<'a>(
        &mut self,
        root: &str,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), PageErrors> {
        let mut errors = Vec::new();
        for (name, text) in files {
            let file = format!("{root}/{name}.toml");
            let written = toml::from_str::<WrittenSpecification>(text)
                .map_err(|error| vec![toml_wrong(&error, text, EXAMPLES)]);
            let added = written.and_then(|written| self.add(name, &file, text, written));
            let placed = |(range, wrong)| PageError::in_text(file.clone(), text, &range, wrong);
            errors.extend(added.err().into_iter().flatten().map(placed));
        }
        if errors.is_empty() { Ok(()) } else { Err(PageErrors(errors)) }
    }

    fn add(
        &mut self,
        name: &str,
        file: &str,
        text: &str,
        written: WrittenSpecification,
    ) -> Result<(), Vec<(Range<usize>, Wrong)>> {
        let mut mistakes = Vec::new();
        mistakes.extend(link_mistake(&written.link));
        let prefix = name.rsplit('/').next().unwrap_or(name);
        for clause in written.clause {
            let range = clause.id.span();
            let short = clause.id.into_inner();
            let Some((section, _)) = short.split_once('/').filter(|(_, slug)| is_kebab_case(slug)) else {
                let message = "an id has a section and a name in kebab-case";
                mistakes.push((range, Wrong::new(message, format!("as in `{ID}`"))));
                continue;
            };
            let id = format!("{prefix}/{short}");
            if self.clauses.contains_key(&id) {
                let hint = "give it another name, or remove one of the two";
                mistakes.push((range, Wrong::new("the catalogue already has this clause", hint)));
                continue;
            }
            let entry = Clause {
                id: id.clone(),
                level: clause.level,
                binds: clause.binds,
                text: clause.text,
                note: clause.note,
                waived: clause.waived,
                specification: written.title.clone(),
                link: written.link.get_ref().replace("{section}", section),
                place: (file.to_owned(), Place::of(text, &range).line + 1),
            };
            self.clauses.insert(id, entry);
        }
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }

    /// The clause of an id.
    pub fn clause(&self, id: &str) -> Option<&Clause> {
        self.clauses.get(id)
    }

    /// All clauses in the order of their ids.
    pub fn clauses(&self) -> impl Iterator<Item = &Clause> {
        self.clauses.values()
    }

    /// The clause that was probably meant, as a hint: one of the same section rather than one of the same
    /// specification, and that rather than any other.
    pub fn nearest(&self, id: &str) -> String {
        let mut parts = id.splitn(3, '/');
        let specification = format!("{}/", parts.next().unwrap_or_default());
        let section = format!("{specification}{}/", parts.next().unwrap_or_default());
        let below = |prefix: &str| -> Vec<&str> {
            self.clauses.keys().filter_map(|known| known.strip_prefix(prefix)).collect()
        };
        let (siblings, cousins) = (below(&section), below(&specification));
        let meant = |prefix: &str, known: &[&str]| {
            let written = id.strip_prefix(prefix).unwrap_or_default();
            nearest(written, known.iter().copied()).map(|found| format!("did you mean `{prefix}{found}`?"))
        };
        meant(&section, &siblings)
            .or_else(|| meant(&specification, &cousins))
            .or_else(|| {
                let some = || listed(siblings.iter().copied().take(SHOWN_SIBLINGS));
                (!siblings.is_empty()).then(|| format!("below `{section}` there are {}", some()))
            })
            .or_else(|| {
                let known = self.clauses.keys().map(String::as_str);
                did_you_mean(id, known).filter(|_| cousins.is_empty())
            })
            .unwrap_or_else(|| match &self.folder {
                None => "`pushspec list --clauses` has all of them".to_owned(),
                Some(folder) => {
                    let name = specification.trim_end_matches('/');
                    format!(
                        "`pushspec list --clauses --fixtures {folder}` has all of them; one of your own stands in {folder}/requirements/{name}.toml"
                    )
                }
            })
    }
}

/// How many clauses of a section a hint names: more are no help.
const SHOWN_SIBLINGS: usize = 8;

/// A link leads to a place on the web; the only name that is filled in is that of the section.
fn link_mistake(link: &Spanned<String>) -> Option<(Range<usize>, Wrong)> {
    let text = link.get_ref();
    let message = if !text.starts_with("https://") && !text.starts_with("http://") {
        "the link is not a URL"
    } else if text.replace("{section}", "").contains(['{', '}']) {
        "in a link only `{section}` is replaced"
    } else {
        return None;
    };
    Some((link.span(), Wrong::new(message, format!("as in `{LINK}`"))))
}
