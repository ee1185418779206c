//! The `toml` fence of a case.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::name::is_kebab_case;
use crate::mistake::Wrong;
use crate::mistake::{Examples, toml_wrong};

/// What a case says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontMatter {
    /// The fence as written, without its fences.
    pub source: String,
    /// The clauses that the case judges, with their places in `source`.
    pub covers: Vec<(String, Range<usize>)>,
    /// Capabilities of the target beyond those that the conversation shows.
    pub needs: Vec<(String, Range<usize>)>,
    /// Parameters and their values.
    pub each: BTreeMap<String, Vec<EachValue>>,
    /// Which cases of the same folder rest on this one, if any do.
    pub precondition: Option<Precondition>,
    /// It moves megabytes, and runs only where its page is asked for.
    pub large: bool,
    /// It keeps a server busy, which would make it late with others: it runs alone, when they are through.
    pub heavy: bool,
    /// It waits for a quarter of a minute and more, and runs only where its page is asked for.
    pub slow: bool,
    /// The name of the invariant, in place of a conversation.
    pub invariant: Option<(String, Range<usize>)>,
}

/// What rests on a precondition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// All cases of its folder.
    Technique,
    /// Those of them that need a capability, with its place in the fence's text: the case shows whether what the profile
    /// says of it is so, and accuses nobody where it is not.
    Capability(String, Range<usize>),
    /// Those of them that send a message in fragments: where the server does not put fragments together, one finding says
    /// so, and the others would say it again.
    Fragments,
}

/// What the key says where the cases with fragments rest on the precondition.
const FRAGMENTS: &str = "fragments";

/// One value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EachValue {
    /// What the id of the case shows between its brackets.
    pub label: String,
    /// What the conversation puts in.
    pub value: String,
    /// Where the list or table stands that it belongs to, in the fence's text.
    pub place: Range<usize>,
}

/// A mistake in the fence: byte range in `source` and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontMatterError {
    /// Where, as bytes of the fence's text; `None` where something is missing altogether.
    pub range: Option<Range<usize>>,
    /// What is wrong, and a way out.
    pub wrong: Wrong,
}

impl FrontMatterError {
    fn at(range: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> FrontMatterError {
        FrontMatterError { range: Some(range.clone()), wrong: Wrong::new(message, hint) }
    }
}

/// What each key looks like.
const EXAMPLES: &Examples = &[
    ("covers", COVERS),
    ("needs", "needs = [\"sse.resume\"]"),
    ("each", "each.size = [0, 125]"),
    ("precondition", "precondition = true"),
    ("large", "large = true"),
    ("heavy", "heavy = true"),
    ("slow", "slow = true"),
    ("invariant", "invariant = \"server-frames-unmasked\""),
];

const COVERS: &str = "covers = [\"rfc6455/5.1/close-on-unmasked\"]";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    covers: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    needs: Vec<Spanned<String>>,
    #[serde(default)]
    each: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
    precondition: Option<Spanned<toml::Value>>,
    #[serde(default)]
    large: bool,
    #[serde(default)]
    heavy: bool,
    #[serde(default)]
    slow: bool,
    invariant: Option<Spanned<String>>,
}

/// Reads the fence.
pub fn parse(source: &str) -> Result<FrontMatter, FrontMatterError> {
    let written: Written = toml::from_str(source).map_err(|error| {
        let (range, wrong) = toml_wrong(&error, source, EXAMPLES);
        FrontMatterError { range: Some(range).filter(|_| !wrong.message.starts_with("missing field")), wrong }
    })?;
    let range = written.covers.span();
    let covers: Vec<_> = written.covers.into_inner().into_iter().map(placed).collect();
    if covers.is_empty() {
        return Err(FrontMatterError::at(&range, "`covers` names no clause", format!("as in `{COVERS}`")));
    }
    for (index, (clause, range)) in covers.iter().enumerate() {
        if covers[..index].iter().any(|(other, _)| other == clause) {
            let hint = "remove one: a case covers a clause once";
            return Err(FrontMatterError::at(range, format!("`{clause}` occurs twice"), hint));
        }
    }
    let each = written.each.into_iter().map(|(name, values)| parameter(name, values));
    let each = each.collect::<Result<_, FrontMatterError>>()?;
    check_number(&each)?;
    Ok(FrontMatter {
        source: source.to_owned(),
        covers,
        needs: written.needs.into_iter().map(placed).collect(),
        each,
        precondition: written.precondition.map(precondition).transpose()?.flatten(),
        large: written.large,
        heavy: written.heavy || written.large,
        slow: written.slow,
        invariant: written.invariant.map(placed),
    })
}

