//! `${NAME}`: environment variables in the strings of a profile.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::mistake::Wrong;

/// Where the value of a variable comes from.
pub(super) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// What was found in the strings of a profile.
#[derive(Default)]
pub(super) struct Variables {
    /// The variables, with their values.
    pub(super) values: BTreeMap<String, String>,
    /// What is wrong, each in its place.
    pub(super) wrong: Vec<(Range<usize>, Wrong)>,
}

impl Variables {
    /// Fills in the variables of all strings below a table. Keys stay as they are.
    pub(super) fn fill(&mut self, table: &mut DeTable<'_>, text: &str, environment: Environment<'_>) {
        table.iter_mut().for_each(|(_, value)| self.fill_value(value, text, environment));
    }

    fn fill_value(&mut self, value: &mut Spanned<DeValue<'_>>, text: &str, environment: Environment<'_>) {
        let span = value.span();
        match value.get_mut() {
            DeValue::String(string) if string.contains("${") => {
                let filled = self.filled(string, text, &span, environment);
                *string = Cow::Owned(filled);
            }
            DeValue::Array(values) => {
                values.iter_mut().for_each(|value| self.fill_value(value, text, environment));
            }
            DeValue::Table(table) => self.fill(table, text, environment),
            _ => {}
        }
    }

    /// A string with its variables filled in. `$${` stands for `${`.
    fn filled(
        &mut self,
        string: &str,
        text: &str,
        span: &Range<usize>,
        environment: Environment<'_>,
    ) -> String {
        let mut out = String::with_capacity(string.len());
        let mut rest = string;
        while let Some(at) = rest.find("${") {
            let (before, behind) = (&rest[..at], &rest[at + 2..]);
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(before);
                out.push_str("${");
                rest = behind;
                continue;
            }
            out.push_str(before);
            let end = behind.find('}');
            let name = end.map(|end| &behind[..end]).filter(|name| is_name(name));
            match name.map(|name| (name, environment(name))) {
                Some((name, Some(value))) => {
                    out.push_str(&value);
                    self.values.insert(name.to_owned(), value);
                }
                Some((name, None)) => {
                    let wrong = Wrong::new(
                        format!("the environment variable `{name}` is not set"),
                        format!(
                            "set it, as in `{name}=… pushspec run`; `$${{` stands for a `${{` of the text itself"
                        ),
                    );
                    self.wrong.push((place(text, span, &format!("${{{name}}}")), wrong));
                }
                None => {
                    let wrong = Wrong::new(
                        "`${` is followed by no name of an environment variable and `}`",
                        "write it like `${TOKEN}`; `$${` stands for a `${` of the text itself",
                    );
                    self.wrong.push((place(text, span, "${"), wrong));
                }
            }
            rest = end.map_or("", |end| &behind[end + 1..]);
        }
        out + rest
    }
}

/// A name as shells have it (POSIX, XBD section 8.1).
fn is_name(name: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_first)
        && name.bytes().all(|byte| is_first(byte) || byte.is_ascii_digit())
}

/// Where a variable stands in the text of a value, and not a `$${`; the whole value where it is spelled in another way.
fn place(text: &str, span: &Range<usize>, variable: &str) -> Range<usize> {
    let value = text.get(span.clone()).unwrap_or_default();
    let mut found = value.match_indices(variable).filter(|(at, _)| !value[..*at].ends_with('$'));
    found.next().map_or_else(|| span.clone(), |(at, _)| span.start + at..span.start + at + variable.len())
}

#[cfg(test)]
mod tests {
    use crate::profile::Profile;

    fn profile(text: &str) -> Result<Profile, crate::profile::ProfileError> {
        Profile::parse_with("pushspec.toml", text, &|name| match name {
            "TOKEN" => Some("s3cr3t".to_owned()),
            "PORT" => Some("8080".to_owned()),
            "SPACE" => Some("a b".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn variables_are_filled_in_wherever_a_string_stands() {
        let profile = profile(
            "url = \"http://127.0.0.1:${PORT}\"\nsecrets = [\"a\", \"${TOKEN}\"]\n\
            headers.Authorization = \"Bearer ${TOKEN}\"\n[sse]\npath = '/e?t=${TOKEN}&p=$${PORT}'\nbody = \"$5 {channel}\"\n",
        );
        let profile = profile.expect("all variables are set");
        assert_eq!(profile.url.as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(profile.secrets, ["a", "s3cr3t"]);
        assert_eq!(profile.headers.get("Authorization").map(String::as_str), Some("Bearer s3cr3t"));
        let sse = profile.sse.expect("an [sse]");
        assert_eq!(
            (sse.path.as_str(), sse.request.body.as_deref()),
            ("/e?t=s3cr3t&p=${PORT}", Some("$5 {channel}"))
        );
        let names: Vec<&str> = profile.environment.keys().map(String::as_str).collect();
        assert_eq!(names, ["PORT", "TOKEN"]);
    }

    #[test]
    fn what_is_wrong_with_a_value_does_not_show_it() {
        let error = profile("[sse]\npath = \"/e?${TOKEN} \"\n").expect_err("a space");
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
        let error = profile("[sse]\npath = \"/e\"\nresume = \"${TOKEN}\"\n").expect_err("a string");
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
}
