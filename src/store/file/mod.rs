//! [`File`]: a store for the processes of one machine.

mod disk;
mod lock;
mod problem;
mod thread;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::store::error::StoreError;
use crate::store::file::disk::Disk;
use crate::store::file::lock::Lock;
use crate::store::file::thread::on_a_thread;
use crate::store::stored::{Owner, Stored, Version};
use crate::store::token_store::TokenStore;

/// A [`TokenStore`] in a directory of this machine, for a command-line tool and for processes on
/// one machine.
///
/// Each account has one file. A new version is written to a separate file, synced and renamed, so
/// readers never see half a record. The directory is created at the first write, with mode 0700.
/// Files have mode 0600, and a file that other users can read is not read but replaced. A directory
/// that other users can write to is refused.
///
/// The lease is an operating system lock on another file, which ends when its process ends in any
/// way. Within one process it also ends after its time. The locked files are empty and are not
/// removed. Each operation runs on a separate thread, so it blocks neither the runtime nor its
/// shutdown.
///
/// Every process must run as the same user. This store was not tested on Windows, where the files
/// inherit the access of the directory, or on network file systems, where locks may work
/// differently. Use [`Redis`](crate::store#which-store) for several machines.
///
/// ```
/// use tower_bearer::store::{File, TokenStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_bearer::store::StoreError> {
/// # let home = std::env::temp_dir();
/// // Nothing is made or opened yet.
/// let store = File::in_dir(home.join("my-tool-that-never-logged-in"));
/// assert!(store.load("0123456789abcdef").await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct File {
    shared: Arc<Shared>,
}

struct Shared {
    disk: Disk,
    leases: Mutex<HashMap<String, Lease>>,
}

/// A lease that this process holds.
struct Lease {
    owner: Owner,
    lock: Arc<Lock>,
    until: Instant,
}

/// What is known of a lease without a look at the disk.
enum Known {
    /// The owner has it, if that lock is still the one that others see.
    Own(Arc<Lock>),
    /// Another owner of this process has it.
    Anothers,
    /// No process has it, or another one.
    Nothing,
}

impl File {
    /// Creates a store in a directory, which does not have to exist yet.
    pub fn in_dir(directory: impl Into<PathBuf>) -> Self {
        let shared = Shared {
            disk: Disk::new(directory.into()),
            leases: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = self.shared.clone();
        on_a_thread(move || work(&shared.disk)).await?
    }
}

impl TokenStore for File {
    async fn load(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        let name = name.to_owned();
        self.on_disk(move |disk| disk.load(&name)).await
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
        _keep_for: Duration,
    ) -> Result<Option<Version>, StoreError> {
        let (name, expected) = (name.to_owned(), expected.cloned());
        let record = Zeroizing::new(record.to_vec());
        let set = move |disk: &Disk| disk.compare_and_set(&name, expected.as_ref(), &record);
        self.on_disk(set).await
    }

    async fn remove(&self, name: &str, expected: &Version) -> Result<bool, StoreError> {
        let (name, expected) = (name.to_owned(), expected.clone());
        self.on_disk(move |disk| disk.remove(&name, &expected))
            .await
    }

    async fn lease(&self, name: &str, owner: &Owner, ttl: Duration) -> Result<bool, StoreError> {
        let now = Instant::now();
        let kept = match self.shared.known(name, owner, now) {
            Known::Own(lock) => {
                let (name, known) = (name.to_owned(), lock.clone());
                let is_leased = self.on_disk(move |disk| disk.is_leased(&name, &known));
                // If somebody removed the directory, it holds nobody off any more.
                is_leased.await?.then_some(lock)
            }
            Known::Anothers => return Ok(false),
            Known::Nothing => None,
        };
        let lock = match kept {
            Some(lock) => lock,
            None => {
                // What this process still has of it would be in the way.
                let is_over = |lease: &Lease| lease.owner == *owner || lease.until <= now;
                let over = self.shared.forget(name, is_over);
                let name = name.to_owned();
                let lease = self.on_disk(move |disk| {
                    drop(over);
                    disk.try_lease(&name)
                });
                // If this future is dropped, so is the lock.
                match lease.await? {
                    Some(lock) => Arc::new(lock),
                    None => return Ok(false),
                }
            }
        };
        let lease = Lease {
            owner: owner.clone(),
            lock,
            until: now + ttl,
        };
        self.shared.leases().insert(name.to_owned(), lease);
        Ok(true)
    }

    async fn release(&self, name: &str, owner: &Owner) -> Result<(), StoreError> {
        match self.shared.forget(name, |lease| lease.owner == *owner) {
            Some(lease) => on_a_thread(move || drop(lease)).await,
            None => Ok(()),
        }
    }
}

impl Shared {
    fn leases(&self) -> MutexGuard<'_, HashMap<String, Lease>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, name: &str, owner: &Owner, now: Instant) -> Known {
        match self.leases().get(name) {
            Some(lease) if lease.owner == *owner => Known::Own(lease.lock.clone()),
            Some(lease) if now < lease.until => Known::Anothers,
            _ => Known::Nothing,
        }
    }

    fn forget(&self, name: &str, is_it: impl FnOnce(&Lease) -> bool) -> Option<Lease> {
        let mut leases = self.leases();
        let is_it = leases.get(name).is_some_and(is_it);
        if is_it { leases.remove(name) } else { None }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("directory", &self.shared.disk.directory())
            .finish_non_exhaustive()
    }
}
