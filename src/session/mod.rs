//! What all clones share: one token and one login at a time.
//!
//! The [`state`] decides, by the rules of its [throttle](state::throttle); the [`runner`] carries
//! out: it holds the lock, runs the login in a task of its own, and keeps those who wait.
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

/// One login and its token, shared by all layers and services that are made from it.
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

/// What [`Session::invalidate`] takes: made from a `&Token`, or from the `&Sent` of a request.
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
    /// Makes a session with the default settings. It logs in when a token is first needed.
    pub fn new(source: impl TokenSource) -> Self {
        Self::builder(source).build()
    }

    /// Returns the token in hand if it is usable. Otherwise joins the login under way, or begins
    /// one.
    ///
    /// It may be polled late: a token that has expired or was replaced in the meantime is not
    /// returned, a newer one is.
    ///
    /// # Errors
    ///
    /// The error of the login, or that of the last one if no new one may begin yet; a timeout; the
    /// lack of a tokio runtime with a timer, where a login is needed.
    pub fn token(&self) -> TokenFuture {
        TokenFuture::new(self.runner.clone())
    }

    /// Reports that this token was refused, for a use of it that the layer does not see. The next
    /// request logs in, as far as the rules for refusals allow.
    ///
    /// Pass the [`Token`] itself, or the [`Sent`] of the request that was refused. However many
    /// callers report one token, one login follows, and a late report throws no newer token away.
    ///
    /// Returns `false` if there was nothing to do: another token is in hand by now, or it was
    /// reported before.
    pub fn invalidate<'a>(&self, refused: impl Into<Refused<'a>>) -> bool {
        let is_refused = refused.into().matcher(self.runner.id());
        let now = Instant::now();
        self.runner
            .update(|inner| inner.state.invalidate(is_refused, now))
    }

    /// Drops the token. Takes effect at the call; the future that it returns may be dropped.
    ///
    /// A login under way is abandoned, and those who wait for it fail
    /// ([`is_signed_out`](crate::AuthError::is_signed_out)). The next request logs in again, where
    /// earlier failures allow it: a sign-out does not lift the pause after a rejected login.
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

    /// Goes on with another source, which may be another account: new requests never use the old
    /// token, and earlier failures do not count any more.
    ///
    /// Requests that wait for a first token wait for that of the new source. A request that was
    /// sent with the old token is never retried under the new account: if it is refused, its caller
    /// gets that response, with an error in its extensions
    /// ([`is_signed_out`](crate::AuthError::is_signed_out)), or only that error if the retry was
    /// waiting for the inner service by then.
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

    /// Lets the next request log in at once, whatever earlier logins failed with: after an account
    /// was unlocked, or an outage has ended.
    ///
    /// It makes no login itself. What was counted stays: if that login fails too, the pause after
    /// it is as long as it would have been without this call.
    pub fn reset_backoff(&self) {
        let now = Instant::now();
        self.runner.update(|inner| inner.state.reset_backoff(now));
    }

    /// Returns how the session is right now. Makes no login.
    pub fn status(&self) -> Status {
        self.runner.lock().state.status(Instant::now())
    }

    /// Returns what this session has done so far.
    pub fn stats(&self) -> Stats {
        self.runner.lock().state.stats.clone()
    }

    /// Returns the name that the [builder](SessionBuilder::name) gave it.
    pub fn name(&self) -> Option<&str> {
        self.runner.name()
    }

    /// Whether there is no other handle to it, nor a login under way, which has one.
    pub(crate) fn is_held_once(&self) -> bool {
        Arc::strong_count(&self.runner) == 1
    }

    /// Whether any login may begin now.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.runner.lock().state.is_open(now)
    }

    /// Whether nothing that it remembers of failed logins matters any more.
    pub(crate) fn is_settled(&self, now: Instant) -> bool {
        self.runner.lock().state.is_settled(now)
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
    /// Tells whether the token in hand is the refused one.
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
