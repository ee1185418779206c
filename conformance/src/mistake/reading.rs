//! Files that a person wrote: what is no such file is not read.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

/// How large a file may be that a person wrote, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Reads a file that a person wrote. A pipe, which may never end, and a file that is larger than any page are errors.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe is not even opened: that alone would wait for who writes to it.
    let about = fs::metadata(path)?;
    if !about.is_file() && !about.is_dir() {
        return Err(io::Error::other("it is a device or a pipe, and not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {} MB", LARGEST / 1024 / 1024)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn what_is_no_file_of_a_person_is_an_error_that_says_so() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("page.md");
        let why = |path: &Path| read(path).err().map(|error| error.to_string());
        assert_eq!(why(Path::new("/dev/zero")).as_deref(), Some("it is a device or a pipe, and not a file"));
        fs::write(&path, vec![b'a'; 4 * 1024 * 1024])?;
        assert_eq!(why(&path), None);
        File::options().append(true).open(&path)?.set_len(LARGEST + 1)?;
        assert_eq!(why(&path).as_deref(), Some("it is larger than 4 MB"));
        Ok(())
    }
}
