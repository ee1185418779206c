//! The values of attributes.

use crate::case::statement::AttributeValue;
use crate::case::text::{NoValue, Scope};

/// The text of an attribute; bytes that are no UTF-8 are replaced, since attributes go into lines of text.
pub(crate) fn attribute_text(value: &AttributeValue, scope: &dyn Scope) -> Result<String, NoValue> {
    let bytes = match value {
        AttributeValue::Text(text) => text.bytes(scope)?,
        AttributeValue::Word(word) => word.clone().into_bytes(),
        AttributeValue::Parameter(name) => scope.value(name).ok_or_else(|| NoValue(name.clone()))?,
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
