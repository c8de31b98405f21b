//! A login under way: the task that runs it, and what those who wait for it hold.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures::FutureExt;
use futures::future::Shared as SharedFuture;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::deadline::{Deadline, no_runtime};
use super::runner::Shared;
use super::state::token::{Issued, LoginId};
use crate::error::AuthError;
use crate::session::trace;
use crate::source::{DynTokenSource, TokenRequest};
use crate::token::Token;

/// Each waiter holds a clone. An error of the channel means that the login was lost or given up.
pub(super) type Login = SharedFuture<oneshot::Receiver<Outcome>>;

/// `None`: ask again.
pub(super) type Outcome = Option<Result<Issued, AuthError>>;

/// What the session keeps of a login: the way to its waiters.
pub(super) struct Waiters {
    sender: oneshot::Sender<Outcome>,
    pub(super) login: Login,
}

/// Owned by the login's task. Whatever becomes of that task, the session hears of it.
pub(super) struct Running {
    shared: Arc<Shared>,
    source: Arc<dyn DynTokenSource>,
    id: LoginId,
    ended: bool,
}

impl Waiters {
    pub(super) fn new() -> Self {
        let (sender, receiver) = oneshot::channel();
        Self {
            sender,
            login: receiver.shared(),
        }
    }

    /// Wakes them: not to be called under the lock.
    pub(super) fn notify(self, outcome: Outcome) {
        // That nobody waits any more is no loss: the session has the token.
        let _ = self.sender.send(outcome);
    }
}

impl Running {
    pub(super) fn new(shared: Arc<Shared>, source: Arc<dyn DynTokenSource>, id: LoginId) -> Self {
        Self {
            shared,
            source,
            id,
            ended: false,
        }
    }

    /// Runs the login detached from whoever asked for it. Not under the lock: a runtime that shuts
    /// down drops the task at once.
    pub(super) fn spawn(self, request: TokenRequest) -> Result<(), AuthError> {
        let runtime = Handle::try_current().map_err(|_| no_runtime())?;
        // Without a timer the task would panic.
        Deadline::after(Duration::ZERO)?;
        let session = self.shared.id;
        let span = trace::Login::new(&request);
        runtime.spawn(span.around(session.mark(self.run(request))));
        Ok(())
    }

    async fn run(mut self, request: TokenRequest) {
        let limit = self.shared.policy.login_timeout;
        let fetch = async { self.source.fetch(request).await };
        let outcome = timeout(limit, fetch).await.unwrap_or_else(|_| {
            Err(AuthError::timeout(format!(
                "it took more than {limit:?} (a token source must not wait for its own session)"
            )))
        });
        self.end(outcome);
    }

    fn end(&mut self, outcome: Result<Token, AuthError>) {
        self.ended = true;
        // What it was made from is a user's, and not to be dropped under the lock.
        let _error = outcome.as_ref().err().cloned();
        self.shared.update(|inner| {
            let outcome = inner.state.end(self.id, outcome, Instant::now());
            let over = !inner.state.is_logging_in();
            Some((inner.waiters.take_if(|_| over)?, Some(outcome)))
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if thread::panicking() {
            return self.end(Err(AuthError::unavailable("the token source panicked")));
        }
        self.shared.update(|inner| {
            let given_up = inner.state.give_up(self.id, Instant::now());
            let waiters = inner.waiters.take_if(|_| given_up)?;
            Some((waiters, None))
        });
    }
}
