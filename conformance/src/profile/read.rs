//! From the text of a profile to its tables.

use std::ops::Range;

use serde::Deserialize as _;
use toml::de::DeTable;

use super::check::{self, Mistake};
use super::endpoints::{Endpoints, Further};
use super::environment::Variables;
use super::tables::Profile;
use super::websocket::WebSocket;
use super::written;
use crate::mistake::{PageError, PageErrors, Wrong, toml_wrong};

/// A profile that cannot be used: what is wrong, each with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProfileError(pub PageErrors);

impl Profile {
    /// Reads a profile; `file` is its name for errors. `${NAME}` in a string is an environment variable of this process.
    pub fn parse(file: &str, text: &str) -> Result<Profile, ProfileError> {
        Profile::parse_with(file, text, &|name| std::env::var(name).ok())
    }

    /// Reads a profile whose environment variables have these values.
    pub fn parse_with(
        file: &str,
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Profile, ProfileError> {
        let placed = |range: &Range<usize>, wrong| PageError::in_text(file.to_owned(), text, range, wrong);
        let mut variables = Variables::default();
        let unreadable = |error: toml::de::Error, variables: &Variables| {
            let (range, wrong) = toml_wrong(&error, text, &[]);
            let hint = if wrong.hint.is_empty() { DOCUMENTED.to_owned() } else { wrong.hint };
            let secrets = written::secrets(text);
            variables.values.iter().for_each(|(name, value)| secrets.add(name, value));
            ProfileError(PageErrors(vec![placed(&range, Wrong { hint, ..wrong }).without(&secrets)]))
        };
        let mut document = DeTable::parse(text).map_err(|error| unreadable(error, &variables))?;
        variables.fill(document.get_mut(), text, environment);
        let endpoints = Endpoints::taken_from(&mut document);
        let read = |document| Profile::deserialize(toml::de::Deserializer::from(document));
        let mut profile = read(document).map_err(|error| unreadable(error, &variables))?;
        profile.environment.clone_from(&variables.values);
        profile.names =
            endpoints.first.into_iter().map(|(technique, name)| (technique.to_owned(), name)).collect();
        let mut wrong = std::mem::take(&mut variables.wrong);
        wrong.extend(endpoints.wrong);
        let is_filled = wrong.is_empty();
        if is_filled {
            let mistakes = check::mistakes(&profile).into_iter().take(MOST);
            wrong.extend(
                mistakes.map(|Mistake { table, key, wrong }| (check::place(text, table, 0, &key), wrong)),
            );
        }
        for Further { technique, index, name, document } in endpoints.further {
            let mut further = read(document).map_err(|error| unreadable(error, &variables))?;
            further.environment.clone_from(&variables.values);
            further.names = [(technique.to_owned(), name)].into();
            // What is common to all was looked at above.
            let own = check::mistakes(&further)
                .into_iter()
                .filter(|mistake| mistake.table == technique && is_filled)
                .take(MOST);
            wrong.extend(
                own.map(|Mistake { table, key, wrong }| (check::place(text, table, index, &key), wrong)),
            );
            profile.further.push(further);
        }
        if wrong.is_empty() {
            return Ok(profile);
        }
        let secrets = profile.secrets();
        let errors =
            wrong.iter().take(MOST).map(|(range, wrong)| placed(range, wrong.clone()).without(&secrets));
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

    /// The table and the key of the first value that is wrong, what is wrong with it, and a way out.
    pub(crate) fn mistake(&self) -> Option<(&'static str, String, Wrong)> {
        let all = std::iter::once(self).chain(&self.further);
        all.flat_map(check::mistakes).next().map(|Mistake { table, key, wrong }| (table, key, wrong))
    }
}

/// How many mistakes are told at once: who mends so many runs it again.
const MOST: usize = 20;

const DOCUMENTED: &str = "every key is described in docs/profile.md";
