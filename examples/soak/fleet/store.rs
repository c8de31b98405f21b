//! The store that the processes share, and what becomes of it.

use std::collections::BTreeSet;
use std::fs;
use std::future::pending;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;
use tower::BoxError;
use tower_bearer::store::{File, Key, Owner, StoreError, Stored, TokenCache, TokenStore, Version};

use super::damage::{Damage, open_to_others};
#[cfg(feature = "store-redis")]
use super::redis::RedisServer;

const KEY: [u8; 32] = [7; 32];

/// How long an operation may take: no longer than a token lives.
const STORE_TIMEOUT: Duration = Duration::from_millis(100);

/// Where the records are. Each process opens it for itself.
pub(super) struct Place {
    kind: Kind,
    outage: Arc<Mutex<Option<Outage>>>,
    names: Arc<Mutex<BTreeSet<String>>>,
}

enum Kind {
    File(PathBuf),
    #[cfg(feature = "store-redis")]
    Redis(RedisServer),
}

/// What the store does instead of what it is asked for. A disk does not do that on demand, so the
/// processes do it for it; a Redis server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outage {
    Down,
    Hangs,
    Full,
    /// It loses all that it had, once.
    Emptied,
}

/// A store as one process has it.
struct Unsteady<S> {
    inner: S,
    outage: Arc<Mutex<Option<Outage>>>,
    names: Arc<Mutex<BTreeSet<String>>>,
}

impl Place {
    pub(super) fn new(store: &str, directory: PathBuf) -> Result<Self, BoxError> {
        let kind = match store {
            "file" => Kind::File(directory),
            #[cfg(feature = "store-redis")]
            "redis" => Kind::Redis(RedisServer::start()?),
            _ => return Err("the store is `file`, or `redis` with `store-redis`".into()),
        };
        Ok(Self {
            kind,
            outage: Arc::default(),
            names: Arc::default(),
        })
    }

    pub(super) fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File(_))
    }

    pub(super) fn cache(&self) -> Result<TokenCache, BoxError> {
        let key = Key::new(KEY);
        let cache = match &self.kind {
            Kind::File(at) => TokenCache::encrypted(self.unsteady(File::in_dir(at)), key),
            #[cfg(feature = "store-redis")]
            Kind::Redis(server) => {
                let store = tower_bearer::store::Redis::from_url(&server.url())?;
                TokenCache::encrypted(self.unsteady(store), key)
            }
        };
        Ok(cache.store_timeout(STORE_TIMEOUT))
    }

    /// For so long.
    pub(super) async fn suffer(&self, outage: Outage, time: Duration) -> Result<(), BoxError> {
        match &self.kind {
            Kind::File(at) if outage == Outage::Emptied => {
                // In one step: whoever writes meanwhile makes it anew.
                let gone = at.with_extension("gone");
                fs::rename(at, &gone)?;
                fs::remove_dir_all(gone)?;
                sleep(time).await;
            }
            Kind::File(_) => {
                *lock(&self.outage) = Some(outage);
                sleep(time).await;
                *lock(&self.outage) = None;
            }
            #[cfg(feature = "store-redis")]
            Kind::Redis(server) => {
                match outage {
                    Outage::Down => server.kill()?,
                    Outage::Hangs => server.pause(time)?,
                    Outage::Full => server.set_full(true)?,
                    Outage::Emptied => server.flush()?,
                }
                sleep(time).await;
                match outage {
                    Outage::Down => server.restart()?,
                    Outage::Full => server.set_full(false)?,
                    Outage::Hangs | Outage::Emptied => {}
                }
            }
        }
        Ok(())
    }

    /// Damages each record. Returns how many there were.
    pub(super) async fn damage(&self, damage: Damage) -> Result<usize, BoxError> {
        let names = lock(&self.names).clone();
        match &self.kind {
            Kind::File(at) if damage == Damage::OpenToOthers => open_to_others(at),
            Kind::File(at) => damage.done_to(&File::in_dir(at), names).await,
            #[cfg(feature = "store-redis")]
            Kind::Redis(server) => {
                let store = tower_bearer::store::Redis::from_url(&server.url())?;
                damage.done_to(&store, names).await
            }
        }
    }

    fn unsteady<S>(&self, inner: S) -> Unsteady<S> {
        Unsteady {
            inner,
            outage: self.outage.clone(),
            names: self.names.clone(),
        }
    }
}

impl<S> Unsteady<S> {
    async fn admit(&self, writes: bool) -> Result<(), StoreError> {
        let outage = *lock(&self.outage);
        match outage {
            Some(Outage::Down) => Err(StoreError::unavailable("down on purpose")),
            Some(Outage::Hangs) => pending().await,
            Some(Outage::Full) if writes => Err(StoreError::refused("full on purpose")),
            Some(Outage::Full | Outage::Emptied) | None => Ok(()),
        }
    }
}

impl<S: TokenStore> TokenStore for Unsteady<S> {
    async fn load(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        lock(&self.names).insert(name.to_owned());
        self.admit(false).await?;
        self.inner.load(name).await
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
        keep_for: Duration,
    ) -> Result<Option<Version>, StoreError> {
        self.admit(true).await?;
        let set = self.inner.compare_and_set(name, expected, record, keep_for);
        set.await
    }

    async fn remove(&self, name: &str, expected: &Version) -> Result<bool, StoreError> {
        self.admit(true).await?;
        self.inner.remove(name, expected).await
    }

    async fn lease(&self, name: &str, owner: &Owner, ttl: Duration) -> Result<bool, StoreError> {
        self.admit(false).await?;
        self.inner.lease(name, owner, ttl).await
    }

    /// A disk that hangs does not keep a process from unlocking.
    async fn release(&self, name: &str, owner: &Owner) -> Result<(), StoreError> {
        self.inner.release(name, owner).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
