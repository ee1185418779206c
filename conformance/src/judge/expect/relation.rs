//! How something that came relates to what was expected.

/// How something that came relates to what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It is what was expected.
    Fits,
    /// It is something else that may come in between, and means nothing here.
    Passes,
    /// It cannot come before what was expected.
    Not,
}

impl Fit {
    /// Of several alternatives, the most favourable.
    pub(crate) fn or(self, other: Fit) -> Fit {
        match (self, other) {
            (Fit::Fits, _) | (_, Fit::Fits) => Fit::Fits,
            (Fit::Passes, _) | (_, Fit::Passes) => Fit::Passes,
            _ => Fit::Not,
        }
    }
}
