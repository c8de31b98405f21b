//! [`Problem`]: what an error of a file was about.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::store::error::StoreError;

#[derive(Debug)]
pub(super) struct Problem {
    doing: &'static str,
    path: PathBuf,
    error: io::Error,
}

impl Problem {
    pub(super) fn new(doing: &'static str, path: &Path, error: io::Error) -> Self {
        Self {
            doing,
            path: path.to_owned(),
            error,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.doing, self.path.display(), self.error)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl From<Problem> for StoreError {
    fn from(problem: Problem) -> Self {
        match problem.error.kind() {
            ErrorKind::PermissionDenied
            | ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotADirectory => Self::refused(problem),
            _ => Self::unavailable(problem),
        }
    }
}
