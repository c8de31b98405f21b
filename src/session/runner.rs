//! Carries out what the [machine](super::state) decides: holds the lock, and lets those wait who
//! have to. The login itself is run in a [task](super::task).

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::AuthError;
use crate::origins::Origins;
use crate::refusal::challenge::Challenge;
use crate::session::Session;
use crate::session::deadline::Deadline;
#[cfg(feature = "store")]
use crate::session::fleet::Fleet;
use crate::session::id::SessionId;
use crate::session::locked::{Inner, Locked};
use crate::session::policy::Policy;
use crate::session::state::evidence::Key;
use crate::session::state::throttle::LoginCause;
use crate::session::state::token::{Age, Issued, Stamp};
use crate::session::state::{Ask, Decision, State};
use crate::session::step_ups::StepUps;
use crate::session::waiters::{Ticket, Waiters};
use crate::source::DynTokenSource;
#[cfg(feature = "store")]
use crate::store::cache::TokenCache;
use crate::token::Token;

/// What all handles of a session share.
pub(crate) struct Runner {
    id: SessionId,
    name: Option<Arc<str>>,
    pub(super) policy: Policy,
    /// Moves under the lock only.
    epoch: AtomicU64,
    /// Whether acceptances are to be noted.
    is_watching: AtomicBool,
    inner: Mutex<Inner>,
    pub(super) step_ups: StepUps<Session>,
}

pub(super) enum Answer {
    Token(Issued),
    Login(Joined),
}

/// A login that somebody waits for.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) ticket: Ticket,
    /// When to ask again, although the login has not ended.
    pub(super) alarm: Option<Deadline>,
    pub(super) deadline: Deadline,
    pub(super) account_epoch: u64,
}

impl Runner {
    pub(super) fn new(
        source: Arc<dyn DynTokenSource>,
        policy: Policy,
        name: Option<Arc<str>>,
        token: Option<Token>,
        #[cfg(feature = "store")] cache: Option<TokenCache>,
    ) -> Self {
        let id = SessionId::next();
        let mut state = State::new(policy, RandomState::new().hash_one(id));
        if let Some(token) = token {
            state.start_with(token, Instant::now());
        }
        #[cfg(feature = "store")]
        let fleet = cache.map(|cache| Arc::new(Fleet::new(cache, &*source)));
        #[cfg(feature = "store")]
        if let Some(fleet) = &fleet {
            state.share(fleet.detour(&policy));
        }
        Self {
            id,
            name,
            policy,
            epoch: AtomicU64::new(0),
            is_watching: AtomicBool::new(state.is_watching()),
            inner: Mutex::new(Inner {
                state,
                origins: source.origins(),
                #[cfg(feature = "store")]
                fleet,
                source,
            }),
            step_ups: StepUps::new(),
        }
    }

    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn renewal_hold(&self) -> Duration {
        self.policy.renewal_hold
    }

