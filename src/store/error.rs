//! [`StoreError`]: why a store could not be read or written.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower::BoxError;

/// The error of a [`TokenStore`](crate::store::TokenStore) that could not be read or written.
///
/// Like [`AuthError`](crate::AuthError), it includes the text of its cause in its own text, and a
/// clone only increments a reference count. The cause must not contain a secret, such as a record
/// or the password of a database.
///
/// ```
/// use tower_bearer::store::StoreError;
///
/// let error = StoreError::unavailable("connection refused");
/// assert!(error.is_unavailable());
/// assert_eq!(error.to_string(), "token store unavailable: connection refused");
/// ```
#[derive(Clone)]
pub struct StoreError {
    kind: Kind,
    cause: Arc<dyn Error + Send + Sync>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unavailable,
    TimedOut,
    Refused,
}

#[derive(Debug)]
struct TimedOut(Duration);

impl StoreError {
    /// Creates the error for a store that cannot be reached or does not work now.
    pub fn unavailable(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Unavailable, cause)
    }

    /// Creates the error for a store that refused the operation: it is full, read-only, or the
    /// permission is missing.
    pub fn refused(cause: impl Into<BoxError>) -> Self {
        Self::new(Kind::Refused, cause)
    }

    /// Creates the error for a store that did not answer within this time.
    pub fn timed_out(limit: Duration) -> Self {
        Self::new(Kind::TimedOut, TimedOut(limit))
    }

    /// Returns `true` if the store could not be reached. Includes timeouts.
    pub fn is_unavailable(&self) -> bool {
        matches!(self.kind, Kind::Unavailable | Kind::TimedOut)
    }

    /// Returns `true` if the store refused the operation.
    pub fn is_refused(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// Returns `true` if the store took too long.
    pub fn is_timeout(&self) -> bool {
        self.kind == Kind::TimedOut
    }

    /// Returns the cause.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.cause
    }

    fn new(kind: Kind, cause: impl Into<BoxError>) -> Self {
        Self {
            kind,
            cause: cause.into().into(),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.kind {
            Kind::Unavailable => "token store unavailable: ",
            Kind::TimedOut => "token store ",
            Kind::Refused => "token store refused: ",
        };
        write!(f, "{prefix}{}", self.cause)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError")
            .field("kind", &self.kind)
            .field("cause", &self.cause)
            .finish()
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timed out after {:?}", self.0)
    }
}

impl Error for TimedOut {}
