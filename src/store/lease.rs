//! [`Lease`]: the right to log in for all, given back whatever happens.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures::future::{Either, select};
use tokio::runtime::{Builder, Handle};
use tokio::time::{sleep, timeout};

use crate::store::error::StoreError;
use crate::store::mirror::DynTokenStore;
use crate::store::stored::Owner;

/// Given back in the background when it is dropped.
pub(crate) struct Lease {
    release: Option<Release>,
    ttl: Duration,
}

/// What it takes to give a lease back. If it is dropped before that was done, as with its runtime,
/// a thread does it.
struct Release {
    held: Option<Held>,
}

#[derive(Clone)]
struct Held {
    store: Arc<dyn DynTokenStore>,
    name: Arc<str>,
    owner: Owner,
    limit: Duration,
}

impl Lease {
    pub(super) fn new(
        store: Arc<dyn DynTokenStore>,
        name: Arc<str>,
        ttl: Duration,
        limit: Duration,
    ) -> Self {
        let held = Held {
            store,
            name,
            // Not the session's: an older login's lease may be on its way back yet.
            owner: Owner::new(),
            limit,
        };
        let held = Some(held);
        Self {
            release: Some(Release { held }),
            ttl,
        }
    }

    /// Returns whether it is held.
    pub(super) async fn extend(&self) -> Result<bool, StoreError> {
        match self.release.as_ref().and_then(|it| it.held.as_ref()) {
            Some(held) => held.extend(self.ttl).await,
            None => Ok(false),
        }
    }

    /// Keeps it while the work is done. Should it be lost meanwhile, the compare-and-set will tell.
    pub(crate) async fn hold<F: Future>(&self, work: F) -> F::Output {
        match select(pin!(work), pin!(self.keep_extending())).await {
            Either::Left((output, _)) => output,
            Either::Right((never, _)) => match never {},
        }
    }

    pub(crate) async fn release(mut self) -> Result<(), StoreError> {
        match self.release.take() {
            Some(release) => release.run().await,
            None => Ok(()),
        }
    }

    /// It was never held.
    pub(super) fn forget(mut self) {
        if let Some(mut release) = self.release.take() {
            release.held = None;
        }
    }

    async fn keep_extending(&self) -> Infallible {
        loop {
            sleep(self.ttl / 3).await;
            // A store that does not answer now may do so at the next try.
            if let Ok(false) = self.extend().await {
                return pending().await;
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(release) = self.release.take() else {
            return;
        };
        // Elsewhere a thread does it.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(release.run());
        }
    }
}

impl Release {
    async fn run(mut self) -> Result<(), StoreError> {
        let Some(held) = self.held.clone() else {
            return Ok(());
        };
        let released = held.release().await;
        self.held = None;
        released
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else {
            return;
        };
        let thread = thread::Builder::new().name("tower-bearer-lease".to_owned());
        // Without a thread or a runtime it ends with its time.
        let _ = thread.spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(held.release()))
        });
    }
}

impl Held {
    async fn extend(&self, ttl: Duration) -> Result<bool, StoreError> {
        let lease = self.store.lease(&self.name, &self.owner, ttl);
        let outcome = timeout(self.limit, lease).await;
        outcome.unwrap_or_else(|_elapsed| Err(StoreError::timed_out(self.limit)))
    }

    async fn release(&self) -> Result<(), StoreError> {
        let release = self.store.release(&self.name, &self.owner);
        let outcome = timeout(self.limit, release).await;
        outcome.unwrap_or_else(|_elapsed| Err(StoreError::timed_out(self.limit)))
    }
}
