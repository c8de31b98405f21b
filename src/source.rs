//! [`TokenSource`]: where tokens come from, and what a source is asked.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::origins::Origins;
use crate::refusal::challenge::Challenge;
use crate::token::Token;

/// A source of tokens: a login, a file, a vault, another process.
///
/// The session calls [`fetch`](Self::fetch) for one login at a time, in a separate task, and ends
/// it at the login's time limit. A source needs no lock, no cache and no retries: the session takes
/// care of all that. Only with [`step_up`](crate::BearerAuthLayer::step_up) can a fetch for a
/// stronger token run at the same time as others, one for each set of challenges.
///
/// If the login is one HTTP request, [`login::Custom`](crate::login::Custom) needs less code: it
/// judges the response and masks secrets as the built-in logins do.
///
/// ```
/// use tower_bearer::{AuthError, Origins, Token, TokenRequest, TokenSource};
///
/// struct FromFile(std::path::PathBuf);
///
/// impl TokenSource for FromFile {
///     fn origins(&self) -> Origins {
///         Origins::any()
///     }
///
///     async fn fetch(&self, _request: TokenRequest) -> Result<Token, AuthError> {
///         let token = std::fs::read_to_string(&self.0).map_err(AuthError::unavailable)?;
///         Ok(Token::new(token)?)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of tokens",
    label = "not a token source",
    note = "constructors of logins return a `Result`: add `?`",
    note = "use `BearerAuthLayer::from_session` for a `Session`, and `source_fn` for a closure"
)]
pub trait TokenSource: Send + Sync + 'static {
    /// Returns the origins of the API that accepts the tokens. A request to any other origin
    /// carries no token.
    ///
    /// A session calls this once.
    fn origins(&self) -> Origins;

    /// Fetches a token. The request says why, and contains the token being replaced, if any, with
    /// its refresh token.
    ///
    /// # Errors
    ///
    /// Return [`AuthError::rejected`] if the credentials are rejected, [`AuthError::unavailable`]
    /// if a later attempt may succeed, and [`AuthError::misconfigured`] if it cannot.
    fn fetch(&self, request: TokenRequest)
    -> impl Future<Output = Result<Token, AuthError>> + Send;

    /// Returns the account of this source, so that processes with the same account can share a
    /// token (feature `store`). Defaults to `None`: then the account must be set on the token
    /// cache. The built-in logins return theirs, except [`Custom`](crate::login::Custom) and
    /// [`TokenFile`](crate::login::TokenFile).
    fn account(&self) -> Option<Account> {
        None
    }

    /// Returns whether a fetch that replaces `stale` uses a credential that works only once, such
    /// as a rotated refresh token. Defaults to `false`.
    ///
    /// A process of a fleet does such a fetch only while no other process can (feature `store`). A
    /// source that returns `true` must respect [`TokenRequest::may_spend`].
    fn spends(&self, stale: Option<&Token>) -> bool {
        let _ = stale;
        false
    }
}

/// The argument of [`TokenSource::fetch`]: why a token is needed, and the token being replaced.
///
/// ```
/// use tower_bearer::{AuthError, Cause, Origins, Token, TokenRequest, TokenSource};
///
/// struct Cached;
///
/// impl TokenSource for Cached {
///     fn origins(&self) -> Origins {
///         Origins::any()
///     }
///
///     async fn fetch(&self, request: TokenRequest) -> Result<Token, AuthError> {
///         // A token that was refused must not come from the cache again.
///         let may_use_cache = request.cause() != Cause::Refused;
///         Ok(Token::new(if may_use_cache { "cached" } else { "fresh" })?)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), AuthError> {
/// let first = Cached.fetch(TokenRequest::first()).await?;
/// let second = Cached.fetch(TokenRequest::replacing(first, Cause::Refused)).await?;
/// assert_eq!(second.expose(), "fresh");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TokenRequest {
    stale: Option<Token>,
    cause: Cause,
    challenges: Arc<[Challenge]>,
    may_spend: bool,
}

/// The account of a [`TokenSource`], and its credential.
///
/// ```
/// use tower_bearer::Account;
///
/// let account = Account::new("reports of https://api.example.com").credential("s3cret");
/// assert_eq!(format!("{account:?}"), r#"Account { id: "reports of https://api.example.com" }"#);
/// ```
#[derive(Clone)]
pub struct Account {
    id: Option<String>,
    /// A part of the id that may hold a key.
    #[cfg(any(feature = "login", feature = "store"))]
    hidden: Zeroizing<String>,
    credential: Zeroizing<String>,
}

