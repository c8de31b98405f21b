//! What can be wrong with a token source.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::error::AuthError;
use crate::session::policy::LOGIN_TIMEOUT;

/// What [`check_source`](super::check_source) found.
#[derive(Clone, Debug)]
pub struct BrokenSource {
    faults: Vec<Fault>,
}

/// Something that a [`Session`](crate::Session) relies on and that does not hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The fetch failed.
    #[non_exhaustive]
    Failed {
        /// Which fetch.
        trial: Trial,
        /// Its error.
        error: AuthError,
    },
    /// The fetch failed with an error whose text contains a token. It is not shown.
    #[non_exhaustive]
    ShowedToken {
        /// Which fetch.
        trial: Trial,
    },
    /// The fetch did not end within 30 seconds.
    #[non_exhaustive]
    Hung {
        /// Which fetch.
        trial: Trial,
    },
    /// The fetch panicked.
    #[non_exhaustive]
    Panicked {
        /// Which fetch.
        trial: Trial,
    },
    /// The fetch returned a token that lives for less than a second: a session would log in every
    /// second.
    #[non_exhaustive]
    ShortLived {
        /// Which fetch.
        trial: Trial,
        /// How long the token lives.
        lifetime: Duration,
    },
    /// The origins were different after the fetches.
    OriginsChanged,
}

/// Which fetch of [`check_source`](super::check_source) a [`Fault`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trial {
    /// The first, without a stale token.
    First,
    /// One with the first one's token as the stale one.
    Renewal,
    /// One of two at a time.
    TwoAtATime,
    /// One that came after another was dropped half-way.
    AfterDrop,
}

impl BrokenSource {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self { faults }
    }

    /// Returns the faults, at least one.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl fmt::Display for BrokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the source is broken: ")?;
        for (number, fault) in self.faults.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl Error for BrokenSource {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { trial, error } => write!(f, "{trial} failed: {error}"),
            Self::ShowedToken { trial } => write!(f, "{trial} failed, and its error shows a token"),
            Self::Hung { trial } => write!(f, "{trial} took more than {LOGIN_TIMEOUT:?}"),
            Self::Panicked { trial } => write!(f, "{trial} panicked"),
            Self::ShortLived { trial, lifetime } => {
                write!(
                    f,
                    "{trial} brought a token that lives for {lifetime:?} alone"
                )
            }
            Self::OriginsChanged => f.write_str("its origins do not stay the same"),
        }
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "a fetch",
            Self::Renewal => "a fetch with a stale token",
            Self::TwoAtATime => "one of two fetches at a time",
            Self::AfterDrop => "the fetch after one that was dropped half-way",
        })
    }
}
