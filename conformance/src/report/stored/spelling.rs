//! Verdicts and levels as a stored report spells them.

use serde::de::{Deserialize, Deserializer, Error};

use crate::judge::Verdict;

impl<'de> Deserialize<'de> for Verdict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Verdict, D::Error> {
        let word = String::deserialize(deserializer)?;
        let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.spelling() == word);
        verdict.ok_or_else(|| D::Error::custom(format!("`{word}` is no verdict")))
    }
}

/// The spellings of the verdicts, for the schema.
#[cfg(test)]
pub(super) struct VerdictSpelling;

#[cfg(test)]
impl schemars::JsonSchema for VerdictSpelling {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Verdict".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "enum": Verdict::ALL.map(Verdict::spelling) })
    }
}

#[cfg(test)]
impl schemars::JsonSchema for crate::catalogue::Level {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Level".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        use crate::catalogue::Level;
        let levels = [
            Level::Must,
            Level::MustNot,
            Level::Grammar,
            Level::Should,
            Level::ShouldNot,
            Level::Practice,
            Level::May,
        ];
        schemars::json_schema!({ "type": "string", "enum": levels.map(Level::spelling) })
    }
}
