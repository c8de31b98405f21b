//! What a [`Memory`](super::memory::Memory) holds.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::{Owner, Stored, Version};

/// An operation of a [`TokenStore`](crate::store::TokenStore).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreOperation {
    /// [`load`](crate::store::TokenStore::load)
    Load,
    /// [`compare_and_set`](crate::store::TokenStore::compare_and_set)
    Set,
    /// [`remove`](crate::store::TokenStore::remove)
    Remove,
    /// [`lease`](crate::store::TokenStore::lease)
    Lease,
    /// [`release`](crate::store::TokenStore::release)
    Release,
}

/// What a [`Memory`](super::memory::Memory) does instead of what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreTrouble {
    /// It does nothing, and fails.
    Fail,
    /// It does nothing, and fails as a store that is full.
    Refuse,
    /// It does as it is asked, and then fails: the answer was lost.
    FailAfter,
    /// It does nothing, and never answers.
    Hang,
    /// It does nothing, and says that something else is there, or that another has the lease.
    Conflict,
    /// It keeps the first half of the record only, and says that all went well. Loads the first
    /// half.
    Torn,
    /// It does nothing, and says that all went well. Loads nothing.
    Lose,
}

/// What a [`Memory`](super::memory::Memory) was asked, in numbers, whatever became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StoreCounts {
    /// Calls of [`load`](crate::store::TokenStore::load).
    pub loads: u64,
    /// Calls of [`compare_and_set`](crate::store::TokenStore::compare_and_set).
    pub sets: u64,
    /// Those of them that found another version.
    pub conflicts: u64,
    /// Calls of [`remove`](crate::store::TokenStore::remove).
    pub removes: u64,
    /// Calls of [`lease`](crate::store::TokenStore::lease).
    pub leases: u64,
    /// Those of them that found another owner.
    pub leases_refused: u64,
    /// Calls of [`release`](crate::store::TokenStore::release).
    pub releases: u64,
}

#[derive(Default)]
pub(super) struct Shared(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    records: HashMap<String, Kept>,
    leases: HashMap<String, (Owner, Instant)>,
    version: u64,
    script: VecDeque<(StoreOperation, StoreTrouble)>,
    pub(super) is_down: bool,
    pub(super) latency: Duration,
    pub(super) tells_no_age: bool,
    pub(super) counts: StoreCounts,
}

struct Kept {
    record: Vec<u8>,
    version: Version,
    written: Instant,
    forget_at: Option<Instant>,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn script(&mut self, operation: StoreOperation, trouble: StoreTrouble) {
        self.script.push_back((operation, trouble));
    }

    /// What is to go wrong with this one, if anything.
    pub(super) fn trouble(&mut self, operation: StoreOperation) -> Option<StoreTrouble> {
        if self.is_down {
            return Some(StoreTrouble::Fail);
        }
        let mut script = self.script.iter();
        let at = script.position(|(scripted, _)| *scripted == operation)?;
        self.script.remove(at).map(|(_, trouble)| trouble)
    }

    pub(super) fn load(&mut self, name: &str) -> Option<Stored> {
        let now = Instant::now();
        let kept = self.records.get(name)?;
        if kept.forget_at.is_some_and(|at| at <= now) {
            self.records.remove(name);
            return None;
        }
        let stored = Stored::new(kept.record.clone(), kept.version.clone());
        Some(match self.tells_no_age {
            true => stored,
            false => stored.age(now - kept.written),
        })
    }

    pub(super) fn compare_and_set(
        &mut self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
        keep_for: Duration,
    ) -> Option<Version> {
        let found = self.load(name);
        if found.as_ref().map(Stored::version) != expected {
            self.counts.conflicts += 1;
            return None;
        }
        Some(self.put(name, record, Some(keep_for)))
    }

    pub(super) fn put(&mut self, name: &str, record: &[u8], keep_for: Option<Duration>) -> Version {
        let version = self.next_version();
        let now = Instant::now();
        let kept = Kept {
            record: record.to_vec(),
            version: version.clone(),
            written: now,
            forget_at: keep_for.and_then(|keep_for| now.checked_add(keep_for)),
        };
        self.records.insert(name.to_owned(), kept);
        version
    }

    pub(super) fn next_version(&mut self) -> Version {
        self.version += 1;
        Version::new(self.version.to_string())
    }

    pub(super) fn remove(&mut self, name: &str, expected: &Version) -> bool {
        let is_there = self.load(name).is_some_and(|it| it.version() == expected);
        if is_there {
            self.records.remove(name);
        }
        is_there
    }

    pub(super) fn lease(&mut self, name: &str, owner: &Owner, ttl: Duration) -> bool {
        let now = Instant::now();
        let held = self.leases.get(name);
        if held.is_some_and(|(holder, until)| holder != owner && now < *until) {
            self.counts.leases_refused += 1;
            return false;
        }
        let until = now + ttl;
        self.leases.insert(name.to_owned(), (owner.clone(), until));
        true
    }

    pub(super) fn release(&mut self, name: &str, owner: &Owner) {
        if self.holder(name).is_some_and(|holder| holder == owner) {
            self.leases.remove(name);
        }
    }

    pub(super) fn holder(&self, name: &str) -> Option<&Owner> {
        let (holder, until) = self.leases.get(name)?;
        (Instant::now() < *until).then_some(holder)
    }

    /// Those of records that were not forgotten, sorted.
    pub(super) fn names(&mut self) -> Vec<String> {
        let mut names: Vec<_> = self.records.keys().cloned().collect();
        names.retain(|name| self.load(name).is_some());
        names.sort();
        names
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.leases.clear();
    }
}
