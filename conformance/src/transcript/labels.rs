//! What stands in the lines of a transcript in place of secrets.

use std::collections::BTreeMap;

use crate::secret::label;

/// The names that are shown, by the byte with which each secret is overwritten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Labels(pub(super) BTreeMap<u8, String>);

impl Labels {
    /// A text with the names in place of what secrets were overwritten with.
    pub(super) fn show(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut before = None;
        for character in text.chars() {
            let name = u8::try_from(character).ok().and_then(|byte| self.0.get(&byte));
            match name {
                Some(_) if before == Some(character) => {}
                Some(name) => out.push_str(&label(name)),
                None => out.push(character),
            }
            before = Some(character);
        }
        out
    }
}
