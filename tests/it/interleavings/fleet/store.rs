//! A store whose operations wait until the scheduler lets them through.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;
use tower_bearer::store::{Owner, StoreError, Stored, TokenStore, Version};
use tower_bearer::testing::Memory;

/// What one session has of it.
#[derive(Clone)]
pub(super) struct Gated {
    pub(super) session: usize,
    pub(super) memory: Memory,
    pub(super) books: Arc<Mutex<Books>>,
}

#[derive(Default)]
pub(super) struct Books {
    /// Those that wait, in the order in which they were asked for. Closed: it was dropped.
    pub(super) operations: Vec<oneshot::Sender<()>>,
    /// Which sessions found the lease taken, and look again after a while.
    pub(super) waiting: [bool; 2],
    /// Which session has written a record, and by which operation.
    pub(super) written: Vec<(usize, usize)>,
    /// How many operations were let through.
    pub(super) done: usize,
}

impl Books {
    pub(super) fn forget_the_dropped(&mut self) {
        self.operations.retain(|gate| !gate.is_closed());
    }

    pub(super) fn let_through(&mut self, operation: usize) {
        self.operations.remove(operation).send(()).unwrap();
    }
}

impl Gated {
    /// Waits to be let through, and returns how many were before it.
    async fn admitted(&self) -> usize {
        let (gate, opened) = oneshot::channel();
        self.books.lock().unwrap().operations.push(gate);
        opened.await.unwrap();
        let mut books = self.books.lock().unwrap();
        books.waiting[self.session] = false;
        books.done += 1;
        books.done - 1
    }
}

impl TokenStore for Gated {
    async fn load(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        self.admitted().await;
        self.memory.load(name).await
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
        keep_for: Duration,
    ) -> Result<Option<Version>, StoreError> {
        let number = self.admitted().await;
        let set = self
            .memory
            .compare_and_set(name, expected, record, keep_for);
        let set = set.await?;
        if set.is_some() {
            let mut books = self.books.lock().unwrap();
            books.written.push((self.session, number));
        }
        Ok(set)
    }

    async fn remove(&self, name: &str, expected: &Version) -> Result<bool, StoreError> {
        self.admitted().await;
        self.memory.remove(name, expected).await
    }

    async fn lease(&self, name: &str, owner: &Owner, ttl: Duration) -> Result<bool, StoreError> {
        self.admitted().await;
        let leased = self.memory.lease(name, owner, ttl).await?;
        self.books.lock().unwrap().waiting[self.session] = !leased;
        Ok(leased)
    }

    async fn release(&self, name: &str, owner: &Owner) -> Result<(), StoreError> {
        self.admitted().await;
        self.memory.release(name, owner).await
    }
}
