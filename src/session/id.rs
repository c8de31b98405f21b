//! Which session a login runs for, known to all that happens inside that login.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    static LOGIN_OF: SessionId;
}

/// Tells sessions apart. As an extension of a request it says: this is that session's own login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionId(u64);

impl SessionId {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The session whose login this task runs, if it runs one.
    pub(crate) fn of_this_login() -> Option<Self> {
        LOGIN_OF.try_with(|id| *id).ok()
    }

    /// Runs a login under this session's name.
    pub(super) fn mark<F: Future>(self, login: F) -> TaskLocalFuture<Self, F> {
        LOGIN_OF.scope(self, login)
    }
}
