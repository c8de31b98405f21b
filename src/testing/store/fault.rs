//! What can be wrong with a store.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::store::StoreError;

/// How long an operation of a store that works may take.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(5);

/// What [`check_store`](crate::testing::check_store) found.
#[derive(Clone, Debug)]
pub struct BrokenStore {
    faults: Vec<StoreFault>,
}

/// Something that a [`TokenCache`](crate::store::TokenCache) relies on and that does not hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreFault {
    /// An operation failed.
    #[non_exhaustive]
    Failed {
        /// What was tried.
        trial: &'static str,
        /// Its error.
        error: StoreError,
    },
    /// An operation did not end within 5 seconds.
    #[non_exhaustive]
    Hung {
        /// What was tried.
        trial: &'static str,
    },
    /// An operation panicked.
    #[non_exhaustive]
    Panicked {
        /// What was tried.
        trial: &'static str,
    },
    /// An operation ended, and what it did is wrong.
    #[non_exhaustive]
    Wrong {
        /// What was tried, and what came of it.
        what: &'static str,
    },
}

impl BrokenStore {
    pub(super) fn new(faults: Vec<StoreFault>) -> Self {
        Self { faults }
    }

    /// Returns the faults, at least one.
    pub fn faults(&self) -> &[StoreFault] {
        &self.faults
    }
}

impl fmt::Display for BrokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store is broken: ")?;
        for (number, fault) in self.faults.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl Error for BrokenStore {}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { trial, error } => write!(f, "{trial} failed: {error}"),
            Self::Hung { trial } => write!(f, "{trial} took more than {TIME_LIMIT:?}"),
            Self::Panicked { trial } => write!(f, "{trial} panicked"),
            Self::Wrong { what } => f.write_str(what),
        }
    }
}
