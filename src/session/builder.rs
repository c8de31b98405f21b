//! [`SessionBuilder`]: the settings of a session.

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

/// A builder that configures a [`Session`].
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
    /// Returns a builder for a session with your own settings.
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

    /// Sets a name that identifies this session in spans, events and `Debug`. Defaults to none.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }

    /// Sets a first token, from an earlier run or another login. Defaults to none.
    ///
    /// The session uses this token before it logs in at all. If the token is refused, the session
    /// logs in, and the refusal does not count as a [login that did not
    /// help](Self::refusal_backoff). The token's lifetime counts from [`build`](Self::build). If it
    /// is zero, the session logs in first, and the source gets the token with its refresh token.
    #[must_use]
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Shares the token through a store, with other processes that log in to the same account.
    /// Defaults to none.
    ///
    /// A request that finds a usable token in its session does not touch the store. A process that
    /// needs a token takes it from the store, and only one process logs in.
    #[cfg(feature = "store")]
    #[must_use]
    pub fn token_cache(mut self, cache: TokenCache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Sets how long one login may take. Defaults to 30 seconds.
    #[must_use]
    pub fn login_timeout(self, limit: Duration) -> Self {
        self.set(|policy| policy.login_timeout = limit)
    }

    /// Sets how long a request waits for a login, whether it started that login or joined it.
    /// Defaults to 60 seconds, which is enough for a login and another one if the first is lost
    /// with its runtime.
    ///
    /// A request may wait twice: before it is sent, and after it was refused. Each time it waits
    /// once more if the token is no longer usable when the inner service is ready.
    #[must_use]
    pub fn wait_timeout(self, limit: Duration) -> Self {
        self.set(|policy| policy.wait_timeout = limit)
    }

    /// Sets the shortest time for which a token is used, even if its lifetime is shorter. Expiry
    /// causes at most one login in this time. Defaults to 1 second.
    #[must_use]
    pub fn min_lifetime(self, lifetime: Duration) -> Self {
        self.set(|policy| policy.min_lifetime = lifetime)
    }

    /// Sets how long before its expiry a token is renewed in the background, while requests keep
    /// using it: a fraction of its lifetime, and a maximum. Defaults to 0.1 and 5 minutes.
    ///
    /// A fraction of 0 or NaN disables this. Other values are clamped to the range from 0 to 1.
    #[must_use]
    pub fn renew_ahead(self, fraction: f64, max: Duration) -> Self {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction };
        self.set(|policy| {
            policy.renew_ahead = fraction.clamp(0.0, 1.0);
            policy.max_ahead = max;
        })
    }

    /// Sets by which fraction of the time set by [`renew_ahead`](Self::renew_ahead) a renewal may
    /// be delayed at random, so that many processes do not log in at once. Defaults to 0.2.
    #[must_use]
    pub fn renew_jitter(self, fraction: f64) -> Self {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction };
        self.set(|policy| policy.max_jitter = fraction.clamp(0.0, 1.0))
    }

    /// Sets how long no login is attempted after a [rejected](crate::AuthError::is_rejected) one,
    /// so that retries cannot lock the account: the first pause and the longest. The pause doubles
    /// in between, and is no shorter than the server's `Retry-After`. Only after a renewal in the
    /// background it ends no later than the token. Defaults to 60 seconds and 1 hour.
    #[must_use]
    pub fn rejection_backoff(self, first: Duration, max: Duration) -> Self {
        self.set(|policy| policy.rejection = Backoff { first, max })
    }

    /// Sets how long no login is attempted after a
    /// [misconfigured](crate::AuthError::is_misconfigured) one: the first pause and the longest.
    /// The pause doubles in between. Defaults to 1 second and 1 minute, because it is often an
    /// outage in disguise and cannot lock an account.
    #[must_use]
    pub fn misconfiguration_backoff(self, first: Duration, max: Duration) -> Self {
        self.set(|policy| policy.misconfiguration = Backoff { first, max })
    }

    /// Sets how long no login is attempted after an [unavailable](crate::AuthError::is_unavailable)
    /// one: the first pause and the longest. The pause doubles in between, and its upper half is
    /// random. Defaults to 250 milliseconds and 30 seconds.
    #[must_use]
    pub fn outage_backoff(self, first: Duration, max: Duration) -> Self {
        self.set(|policy| policy.outage = Backoff { first, max })
    }

    /// Sets the longest `Retry-After` of a login endpoint that is honored. A longer one is cut to
    /// this. Defaults to 1 hour.
    #[must_use]
    pub fn max_retry_after(self, max: Duration) -> Self {
        self.set(|policy| policy.max_retry_after = max)
    }

    /// Sets how long refusals trigger no login after more than this many logins that did not help:
    /// the first pause and the longest. The pause doubles in between. Defaults to 3 logins, 1
    /// second and 5 minutes.
    ///
    /// A login did not help if its token is refused before any request was accepted with it, or
    /// [within seconds](Self::fresh_token_age), or if it returns the refused token again. An
    /// endpoint (a method and a path) that has accepted a token of this session before is exempt:
    /// if it refuses the token now, the token has died and is renewed at once, however often other
    /// endpoints have refused it. If that keeps happening within seconds, as with one bad node of
    /// many, these logins are delayed too: after 8 of them by 1 second, doubling up to 1 minute.
    /// The counts are cleared when a token is refused after it has served for longer, or is
    /// replaced before it expires.
    #[must_use]
    pub fn refusal_backoff(self, free: u32, first: Duration, max: Duration) -> Self {
        self.set(|policy| {
            policy.free_strikes = free;
            policy.strike = Backoff { first, max };
        })
    }

    /// Sets the [`refusal_backoff`](Self::refusal_backoff) for refusals that prove or suggest that
    /// the token has died: how many logins are free although their tokens were refused within
    /// seconds, the first pause after that, and the longest. Defaults to 8 logins, 1 second and 1
    /// minute.
    #[must_use]
    pub fn proven_refusal_backoff(self, free: u32, first: Duration, max: Duration) -> Self {
        self.set(|policy| {
            policy.free_proven_strikes = free;
            policy.proven_strike = Backoff { first, max };
        })
    }

    /// Sets the age up to which a refused token counts as a [login that did not
    /// help](Self::refusal_backoff). Defaults to 5 seconds.
    #[must_use]
    pub fn fresh_token_age(self, age: Duration) -> Self {
        self.set(|policy| policy.fresh_token_age = age)
    }

    /// Sets how long new requests, and the refused response, are held back during a login that a
    /// refusal triggered. Defaults to 2 seconds.
    ///
    /// New requests wait this long for the login. Then they use the current token after all. They
    /// stop waiting early if another request is accepted with that token.
    ///
    /// The refused response is kept for its caller this long and then dropped, because an unread
    /// response occupies its connection. With a limit of zero it is dropped before the login
    /// begins: see [`OnFailedRenewal::ReturnResponse`](crate::OnFailedRenewal::ReturnResponse). The
    /// refused request itself waits for up to [`wait_timeout`](Self::wait_timeout).
    #[must_use]
    pub fn renewal_hold(self, limit: Duration) -> Self {
        self.set(|policy| policy.renewal_hold = limit)
    }

    /// Builds the session. No login happens and no runtime is needed.
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
