//! From the text of a profile to its tables.

use std::ops::Range;

use super::check::{self, Mistake};
use super::tables::Profile;
use super::websocket::WebSocket;
use crate::mistake::{PageError, PageErrors, Wrong, toml_wrong};

/// A profile that cannot be used: what is wrong, each with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProfileError(pub PageErrors);

impl Profile {
    /// Reads a profile; `file` is its name for errors.
    pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
        let placed = |range: &Range<usize>, wrong| PageError::in_text(file.to_owned(), text, range, wrong);
        let profile: Profile = toml::from_str(text).map_err(|error| {
            let (range, wrong) = toml_wrong(&error, text, &[]);
            let hint = if wrong.hint.is_empty() { DOCUMENTED.to_owned() } else { wrong.hint };
            ProfileError(PageErrors(vec![placed(&range, Wrong { hint, ..wrong })]))
        })?;
        let mistakes = check::mistakes(&profile);
        if mistakes.is_empty() {
            return Ok(profile);
        }
        let errors = mistakes
            .into_iter()
            .map(|Mistake { table, key, wrong }| placed(&check::place(text, table, &key), wrong));
        Err(ProfileError(PageErrors(errors.collect())))
    }

    /// The layout of the reference server.
    pub fn reference() -> Result<Profile, ProfileError> {
        Profile::parse("fixtures/reference.toml", pushspec_fixtures::REFERENCE_PROFILE)
    }

    /// A server of which only its WebSocket is known.
    pub fn only_websocket(path: &str) -> Profile {
        let websocket = WebSocket { path: path.to_owned(), ..WebSocket::default() };
        Profile { websocket: Some(websocket), ..Profile::default() }
    }

    /// The table of the first value that is wrong, what is wrong with it, and a way out.
    #[cfg(feature = "program")]
    pub(crate) fn mistake(&self) -> Option<(&'static str, Wrong)> {
        check::mistakes(self).into_iter().next().map(|mistake| (mistake.table, mistake.wrong))
    }
}

const DOCUMENTED: &str = "every key is described in docs/profile.md";
