//! The state behind its lock, and how it is changed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::SessionId;
use super::gate::Cause;
use super::login::{Login, Outcome, Running, Waiters};
use super::policy::Policy;
use super::state::State;
use crate::source::DynTokenSource;
use crate::{AuthError, Scope};

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
    pub(super) scope: Scope,
    /// Those of the login under way.
    pub(super) waiters: Option<Waiters>,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing under the lock leaves the state half changed, should it panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes every clone look again. To be called under the lock.
    pub(super) fn touch(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }

    pub(super) fn begin(
        self: &Arc<Self>,
        mut inner: MutexGuard<'_, Inner>,
        cause: Cause,
    ) -> Result<Login, AuthError> {
        let id = inner.state.begin(cause, Instant::now());
        let stale = inner.state.in_hand().map(|issued| issued.token.clone());
        let running = Running::new(self.clone(), inner.source.clone(), id);
        let waiters = Waiters::new();
        let login = waiters.login.clone();
        let given_up = inner.waiters.replace(waiters);
        self.touch();
        drop(inner);
        drop(given_up);
        running.spawn(stale)?;
        Ok(login)
    }

    /// Changes the state, and tells those of the waiters that it hands out. Without an outcome they
    /// find that their login is gone.
    pub(super) fn settle(
        &self,
        change: impl FnOnce(&mut Inner) -> Option<(Waiters, Option<Outcome>)>,
    ) {
        let mut inner = self.lock();
        // What it was made from is a user's, and not to be dropped under the lock.
        let _error = inner.state.failure().cloned();
        let over = change(&mut inner);
        self.touch();
        drop(inner);
        if let Some((waiters, Some(outcome))) = over {
            waiters.tell(outcome);
        }
    }
}
