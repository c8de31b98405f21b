//! [`Memory`]: a store for tests.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::state::{Shared, State, StoreCounts, StoreOperation, StoreTrouble};
use crate::store::{Owner, StoreError, Stored, TokenStore, Version};

/// A [`TokenStore`] in memory, which fails on demand. Clones are cheap and share everything, so
/// that sessions of one test share a token as processes do.
///
/// It reads time through tokio's clock only, so a test can pause it. It forgets a record as soon as
/// it may.
///
/// ```
/// use std::time::Duration;
/// use tower_bearer::store::TokenStore;
/// use tower_bearer::testing::{Memory, StoreOperation, StoreTrouble};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_bearer::store::StoreError> {
/// let store = Memory::new();
/// store.script(StoreOperation::Set, StoreTrouble::Torn);
/// store.compare_and_set("name", None, b"record", Duration::from_secs(60)).await?;
///
/// let stored = store.load("name").await?.unwrap();
/// assert_eq!(stored.record(), b"rec");
/// assert_eq!(store.counts().sets, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Memory {
    shared: Arc<Shared>,
}

impl Memory {
    /// Creates an empty store that answers at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next operation of this kind go wrong. Each call is for one more of them.
    pub fn script(&self, operation: StoreOperation, trouble: StoreTrouble) {
        self.shared.lock().script(operation, trouble);
    }

    /// Makes every operation fail from now on, or no longer.
    pub fn set_down(&self, is_down: bool) {
        self.shared.lock().is_down = is_down;
    }

    /// Sets how long each operation takes before it has its effect. Defaults to none.
    pub fn latency(&self, latency: Duration) {
        self.shared.lock().latency = latency;
    }

    /// Makes it say the age of records, or no longer. Defaults to saying it.
    pub fn tells_age(&self, tells_age: bool) {
        self.shared.lock().tells_no_age = !tells_age;
    }

    /// Returns the record under this name.
    pub fn record(&self, name: &str) -> Option<Vec<u8>> {
        let stored = self.shared.lock().load(name)?;
        Some(stored.record().to_vec())
    }

    /// Puts a record under this name, whatever is there, and keeps it.
    pub fn put(&self, name: &str, record: &[u8]) {
        self.shared.lock().put(name, record, None);
    }

    /// Returns the names of all records, sorted.
    pub fn names(&self) -> Vec<String> {
        self.shared.lock().names()
    }

    /// Returns who holds the lease of this name now.
    pub fn lease_holder(&self, name: &str) -> Option<Owner> {
        self.shared.lock().holder(name).cloned()
    }

    /// Forgets all records and leases.
    pub fn clear(&self) {
        self.shared.lock().clear();
    }

    /// Returns what it was asked so far.
    pub fn counts(&self) -> StoreCounts {
        self.shared.lock().counts
    }

    /// Counts an operation when it begins, and says what is to go wrong with it when its time has
    /// passed.
    async fn begin(&self, operation: StoreOperation) -> Result<Option<StoreTrouble>, StoreError> {
        let (latency, trouble) = {
            let mut state = self.shared.lock();
            state.count(operation);
            (state.latency, state.trouble(operation))
        };
        if !latency.is_zero() {
            sleep(latency).await;
        }
        match trouble {
            Some(StoreTrouble::Fail) => Err(StoreError::unavailable("it is down")),
            Some(StoreTrouble::Refuse) => Err(StoreError::refused("it is full")),
            Some(StoreTrouble::Hang) => pending().await,
            trouble => Ok(trouble),
        }
    }
}

impl State {
    fn count(&mut self, operation: StoreOperation) {
        let counts = &mut self.counts;
        *match operation {
            StoreOperation::Load => &mut counts.loads,
            StoreOperation::Set => &mut counts.sets,
            StoreOperation::Remove => &mut counts.removes,
            StoreOperation::Lease => &mut counts.leases,
            StoreOperation::Release => &mut counts.releases,
        } += 1;
    }
}

impl TokenStore for Memory {
    async fn load(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        let trouble = self.begin(StoreOperation::Load).await?;
        let stored = self.shared.lock().load(name);
        match (trouble, stored) {
            (Some(StoreTrouble::FailAfter), _) => Err(lost()),
            (Some(StoreTrouble::Lose | StoreTrouble::Conflict), _) => Ok(None),
            (Some(StoreTrouble::Torn), Some(stored)) => {
                let half = &stored.record()[..stored.record().len() / 2];
                Ok(Some(Stored::new(half, stored.version().clone())))
            }
            (_, stored) => Ok(stored),
        }
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
        keep_for: Duration,
    ) -> Result<Option<Version>, StoreError> {
        let trouble = self.begin(StoreOperation::Set).await?;
        let mut state = self.shared.lock();
        let record = match trouble {
            Some(StoreTrouble::Conflict) => return Ok(None),
            Some(StoreTrouble::Lose) => return Ok(Some(state.next_version())),
            Some(StoreTrouble::Torn) => &record[..record.len() / 2],
            _ => record,
        };
        let set = state.compare_and_set(name, expected, record, keep_for);
        answer(trouble, set)
    }

    async fn remove(&self, name: &str, expected: &Version) -> Result<bool, StoreError> {
        let trouble = self.begin(StoreOperation::Remove).await?;
        match trouble {
            Some(StoreTrouble::Conflict) => Ok(false),
            Some(StoreTrouble::Lose) => Ok(true),
            _ => answer(trouble, self.shared.lock().remove(name, expected)),
        }
    }

    async fn lease(&self, name: &str, owner: &Owner, ttl: Duration) -> Result<bool, StoreError> {
        let trouble = self.begin(StoreOperation::Lease).await?;
        match trouble {
            Some(StoreTrouble::Conflict) => Ok(false),
            Some(StoreTrouble::Lose) => Ok(true),
            _ => answer(trouble, self.shared.lock().lease(name, owner, ttl)),
        }
    }

    async fn release(&self, name: &str, owner: &Owner) -> Result<(), StoreError> {
        let trouble = self.begin(StoreOperation::Release).await?;
        if trouble == Some(StoreTrouble::Lose) {
            return Ok(());
        }
        self.shared.lock().release(name, owner);
        answer(trouble, ())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

fn answer<T>(trouble: Option<StoreTrouble>, done: T) -> Result<T, StoreError> {
    match trouble {
        Some(StoreTrouble::FailAfter) => Err(lost()),
        _ => Ok(done),
    }
}

fn lost() -> StoreError {
    StoreError::unavailable("its answer was lost")
}