/// The reason why a [`TokenSource`] is asked for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The session has had no token from this source yet.
    First,
    /// [`Session::sign_out`](crate::Session::sign_out) dropped the token.
    SignedOut,
    /// The token has expired.
    Expired,
    /// The token is about to expire. Requests keep using it in the meantime.
    Ahead,
    /// A server refused the token, or it was [invalidated](crate::Session::invalidate).
    Refused,
    /// A server accepted the token but asks for a stronger one: see
    /// [`BearerAuthLayer::step_up`](crate::BearerAuthLayer::step_up). The
    /// [challenges](TokenRequest::challenges) say what is required.
    StepUp,
}

/// Creates a [`TokenSource`] from a closure. What it uses from outside is cloned for each call:
///
/// ```
/// use tower_bearer::{AuthError, BearerAuthLayer, Origins, Token, source_fn};
/// # #[derive(Clone)]
/// # struct Vault;
/// # impl Vault {
/// #     async fn read(&self, _: &str) -> std::io::Result<String> { Ok("mF_9.B5f-4.1JqM".into()) }
/// # }
///
/// # let vault = Vault;
/// let source = source_fn(Origins::only("https://api.example.com")?, move |_request| {
///     let vault = vault.clone();
///     async move {
///         let token = vault.read("api/token").await.map_err(AuthError::unavailable)?;
///         Ok(Token::new(token)?)
///     }
/// });
/// let layer = BearerAuthLayer::new(source);
/// # Ok::<(), tower_bearer::InvalidOrigin>(())
/// ```
pub fn source_fn<F, Fut>(origins: Origins, f: F) -> SourceFn<F>
where
    F: Fn(TokenRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, AuthError>> + Send,
{
    SourceFn { origins, f }
}

/// A [`TokenSource`] created by [`source_fn`].
#[derive(Clone)]
pub struct SourceFn<F> {
    origins: Origins,
    f: F,
}

/// [`TokenSource`], object-safe: what a session holds. Only a login pays for the box.
pub(crate) trait DynTokenSource: Send + Sync {
    fn origins(&self) -> Origins;
    fn fetch(&self, request: TokenRequest) -> BoxFuture<'_, Result<Token, AuthError>>;
    #[cfg(any(feature = "login", feature = "store"))]
    fn account(&self) -> Option<Account>;
    #[cfg(any(feature = "login", feature = "store"))]
    fn spends(&self, stale: Option<&Token>) -> bool;
}

impl Account {
    /// Creates an account with this id: a text that identifies the account uniquely, such as the
    /// login's URL and the user name, with everything else that determines the token (OAuth scopes,
    /// an audience). It must not contain a secret.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: Some(id.into()),
            #[cfg(any(feature = "login", feature = "store"))]
            hidden: Zeroizing::default(),
            credential: Zeroizing::default(),
        }
    }

    /// Sets the credential, such as a password. A rejected login counts for all processes with the
    /// same credential, and for no other. The credential is wiped from memory when dropped.
    #[must_use]
    pub fn credential(mut self, credential: impl Into<String>) -> Self {
        self.credential = Zeroizing::new(credential.into());
        self
    }

    /// One that is known by nothing but its credential.
    #[cfg(feature = "login")]
    pub(crate) fn unnamed() -> Self {
        Self {
            id: None,
            hidden: Zeroizing::default(),
            credential: Zeroizing::default(),
        }
    }

    /// Adds to the id what may hold a key.
    #[cfg(feature = "login")]
    pub(crate) fn hidden(mut self, hidden: &str) -> Self {
        self.hidden = Zeroizing::new(hidden.to_owned());
        self
    }

    /// `None`: which account it is, is not known.
    #[cfg(any(feature = "login", feature = "store"))]
    pub(crate) fn expose_id(&self) -> Option<Zeroizing<String>> {
        let (id, hidden) = (self.id.as_deref()?, self.hidden.as_str());
        Some(Zeroizing::new(match hidden {
            "" => id.to_owned(),
            hidden => [id, "\n", hidden].concat(),
        }))
    }

    #[cfg(any(feature = "login", feature = "store"))]
    pub(crate) fn expose_credential(&self) -> &str {
        &self.credential
    }
}

