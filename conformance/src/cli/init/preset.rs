//! What is known of kinds of servers. Each is a file in `fixtures/presets/`: a profile with comments.

use clap::builder::PossibleValuesParser;

use crate::profile::{Profile, ProfileError};

/// How a line begins that says by which response this kind of server is known.
const LOOK: &str = "# look: ";

/// What is known of a kind of server.
#[derive(Debug, Clone)]
pub(super) struct Preset {
    pub(super) name: &'static str,
    /// What kind of server it is: the first line of the file.
    pub(super) about: &'static str,
    /// The responses by which it is known.
    pub(super) looks: Vec<Look>,
    /// The profile, without what is for the program alone.
    pub(super) text: String,
}

/// A response by which a kind of server is known: `# look: /mcp 400 {"jsonrpc"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) path: &'static str,
    pub(super) status: u16,
    /// How the body begins.
    pub(super) begins: &'static str,
}

/// Takes the name of a preset, and names all of them where there is none of this name.
pub(super) fn parser() -> PossibleValuesParser {
    PossibleValuesParser::new(Preset::all().map(|preset| preset.name))
}

impl Preset {
    pub(super) fn all() -> impl Iterator<Item = Preset> {
        pushspec_fixtures::PRESETS.iter().map(|(path, text)| Preset::read(path, text))
    }

    pub(super) fn named(name: &str) -> Option<Preset> {
        Preset::all().find(|preset| preset.name == name)
    }

    fn read(path: &'static str, text: &'static str) -> Preset {
        let name = path.rsplit('/').next().unwrap_or(path);
        let first = text.lines().next().unwrap_or_default();
        let about = first.trim_start_matches("# ").trim_end_matches('.');
        let looks = text.lines().filter_map(|line| look(line.strip_prefix(LOOK)?)).collect();
        let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with(LOOK)).collect();
        Preset { name, about, looks, text: kept.join("\n") + "\n" }
    }

    pub(super) fn profile(&self) -> Result<Profile, ProfileError> {
        Profile::parse(self.name, &self.text)
    }
}

fn look(written: &'static str) -> Option<Look> {
    let mut words = written.splitn(3, ' ');
    let path = words.next()?;
    let status = words.next()?.parse().ok()?;
    Some(Look { path, status, begins: words.next().unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_profile_that_says_what_it_is_for() {
        assert!(Preset::all().count() >= 8);
        for preset in Preset::all() {
            let name = preset.name;
            let read = preset.profile();
            assert!(read.is_ok(), "{name}: {read:?}");
            assert!(!preset.about.is_empty() && !preset.about.contains('#'), "{name}: {}", preset.about);
            assert!(!preset.text.contains("# look"), "{name}");
            let written = pushspec_fixtures::PRESETS.iter().find(|(path, _)| path.ends_with(name));
            let lines = written.map(|(_, text)| text.matches("# look").count());
            assert_eq!(
                lines,
                Some(preset.looks.len()),
                "{name}: a line `# look: PATH STATUS BEGINNING` is wrong"
            );
        }
    }
}
