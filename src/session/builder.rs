//! [`SessionBuilder`]: the numbers that a session goes by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::session::Session;
use crate::session::policy::{Backoff, Policy};
use crate::session::runner::Runner;
use crate::source::{DynTokenSource, TokenSource};
#[cfg(feature = "store")]
use crate::store::cache::TokenCache;
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
    #[cfg(feature = "store")]
    cache: Option<TokenCache>,
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
            #[cfg(feature = "store")]
            cache: None,
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
    /// The session uses it before it logs in at all. If it is refused, the session logs in, and
    /// that refusal does not count as a [login that did not help](Self::refusal_backoff). A
    /// lifetime counts from [`build`](Self::build) on.
    #[must_use]
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Shares the token with the other processes that log in to the same account, through a store.
    /// Defaults to none.
    ///
    /// A request that has a token in hand does not touch the store. A process that needs a token
    /// takes the one that it finds there, and only one of them logs in.
    #[cfg(feature = "store")]
    #[must_use]
    pub fn token_cache(mut self, cache: TokenCache) -> Self {
        self.cache = Some(cache);
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

    /// Sets how long no login is made after one that was
    /// [rejected](crate::AuthError::is_rejected): the first pause, and the longest. It doubles in
    /// between, and is no shorter than the server's `Retry-After` asks. Defaults to 60 seconds and
    /// 1 hour. This keeps an account from being locked.
    #[must_use]
    pub fn rejection_backoff(self, first: Duration, max: Duration) -> Self {
        self.set(|policy| policy.rejection = Backoff { first, max })
    }

    /// Sets how long no login is made after one that is
    /// [misconfigured](crate::AuthError::is_misconfigured): the first pause, and the longest. It
    /// doubles in between. Defaults to 1 second and 1 minute: it is often an outage in disguise,
    /// and locks no account.
    #[must_use]
    pub fn misconfiguration_backoff(self, first: Duration, max: Duration) -> Self {
        self.set(|policy| policy.misconfiguration = Backoff { first, max })
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

    /// Sets how long no login is made because of a refusal, after this many logins that did not
    /// help: the first pause, and the longest. It doubles in between. Defaults to 3 logins, 1
    /// second and 5 minutes.
    ///
    /// Four sentences say when that is. A login did not help if its token is refused before anybody
    /// was accepted with it, or [within seconds](Self::fresh_token_age), or if it returns the
    /// refused token again. An endpoint (a method and a path) that has accepted a token of this
    /// session before is exempt: that it refuses one now proves that the token has died, and it is
    /// renewed at once, however often another endpoint has refused in vain. Only if that keeps
    /// happening within seconds, as with one bad node of many, such logins are delayed too: after 8
    /// of them by 1 second, doubling to 1 minute. The refusal of a token that has served for longer
    /// clears the counts, and so does a token that was replaced in time.
    #[must_use]
    pub fn refusal_backoff(self, free: u32, first: Duration, max: Duration) -> Self {
        self.set(|policy| {
            policy.free_strikes = free;
            policy.strike = Backoff { first, max };
        })
    }

    /// Sets the numbers of [`refusal_backoff`](Self::refusal_backoff) for refusals that prove, or
    /// suggest, that the token has died: how many logins are free although their tokens were
    /// refused within seconds, the first pause after that, and the longest. Defaults to 8 logins, 1
    /// second and 1 minute.
    #[must_use]
    pub fn proven_refusal_backoff(self, free: u32, first: Duration, max: Duration) -> Self {
        self.set(|policy| {
            policy.free_proven_strikes = free;
            policy.proven_strike = Backoff { first, max };
        })
    }

    /// Sets up to which age a token that is refused was not worth its login. Defaults to 5 seconds.
    #[must_use]
    pub fn fresh_token_age(self, age: Duration) -> Self {
        self.set(|policy| policy.fresh_token_age = age)
    }

    /// Sets how long a login that a refusal triggered holds anything else back. Defaults to 2
    /// seconds.
    ///
    /// New requests wait for it so long, before they go out with the token in hand after all. An
    /// acceptance of that token ends their wait at once: it is good for them. The refused response
    /// is kept for its caller so long, and then dropped, for unread it keeps its connection; with a
    /// limit of zero it is dropped before the login begins: see
    /// [`OnFailedRenewal::ReturnResponse`](crate::OnFailedRenewal::ReturnResponse). The refused
    /// request itself waits for as long as [`wait_timeout`](Self::wait_timeout) says.
    #[must_use]
    pub fn renewal_hold(self, limit: Duration) -> Self {
        self.set(|policy| policy.renewal_hold = limit)
    }

    /// The session. Nothing runs yet, and no runtime is needed.
    pub fn build(self) -> Session {
        let runner = Runner::new(
            self.source,
            self.policy,
            self.name,
            self.token,
            #[cfg(feature = "store")]
            self.cache,
        );
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
