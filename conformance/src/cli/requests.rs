//! The arguments of `run` that are about all requests to a server, with a profile or without one.

use clap::Args;

use super::CliError;
use crate::profile::Profile;

/// What goes into requests, and what of them is secret.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub(super) struct RequestArguments {
    /// Adds a header field to every request, as in 'Authorization: Bearer TOKEN'; no report shows the value; can be repeated
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Shows the value of this query parameter in no report; can be repeated
    #[arg(long, value_name = "NAME")]
    secret: Vec<String>,
    /// Judges every WebSocket with permessage-deflate, instead of only the cases about it
    #[arg(long)]
    deflate: bool,
}

impl RequestArguments {
    /// Puts them into a profile. A field replaces that of the profile with the same name.
    pub(super) fn add_to(&self, profile: &mut Profile) -> Result<(), CliError> {
        for field in &self.header {
            // What is wrong is not repeated: it may be secret.
            let (name, value) = field.split_once(':').ok_or_else(|| {
                CliError::Usage("a --header has no `:`; write it like --header 'Name: value'".to_owned())
            })?;
            profile.headers.retain(|known, _| !known.eq_ignore_ascii_case(name.trim()));
            profile.headers.insert(name.trim().to_owned(), value.trim().to_owned());
        }
        profile.secrets.extend(self.secret.iter().cloned());
        if let Some(websocket) = profile.websocket.as_mut().filter(|_| self.deflate) {
            websocket.deflate = Some(true);
        }
        profile.further.iter_mut().try_for_each(|further| self.add_to(further))
    }

    /// Whether what is asked for has a use.
    pub(super) fn check(&self, profile: &Profile) -> Result<(), CliError> {
        let endpoints = std::iter::once(profile).chain(&profile.further);
        if self.deflate && endpoints.into_iter().all(|endpoint| endpoint.websocket.is_none()) {
            let why = "--deflate is about WebSockets, and there is none: add --websocket PATH";
            return Err(CliError::Usage(why.into()));
        }
        Ok(())
    }

    /// The names of the fields.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.header.iter().filter_map(|field| Some(field.split_once(':')?.0.trim()))
    }

    /// The query parameters that are secret.
    pub(super) fn parameters(&self) -> &[String] {
        &self.secret
    }

    /// Leaves out the fields whose value stands nowhere but in the name that a report shows for it.
    pub(super) fn forget_values(&mut self) {
        self.header.retain(|field| !field.contains('«'));
    }

    /// The arguments again.
    pub(super) fn words(&self) -> Vec<String> {
        let flags = [("--header", &self.header), ("--secret", &self.secret)];
        let valued = flags
            .iter()
            .flat_map(|(flag, values)| values.iter().flat_map(|value| [(*flag).to_owned(), value.clone()]));
        valued.chain(self.deflate.then(|| "--deflate".to_owned())).collect()
    }
}
