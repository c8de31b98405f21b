//! [`Lock`]: a lock of the operating system.

use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use fs4::{FileExt, TryLockError};

/// A locked file. Dropped, it is unlocked, and so it is at the end of the process.
#[derive(Debug)]
pub(super) struct Lock {
    file: fs::File,
}

impl Lock {
    /// `None`: another has it, or the file was removed meanwhile. It is never waited for.
    pub(super) fn try_on(path: &Path) -> io::Result<Option<Self>> {
        // Some systems lock only what was opened for both.
        let mut options = private();
        let options = options.read(true).write(true).create(true);
        let file = options.truncate(false).open(path)?;
        // By its path: the standard library has one of that name by now.
        match FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let lock = Self { file };
        // A later process may find another file there, if this one was removed.
        Ok(if lock.is_at(path)? { Some(lock) } else { None })
    }

    /// Whether others who try this path find this lock.
    pub(super) fn is_at(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(there) => Ok(is_same(&there, &self.file.metadata()?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// For a file that only this user may read, if it is a new one.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Where an open file cannot be removed, it is.
#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}
