//! Header fields, and what is expected of them.

use std::borrow::Cow;

use pushspec_wire::http1::Head;

use crate::case::statement::{Condition, FieldPattern, FieldTest, Grammar};
use crate::case::text::{NoValue, Scope, Template};
use crate::extension;
use crate::transcript::shown::shown;

use super::grammar;
use super::start_line::is_one_of;

/// Whether an answer is one of which the pattern asks something.
fn is_asked(pattern: &FieldPattern, head: &Head, scope: &dyn Scope) -> Result<bool, NoValue> {
    let code = head.status_line().map_or(0, |status| status.code);
    if !pattern.when.is_empty() && !is_one_of(&pattern.when, code) {
        return Ok(false);
    }
    for Condition { unless, name, lists } in &pattern.conditions {
        let lists_one =
            any(lists, scope, |wanted| head.values(name).any(|value| grammar::lists(&value, wanted)))?;
        let is_so = if lists.is_empty() { has_value(head, name) } else { lists_one };
        if is_so == *unless {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a field says anything: one without a value is as good as none.
fn has_value(head: &Head, name: &str) -> bool {
    head.values(name).any(|value| !value.is_empty())
}

/// Judges the fields of one name; what came instead if they are not as expected.
pub(crate) fn field_miss(
    pattern: &FieldPattern,
    optional: bool,
    head: &Head,
    before: Option<&Head>,
    scope: &dyn Scope,
) -> Result<Option<String>, NoValue> {
    if !is_asked(pattern, head, scope)? {
        return Ok(None);
    }
    let values: Vec<Vec<u8>> = head.values(&pattern.name).map(Cow::into_owned).collect();
    if pattern.test == FieldTest::Same {
        return Ok(changed(pattern, optional, &values, before));
    }
    if values.is_empty() {
        let absent_is_right = optional || pattern.test == FieldTest::Absent;
        return Ok((!absent_is_right).then(|| format!("no field `{}`", pattern.name)));
    }
    if let FieldTest::Accepts(offers) | FieldTest::AcceptsWithinHints(offers) = &pattern.test {
        let hints = matches!(pattern.test, FieldTest::AcceptsWithinHints(_));
        let why = extension::not_accepted(&values.join(&b", "[..]), &offers.bytes(scope)?, hints);
        return Ok(why.map(|why| format!("{}: {why}", named(&pattern.name, &values))));
    }
    let fits = value_fits(&pattern.test, &values, scope)?;
    Ok((!fits).then(|| named(&pattern.name, &values)))
}

/// The fields of a name with their values, as a finding has them.
fn named(name: &str, values: &[Vec<u8>]) -> String {
    let found = values.iter().map(|value| shown(value)).collect::<Vec<_>>().join(", ");
    let many = if values.len() > 1 { format!("{} fields", values.len()) } else { "the field".to_owned() };
    format!("{many} `{name}: {found}`")
}

/// Whether the values of all fields of one name pass a test; there is at least one.
fn value_fits(test: &FieldTest, values: &[Vec<u8>], scope: &dyn Scope) -> Result<bool, NoValue> {
    let single = |fits: bool| fits && values.len() == 1;
    Ok(match test {
        FieldTest::Present => true,
        // The last two are told with the reason, before it comes to this.
        FieldTest::Absent | FieldTest::Same | FieldTest::Accepts(_) | FieldTest::AcceptsWithinHints(_) => {
            false
        }
        FieldTest::Exactly(template) => single(values[0] == template.bytes(scope)?),
        FieldTest::Equals(templates) => single(any(templates, scope, |wanted| values[0] == wanted)?),
        FieldTest::Is(templates) => {
            single(any(templates, scope, |wanted| values[0].eq_ignore_ascii_case(wanted))?)
        }
        FieldTest::Lists(templates) => {
            any(templates, scope, |wanted| values.iter().any(|value| grammar::lists(value, wanted)))?
        }
        FieldTest::Essence(template) => {
            let wanted = template.bytes(scope)?;
            single(
                values[0]
                    .split(|byte| *byte == b';')
                    .next()
                    .unwrap_or_default()
                    .trim_ascii()
                    .eq_ignore_ascii_case(&wanted),
            )
        }
        FieldTest::Fits(grammar @ (Grammar::TokenList | Grammar::VersionList | Grammar::FramedScripts)) => {
            values.iter().all(|value| grammar::fits(*grammar, value))
        }
        FieldTest::Fits(grammar) => single(grammar::fits(*grammar, &values[0])),
    })
}

/// How the fields of one name differ from those of the answer before.
fn changed(
    pattern: &FieldPattern,
    optional: bool,
    values: &[Vec<u8>],
    before: Option<&Head>,
) -> Option<String> {
    let earlier: Vec<Vec<u8>> =
        before.into_iter().flat_map(|head| head.values(&pattern.name).map(Cow::into_owned)).collect();
    let list = |values: &[Vec<u8>]| values.iter().map(|value| shown(value)).collect::<Vec<_>>().join(", ");
    // An answer in chunks does not tell its length, so there is nothing to be the same as.
    let untold = pattern.name.eq_ignore_ascii_case("Content-Length") && earlier.is_empty();
    if values == earlier || (optional && (values.is_empty() || untold)) {
        return None;
    }
    Some(match (values.is_empty(), earlier.is_empty()) {
        (true, _) => format!("no field `{}`; it was `{}` before", pattern.name, list(&earlier)),
        (_, true) => format!("the field `{}: {}`, which was not there before", pattern.name, list(values)),
        _ => format!("the field `{}: {}`; it was `{}` before", pattern.name, list(values), list(&earlier)),
    })
}

fn any(templates: &[Template], scope: &dyn Scope, test: impl Fn(&[u8]) -> bool) -> Result<bool, NoValue> {
    for template in templates {
        if test(&template.bytes(scope)?) {
            return Ok(true);
        }
    }
    Ok(false)
}
