//! Names of cases, clauses and parameters, and the folder in which the reader finds the built-in ones.

/// The folder of the pages that are built into the program.
pub(crate) const FIXTURES: &str = "fixtures";

/// Whether a name is made of small letters, digits and dots, joined by single hyphens.
pub(crate) fn is_kebab_case(name: &str) -> bool {
    !name.is_empty()
        && name.split('-').all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.')
        })
}