    #[inline]
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        Locked::new(&self.inner, self.name(), &self.is_watching)
    }

    /// Changes the state, and makes every clone look again. What the change returns is dropped
    /// outside the lock by whoever gets it: it may be a user's.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.lock();
        // What it was made from is a user's, and not to be dropped under the lock.
        let _error = inner.state.failure().cloned();
        let outcome = change(&mut inner);
        self.bump_epoch();
        drop(inner);
        outcome
    }

    /// The token, and the origins of its source, for one who was granted a token before and had to
    /// wait since; `None`: wait for another one. `sent`: the server has seen that request.
    pub(crate) fn recheck(
        self: &Arc<Self>,
        granted: &Issued,
        sent: bool,
        has_waited_again: bool,
    ) -> Result<Option<(Issued, Origins)>, AuthError> {
        let mut inner = self.lock();
        let now = Instant::now();
        let rechecked = inner.state.recheck(granted, sent, has_waited_again, now)?;
        inner.state.stats.requests_retried += u64::from(sent && rechecked.is_some());
        let origins = inner.origins.clone();
        drop(inner);
        let is_due = |issued: &Issued| issued.age(Instant::now) == Age::Due;
        if rechecked.as_ref().is_some_and(is_due) {
            self.renew_ahead();
        }
        Ok(rechecked.map(|issued| (issued, origins)))
    }

    /// Notes that the retry was refused as well: its login did not help.
    pub(crate) fn note_refused_retry(&self, sent: Stamp, key: Key) {
        let mut inner = self.lock();
        inner.state.note_refused_retry(sent, key, Instant::now());
    }

    /// Notes that a stronger token was not enough.
    pub(crate) fn note_refused_step_up(&self, sent: Stamp) {
        self.update(|inner| inner.state.note_refused_step_up(sent, Instant::now()));
    }

    pub(crate) fn note_not_enough(&self, sent: Stamp) {
        self.update(|inner| inner.state.note_not_enough(sent, Instant::now()));
    }

    /// Whether an acceptance is to be noted. On a good day that is only the first of each token.
    #[inline]
    pub(crate) fn is_watching(&self) -> bool {
        self.is_watching.load(Ordering::Relaxed)
    }

    pub(crate) fn note_acceptance(&self, sent: Stamp, key: Key, is_retry: bool) {
        let mut inner = self.lock();
        if !inner.state.note_acceptance(sent, key, is_retry) {
            return;
        }
        self.bump_epoch();
        let held_back = inner.state.waiters().and_then(Waiters::release);
        drop(inner);
        drop(held_back);
    }

    pub(crate) fn note_foreign(&self, error: &AuthError) {
        let mut inner = self.lock();
        let is_first = inner.state.stats.requests_foreign == 0;
        inner.state.stats.requests_foreign += 1;
        inner.state.log.foreign(error, is_first);
    }

    pub(crate) fn count_not_repeated(&self) {
        self.lock().state.stats.requests_not_repeated += 1;
    }

    /// The token in hand unless it has expired, although it may have been refused; only of that
    /// account.
    pub(super) fn unexpired(&self, account_epoch: u64) -> Option<Issued> {
        let inner = self.lock();
        let issued = inner.state.unexpired(Instant::now()).cloned();
        issued.filter(|_| inner.state.account_epoch() == account_epoch)
    }

    pub(super) fn is_current(&self, account_epoch: u64) -> Result<bool, AuthError> {
        self.lock().state.is_current(account_epoch)
    }

    /// Answers one who asks, and begins a login where one is needed. With a token in hand it needs
    /// neither a runtime nor a timer. The challenges are those of a refused response.
    pub(super) fn ask(
        self: &Arc<Self>,
        ask: Ask,
        challenges: &Arc<[Challenge]>,
        mut deadline: Option<Deadline>,
    ) -> Result<Answer, AuthError> {
        loop {
            let mut inner = self.lock();
            let decision = inner.state.decide(ask, Instant::now());
            match decision {
                // Its renewal ahead begins by the `recheck` that follows.
                Decision::Use(issued) => return Ok(Answer::Token(issued)),
                Decision::Refuse(error) => return Err(error),
                // From now on others may have to wait, rather than use a refused token.
                Decision::Join | Decision::Begin(_) => self.bump_epoch(),
            }
            let Some(deadline) = deadline.take() else {
                drop(inner);
                if SessionId::of_this_login() == Some(self.id) {
                    return Err(AuthError::misconfigured(
                        "the token source waits for its own session: \
                         let it use a client without this layer",
                    ));
                }
                deadline = Some(Deadline::after(self.policy.wait_timeout)?);
                continue;
            };
            let account_epoch = inner.state.account_epoch();
            let (ask_again_at, is_held_back) = inner.state.ask_again_at(ask);
            let ticket = match (decision, inner.state.waiters()) {
                (Decision::Begin(cause), _) => self.begin(inner, cause, ask, challenges.clone())?,
                (_, Some(waiters)) => waiters.ticket(ask_again_at, is_held_back),
                // Never so: who joins, joins a login that is under way.
                (_, None) => self.begin(inner, LoginCause::Need, ask, challenges.clone())?,
            };
            return Ok(Answer::Login(Joined {
                alarm: ticket.ask_again_at.map(Deadline::at).transpose()?,
                ticket,
                deadline,
                account_epoch,
            }));
        }
    }

    /// Makes every clone look again. To be called under the lock.
    pub(super) fn bump_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        let token = inner.state.in_hand().map(|issued| issued.token.clone());
        let stats = inner.state.stats.clone();
        drop(inner);
        f.debug_struct("Session")
            .field("name", &self.name)
            .field("token", &token)
            .field("stats", &stats)
            .finish_non_exhaustive()
    }
}
