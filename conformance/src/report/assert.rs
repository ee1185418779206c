//! What a test asks of an outcome, in a line.

use super::stored::Report;
use super::terminal::{self, Detail};
use crate::outcome::Outcome;

impl Outcome {
    /// The report as the program prints it, without colours: the verdict, and for each clause that is broken what was
    /// expected, what came, the transcript and the link to the clause.
    pub fn text(&self) -> String {
        terminal::to_string(&Report::new(self, false), Detail::default())
    }

    /// Asserts that the target conforms: nothing failed, everything that the profile names could be judged, and the run came
    /// to its end.
    ///
    /// # Panics
    ///
    /// With what the program prints ([`Outcome::text`]), where it does not.
    #[track_caller]
    pub fn assert_conformant(&self) {
        assert!(self.is_conformant(false), "{}", self.text());
    }

    /// The same where a warning is a failure, as with `--strict`.
    ///
    /// # Panics
    ///
    /// As [`Outcome::assert_conformant`].
    #[track_caller]
    pub fn assert_strictly_conformant(&self) {
        assert!(
            self.is_conformant(true),
            "{}",
            terminal::to_string(&Report::new(self, true), Detail::default())
        );
    }
}
