//! What all clones share: one token and one login at a time.
//!
//! The [`state`] decides, by the rules of its [throttle](state::throttle); the [`runner`] carries
//! out: it holds the lock, runs the login in its own task, and keeps the waiters.
//!
//! ```text
//!  request ─► Wait ── ask ──► State ── Use ────────────────────────► token
//!              ▲               │ Begin                 Join ▲
//!              │               ▼                            │
//!              └── outcome ── SharedLogin ◄── Running (spawned): source.fetch(), timed
//! ```
//!
//! The lock is held only for the decision, never while a source, a waker, a subscriber of events
//! or a drop of the user's runs. A change that concerns requests on their way out moves the
//! `epoch`, by which each service knows whether its [`View`] of the session still holds.

mod builder;
mod deadline;
mod fetch;
#[cfg(feature = "store")]
mod fleet;
mod id;
mod locked;
pub(crate) mod policy;
mod runner;
mod sent;
mod sign_out;
mod state;
mod stats;
mod status;
mod step_up;
mod step_ups;
mod task;
pub(crate) mod trace;
mod view;
mod wait;
mod waiters;
mod waker;

use std::fmt;
use std::mem;
use std::sync::Arc;

use tokio::time::Instant;

use crate::source::{DynTokenSource, TokenSource};
use crate::token::Token;

pub use self::builder::SessionBuilder;
pub(crate) use self::deadline::Deadline;
pub(crate) use self::id::SessionId;
pub(crate) use self::runner::Runner;
pub use self::sent::Sent;
pub use self::sign_out::SignOut;
pub(crate) use self::state::Ask;
pub(crate) use self::state::evidence::Key;
#[cfg(feature = "store")]
use self::state::shared::StoreUse;
pub(crate) use self::state::token::{Issued, Stamp};
pub use self::stats::Stats;
pub use self::status::Status;
pub(crate) use self::view::View;
pub use self::wait::TokenFuture;
pub(crate) use self::wait::Wait;
pub(crate) use self::waker::contained;

/// One login and its token, shared by all layers and services created from it.
///
/// A clone is another handle to the same session.
///
/// ```
/// use tower_bearer::{BearerAuthLayer, Origins, Session, Token, source_fn};
///
/// # async fn run() -> Result<(), tower_bearer::AuthError> {
/// let session = Session::new(source_fn(Origins::any(), |_request| async {
///     Ok(Token::new("mF_9.B5f-4.1JqM")?)
/// }));
/// let layer = BearerAuthLayer::from_session(session.clone());
///
/// // Elsewhere, for a use of the token that is no HTTP request, or to log in before the first one:
/// let token = session.token().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    runner: Arc<Runner>,
}

/// The argument of [`Session::invalidate`]: created from a `&Token`, or from the `&Sent` of a
/// request.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    by: RefusedBy<'a>,
}