/// `true`, or the name of a capability.
fn precondition(written: Spanned<toml::Value>) -> Result<Option<Precondition>, FrontMatterError> {
    let place = written.span();
    match written.into_inner() {
        toml::Value::Boolean(precondition) => Ok(precondition.then_some(Precondition::Technique)),
        toml::Value::String(word) if word == FRAGMENTS => Ok(Some(Precondition::Fragments)),
        toml::Value::String(capability) => Ok(Some(Precondition::Capability(capability, place))),
        _ => {
            let hint = "as in `precondition = true` or `precondition = \"websocket.reply\"`";
            Err(FrontMatterError::at(&place, "`precondition` is `true` or the name of a capability", hint))
        }
    }
}

fn placed(value: Spanned<String>) -> (String, Range<usize>) {
    let range = value.span();
    (value.into_inner(), range)
}

/// A parameter: its name, and a list of values, or a table from label to value where the values do not read well in
/// an id.
fn parameter(
    name: Spanned<String>,
    written: Spanned<toml::Value>,
) -> Result<(String, Vec<EachValue>), FrontMatterError> {
    let place = written.span();
    if !is_kebab_case(name.get_ref()) {
        let hint = "small letters, digits and single hyphens, as in `each.size = [0, 125]`";
        let message = format!("`{}` is not the name of a parameter", name.get_ref().escape_debug());
        return Err(FrontMatterError::at(&name.span(), message, hint));
    }
    let name = name.into_inner();
    let example =
        format!("as in `each.{name} = [0, 125]` or `each.{name} = {{ space = \" \", none = \"\" }}`");
    let wrong = |message: &str| FrontMatterError::at(&place, message, &example);
    let labelled: Vec<(Option<String>, toml::Value)> = match written.into_inner() {
        toml::Value::Array(values) => values.into_iter().map(|value| (None, value)).collect(),
        toml::Value::Table(values) => values.into_iter().map(|(label, value)| (Some(label), value)).collect(),
        _ => return Err(wrong("a parameter of `each` has a list of values, or a table from label to value")),
    };
    if labelled.is_empty() {
        return Err(wrong("a parameter of `each` has at least one value"));
    }
    let mut values: Vec<EachValue> = Vec::new();
    for (label, value) in labelled {
        let value = scalar(&value).ok_or_else(|| wrong("a value of `each` is a string or a whole number"))?;
        let label = label.unwrap_or_else(|| value.clone());
        check_label(&label, &values, &place)?;
        values.push(EachValue { label, value, place: place.clone() });
    }
    Ok((name, values))
}

/// How many cases a heading can become: what nobody reads helps nobody, and each of them takes room.
const MOST_CASES: usize = 1000;

fn check_number(each: &BTreeMap<String, Vec<EachValue>>) -> Result<(), FrontMatterError> {
    let number = each.values().fold(1, |number: usize, values| number.saturating_mul(values.len()));
    match each.values().flatten().last() {
        Some(value) if number > MOST_CASES => {
            let hint = format!("at most {MOST_CASES} are allowed: remove values that show nothing new");
            Err(FrontMatterError::at(&value.place, format!("the parameters make {number} cases"), hint))
        }
        _ => Ok(()),
    }
}

fn check_label(label: &str, before: &[EachValue], place: &Range<usize>) -> Result<(), FrontMatterError> {
    let shown = label.escape_debug();
    if !is_label(label) {
        let message = format!("`{shown}` cannot be part of the id of a case");
        return Err(FrontMatterError::at(place, message, "give it a label, as in `{ label = \"value\" }`"));
    }
    if before.iter().any(|other| other.label == label) {
        let hint = "take one out, or give each a label of its own, as in `{ label = \"value\" }`";
        return Err(FrontMatterError::at(place, format!("`{shown}` occurs twice"), hint));
    }
    Ok(())
}

/// What can stand in an id without quoting in a shell's double quotes, a pattern or a file name.
fn is_label(label: &str) -> bool {
    (1..=40).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+/".contains(&byte))
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}
