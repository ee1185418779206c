//! Values that nobody is to see: credentials that a profile has, and what a session gives. Where they stand in a text or in
//! bytes, in whatever spelling, the name of each is shown instead: `«TOKEN»`.

mod needle;
mod sorted;
mod view;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use needle::Needles;
use view::View;

/// The secrets of a run. Clones share them: what a session gives becomes known in mid-run.
#[derive(Clone, Default)]
pub struct Secrets(Arc<RwLock<Needles>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// A secret in a text: where it stands, and the name that is shown instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    pub(crate) name: String,
}

/// What is shown in the place of a secret.
pub(crate) fn label(name: &str) -> String {
    format!("«{name}»")
}

impl Secrets {
    /// Keeps a value secret from now on, under a name. A value of fewer than four bytes is no secret: it stands in every text
    /// by chance. The first name that a value is given is kept.
    pub fn add(&self, name: &str, value: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).add(name, value);
    }

    /// The same for a value that a session gives: a run may have a session for each case, and a target gives what it likes, so
    /// that only the last of them are kept.
    pub(crate) fn add_of_session(&self, name: &str, value: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).add_of_session(name, value);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// A text in which the names stand for the secrets. What is left of a secret at the end of a text that was cut is hidden
    /// as well.
    pub fn hide(&self, text: &str) -> String {
        let found = self.find(text.as_bytes(), true);
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for Found { range, name } in found {
            // A spelling begins and ends between characters, as what it is made of is ASCII or whole characters.
            out.push_str(text.get(done..range.start).unwrap_or_default());
            out.push_str(&label(&name));
            done = range.end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }

    /// Hides what is secret in a text, in place.
    pub(crate) fn hide_in(&self, text: &mut String) {
        let hidden = self.hide(text);
        if hidden != *text {
            *text = hidden;
        }
    }

    /// Where secrets stand in bytes, in order, without overlaps. With `is_cut`, so does what is left of one beside the end
    /// of a text or a quotation mark.
    pub(crate) fn find(&self, bytes: &[u8], is_cut: bool) -> Vec<Found> {
        let needles = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if needles.is_empty() {
            return Vec::new();
        }
        let mut found = needles.find(bytes, is_cut);
        let hexadecimal = View::without_hexadecimal(bytes);
        let once = View::of_decoded(bytes);
        let twice = once.as_ref().and_then(View::decoded);
        let thrice = twice.as_ref().and_then(View::decoded);
        for view in [hexadecimal, once, twice, thrice].into_iter().flatten() {
            let seen = needles.find(view.bytes(), is_cut);
            found.extend(
                seen.into_iter().map(|Found { range, name }| Found { range: view.source(&range), name }),
            );
        }
        joined(found)
    }
}

/// The places of the bytes of a secret: those of its range that are no border of a chunk.
pub(crate) fn places(bytes: &[u8], range: &Range<usize>) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = range.start;
    while at < range.end {
        match view::chunk_border(&bytes[at..]) {
            Some(length) => at += length,
            None => {
                places.push(at);
                at += 1;
            }
        }
    }
    places
}