#[derive(Clone, Copy, Debug)]
enum RefusedBy<'a> {
    Token(&'a Token),
    Sent(&'a Sent),
}

impl Session {
    /// Creates a session with the default settings. It logs in when a token is first needed.
    pub fn new(source: impl TokenSource) -> Self {
        Self::builder(source).build()
    }

    /// Returns the current token if it is usable. Otherwise joins the login under way or starts
    /// one.
    ///
    /// The future may be polled late: it never returns a token that has expired or was replaced in
    /// the meantime.
    ///
    /// # Errors
    ///
    /// Fails with the error of the login, or with the error of the last login if the next one may
    /// not start yet. Fails if the wait takes too long, or if a login is needed and there is no
    /// tokio runtime with a timer.
    pub fn token(&self) -> TokenFuture {
        TokenFuture::new(self.runner.clone())
    }

    /// Reports that a token was refused, when only the caller can see it. The next request logs in,
    /// if the [throttle](SessionBuilder::refusal_backoff) allows it.
    ///
    /// Pass the [`Token`] itself, or the [`Sent`] of the refused request. However many callers
    /// report the same token, one login follows, and a late report does not affect a newer token.
    ///
    /// Returns `false` if there was nothing to do: the token was already replaced or reported.
    pub fn invalidate<'a>(&self, refused: impl Into<Refused<'a>>) -> bool {
        let refused = refused.into();
        let is_refused = refused.matcher(self.runner.id());
        let now = Instant::now();
        let mut is_news = self
            .runner
            .update(|inner| inner.state.invalidate(is_refused, now));
        for stronger in self.step_ups() {
            is_news |= stronger.invalidate(refused);
        }
        is_news
    }

    /// Drops the token. Takes effect immediately, even if you drop the returned future.
    ///
    /// A login under way is abandoned, and the requests waiting for it fail
    /// ([`is_signed_out`](crate::AuthError::is_signed_out)). The next request logs in again, unless
    /// earlier failures forbid it: a sign-out does not end the pause after a rejected login.
    pub fn sign_out(&self) -> SignOut {
        let now = Instant::now();
        let (given_up, abandoned) = self.runner.update(|inner| inner.state.sign_out(now));
        drop(abandoned);
        self.sign_out_of_step_ups();
        let signed_out = SignOut::new(given_up);
        #[cfg(feature = "store")]
        if let Some(fleet) = self.runner.fleet() {
            let runner = self.runner.clone();
            return signed_out.with(async move {
                let removed = fleet.sign_out(&runner.policy, now).await;
                runner.note_store(StoreUse::Write, removed.err().as_ref());
            });
        }
        signed_out
    }

    /// Replaces the source, for example to switch to another account. New requests never use the
    /// old token, and earlier failures no longer count.
    ///
    /// Requests waiting for a first token now wait for one of the new source. A request already
    /// sent with the old token is never retried under the new account. If it is refused, its caller
    /// gets the response with an error in its extensions
    /// ([`is_signed_out`](crate::AuthError::is_signed_out)), or only the error if the retry was
    /// already waiting for the inner service.
    pub fn replace_source(&self, source: impl TokenSource) {
        let source: Arc<dyn DynTokenSource> = Arc::new(source);
        let origins = source.origins();
        // It asks the source for its account: not under the lock.
        #[cfg(feature = "store")]
        let mut fleet = self.runner.fleet();
        #[cfg(feature = "store")]
        if let Some(fleet) = &mut fleet {
            *fleet = Arc::new(fleet.with_source(&*source));
        }
        let now = Instant::now();
        let replaced = self.runner.update(|inner| {
            let abandoned = inner.state.replace(now);
            inner.origins = origins;
            #[cfg(feature = "store")]
            mem::swap(&mut inner.fleet, &mut fleet);
            (abandoned, mem::replace(&mut inner.source, source))
        });
        drop(replaced);
        self.sign_out_of_step_ups();
    }

    /// Allows the next request to log in at once, whatever earlier logins failed with. Call it
    /// after an account was unlocked or an outage has ended.
    ///
    /// This starts no login by itself. The failures still count: if the next login fails too, the
    /// pause after it is as long as it would have been without this call.
    pub fn reset_backoff(&self) {
        let now = Instant::now();
        self.runner.update(|inner| inner.state.reset_backoff(now));
        self.step_ups().iter().for_each(Self::reset_backoff);
    }

    /// Returns the current status of the session. Triggers no login.
    pub fn status(&self) -> Status {
        self.runner.lock().state.status(Instant::now())
    }

    /// Returns the counters of this session.
    pub fn stats(&self) -> Stats {
        self.runner.lock().state.stats.clone()
    }

    /// Returns the name set by [`SessionBuilder::name`].
    pub fn name(&self) -> Option<&str> {
        self.runner.name()
    }

    /// Whether there is no other handle to it, nor a login under way, which has one.
    pub(crate) fn is_held_once(&self) -> bool {
        Arc::strong_count(&self.runner) == 1 && self.runner.step_ups.every(Self::is_held_once)
    }

    /// Whether any login may begin now.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        let is_open = self.runner.lock().state.is_open(now);
        is_open && self.runner.step_ups.every(|it| it.is_open(now))
    }

    /// Whether nothing that it remembers of failed logins matters any more.
    pub(crate) fn is_settled(&self, now: Instant) -> bool {
        let is_settled = self.runner.lock().state.is_settled(now);
        is_settled && self.runner.step_ups.every(|it| it.is_settled(now))
    }

    pub(crate) fn runner(&self) -> &Arc<Runner> {
        &self.runner
    }

    /// Says whether this is the session whose login carries that mark.
    pub(crate) fn is(&self, id: SessionId) -> bool {
        self.runner.id() == id || self.is_login_of_step_up(id)
    }
}

impl<'a> Refused<'a> {
    /// Says whether the token in hand is the refused one.
    fn matcher(self, session: SessionId) -> impl FnOnce(&Issued) -> bool + 'a {
        move |in_hand| match self.by {
            RefusedBy::Token(token) => in_hand.token.is_same(token),
            RefusedBy::Sent(sent) => sent
                .issued_by(session)
                .is_some_and(|issued| issued.stamp.is_same_token(in_hand.stamp)),
        }
    }
}

impl<'a> From<&'a Token> for Refused<'a> {
    fn from(token: &'a Token) -> Self {
        Self {
            by: RefusedBy::Token(token),
        }
    }
}

impl<'a> From<&'a Sent> for Refused<'a> {
    fn from(sent: &'a Sent) -> Self {
        Self {
            by: RefusedBy::Sent(sent),
        }
    }
}

/// Runs the [`state`] through the events that these bytes stand for. For a fuzzer.
///
/// # Panics
///
/// When a rule is broken.
#[cfg(any(test, fuzzing))]
pub(crate) fn run_model(data: &[u8]) {
    state::model::run(data);
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.runner.fmt(f)
    }
}