impl TokenRequest {
    /// Creates a request for a first token, to call a source outside a session.
    pub fn first() -> Self {
        Self::new(Cause::First, None, Arc::default())
    }

    /// Creates a request for a token to replace `stale`, to call a source outside a session.
    pub fn replacing(stale: Token, cause: Cause) -> Self {
        Self::new(cause, Some(stale), Arc::default())
    }

    /// Sets the [challenges](Self::challenges). Defaults to none.
    #[must_use]
    pub fn with_challenges(mut self, challenges: impl IntoIterator<Item = Challenge>) -> Self {
        self.challenges = challenges.into_iter().collect();
        self
    }

    /// Returns why the token is needed.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// Returns the token being replaced, if any, with its [refresh
    /// token](Token::expose_refresh_token).
    pub fn stale(&self) -> Option<&Token> {
        self.stale.as_ref()
    }

    /// Returns the parsed `WWW-Authenticate` headers of the response that triggered this login,
    /// which was refused or asked for a [stronger token](Cause::StepUp). Empty for every other
    /// cause.
    pub fn challenges(&self) -> &[Challenge] {
        &self.challenges
    }

    /// Returns whether the fetch may use a credential that works only once, such as a rotated
    /// refresh token: a server treats a second use as theft. `false` for a first [stronger
    /// token](Cause::StepUp), which is fetched beside the session's own, and for a process of a
    /// fleet that does not know whether another process has used it (feature `store`).
    ///
    /// If this is `false`, log in without that credential or fail with [`AuthError::unavailable`].
    /// Only a source that has such a credential must check this.
    pub fn may_spend(&self) -> bool {
        self.may_spend
    }

    /// For a token that meets these challenges. The token to replace was one that did.
    pub(crate) fn for_step_up(self, challenges: Arc<[Challenge]>) -> Self {
        Self {
            cause: Cause::StepUp,
            challenges,
            ..self
        }
    }

    /// For the token that a whole fleet shares.
    #[cfg(feature = "store")]
    pub(crate) fn with_stale(mut self, stale: Option<Token>) -> Self {
        self.stale = stale;
        self
    }

    /// The same, and nothing that is good once is used up.
    pub(crate) fn sparing(mut self) -> Self {
        self.may_spend = false;
        self
    }

    pub(crate) fn new(cause: Cause, stale: Option<Token>, challenges: Arc<[Challenge]>) -> Self {
        // The token may have expired before it was refused: then it is fetched for that.
        let challenges = match cause {
            Cause::Refused => challenges,
            _ => Arc::default(),
        };
        Self {
            stale,
            cause,
            challenges,
            may_spend: true,
        }
    }
}

impl<F, Fut> TokenSource for SourceFn<F>
where
    F: Fn(TokenRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, AuthError>> + Send,
{
    fn origins(&self) -> Origins {
        self.origins.clone()
    }

    fn fetch(
        &self,
        request: TokenRequest,
    ) -> impl Future<Output = Result<Token, AuthError>> + Send {
        (self.f)(request)
    }
}

impl<F> fmt::Debug for SourceFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFn")
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

impl<T: TokenSource> TokenSource for Arc<T> {
    fn origins(&self) -> Origins {
        T::origins(self)
    }

    fn fetch(
        &self,
        request: TokenRequest,
    ) -> impl Future<Output = Result<Token, AuthError>> + Send {
        T::fetch(self, request)
    }

    fn account(&self) -> Option<Account> {
        T::account(self)
    }

    fn spends(&self, stale: Option<&Token>) -> bool {
        T::spends(self, stale)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut account = f.debug_struct("Account");
        account.field("id", &self.id.as_deref().unwrap_or_default());
        account.finish()
    }
}

impl<T: TokenSource> DynTokenSource for T {
    fn origins(&self) -> Origins {
        TokenSource::origins(self)
    }

    fn fetch(&self, request: TokenRequest) -> BoxFuture<'_, Result<Token, AuthError>> {
        Box::pin(TokenSource::fetch(self, request))
    }

    #[cfg(any(feature = "login", feature = "store"))]
    fn account(&self) -> Option<Account> {
        TokenSource::account(self)
    }

    #[cfg(any(feature = "login", feature = "store"))]
    fn spends(&self, stale: Option<&Token>) -> bool {
        TokenSource::spends(self, stale)
    }
}
