//! The task of a login, and how one begins.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, select};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::error::AuthError;
use crate::refusal::challenge::Challenge;
use crate::session::deadline::{Deadline, no_runtime};
use crate::session::runner::{Locked, Runner};
use crate::session::state::Ask;
use crate::session::state::throttle::LoginCause;
use crate::session::state::token::LoginId;
use crate::session::trace;
use crate::session::waiters::{Abandoned, Ticket, Waiters};
use crate::source::{DynTokenSource, TokenRequest};
use crate::token::Token;

/// Owned by the login's task. Whatever becomes of that task, the session hears of it.
struct Running {
    runner: Arc<Runner>,
    id: LoginId,
    has_ended: bool,
}

impl Runner {
    /// Begins a login in the background of the requests that use the token in hand.
    pub(crate) fn renew_ahead(self: &Arc<Self>) {
        let mut inner = self.lock();
        self.bump_epoch();
        if inner.state.is_due(Instant::now()) {
            // Without a runtime it is put off: whoever needs a login then is told.
            let _ = self.begin(inner, LoginCause::Ahead, Ask::Token, Arc::default());
        }
    }

    pub(super) fn begin(
        self: &Arc<Self>,
        mut inner: Locked<'_>,
        cause: LoginCause,
        ask: Ask,
        challenges: Arc<[Challenge]>,
    ) -> Result<Ticket, AuthError> {
        let request = inner.state.request(cause, challenges);
        let (waiters, abandoned) = Waiters::new();
        let now = Instant::now();
        let mut ticket = waiters.ticket(None, true);
        let (id, overdue) = inner.state.begin(cause, waiters, now);
        let (ask_again_at, is_held_back) = inner.state.ask_again_at(ask);
        ticket.ask_again_at = ask_again_at;
        ticket.released.take_if(|_| !is_held_back);
        let source = inner.source.clone();
        self.bump_epoch();
        drop(inner);
        drop(overdue);
        Running::new(self.clone(), id).spawn(source, request, abandoned)?;
        Ok(ticket)
    }
}

impl Running {
    fn new(runner: Arc<Runner>, id: LoginId) -> Self {
        Self {
            runner,
            id,
            has_ended: false,
        }
    }

    /// Runs the login detached from whoever asked for it. Not under the lock: a runtime that shuts
    /// down drops the task at once.
    fn spawn(
        self,
        source: Arc<dyn DynTokenSource>,
        request: TokenRequest,
        abandoned: Abandoned,
    ) -> Result<(), AuthError> {
        let runtime = Handle::try_current().map_err(|_| no_runtime())?;
        // Without a timer the task would panic.
        Deadline::after(Duration::ZERO)?;
        let session = self.runner.id();
        let span = trace::LoginSpan::new(&request, self.runner.name());
        let login = self.run(source, request, abandoned);
        runtime.spawn(span.around(session.mark(login)));
        Ok(())
    }

    async fn run(
        mut self,
        source: Arc<dyn DynTokenSource>,
        request: TokenRequest,
        abandoned: Abandoned,
    ) {
        let limit = self.runner.policy.login_timeout;
        // A source may panic before it returns its future, too.
        let fetch = AssertUnwindSafe(async { source.fetch(request).await }).catch_unwind();
        let fetch = pin!(timeout(limit, fetch));
        // In this order, or the source is asked for a login that was abandoned before it began.
        let outcome = match select(abandoned, fetch).await {
            Either::Right((Ok(Ok(outcome)), _)) => outcome,
            Either::Right((Ok(Err(panic)), _)) => Err(panicked(&*panic)),
            Either::Right((Err(_elapsed), _)) => Err(AuthError::timed_out(limit)),
            Either::Left(_) => return,
        };
        self.end(outcome);
    }

    fn end(&mut self, outcome: Result<Token, AuthError>) {
        self.has_ended = true;
        // What it was made from is a user's, and not to be dropped under the lock.
        let _error = outcome.as_ref().err().cloned();
        let now = Instant::now();
        let ended = self
            .runner
            .update(|inner| inner.state.end(self.id, outcome, now));
        if let Some((waiters, outcome)) = ended {
            waiters.notify(outcome);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        // Its runtime shut down, or nobody has a use for it any more.
        let now = Instant::now();
        self.runner
            .update(|inner| inner.state.give_up(self.id, now));
    }
}

fn panicked(panic: &(dyn Any + Send)) -> AuthError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    AuthError::unavailable(match text {
        Some(text) => format!("the token source panicked: {text}"),
        None => "the token source panicked".to_owned(),
    })
}
