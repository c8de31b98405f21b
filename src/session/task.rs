//! The task of a login, and how one begins.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::error::AuthError;
use crate::refusal::challenge::Challenge;
use crate::session::deadline::{Deadline, no_runtime};
use crate::session::fetch::fetched;
#[cfg(feature = "store")]
use crate::session::fleet::{Ending, Fleet, FleetLogin};
use crate::session::locked::Locked;
use crate::session::runner::Runner;
#[cfg(feature = "store")]
use crate::session::state::shared::Errand;
use crate::session::state::throttle::LoginCause;
#[cfg(feature = "store")]
use crate::session::state::token::InStore;
use crate::session::state::token::LoginId;
use crate::session::state::{Ask, Ended, State};
use crate::session::trace;
use crate::session::waiters::{Abandoned, Ticket, Waiters};
use crate::source::{DynTokenSource, TokenRequest};

/// Owned by the login's task. Whatever becomes of that task, the session hears of it.
struct Running {
    runner: Arc<Runner>,
    id: LoginId,
    has_ended: bool,
}

/// What a login needs.
struct Job {
    source: Arc<dyn DynTokenSource>,
    request: TokenRequest,
    #[cfg(feature = "store")]
    fleet: Option<Arc<Fleet>>,
    #[cfg(feature = "store")]
    errand: Errand,
}

impl Runner {
    /// Begins a login in the background of the requests that use the token in hand.
    pub(crate) fn renew_ahead(self: &Arc<Self>) {
        let mut inner = self.lock();
        self.bump_epoch();
        if inner.state.is_due(Instant::now()) {
            // Without a runtime it is put off: the next request that needs a login gets the error.
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
        let job = Job {
            source: inner.source.clone(),
            #[cfg(feature = "store")]
            fleet: inner.fleet.clone(),
            #[cfg(feature = "store")]
            errand: inner.state.errand(request.clone()),
            request,
        };
        self.bump_epoch();
        drop(inner);
        drop(overdue);
        Running::new(self.clone(), id).spawn(job, abandoned)?;
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

    /// Runs the login detached from the request that asked for it. Not under the lock: a runtime
    /// that shuts down drops the task at once.
    fn spawn(self, job: Job, abandoned: Abandoned) -> Result<(), AuthError> {
        let runtime = Handle::try_current().map_err(|_| no_runtime())?;
        // Without a timer the task would panic.
        Deadline::after(Duration::ZERO)?;
        let session = self.runner.id();
        let span = trace::LoginSpan::new(&job.request, self.runner.name());
        let login = self.run(job, abandoned);
        runtime.spawn(span.around(session.mark(login)));
        Ok(())
    }

    async fn run(mut self, job: Job, abandoned: Abandoned) {
        let limit = self.runner.policy.login_timeout;
        #[cfg(feature = "store")]
        if let Some(fleet) = &job.fleet {
            let is_look = job.errand.is_look;
            let ending =
                match FleetLogin::new(&self.runner, self.id, &*job.source, fleet, job.errand) {
                    // In this order, or a login is made that was abandoned before it began.
                    Ok(login) => match select(abandoned, pin!(login.run())).await {
                        Either::Right((ending, _)) => ending,
                        Either::Left(_) => return,
                    },
                    Err(_) if is_look => Ending::NothingNew,
                    Err(error) => Ending::Fetched(Err(error), InStore::default()),
                };
            self.end_shared(ending);
            return;
        }
        let fetch = pin!(fetched(&*job.source, job.request, limit));
        // In this order, or the source is asked for a login that was abandoned before it began.
        if let Either::Right((outcome, _)) = select(abandoned, fetch).await {
            // What it was made from is a user's, and not to be dropped under the lock.
            let _outcome = outcome.clone();
            self.end(|state, id, now| state.end(id, outcome, now));
        }
    }

    fn end(
        &mut self,
        end: impl FnOnce(&mut State<Waiters>, LoginId, Instant) -> Option<Ended<Waiters>>,
    ) {
        self.has_ended = true;
        let now = Instant::now();
        let ended = self
            .runner
            .update(|inner| end(&mut inner.state, self.id, now));
        if let Some((waiters, outcome)) = ended {
            waiters.notify(outcome);
        }
    }

    #[cfg(feature = "store")]
    fn end_shared(&mut self, ending: Ending) {
        // What they were made from is a user's, as above.
        match ending {
            Ending::Fetched(outcome, in_store) => {
                let _outcome = outcome.clone();
                self.end(|state, id, now| state.end_shared(id, outcome, in_store, now));
            }
            Ending::Adopted(adopted) => self.end(|state, id, now| state.adopt(id, adopted, now)),
            Ending::Told(error, rest) => {
                let _error = error.clone();
                self.end(|state, id, now| state.note_told(id, error, rest, now));
            }
            Ending::NothingNew => self.end_look(),
        }
    }

    #[cfg(feature = "store")]
    fn end_look(&mut self) {
        self.has_ended = true;
        let now = Instant::now();
        let ended = self
            .runner
            .update(|inner| inner.state.note_nothing_new(self.id, now));
        // Without an error they hear that it is gone, and ask again.
        if let Some((waiters, Some(error))) = ended {
            waiters.notify(Err(error));
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
