//! How a check drives a store: each operation on a task, with a time limit.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task;
use tokio::time::timeout;

use super::fault::{StoreFault, TIME_LIMIT};
use crate::store::{Owner, StoreError, Stored, TokenStore, Version};

pub(super) const HOUR: Duration = Duration::from_secs(3600);

pub(super) type Checked<T = ()> = Result<T, StoreFault>;

pub(super) struct Driver<S> {
    pub(super) store: Arc<S>,
    prefix: String,
}

impl<S: TokenStore> Driver<S> {
    pub(super) fn new(store: S) -> Self {
        Self {
            store: Arc::new(store),
            prefix: format!("check-{}", Owner::new().as_str()),
        }
    }

    pub(super) fn name(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.prefix)
    }

    pub(super) async fn is(&self, name: &str, record: &[u8]) -> Checked<bool> {
        let found = self.load(name).await?;
        Ok(found.is_some_and(|found| found.record() == record))
    }

    pub(super) async fn load(&self, name: &str) -> Checked<Option<Stored>> {
        let (store, name) = (self.store.clone(), name.to_owned());
        let load = async move { store.load(&name).await };
        self.on_a_task("a load", load).await
    }

    pub(super) async fn set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
    ) -> Checked<Option<Version>> {
        let (store, name) = (self.store.clone(), name.to_owned());
        let (expected, record) = (expected.cloned(), record.to_vec());
        let set = async move {
            let set = store.compare_and_set(&name, expected.as_ref(), &record, HOUR);
            set.await
        };
        self.on_a_task("a write", set).await
    }

    pub(super) async fn remove(&self, name: &str, expected: &Version) -> Checked<bool> {
        let (store, name, expected) = (self.store.clone(), name.to_owned(), expected.clone());
        let remove = async move { store.remove(&name, &expected).await };
        self.on_a_task("a removal", remove).await
    }

    pub(super) async fn lease_of(&self, name: &str, owner: &Owner, ttl: Duration) -> Checked<bool> {
        let (store, name, owner) = (self.store.clone(), name.to_owned(), owner.clone());
        let lease = async move { store.lease(&name, &owner, ttl).await };
        self.on_a_task("a lease", lease).await
    }

    pub(super) async fn release(&self, name: &str, owner: &Owner) -> Checked {
        let (store, name, owner) = (self.store.clone(), name.to_owned(), owner.clone());
        let release = async move { store.release(&name, &owner).await };
        self.on_a_task("giving a lease back", release).await
    }

    pub(super) async fn on_a_task<T: Send + 'static>(
        &self,
        trial: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Checked<T> {
        match task::spawn(timeout(TIME_LIMIT, work)).await {
            Ok(Ok(Ok(done))) => Ok(done),
            Ok(Ok(Err(error))) => Err(StoreFault::Failed { trial, error }),
            Ok(Err(_late)) => Err(StoreFault::Hung { trial }),
            Err(_panicked) => Err(StoreFault::Panicked { trial }),
        }
    }
}

pub(super) fn wrong(what: &'static str) -> StoreFault {
    StoreFault::Wrong { what }
}