/// Ranges that overlap as one, under the name of the one that begins first, and of those the longest.
fn joined(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by(|one, other| (one.range.start, other.range.end).cmp(&(other.range.start, one.range.end)));
    let mut joined: Vec<Found> = Vec::new();
    for next in found {
        match joined.last_mut() {
            Some(last) if next.range.start < last.range.end => {
                last.range.end = last.range.end.max(next.range.end);
            }
            _ => joined.push(next),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::needle::Needles;
    use super::sorted::Work;
    use super::*;

    fn secrets() -> Secrets {
        let secrets = Secrets::default();
        secrets.add("TOKEN", "s3cr3t/t0ken+\"of\"-mine");
        secrets.add("PASSWORD", "hunter22");
        secrets
    }

    #[test]
    fn a_secret_is_hidden_in_every_spelling() {
        let secrets = secrets();
        for (text, hidden) in [
            ("a s3cr3t/t0ken+\"of\"-mine b", "a «TOKEN» b"),
            ("?t=s3cr3t%2Ft0ken%2b%22of%22-mine&x=1", "?t=«TOKEN»&x=1"),
            (
                "\"{\\\"t\\\":\\\"s3cr3t\\/t0ken+\\\\\\\"of\\\\\\\"-mine\\\"}\"",
                "\"{\\\"t\\\":\\\"«TOKEN»\\\"}\"",
            ),
            ("s3cr3t\\u002ft0ken\\x2b\\\"of\\\"-mine", "«TOKEN»"),
            ("s3cr3t/t0ken+&quot;of&#34;-mine", "«TOKEN»"),
            ("Authorization: Basic YWRtaW46aHVudGVyMjI=", "Authorization: Basic «PASSWORD»"),
            ("[binary x\"81 68 75 6e 74 65 72 32 32 ff\"]", "[binary x\"81 «PASSWORD» ff\"]"),
            ("\"7\\r\\nhunter2\\r\\n1\\r\\n2\\r\\n\"", "\"7\\r\\n«PASSWORD»\\r\\n\""),
            ("HUNTER22 and hunter2 too", "HUNTER22 and hunter2 too"),
        ] {
            assert_eq!(secrets.hide(text), hidden, "{text}");
        }
    }

    #[test]
    fn what_is_left_of_a_secret_where_a_text_was_cut_is_hidden() {
        let secrets = secrets();
        assert_eq!(
            secrets.hide("\"data: s3cr3t/t0\" … (80 bytes in all)"),
            "\"data: «TOKEN»\" … (80 bytes in all)"
        );
        assert_eq!(secrets.hide("\"ken+\\\"of\\\"-mine\\n\""), "\"«TOKEN»\\n\"");
        assert_eq!(secrets.hide("s3cr3t/ and more"), "s3cr3t/ and more");
    }

    #[test]
    fn a_short_secret_is_hidden_as_a_word_and_a_shorter_one_is_none() {
        let secrets = Secrets::default();
        secrets.add("WORD", "test");
        secrets.add("DIGIT", "1");
        assert_eq!(secrets.hide("latest test of HTTP/1.1"), "latest «WORD» of HTTP/1.1");
    }

    #[test]
    fn the_first_name_of_a_value_is_kept_and_the_longer_of_two_secrets_is_hidden() {
        let secrets = Secrets::default();
        secrets.add("ONE", "abcdefgh");
        secrets.add("TWO", "abcdefgh");
        secrets.add("LONG", "abcdefghijkl");
        assert_eq!(secrets.hide("abcdefgh, abcdefghijkl"), "«ONE», «LONG»");
    }

    #[test]
    fn many_secrets_of_sessions_cost_little() {
        let secrets = Secrets::default();
        for number in 0..2000 {
            secrets.add("session.sid", &format!("session-{number:08}"));
        }
        let text = "data: session-00001999 and more of the kind\r\n".repeat(2000);
        assert!(!secrets.hide(&text).contains("1999"));
    }

    /// How many bytes are compared with those of a text, and how many are hidden.
    fn compared(needles: &Needles, text: &str) -> (u64, usize) {
        let mut work = Work::default();
        let found = joined(needles.find_counting(text.as_bytes(), true, &mut work));
        (work.0, found.into_iter().map(|found| found.range.len()).sum())
    }

    #[test]
    fn a_text_that_is_like_secrets_everywhere_costs_no_more_than_its_length() {
        let of = |values: &[String]| {
            let mut needles = Needles::default();
            for value in values {
                needles.add_of_session("session.sid", value);
            }
            needles
        };
        let value = "a1b2c3d4".repeat(4);
        let sessions: Vec<String> = (0..2000).map(|number| format!("sess-{number:08}")).collect();
        let nested: Vec<String> = (8..500).map(|length| "a".repeat(length)).collect();
        let encoded = in_base64(&value);
        for (values, unit) in [
            (vec!["a".repeat(4096)], "a"),
            (vec!["a".repeat(4095) + "b"], "a"),
            (vec!["b".to_owned() + &"a".repeat(4095)], "a"),
            (nested, "a"),
            (vec![value], &encoded),
            (sessions.clone(), "sess-"),
            (sessions, "sess-00000000"),
        ] {
            let needles = of(&values);
            let work = |length: usize| compared(&needles, &unit.repeat(length / unit.len())).0;
            let (once, twice) = (work(40_000), work(80_000));
            assert!(once <= 40 * 40_000, "{unit}: {once}");
            assert!(twice <= 2 * once + 10_000, "{unit}: {once}, then {twice}");
        }
    }

    /// A value in base64, without padding.
    fn in_base64(value: &str) -> String {
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD_NO_PAD, value)
    }

    #[test]
    fn what_is_left_of_a_text_that_is_too_much_like_secrets_is_hidden() {
        let mut needles = Needles::default();
        needles.add("TOKEN", &("a".repeat(4000) + "b"));
        let text = "a".repeat(100_000);
        let (_, hidden) = compared(&needles, &text);
        assert!(hidden > 90_000, "{hidden}");
    }

    #[test]
    fn sessions_without_end_keep_no_more_than_so_much() {
        let mut needles = Needles::default();
        needles.add("TOKEN", "s3cr3t-t0ken");
        for number in 0..8_000 {
            needles.add_of_session("session.sid", &format!("{number:08}{}", "x".repeat(100)));
        }
        assert!(needles.held() < 16 << 20, "{}", needles.held());
        let secrets = Secrets(Arc::new(RwLock::new(needles)));
        assert_eq!(secrets.hide("s3cr3t-t0ken"), "«TOKEN»");
        let session = |number: usize| format!("{number:08}{}", "x".repeat(100));
        assert_eq!(secrets.hide(&session(7_999)), "«session.sid»");
        let first = Secrets::default();
        let long: String = (0..30_000).map(|number| format!("{number:08}")).collect();
        for _ in 0..100 {
            first.add_of_session("session.sid", &long);
        }
        assert_eq!(first.hide(&format!("a {long} z")), "a «session.sid» z");
    }
}
