//! Files of reports: each is there whole or not at all, and none is written through a link.

use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::ReportError;

/// How many names are tried for a draft before it is given up.
const ATTEMPTS: usize = 16;

/// Writes a file whole or not at all: nobody reads half a report. What stands in its place is replaced, and not written
/// through where it is a link.
pub(super) fn write(path: &Path, text: &str) -> Result<(), ReportError> {
    let error = |error| ReportError::Write { path: path.to_owned(), error };
    if path.is_dir() {
        return Err(error(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    let (draft, mut file) = draft(path).map_err(error)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_data())
        .and_then(|()| fs::rename(&draft, path));
    written.map_err(|cause| {
        // The draft of a report that failed is of no use to anybody.
        let _ = fs::remove_file(&draft);
        error(cause)
    })
}

/// Makes the folders above a file.
pub(super) fn make_folder(path: &Path) -> Result<(), ReportError> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        None => Ok(()),
        Some(folder) => {
            fs::create_dir_all(folder).map_err(|error| ReportError::Write { path: path.to_owned(), error })
        }
    }
}

/// Looks whether a file can be written, and leaves nothing behind.
pub(super) fn check(path: &Path) -> Result<(), ReportError> {
    make_folder(path)?;
    let (draft, _) = draft(path).map_err(|error| ReportError::Write { path: path.to_owned(), error })?;
    fs::remove_file(&draft).map_err(|error| ReportError::Write { path: draft, error })
}

/// A new file beside another, under a name that nobody can foresee: it is not opened where something has that name, be it
/// a link.
fn draft(path: &Path) -> io::Result<(PathBuf, fs::File)> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
    for attempt in 0..ATTEMPTS {
        let random = RandomState::new().hash_one((attempt, std::process::id()));
        let draft = path.with_file_name(format!(".{}.{random:016x}", name.to_string_lossy()));
        match OpenOptions::new().write(true).create_new(true).open(&draft) {
            Ok(file) => return Ok((draft, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_what_it_leads_to_stays() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (precious, report) = (folder.path().join("precious"), folder.path().join("report.json"));
        fs::write(&precious, "kept")?;
        std::os::unix::fs::symlink(&precious, &report)?;
        check(&report)?;
        write(&report, "new")?;
        assert_eq!(
            (fs::read_to_string(&precious)?, fs::read_to_string(&report)?),
            ("kept".into(), "new".into())
        );
        assert!(!fs::symlink_metadata(&report)?.is_symlink());
        let names: Vec<_> = fs::read_dir(folder.path())?.flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(names.len(), 2, "no draft stays: {names:?}");
        Ok(())
    }

    #[test]
    fn a_folder_is_not_replaced() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        assert!(write(folder.path(), "new").is_err() && folder.path().is_dir());
        Ok(())
    }

    #[test]
    fn two_that_write_at_once_do_not_mix() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("report.json");
        let texts = ["a".repeat(100_000), "b".repeat(100_000)];
        std::thread::scope(|scope| {
            for text in &texts {
                scope.spawn(|| (0..20).for_each(|_| write(&path, text).expect("a place to write to")));
            }
        });
        assert!(texts.contains(&fs::read_to_string(&path)?));
        Ok(())
    }
}
