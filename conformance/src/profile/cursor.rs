//! The cursor of a poll: one value, or several values with names.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::template::fill;

/// A string, or a string for each name: where a response has the cursor, or with which cursor the first poll asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A cursor of one value.
    One(String),
    /// A cursor of several values.
    Several(BTreeMap<String, String>),
}

/// The values of a cursor that a response has. The value of a cursor that has only one has no name.
pub type Values = BTreeMap<String, String>;

impl Default for Named {
    fn default() -> Named {
        Named::One(String::new())
    }
}

impl From<&str> for Named {
    fn from(text: &str) -> Named {
        Named::One(text.to_owned())
    }
}

impl Named {
    /// The name and the string of each value. The name of the only one is empty.
    pub fn entries(&self) -> Vec<(&str, &str)> {
        match self {
            Named::One(text) => vec![("", text)],
            Named::Several(texts) => {
                texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
            }
        }
    }

    /// Each string, to be filled in.
    pub(super) fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let (one, several) = match self {
            Named::One(text) => (Some(text), None),
            Named::Several(texts) => (None, Some(texts.values_mut())),
        };
        one.into_iter().chain(several.into_iter().flatten())
    }

    /// The places within the body, each with the name of its value.
    pub(crate) fn pointers(&self) -> Vec<(&str, &str)> {
        self.entries().into_iter().filter(|(_, place)| !place.starts_with("header:")).collect()
    }

    /// The names of the header fields, each with the name of its value.
    pub(crate) fn fields(&self) -> Vec<(&str, &str)> {
        let fields = self.entries().into_iter();
        fields.filter_map(|(name, place)| Some((name, place.strip_prefix("header:")?))).collect()
    }

    /// The names that stand for its values in braces: `cursor`, or `cursor.NAME` for each.
    pub(super) fn places(&self) -> Vec<String> {
        self.entries().into_iter().map(|(name, _)| place_of(name)).collect()
    }

    /// The cursor with which a first poll asks.
    pub(crate) fn as_start(&self) -> String {
        match self {
            Named::One(text) => text.clone(),
            Named::Several(values) => written(values),
        }
    }

    /// The cursor of the next poll: what a response has of it, and beside that what was known before.
    pub(crate) fn after(&self, before: &str, found: Values) -> String {
        match self {
            Named::One(_) => found.into_values().next().unwrap_or_else(|| before.to_owned()),
            Named::Several(places) => {
                let known = |name: &String| Some((name.clone(), value(before, name)?));
                let mut values: Values = places.keys().filter_map(known).collect();
                values.extend(found);
                written(&values)
            }
        }
    }
}

/// The name in braces of a value.
fn place_of(name: &str) -> String {
    if name.is_empty() { "cursor".to_owned() } else { format!("cursor.{name}") }
}

/// Several values as one.
fn written(values: &Values) -> String {
    serde_json::to_string(values).unwrap_or_default()
}

/// What a cursor says for a name in braces, which is `cursor` or `cursor.NAME`; nothing if it is another name.
pub(crate) fn said(cursor: &str, place: &str) -> Option<String> {
    match place.strip_prefix("cursor")? {
        "" => Some(cursor.to_owned()),
        name => Some(value(cursor, name.strip_prefix('.')?).unwrap_or_default()),
    }
}

/// One of several values. What no response gave has no names, and is the value of each: a case asks with it.
fn value(cursor: &str, name: &str) -> Option<String> {
    match serde_json::from_str::<Values>(cursor) {
        Ok(mut values) => values.remove(name),
        Err(_) => Some(cursor.to_owned()).filter(|cursor| !cursor.is_empty()),
    }
}

/// Whether a template asks with the cursor.
pub(crate) fn asks_with_cursor(template: &str) -> bool {
    has_place(template, |place| said("", place).is_some())
}

/// Whether a template asks with one value of the cursor.
pub(super) fn asks_with(template: &str, value: &str) -> bool {
    has_place(template, |place| place == value)
}

fn has_place(template: &str, is_it: impl Fn(&str) -> bool) -> bool {
    let has = Cell::new(false);
    fill(template, |place| {
        has.set(has.get() || is_it(place));
        None
    });
    has.get()
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Named, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Named;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string, or a table of strings")
    }

    fn visit_str<E>(self, text: &str) -> Result<Named, E> {
        Ok(Named::One(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
        let mut texts = BTreeMap::new();
        while let Some((name, text)) = map.next_entry()? {
            texts.insert(name, text);
        }
        Ok(Named::Several(texts))
    }
}

/// The same for the schema.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is there for its schema")]
pub(super) enum Written {
    One(String),
    Several(BTreeMap<String, String>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn several(values: &[(&str, &str)]) -> Named {
        Named::Several(values.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    fn found(values: &[(&str, &str)]) -> Values {
        values.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn several_values_go_from_a_response_to_the_next_poll() {
        let places = several(&[("since", "/since"), ("etag", "header:Etag")]);
        assert_eq!(places.pointers(), [("since", "/since")]);
        assert_eq!(places.fields(), [("etag", "Etag")]);
        assert_eq!(places.places(), ["cursor.etag", "cursor.since"]);
        let first = places.after("", found(&[("since", "7")]));
        assert_eq!(said(&first, "cursor.since").as_deref(), Some("7"));
        assert_eq!(said(&first, "cursor.etag").as_deref(), Some(""), "nothing is known of it yet");
        let second = places.after(&first, found(&[("etag", "\"a\"")]));
        assert_eq!(said(&second, "cursor.since").as_deref(), Some("7"), "it is still the one before");
        assert_eq!(said(&second, "cursor.etag").as_deref(), Some("\"a\""));
        assert_eq!(said(&second, "channel"), None);
    }

    #[test]
    fn a_case_that_makes_a_cursor_up_makes_each_value_up() {
        assert_eq!(said("not-a-cursor", "cursor.since").as_deref(), Some("not-a-cursor"));
        assert_eq!(said("not-a-cursor", "cursor").as_deref(), Some("not-a-cursor"));
    }

    #[test]
    fn one_value_is_kept_as_it_is() {
        let place = Named::from("/next");
        let text = "{\"b\": 1, \"a\": 2}";
        assert_eq!(said(&place.after("", found(&[("", text)])), "cursor").as_deref(), Some(text));
        assert_eq!(place.after("3", Values::new()), "3");
        assert_eq!(several(&[("since", "0")]).as_start(), "{\"since\":\"0\"}");
    }

    #[test]
    fn a_template_asks_with_a_cursor_that_is_in_its_braces() {
        for asks in ["/poll?after={cursor}", "\"{cursor.etag}\""] {
            assert!(asks_with_cursor(asks), "{asks}");
        }
        for other in ["/poll/{channel}", "{cursors}", "cursor", "${cursor}"] {
            assert!(!asks_with_cursor(other), "{other}");
        }
    }
}
