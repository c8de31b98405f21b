//! What all clones share: one token and one login at a time.
//!
//! [`state`] decides, by the rules of its [`throttle`]; this module carries out: it holds the lock, runs
//! the login on a task of its own, and keeps those who wait.
//!
//! ```text
//!  request ─► Wait ── ask ──► State ── Use ───────────────────────► token
//!              ▲               │ Begin                Join ▲
//!              │               ▼                           │
//!              └── outcome ── Login (shared) ◄── Running (spawned): source.fetch(), timed
//! ```
//!
//! The lock is held for the decision alone, never while a source, a waker, a subscriber of events
//! or a drop of the user's runs. A change that concerns requests on their way out moves the `epoch`,
//! by which each clone of the service knows that its own copy of the token still holds.

mod builder;
mod deadline;
mod id;
mod login;
pub(crate) mod policy;
mod shared;
mod state;
mod stats;
mod throttle;
mod token;
mod wait;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use self::deadline::Deadline;
use self::login::{Login, Waiters};
use self::policy::Policy;
use self::shared::{Inner, Shared};
use self::state::{Decision, State};
use self::token::Age;
use crate::source::DynTokenSource;
use crate::{AuthError, Origins, Token, TokenSource};

pub use self::builder::SessionBuilder;
pub(crate) use self::id::SessionId;
pub(crate) use self::state::{Ask, Patience};
pub use self::stats::Stats;
pub(crate) use self::throttle::Cause;
pub(crate) use self::token::{Issued, Stamp};
pub use self::wait::TokenFuture;
pub(crate) use self::wait::Wait;

/// One login and its token, shared by all layers and services that are made from it.
///
/// A clone is another handle to the same session.
///
/// ```
/// use tower_bearer::{BearerAuthLayer, Origins, Session, Token, source_fn};
///
/// # async fn run() -> Result<(), tower_bearer::AuthError> {
/// let session = Session::new(source_fn(Origins::any(), |_stale| async {
///     Ok(Token::new("mF_9.B5f-4.1JqM")?)
/// }));
/// let layer = BearerAuthLayer::from_session(session.clone());
///
/// // Elsewhere, for a use of the token that is no HTTP request, or to log in ahead of the first:
/// let token = session.token().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

/// One clone's own copy of what a request needs, good until the epoch moves on.
#[derive(Clone, Debug)]
pub(crate) struct View {
    epoch: u64,
    pub(crate) origins: Origins,
    issued: Option<Issued>,
}

enum Answer {
    Token(Issued),
    Login(Joined),
}

/// A login that somebody waits for.
#[derive(Debug)]
struct Joined {
    login: Login,
    deadline: Deadline,
    account_epoch: u64,
}

impl Session {
    /// A session with the default settings. It logs in when a token is first needed.
    pub fn new(source: impl TokenSource) -> Self {
        Self::builder(source).build()
    }

    /// A session with settings of its own.
    pub fn builder(source: impl TokenSource) -> SessionBuilder {
        SessionBuilder::new(Arc::new(source))
    }

    /// The token in hand if it is usable; else joins the login under way, or begins one.
    ///
    /// # Errors
    ///
    /// What the login failed with, or the last one before it if there may be no new one yet; a
    /// time-out; also the lack of a tokio runtime with a timer, where a login is needed.
    pub fn token(&self) -> TokenFuture {
        TokenFuture::new(self.clone())
    }

    /// Says that this token was refused, for a use of it that the layer does not see. The next
    /// request logs in, as far as the rules for refusals allow.
    ///
    /// `false` if there was nothing to do: another token is in hand by now, or it was known.
    pub fn invalidate(&self, token: &Token) -> bool {
        let mut inner = self.shared.lock();
        let invalidated = inner.state.invalidate(token, Instant::now());
        self.shared.bump_epoch();
        invalidated
    }

    /// Forgets the token. That of a login under way is not kept either, and those who wait for it
    /// get an error ([`AuthError::is_signed_out`]). A later request logs in anew once that login is
    /// over, where failures allow it.
    pub fn sign_out(&self) {
        self.shared.update(|inner| {
            inner.state.sign_out();
            let waiters = inner.waiters.take()?;
            // Who comes now waits for the same login to end, and asks again then.
            inner.waiters = Some(Waiters::new());
            Some((waiters, None))
        });
    }

    /// Goes on with another source, which may be another account: nothing that is asked for from
    /// now on is given the old token, and what earlier logins failed with counts no more.
    ///
    /// Those who wait for a first token wait for that of the new source. A request that was sent
    /// with the old token is not repeated with a new one; should it be refused, its caller gets
    /// that response, with an error in its extensions ([`AuthError::is_signed_out`]), or that error
    /// alone if the retry was waiting for the inner service by then.
    pub fn replace_source(&self, source: impl TokenSource) {
        let source: Arc<dyn DynTokenSource> = Arc::new(source);
        let origins = source.origins();
        let mut old = None;
        self.shared.update(|inner| {
            inner.state.replace();
            inner.origins = origins;
            old = Some(std::mem::replace(&mut inner.source, source));
            Some((inner.waiters.take()?, None))
        });
    }

    /// What this session has done so far.
    pub fn stats(&self) -> Stats {
        self.shared.lock().state.stats
    }

