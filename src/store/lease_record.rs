//! The lease of a store that has none of its own: a record beside the one that it is for.

use std::fmt;
use std::time::Duration;

use crate::store::clock::{since, unix_ms};
use crate::store::stored::{Owner, Stored};

/// How long a store keeps what means nothing any more, at least.
pub(super) const BRIEFLY: Duration = Duration::from_secs(1);

/// `<owner> <ttl in ms> <unix time of the write in ms>`
pub(super) struct LeaseRecord<'a> {
    pub(super) owner: &'a str,
    ttl: Duration,
    written: u64,
}

pub(super) fn name_of_lease(name: &str) -> String {
    format!("{name}-lease")
}

impl<'a> LeaseRecord<'a> {
    pub(super) fn new(owner: &'a Owner, ttl: Duration) -> Self {
        Self {
            owner: owner.as_str(),
            ttl,
            written: unix_ms(),
        }
    }

    pub(super) fn read(stored: &'a Stored) -> Option<Self> {
        let text = std::str::from_utf8(stored.record()).ok()?;
        let mut parts = text.split(' ');
        let lease = Self {
            owner: parts.next()?,
            ttl: Duration::from_millis(parts.next()?.parse().ok()?),
            written: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(lease)
    }

    pub(super) fn is_over(&self, stored: &Stored) -> bool {
        let age = stored.known_age().unwrap_or_else(|| since(self.written));
        age >= self.ttl
    }
}

impl fmt::Display for LeaseRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (owner, ttl, written) = (self.owner, self.ttl.as_millis(), self.written);
        write!(f, "{owner} {ttl} {written}")
    }
}
