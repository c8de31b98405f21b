//! The arguments and results of a store.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A record from a [`TokenStore`](crate::store::TokenStore).
///
/// ```
/// use std::time::Duration;
/// use tower_bearer::store::{Stored, Version};
///
/// let stored = Stored::new(b"record".to_vec(), Version::new("17")).age(Duration::from_secs(3));
/// assert_eq!(stored.record(), b"record");
/// assert_eq!(stored.version().as_bytes(), b"17");
/// ```
#[derive(Clone)]
pub struct Stored {
    record: Zeroizing<Vec<u8>>,
    version: Version,
    age: Option<Duration>,
}

/// The version of a record in a [`TokenStore`](crate::store::TokenStore): any bytes that differ
/// from those of all earlier records of the same name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<[u8]>);

/// The owner of a lease. No two owners are the same, even in different processes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Owner(Arc<str>);

impl Stored {
    /// Creates a result of [`load`](crate::store::TokenStore::load). Its age is unknown until you
    /// set it with [`age`](Self::age).
    pub fn new(record: impl Into<Vec<u8>>, version: Version) -> Self {
        Self {
            record: Zeroizing::new(record.into()),
            version,
            age: None,
        }
    }

    /// Sets how long ago the record was written, by the store's own clock. Without it, the age
    /// depends on the clock of the machine that wrote the record.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// Returns the record. It may hold secrets: do not log it.
    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// Returns the version of the record, to replace it with
    /// [`compare_and_set`](crate::store::TokenStore::compare_and_set).
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns how long ago the record was written, if the store knows.
    pub fn known_age(&self) -> Option<Duration> {
        self.age
    }
}

impl Version {
    /// Creates a version from any bytes, such as the digits of a number.
    pub fn new(version: impl AsRef<[u8]>) -> Self {
        Self(version.as_ref().into())
    }

    /// Creates the version of a record from its content (SHA-256), for a store that does not keep
    /// versions.
    pub fn of(record: &[u8]) -> Self {
        Self::new(Sha256::digest(record))
    }

    /// Returns the bytes of this version.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Owner {
    /// Creates a new, unique owner.
    #[expect(clippy::new_without_default, reason = "no two are the same")]
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // The standard library seeds these from the system's randomness.
        let random = || RandomState::new().hash_one(count);
        let (pid, high, low) = (process::id(), random(), random());
        Self(format!("{pid}-{high:016x}{low:016x}").into())
    }

    /// Returns the owner as text: at most 50 characters, digits, lower-case letters and `-`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("bytes", &self.record.len())
            .field("version", &self.version)
            .field("age", &self.age)
            .finish()
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A store may put anything into it.
        write!(f, "Version({} bytes)", self.0.len())
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({})", self.0)
    }
}
