//! The `toml` fence of a case.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

/// What a case says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The fence as written, without its fences.
    pub source: String,
    /// The clauses that the case judges, with their places in `source`.
    pub covers: Vec<(String, Range<usize>)>,
    /// Capabilities of the target beyond those that the conversation shows.
    pub needs: Vec<(String, Range<usize>)>,
    /// Parameters and their values.
    pub each: BTreeMap<String, Vec<EachValue>>,
    /// The cases of the same folder rest on this one.
    pub sanity: bool,
    /// It moves megabytes, and runs only where its page is asked for.
    pub large: bool,
    /// The name of the invariant, in place of a conversation.
    pub invariant: Option<(String, Range<usize>)>,
}

/// One value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EachValue {
    /// What the id of the case shows between its brackets.
    pub label: String,
    /// What the conversation puts in.
    pub value: String,
}

/// A mistake in the fence: byte range in `source` and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsError {
    /// Where, as bytes of the fence's text.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    covers: Vec<Spanned<String>>,
    #[serde(default)]
    needs: Vec<Spanned<String>>,
    #[serde(default)]
    each: BTreeMap<String, Spanned<toml::Value>>,
    #[serde(default)]
    sanity: bool,
    #[serde(default)]
    large: bool,
    invariant: Option<Spanned<String>>,
}

/// Reads the fence.
pub fn parse(source: &str) -> Result<Facts, FactsError> {
    let written: Written = toml::from_str(source).map_err(|error| FactsError {
        range: error.span().unwrap_or(0..source.len()),
        message: error.message().to_owned(),
    })?;
    if written.covers.is_empty() {
        return Err(FactsError { range: 0..source.len(), message: "`covers` names no clause".into() });
    }
    let each = written
        .each
        .into_iter()
        .map(|(name, value)| {
            let range = value.span();
            let values = each_values(value.into_inner())
                .map_err(|message| FactsError { range: range.clone(), message })?;
            Ok((name, values))
        })
        .collect::<Result<_, FactsError>>()?;
    Ok(Facts {
        source: source.to_owned(),
        covers: written.covers.into_iter().map(placed).collect(),
        needs: written.needs.into_iter().map(placed).collect(),
        each,
        sanity: written.sanity,
        large: written.large,
        invariant: written.invariant.map(placed),
    })
}

fn placed(value: Spanned<String>) -> (String, Range<usize>) {
    let range = value.span();
    (value.into_inner(), range)
}

/// A list of values, or a table from label to value where the values do not read well in an id.
fn each_values(value: toml::Value) -> Result<Vec<EachValue>, String> {
    let values: Vec<EachValue> = match value {
        toml::Value::Array(values) => values
            .iter()
            .map(|value| scalar(value).map(|value| EachValue { label: value.clone(), value }))
            .collect::<Result<_, _>>()?,
        toml::Value::Table(values) => values
            .iter()
            .map(|(label, value)| scalar(value).map(|value| EachValue { label: label.clone(), value }))
            .collect::<Result<_, _>>()?,
        _ => return Err("a parameter of `each` has a list of values, or a table from label to value".into()),
    };
    if values.is_empty() {
        return Err("a parameter of `each` has at least one value".into());
    }
    for (index, value) in values.iter().enumerate() {
        if !is_label(&value.label) {
            return Err(format!(
                "`{}` does not read well in the id of a case: give it a label, as in `{{ label = \"value\" }}`",
                value.label.escape_debug()
            ));
        }
        if values[..index].iter().any(|other| other.label == value.label) {
            return Err(format!("`{}` stands there twice", value.label));
        }
    }
    Ok(values)
}

/// What can stand in an id without quoting in a shell's double quotes, a pattern or a file name.
fn is_label(label: &str) -> bool {
    (1..=40).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+/".contains(&byte))
}

fn scalar(value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        _ => Err("a value of `each` is a string or a whole number".into()),
    }
}
