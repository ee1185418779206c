//! Several endpoints of one technique: `[[sse]]`, each with a `name`.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::TECHNIQUES;
use crate::mistake::Wrong;

/// An endpoint that stands in the text behind the first one of its technique.
pub(super) struct Further<'t> {
    pub(super) technique: &'static str,
    /// Which one of the technique it is, from 1.
    pub(super) index: usize,
    pub(super) name: String,
    /// The whole profile, with this endpoint as the only technique.
    pub(super) document: Spanned<DeTable<'t>>,
}

/// The endpoints of a profile.
#[derive(Default)]
pub(super) struct Endpoints<'t> {
    /// The names of those that stay in the document: one of each technique.
    pub(super) first: Vec<(&'static str, String)>,
    pub(super) further: Vec<Further<'t>>,
    pub(super) wrong: Vec<(Range<usize>, Wrong)>,
}

impl<'t> Endpoints<'t> {
    /// Takes the names out of the tables of a document, and every endpoint but the first of each technique.
    pub(super) fn taken_from(document: &mut Spanned<DeTable<'t>>) -> Endpoints<'t> {
        let mut endpoints = Endpoints::default();
        let mut tables = Vec::new();
        for technique in TECHNIQUES {
            let Some(value) = document.get_mut().get_mut(technique) else { continue };
            let span = value.span();
            let is_list = matches!(value.get_ref(), DeValue::Array(list) if is_tables(list));
            let mut list = match std::mem::replace(value.get_mut(), DeValue::Boolean(false)) {
                DeValue::Array(list) if is_list => list.into_iter().collect(),
                other => vec![Spanned::new(span, other)],
            };
            let names = endpoints.names(&mut list, is_list);
            let mut rest = list.into_iter().zip(names).enumerate();
            if let Some((_, (table, name))) = rest.next() {
                *value = table;
                endpoints.first.extend(name.map(|name| (technique, name)));
            }
            tables.extend(
                rest.map(|(index, (table, name))| (technique, index, name.unwrap_or_default(), table)),
            );
        }
        for (technique, index, name, table) in tables {
            let mut document = document.clone();
            for other in TECHNIQUES {
                document.get_mut().remove(other);
            }
            let key = Spanned::new(table.span(), technique.into());
            document.get_mut().insert(key, table);
            endpoints.further.push(Further { technique, index, name, document });
        }
        endpoints
    }

    /// The names of the endpoints of a technique. Each has one, and one of its own, where there are several.
    fn names(&mut self, list: &mut [Spanned<DeValue<'t>>], is_list: bool) -> Vec<Option<String>> {
        let hint = "as in `name = \"ticker\"`";
        let mut names: Vec<Option<String>> = Vec::new();
        for value in list {
            let span = value.span();
            let DeValue::Table(table) = value.get_mut() else { continue };
            let name = table.remove("name");
            let place = name.as_ref().map_or(span, Spanned::span);
            let name = name.map(|name| name.get_ref().as_str().unwrap_or_default().to_owned());
            let wrong = match &name {
                None if is_list => Some("an endpoint of several has no name".to_owned()),
                Some(name) if !is_endpoint_name(name) => {
                    Some(format!("`{}` is not the name of an endpoint", name.escape_debug()))
                }
                Some(_) if names.contains(&name) => Some("two endpoints have the same name".to_owned()),
                _ => None,
            };
            self.wrong.extend(
                wrong.map(|wrong| (place, Wrong::new(wrong, format!("letters, digits and hyphens, {hint}")))),
            );
            names.push(name);
        }
        names.resize(names.len().max(1), None);
        names
    }
}

fn is_tables(list: &[Spanned<DeValue<'_>>]) -> bool {
    !list.is_empty() && list.iter().all(|value| value.get_ref().is_table())
}

/// Whether an endpoint may be called so.
pub(crate) fn is_endpoint_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use crate::profile::Profile;

    #[test]
    fn each_endpoint_behind_the_first_is_a_profile_of_its_own() {
        let text = "headers.X-Key = \"key\"\n[[sse]]\nname = \"one\"\npath = \"/1\"\n[[sse]]\nname = \"two\"\npath = \"/2\"\n\
            [websocket]\npath = \"/w\"\n[publish]\nrequest = \"POST /p\"\nbody = \"{data}\"\n";
        let profile = Profile::parse("pushspec.toml", text).expect("a profile");
        assert_eq!(profile.endpoint("sse"), Some("one"));
        assert_eq!(profile.endpoint("websocket"), None);
        let [further] = &profile.further[..] else { panic!("{:?}", profile.further) };
        assert_eq!(further.endpoint("sse"), Some("two"));
        assert_eq!(further.sse.as_ref().map(|sse| sse.path.as_str()), Some("/2"));
        assert!(
            further.websocket.is_none() && further.publish.is_some() && further.headers.contains_key("X-Key")
        );
    }

    #[test]
    fn what_is_wrong_with_one_of_several_is_shown_in_its_place() {
        for (line, words, text) in [
            (4, "has no name", "[[sse]]\nname = \"one\"\npath = \"/1\"\n[[sse]]\npath = \"/2\"\n"),
            (
                5,
                "the same name",
                "[[sse]]\nname = \"a\"\npath = \"/1\"\n[[sse]]\nname = \"a\"\npath = \"/2\"\n",
            ),
            (
                6,
                "is not a path",
                "[[sse]]\nname = \"a\"\npath = \"/1\"\n[[sse]]\nname = \"b\"\npath = \"2\"\n",
            ),
            (
                6,
                "unknown field `paht`",
                "[[sse]]\nname = \"a\"\npath = \"/1\"\n[[sse]]\nname = \"b\"\npaht = \"2\"\n",
            ),
            (2, "is not the name", "[sse]\nname = \"a b\"\npath = \"/1\"\n"),
        ] {
            let error = Profile::parse("pushspec.toml", text).expect_err("a mistake").to_string();
            assert!(error.contains(words) && error.contains(&format!("pushspec.toml:{line}:")), "{error}");
        }
    }
}
