//! A login under way: the task that runs it, and what those who wait for it hold.

use std::sync::Arc;
use std::thread;

use futures::FutureExt;
use futures::future::Shared as SharedFuture;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::Shared;
use super::deadline::no_runtime;
use super::state::{Issued, LoginId};
use crate::{AuthError, Token};

/// Each waiter holds a clone. An error of the channel means that the login was lost.
pub(super) type Login = SharedFuture<oneshot::Receiver<Outcome>>;

pub(super) type Outcome = Result<Issued, AuthError>;

/// Owned by the login's task. Whatever becomes of that task, the session hears of it.
pub(super) struct Running {
    shared: Arc<Shared>,
    id: LoginId,
    waiters: Option<oneshot::Sender<Outcome>>,
}

impl Running {
    pub(super) fn new(shared: Arc<Shared>, id: LoginId) -> (Self, Login) {
        let (sender, receiver) = oneshot::channel();
        let running = Self {
            shared,
            id,
            waiters: Some(sender),
        };
        (running, receiver.shared())
    }

    /// Runs the login detached from whoever asked for it. Not under the lock: a runtime that shuts
    /// down drops the task at once.
    pub(super) fn spawn(self, stale: Option<Token>) -> Result<(), AuthError> {
        let runtime = Handle::try_current().map_err(|_| no_runtime())?;
        let session = self.shared.id;
        runtime.spawn(session.mark(self.run(stale)));
        Ok(())
    }

    async fn run(self, stale: Option<Token>) {
        let setup = &self.shared.setup;
        let limit = setup.login_timeout;
        let outcome = timeout(limit, async { setup.source.fetch(stale.as_ref()).await }).await;
        self.end(outcome.unwrap_or_else(|_| {
            Err(AuthError::timeout(format!(
                "it took more than {limit:?} (a token source must not wait for its own session)"
            )))
        }));
    }

    fn end(mut self, outcome: Result<Token, AuthError>) {
        self.settle(outcome);
    }

    fn settle(&mut self, outcome: Result<Token, AuthError>) {
        let mut inner = self.shared.lock();
        let outcome = inner.state.end(self.id, outcome, Instant::now());
        let login = outcome.as_ref().and_then(|_| inner.login.take());
        self.shared.touch();
        drop(inner);
        if let (Some(waiters), Some(outcome)) = (self.waiters.take(), outcome) {
            // That nobody waits any more is no loss: the session has the token.
            let _ = waiters.send(outcome);
        }
        drop(login);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.waiters.is_none() {
            return;
        }
        if thread::panicking() {
            return self.settle(Err(AuthError::unavailable("the token source panicked")));
        }
        let mut inner = self.shared.lock();
        let given_up = inner.state.give_up(self.id);
        let login = if given_up { inner.login.take() } else { None };
        self.shared.touch();
        drop(inner);
        drop(login);
    }
}
