//! [`Locked`]: the state of a session under its lock, and what is only done when the lock is free.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::origins::Origins;
#[cfg(feature = "store")]
use crate::session::fleet::Fleet;
use crate::session::state::State;
use crate::session::trace::Log;
use crate::session::waiters::Waiters;
use crate::source::DynTokenSource;
use crate::token::Token;

pub(super) struct Inner {
    pub(super) state: State<Waiters>,
    pub(super) source: Arc<dyn DynTokenSource>,
    pub(super) origins: Origins,
    #[cfg(feature = "store")]
    pub(super) fleet: Option<Arc<Fleet>>,
}

/// The state, locked. Events about it are emitted when it is free again.
pub(super) struct Locked<'a> {
    inner: MutexGuard<'a, Inner>,
    /// Dropped after the guard: fields are dropped in their order.
    told: Told<'a>,
    is_watching: &'a AtomicBool,
}

struct Told<'a> {
    log: Log,
    name: Option<&'a str>,
    gone: Vec<Token>,
}

impl<'a> Locked<'a> {
    pub(super) fn new(
        inner: &'a Mutex<Inner>,
        name: Option<&'a str>,
        is_watching: &'a AtomicBool,
    ) -> Self {
        Self {
            // Nothing under the lock leaves the state half changed, should it panic.
            inner: inner.lock().unwrap_or_else(PoisonError::into_inner),
            told: Told {
                log: Log::default(),
                name,
                gone: Vec::new(),
            },
            is_watching,
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
        let is_watching = self.inner.state.is_watching();
        self.is_watching.store(is_watching, Ordering::Relaxed);
        self.told.log = mem::take(&mut self.inner.state.log);
        self.told.gone = mem::take(&mut self.inner.state.gone);
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        mem::take(&mut self.log).notify(self.name);
    }
}
