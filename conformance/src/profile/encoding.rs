//! How a value is written into a body or an answer.

use serde::Deserialize;
use serde_json::Value;

use super::template::percent_encode;

/// How values are written into the body of a publication.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// As they are; what is absent is empty.
    #[default]
    Raw,
    /// As JSON strings, quotes included; what is absent is `null`.
    Json,
    /// Percent-encoded; what is absent is empty.
    Form,
}

impl Encoding {
    pub(super) fn encode(self, value: Option<&str>) -> String {
        match self {
            Encoding::Raw => value.unwrap_or_default().to_owned(),
            Encoding::Json => {
                value.map_or_else(|| "null".to_owned(), |value| serde_json::Value::from(value).to_string())
            }
            Encoding::Form => percent_encode(value.unwrap_or_default()),
        }
    }
}

/// How a message is written into the answer to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReplyEncoding {
    /// As it is.
    #[default]
    Raw,
    /// As the content of a JSON string. Answers are compared as values: how a server escapes, and where it puts white
    /// space and members, is its own affair.
    Json,
}

impl ReplyEncoding {
    /// A message as it stands within an answer.
    pub(super) fn encode(self, message: &str) -> String {
        let quoted = Value::from(message).to_string();
        match self {
            ReplyEncoding::Raw => message.to_owned(),
            ReplyEncoding::Json => quoted[1..quoted.len() - 1].to_owned(),
        }
    }
}
