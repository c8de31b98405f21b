//! The state behind its lock, and how it is changed.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::SessionId;
use super::policy::Policy;
use super::state::State;
use super::state::throttle::LoginCause;
use super::waiters::{Login, Outcome, Running, Waiters};
use crate::session::trace::Log;
use crate::source::DynTokenSource;
use crate::{AuthError, Origins};

pub(super) struct Shared {
    pub(super) id: SessionId,
    pub(super) policy: Policy,
    /// Moves under the lock only.
    pub(super) epoch: AtomicU64,
    pub(super) inner: Mutex<Inner>,
}

pub(super) struct Inner {
    pub(super) state: State,
    pub(super) source: Arc<dyn DynTokenSource>,
    pub(super) origins: Origins,
    /// Those of the login under way.
    pub(super) waiters: Option<Waiters>,
}

/// The state, locked. What happened to it is told when it is free again.
pub(super) struct Locked<'a> {
    inner: MutexGuard<'a, Inner>,
    /// Dropped after the guard: fields are dropped in their order.
    log: Log,
}

impl Shared {
    pub(super) fn lock(&self) -> Locked<'_> {
        Locked {
            // Nothing under the lock leaves the state half changed, should it panic.
            inner: self.inner.lock().unwrap_or_else(PoisonError::into_inner),
            log: Log::default(),
        }
    }

    /// Makes every clone look again. To be called under the lock.
    pub(super) fn bump_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }

    pub(super) fn begin(
        self: &Arc<Self>,
        mut inner: Locked<'_>,
        cause: LoginCause,
    ) -> Result<Login, AuthError> {
        let request = inner.state.request(cause, Arc::default());
        let id = inner.state.begin(cause, Instant::now());
        let running = Running::new(self.clone(), inner.source.clone(), id);
        let waiters = Waiters::new();
        let login = waiters.login.clone();
        let given_up = inner.waiters.replace(waiters);
        self.bump_epoch();
        drop(inner);
        drop(given_up);
        running.spawn(request)?;
        Ok(login)
    }

    /// Changes the state, and tells those of the waiters that it hands out. Without an outcome they
    /// find that their login is gone.
    pub(super) fn update(
        &self,
        change: impl FnOnce(&mut Inner) -> Option<(Waiters, Option<Outcome>)>,
    ) {
        let mut inner = self.lock();
        // What it was made from is a user's, and not to be dropped under the lock.
        let _error = inner.state.failure().cloned();
        let over = change(&mut inner);
        self.bump_epoch();
        drop(inner);
        if let Some((waiters, Some(outcome))) = over {
            waiters.notify(outcome);
        }
    }
}

impl Deref for Locked<'_> {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.inner
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.log = mem::take(&mut self.inner.state.log);
    }
}
