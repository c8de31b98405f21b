//! [`TokenSource`]: where tokens come from, and what a source is told.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::origins::Origins;
use crate::refusal::challenge::Challenge;
use crate::token::Token;

/// Where tokens come from: a login, a file, a vault, another process.
///
/// The session calls [`fetch`](Self::fetch) for one login at a time, in a task of its own, and at
/// most for the login's time limit. A source holds no lock, caches no token and retries nothing:
/// all of that is the session's part.
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
pub trait TokenSource: Send + Sync + 'static {
    /// Returns the origins that its tokens may be sent to. A request to another origin gets none.
    ///
    /// A session asks once.
    fn origins(&self) -> Origins;

    /// Fetches a token. The request says why, and which token it replaces, if any: a source with a
    /// refresh token finds it there.
    ///
    /// # Errors
    ///
    /// [`AuthError::rejected`] for credentials that are not good, [`AuthError::unavailable`] for
    /// what may pass, [`AuthError::misconfigured`] for what will not.
    fn fetch(&self, request: TokenRequest)
    -> impl Future<Output = Result<Token, AuthError>> + Send;

    /// Returns the account that it logs in to, so that processes with the same one can share a
    /// token (feature `store`). Defaults to `None`: then the token cache has to be told. The
    /// built-in logins return theirs.
    fn account(&self) -> Option<Account> {
        None
    }

    /// Returns whether a fetch that replaces `stale` uses up what is good once, such as a refresh
    /// token that the server rotates. Defaults to `false`.
    ///
    /// A process of a fleet makes such a fetch only while no other process can (feature `store`). A
    /// source that returns `true` has to look at [`TokenRequest::may_spend`].
    fn spends(&self, stale: Option<&Token>) -> bool {
        let _ = stale;
        false
    }
}

/// What a [`TokenSource`] is told: why it is asked, and what is known of the token to replace.
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

/// The account that a [`TokenSource`] logs in to, and the credential that it does so with.
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

/// Why a [`TokenSource`] is asked for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The session has had no token from this source yet.
    First,
    /// [`Session::sign_out`](crate::Session::sign_out) dropped the token.
    SignedOut,
    /// The token has expired.
    Expired,
    /// The token is about to expire. Requests keep using it meanwhile.
    Ahead,
    /// A server refused the token, or it was [invalidated](crate::Session::invalidate).
    Refused,
    /// A server accepted the token, and asks for a stronger one: see
    /// [`BearerAuthLayer::step_up`](crate::BearerAuthLayer::step_up). The
    /// [challenges](TokenRequest::challenges) say for what.
    StepUp,
}

/// Makes a [`TokenSource`] out of a closure.
///
/// ```
/// use tower_bearer::{BearerAuthLayer, Origins, Token, source_fn};
///
/// let layer = BearerAuthLayer::new(source_fn(
///     Origins::only("https://api.example.com")?,
///     |_request| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) },
/// ));
/// # Ok::<(), tower_bearer::InvalidOrigin>(())
/// ```
pub fn source_fn<F, Fut>(origins: Origins, f: F) -> SourceFn<F>
where
    F: Fn(TokenRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, AuthError>> + Send,
{
    SourceFn { origins, f }
}

/// The source that [`source_fn`] makes.
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
    /// Makes the account of this id: a text that tells it from every other account, such as the
    /// login's URL and the user's name, with what else the token depends on (OAuth scopes, an
    /// audience). It holds no secret.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: Some(id.into()),
            #[cfg(any(feature = "login", feature = "store"))]
            hidden: Zeroizing::default(),
            credential: Zeroizing::default(),
        }
    }

    /// Sets the credential, such as a password. A rejected login counts for all processes that have
    /// the same one, and for no other. It is wiped when dropped.
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
    /// Makes the request for a first token, to call a source outside a session.
    pub fn first() -> Self {
        Self::new(Cause::First, None, Arc::default())
    }

    /// Makes the request for a token that replaces `stale`, to call a source outside a session.
    pub fn replacing(stale: Token, cause: Cause) -> Self {
        Self::new(cause, Some(stale), Arc::default())
    }

    /// Sets the [challenges](Self::challenges). Defaults to none.
    #[must_use]
    pub fn with_challenges(mut self, challenges: impl IntoIterator<Item = Challenge>) -> Self {
        self.challenges = challenges.into_iter().collect();
        self
    }

    /// Returns why the token is asked for.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// Returns the token that is being replaced, if any, with its
    /// [refresh token](Token::expose_refresh_token).
    pub fn stale(&self) -> Option<&Token> {
        self.stale.as_ref()
    }

    /// Returns the challenges of the response that triggered this login: the `WWW-Authenticate`
    /// headers of a refused response, parsed, or what a [step-up](Cause::StepUp) has to meet. Empty
    /// for every other cause.
    pub fn challenges(&self) -> &[Challenge] {
        &self.challenges
    }

    /// Returns whether the fetch may use up what is good once, such as a refresh token that the
    /// server rotates. `true` but for the process of a fleet that does not know whether another one
    /// has used it (feature `store`): a server takes a second use for theft.
    ///
    /// If it may not, the source logs in without it, or fails with [`AuthError::unavailable`]. Only
    /// a source that [spends](TokenSource::spends) anything meets this.
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
    #[cfg(any(feature = "login", feature = "store"))]
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