    fn with(source: Arc<dyn DynTokenSource>, policy: Policy) -> Self {
        let id = SessionId::next();
        let seed = RandomState::new().hash_one(id);
        Self {
            shared: Arc::new(Shared {
                id,
                policy,
                epoch: AtomicU64::new(0),
                inner: Mutex::new(Inner {
                    state: State::new(policy, seed),
                    origins: source.origins(),
                    source,
                    waiters: None,
                }),
            }),
        }
    }

    /// Is this the session whose login carries that mark?
    pub(crate) fn is(&self, id: SessionId) -> bool {
        self.shared.id == id
    }

    pub(crate) fn view(&self) -> View {
        let inner = self.shared.lock();
        View {
            epoch: self.shared.epoch.load(Ordering::Acquire),
            origins: inner.origins.clone(),
            issued: inner.state.usable().cloned(),
        }
    }

    /// Takes the lock only when something changed since the view was last used: if so, it says it.
    pub(crate) fn refresh(&self, view: &mut View) -> bool {
        let is_changed = view.epoch != self.shared.epoch.load(Ordering::Acquire);
        if is_changed {
            *view = self.view();
        }
        is_changed
    }

    /// The token that a request may go out with at once.
    pub(crate) fn usable<'view>(&self, view: &'view View) -> Option<&'view Issued> {
        let issued = view.issued.as_ref()?;
        match issued.age(Instant::now) {
            Age::Expired => return None,
            Age::Due => self.renew_ahead(),
            Age::Good => {}
        }
        Some(issued)
    }

    /// The token, and the origins of its source, for one who was granted a token before and had to
    /// wait since; `None`: wait for another one. `sent`: the server has seen that request.
    pub(crate) fn recheck(
        &self,
        granted: &Issued,
        sent: bool,
        patience: Patience,
    ) -> Result<Option<(Issued, Origins)>, AuthError> {
        let mut inner = self.shared.lock();
        let still = inner
            .state
            .recheck(granted, sent, patience, Instant::now())?;
        inner.state.stats.requests_retried += u64::from(sent && still.is_some());
        let origins = inner.origins.clone();
        drop(inner);
        if still
            .as_ref()
            .is_some_and(|it| it.age(Instant::now) == Age::Due)
        {
            self.renew_ahead();
        }
        Ok(still.map(|issued| (issued, origins)))
    }

    /// Notes that the retry was refused as well: its login did not help.
    pub(crate) fn note_refusal(&self, refused: Stamp) {
        let mut inner = self.shared.lock();
        inner.state.note_refusal(refused, Instant::now());
    }

    /// The token in hand unless it has expired, although it may have been refused; of that account
    /// alone.
    fn unexpired(&self, account_epoch: u64) -> Option<Issued> {
        let inner = self.shared.lock();
        let issued = inner.state.in_hand().cloned();
        let issued = issued.filter(|_| inner.state.account_epoch() == account_epoch)?;
        (issued.age(Instant::now) != Age::Expired).then_some(issued)
    }

    fn is_current(&self, account_epoch: u64) -> Result<bool, AuthError> {
        self.shared.lock().state.is_current(account_epoch)
    }

    /// Answers one who asks; begins a login where there is need of one. With a token in hand it
    /// takes neither a runtime nor a timer.
    fn ask(&self, ask: Ask, mut deadline: Option<Deadline>) -> Result<Answer, AuthError> {
        let shared = &self.shared;
        loop {
            let mut inner = shared.lock();
            let decision = inner.state.decide(ask, Instant::now());
            match decision {
                Decision::Use(issued) => {
                    drop(inner);
                    if issued.age(Instant::now) == Age::Due {
                        self.renew_ahead();
                    }
                    return Ok(Answer::Token(issued));
                }
                Decision::Refuse(error) => return Err(error),
                // From now on others may have to wait, rather than use a refused token.
                Decision::Join | Decision::Begin(_) => shared.bump_epoch(),
            }
            let Some(deadline) = deadline.take() else {
                drop(inner);
                if SessionId::of_this_login() == Some(shared.id) {
                    return Err(AuthError::misconfigured(
                        "the token source waits for its own session: \
                         let it use a client without this layer",
                    ));
                }
                deadline = Some(Deadline::after(shared.policy.wait_timeout)?);
                continue;
            };
            let account_epoch = inner.state.account_epoch();
            let login = match (decision, &inner.waiters) {
                (Decision::Begin(cause), _) => shared.begin(inner, cause)?,
                (_, Some(waiters)) => waiters.login.clone(),
                // Never so: a login under way has its waiters.
                (_, None) => shared.begin(inner, Cause::Need)?,
            };
            return Ok(Answer::Login(Joined {
                login,
                deadline,
                account_epoch,
            }));
        }
    }

    /// Begins a login behind the requests that go out with the token in hand.
    fn renew_ahead(&self) {
        let mut inner = self.shared.lock();
        self.shared.bump_epoch();
        if inner.state.is_due(Instant::now()) {
            // Without a runtime it is put off: whoever needs a login then is told.
            let _ = self.shared.begin(inner, Cause::Ahead);
        }
    }
}

impl View {
    /// From now on its token shares no reference count with others.
    pub(crate) fn detach(&mut self) {
        if let Some(issued) = &mut self.issued {
            issued.token.detach();
        }
    }
}

/// Runs [`state`] through the events that these bytes stand for. For a fuzzer.
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
        let inner = self.shared.lock();
        let token = inner.state.in_hand().map(|issued| issued.token.clone());
        let stats = inner.state.stats;
        drop(inner);
        f.debug_struct("Session")
            .field("token", &token)
            .field("stats", &stats)
            .finish_non_exhaustive()
    }
}
