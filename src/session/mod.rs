//! What all clones share: one token and one login at a time.
//!
//! [`state`] decides, this module carries out: it holds the lock, runs the login on a task of its
//! own, and keeps those who wait.
//!
//! ```text
//!  request ─► Wait ── ask ──► State ── Use ───────────────────────► token
//!              ▲               │ Begin                Join ▲
//!              │               ▼                           │
//!              └── outcome ── Login (shared) ◄── Running (spawned): source.fetch(), timed
//! ```
//!
//! The lock is held for the decision alone, never while a source, a waker or a drop of the user's
//! runs. A change that concerns requests on their way out moves the `epoch`, by which each clone
//! of the service knows that its own copy of the token still holds.

mod deadline;
mod login;
mod mark;
mod state;
mod wait;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use self::deadline::Deadline;
use self::login::{Login, Running};
use self::state::{Decision, State};
use crate::source::DynTokenSource;
use crate::{AuthError, Scope, TokenSource};

pub(crate) use self::mark::SessionId;
pub(crate) use self::state::{Ask, Issued, Stamp};
pub use self::wait::TokenFuture;
pub(crate) use self::wait::Wait;

/// One login and its token, shared by all layers and services that are made from it.
///
/// A clone is another handle to the same session.
///
/// ```
/// use tower_bearer::{BearerAuthLayer, Scope, Session, Token, source_fn};
///
/// # async fn run() -> Result<(), tower_bearer::AuthError> {
/// let session = Session::new(source_fn(Scope::any(), |_stale| async {
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

/// Sets up a [`Session`].
///
/// ```
/// use std::time::Duration;
/// use tower_bearer::{Scope, Session, Token, source_fn};
///
/// let source = source_fn(Scope::any(), |_stale| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) });
/// let session = Session::builder(source)
///     .login_timeout(Duration::from_secs(10))
///     .build();
/// ```
#[derive(Clone)]
pub struct SessionBuilder {
    source: Arc<dyn DynTokenSource>,
    login_timeout: Duration,
    wait_timeout: Duration,
}

/// One clone's own copy of the token in hand, good until the epoch moves on.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    epoch: u64,
    issued: Option<Issued>,
}

struct Shared {
    id: SessionId,
    setup: SessionBuilder,
    epoch: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    state: State,
    /// What those who join the login under way wait for.
    login: Option<Login>,
}

enum Answer {
    Token(Issued),
    Login(Login, Deadline),
}

impl Session {
    /// A session with the default settings. It logs in when a token is first needed.
    pub fn new(source: impl TokenSource) -> Self {
        Self::builder(source).build()
    }

    /// A session with settings of its own.
    pub fn builder(source: impl TokenSource) -> SessionBuilder {
        SessionBuilder {
            source: Arc::new(source),
            login_timeout: Duration::from_secs(30),
            wait_timeout: Duration::from_secs(60),
        }
    }

    /// The token in hand if it is usable; else joins the login under way, or begins one.
    ///
    /// # Errors
    ///
    /// What the login failed with, or a time-out; also the lack of a tokio runtime with a timer,
    /// where a login is needed.
    pub fn token(&self) -> TokenFuture {
        TokenFuture::new(self.clone())
    }

    /// Is this the session whose login carries that mark?
    pub(crate) fn is(&self, id: SessionId) -> bool {
        self.shared.id == id
    }

    pub(crate) fn scope(&self) -> Scope {
        self.shared.setup.source.scope()
    }

    /// The token that a request may go out with at once. Takes the lock only when something
    /// changed since this view was last used.
    pub(crate) fn usable<'view>(&self, view: &'view mut View) -> Option<&'view Issued> {
        if view.epoch != self.shared.epoch.load(Ordering::Acquire) {
            let inner = self.shared.lock();
            *view = View {
                // It moves under the lock only.
                epoch: self.shared.epoch.load(Ordering::Acquire),
                issued: inner.state.usable().cloned(),
            };
        }
        let issued = view.issued.as_ref();
        issued.filter(|issued| !issued.is_expired(Instant::now))
    }

    /// As [`usable`](Self::usable), for one who comes once.
    pub(crate) fn look(&self) -> Option<Issued> {
        self.usable(&mut View::default()).cloned()
    }

    /// The token in hand unless it has expired, although it may be about to be renewed.
    fn unexpired(&self) -> Option<Issued> {
        let issued = self.shared.lock().state.in_hand().cloned();
        issued.filter(|issued| !issued.is_expired(Instant::now))
    }

    /// Answers one who asks; begins a login where there is need of one. With a token in hand it
    /// takes neither a runtime nor a timer.
    fn ask(&self, ask: Ask, mut deadline: Option<Deadline>) -> Result<Answer, AuthError> {
        let shared = &self.shared;
        loop {
            let mut inner = shared.lock();
            let decision = inner.state.decide(ask, Instant::now());
            match decision {
                Decision::Use(issued) => return Ok(Answer::Token(issued)),
                Decision::Unchanged => return Err(AuthError::unchanged()),
                Decision::Join | Decision::Begin => {}
            }
            let Some(deadline) = deadline.take() else {
                drop(inner);
                if SessionId::of_this_login() == Some(shared.id) {
                    return Err(AuthError::misconfigured(
                        "the token source waits for its own session: \
                         let it use a client without this layer",
                    ));
                }
                deadline = Some(Deadline::after(shared.setup.wait_timeout)?);
                continue;
            };
            // Even to join may change what the others may do: wait rather than use a refused token.
            shared.touch();
            if let (Decision::Join, Some(login)) = (&decision, &inner.login) {
                return Ok(Answer::Login(login.clone(), deadline));
            }
            let id = inner
                .state
                .begin(ask, Instant::now(), shared.setup.login_timeout);
            let stale = inner.state.in_hand().map(|issued| issued.token.clone());
            let (running, login) = Running::new(shared.clone(), id);
            let given_up = inner.login.replace(login.clone());
            drop(inner);
            drop(given_up);
            running.spawn(stale)?;
            return Ok(Answer::Login(login, deadline));
        }
    }
}

impl SessionBuilder {
    /// How long one login may take. 30 seconds by default.
    pub fn login_timeout(mut self, limit: Duration) -> Self {
        self.login_timeout = limit;
        self
    }

    /// How long one request waits for a login, be it its own or another's. 60 seconds by default:
    /// a login, and another one should the first be lost with its runtime.
    pub fn wait_timeout(mut self, limit: Duration) -> Self {
        self.wait_timeout = limit;
        self
    }

    /// The session. Nothing runs yet, and no runtime is needed.
    pub fn build(self) -> Session {
        Session {
            shared: Arc::new(Shared {
                id: SessionId::next(),
                setup: self,
                // A new view has seen epoch 0, which holds no token: the first look may be saved.
                epoch: AtomicU64::new(0),
                inner: Mutex::default(),
            }),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing under the lock leaves the state half changed, should it panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes every clone look again. To be called under the lock.
    fn touch(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.unexpired().map(|issued| issued.token);
        f.debug_struct("Session")
            .field("token", &token)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("login_timeout", &self.login_timeout)
            .field("wait_timeout", &self.wait_timeout)
            .finish_non_exhaustive()
    }
}
