//! [`SessionBuilder`]: the numbers that a session goes by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::session::Session;
use crate::session::policy::{Backoff, Policy};
use crate::session::runner::Runner;
use crate::source::{DynTokenSource, TokenSource};
use crate::token::Token;

/// Sets up a [`Session`].
///
/// ```
/// use std::time::Duration;
/// use tower_bearer::{Origins, Session, Token, source_fn};
///
/// let source = source_fn(Origins::any(), |_request| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) });
/// let session = Session::builder(source)
///     .login_timeout(Duration::from_secs(10))
///     .build();
/// ```
#[derive(Clone)]
pub struct SessionBuilder {
    source: Arc<dyn DynTokenSource>,
    policy: Policy,
    name: Option<Arc<str>>,
    token: Option<Token>,
}

impl Session {
    /// Starts a session with your own settings.
    pub fn builder(source: impl TokenSource) -> SessionBuilder {
        SessionBuilder::new(Arc::new(source))
    }
}

impl SessionBuilder {
    fn new(source: Arc<dyn DynTokenSource>) -> Self {
        Self {
            source,
            policy: Policy::default(),
            name: None,
            token: None,
        }
    }

    /// Sets a name, by which spans, events and `Debug` tell this session from others. Defaults to
    /// none.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }

    /// Sets a first token, from an earlier run or another login. Defaults to none.
    ///
    /// The session uses it before it logs in at all. If it is refused, the session logs in, and that
    /// refusal does not count as a [login that did not help](Self::refusal_backoff). A lifetime
    /// counts from [`build`](Self::build) on.
    #[must_use]
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// How long one login may take. 30 seconds by default.
    #[must_use]
    pub fn login_timeout(self, limit: Duration) -> Self {
        self.set(|policy| policy.login_timeout = limit)
    }

    /// How long one request waits for a login, be it its own or another's. 60 seconds by default:
    /// a login, and another one should the first be lost with its runtime. A request may wait for
    /// two: before it is sent, and after it was refused; and for each once more if that token is no
    /// good by the time the inner service is ready.
    #[must_use]
    pub fn wait_timeout(self, limit: Duration) -> Self {
        self.set(|policy| policy.wait_timeout = limit)
    }

    /// How long a token is used at least, even if it is told to expire sooner. 1 second by
    /// default: expiry causes at most one login in this time.
    #[must_use]
    pub fn min_lifetime(self, lifetime: Duration) -> Self {
        self.set(|policy| policy.min_lifetime = lifetime)
    }

    /// In which last part of its lifetime a token is renewed ahead, behind the requests that go
    /// out with it: a fraction of that lifetime, and the longest time. 0.1 and 5 minutes by
    /// default; a fraction of 0 switches it off. One that is no number, or not from 0 to 1, is
    /// brought into that range.
    #[must_use]
    pub fn renew_ahead(self, fraction: f64, max: Duration) -> Self {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction };
        self.set(|policy| {
            policy.renew_ahead = fraction.clamp(0.0, 1.0);
            policy.max_ahead = max;
        })
    }

    /// By how much of the time that [`renew_ahead`](Self::renew_ahead) sets a session may be late,
    /// at random, so that many processes do not log in at once. A fraction, 0.2 by default.
    #[must_use]
    pub fn renew_jitter(self, fraction: f64) -> Self {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction };
        self.set(|policy| policy.max_jitter = fraction.clamp(0.0, 1.0))
    }

    /// How long no login is made after one that was
    /// [rejected](crate::AuthError::is_rejected) or is
    /// [misconfigured](crate::AuthError::is_misconfigured): the first time, and at most, doubling
    /// in between. 60 seconds and 1 hour by default. This keeps an account from being locked.
    #[must_use]
    pub fn rejection_backoff(self, first: Duration, max: Duration) -> Self {
        self.set(|policy| policy.rejection = Backoff { first, max })
    }

    /// How long no login is made after one that was
    /// [unavailable](crate::AuthError::is_unavailable): the first time, and at most, doubling in
    /// between, of which the upper half is random. 250 milliseconds and 30 seconds by default.
    #[must_use]
    pub fn outage_backoff(self, first: Duration, max: Duration) -> Self {
        self.set(|policy| policy.outage = Backoff { first, max })
    }

    /// How long a login endpoint is left alone at most when it asks for that by `Retry-After`.
    /// 1 hour by default.
    #[must_use]
    pub fn max_retry_after(self, max: Duration) -> Self {
        self.set(|policy| policy.max_retry_after = max)
    }

    /// How long no login is made because of a refusal, once so many logins have not helped: the
    /// first time, and at most, doubling in between. 3 logins, 1 second and 5 minutes by default.
    ///
    /// A login has not helped if its token is refused while [fresh](Self::fresh_token_age), or if it
    /// brings the refused token again. A refusal of an older token clears the count, and so does a
    /// token that was replaced in time without having been refused.
    #[must_use]
    pub fn refusal_backoff(self, free: u32, first: Duration, max: Duration) -> Self {
        self.set(|policy| {
            policy.free_strikes = free;
            policy.strike = Backoff { first, max };
        })
    }

    /// Up to which age a token that is refused was not worth its login. 60 seconds by default.
    #[must_use]
    pub fn fresh_token_age(self, age: Duration) -> Self {
        self.set(|policy| policy.fresh_token_age = age)
    }

    /// The session. Nothing runs yet, and no runtime is needed.
    pub fn build(self) -> Session {
        let runner = Runner::new(self.source, self.policy, self.name, self.token);
        Session {
            runner: Arc::new(runner),
        }
    }

    fn set(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }
}

impl fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("name", &self.name)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
