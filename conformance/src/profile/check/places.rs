//! Paths, and the names in braces for which something is filled in.

use crate::mistake::{Wrong, did_you_mean, listed};

/// The names that a template may have in braces: fixed ones, and those that a session gives.
#[derive(Debug, Clone)]
pub(super) struct Places<'p> {
    session: &'p [String],
}

pub(super) const POLLING: &[&str] = &["channel"];
pub(super) const LONG_POLLING: &[&str] = &["channel", "hold", "hold-ms", "hold-s"];
pub(super) const IFRAME: &[&str] = &["channel", "callback"];
pub(super) const CHANNEL: &[&str] = &["channel"];
pub(super) const PUBLISH: &[&str] = &["channel", "data", "id", "event", "comment"];
pub(super) const MESSAGE: &[&str] = &["message"];

/// The names of a poll: fixed ones, and those of its cursor.
pub(super) fn of_poll<'p>(fixed: &[&'p str], cursor: &'p [String]) -> Vec<&'p str> {
    fixed.iter().copied().chain(cursor.iter().map(String::as_str)).collect()
}

/// A percent sign that encodes nothing (RFC 3986 section 2.1).
fn encoding_wrong(path: &str) -> Option<Wrong> {
    let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let mut behind = path.split('%').skip(1);
    let rest = behind.find(|rest| !rest.get(..2).is_some_and(is_number))?;
    let message = format!("`%{}` encodes no octet", rest.get(..2).unwrap_or(rest).escape_debug());
    Some(Wrong::new(message, "two hexadecimal digits follow a percent sign; the sign itself is `%25`"))
}

impl<'p> Places<'p> {
    pub(super) fn new(session: &'p [String]) -> Places<'p> {
        Places { session }
    }

    /// What is wrong with a path: it goes into a request line as it is (RFC 9112 section 3.2.1).
    pub(super) fn path_wrong(&self, path: &str, known: &[&str]) -> Option<Wrong> {
        let printable = path.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        if path.starts_with('/') && printable {
            return encoding_wrong(path).or_else(|| self.place_wrong(path, known));
        }
        let message = format!("`{}` is not a path", path.escape_debug());
        let hint = "a path begins with `/`; spaces and non-ASCII characters are percent-encoded";
        Some(Wrong::new(message, hint))
    }

    /// A name in braces that nothing is filled in for, and that the server would get as it is.
    pub(super) fn place_wrong(&self, template: &str, known: &[&str]) -> Option<Wrong> {
        let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_name = |name: &&str| !name.is_empty() && name.bytes().all(belongs);
        let is_known = |name: &str| known.contains(&name) || self.session.iter().any(|given| given == name);
        // Behind a dollar sign a brace is that of the text itself.
        let opened = template.match_indices('{').filter(|(at, _)| !template[..*at].ends_with('$'));
        let behind = opened.filter_map(|(at, _)| template[at + 1..].split_once('}'));
        let mut names = behind.map(|(name, _)| name);
        let name = names.find(|name| is_name(name) && !is_known(name))?;
        let message = format!("`{{{name}}}` has no value here");
        let all = known.iter().copied().chain(self.session.iter().map(String::as_str));
        let braced: Vec<String> = all.map(|known| format!("{{{known}}}")).collect();
        if braced.is_empty() {
            return Some(Wrong::new(message, "only `{session.NAME}` of a [session] has a value here"));
        }
        let braced = braced.iter().map(String::as_str);
        let hint = did_you_mean(&format!("{{{name}}}"), braced.clone())
            .unwrap_or_else(|| format!("known are {}", listed(braced)));
        Some(Wrong::new(message, hint))
    }

    /// What is wrong with a method and a path.
    pub(super) fn request_wrong(&self, request: &str, known: &[&str]) -> Option<Wrong> {
        let hint = "method and path, as in `POST /publish/{channel}`";
        let Some((method, path)) = request.split_once(' ') else {
            return Some(Wrong::new(format!("`{}` is not a request", request.escape_debug()), hint));
        };
        super::fields::method_wrong(method, hint).or_else(|| self.path_wrong(path, known))
    }
}
