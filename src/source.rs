//! [`TokenSource`]: where tokens come from.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::{AuthError, Origins, Token};

/// Where tokens come from: a login, a file, a vault, another process.
///
/// The session calls [`fetch`](Self::fetch) for one login at a time, on a task of its own, and at
/// most for the login's time limit. A source holds no lock, keeps no token and retries nothing:
/// all that is the session's part.
///
/// ```
/// use tower_bearer::{AuthError, Origins, Token, TokenSource};
///
/// struct FromFile(std::path::PathBuf);
///
/// impl TokenSource for FromFile {
///     fn origins(&self) -> Origins {
///         Origins::any()
///     }
///
///     async fn fetch(&self, _stale: Option<&Token>) -> Result<Token, AuthError> {
///         let token = std::fs::read_to_string(&self.0).map_err(AuthError::unavailable)?;
///         Ok(Token::new(token)?)
///     }
/// }
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// Which origins its tokens are meant for. A request to another origin gets none.
    fn origins(&self) -> Origins;

    /// Brings a token. `stale` is the one that it is to replace, if there was one; a source with a
    /// refresh token finds it there.
    ///
    /// # Errors
    ///
    /// [`AuthError::rejected`] for credentials that are not good, [`AuthError::unavailable`] for
    /// what may pass, [`AuthError::misconfigured`] for what will not.
    fn fetch(&self, stale: Option<&Token>)
    -> impl Future<Output = Result<Token, AuthError>> + Send;
}

/// Makes a [`TokenSource`] out of a closure.
///
/// ```
/// use tower_bearer::{BearerAuthLayer, Origins, Token, source_fn};
///
/// let layer = BearerAuthLayer::new(source_fn(
///     Origins::only("https://api.example.com")?,
///     |_stale| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) },
/// ));
/// # Ok::<(), tower_bearer::InvalidOrigin>(())
/// ```
pub fn source_fn<F, Fut>(origins: Origins, f: F) -> SourceFn<F>
where
    F: Fn(Option<Token>) -> Fut + Send + Sync + 'static,
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

impl<F, Fut> TokenSource for SourceFn<F>
where
    F: Fn(Option<Token>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, AuthError>> + Send,
{
    fn origins(&self) -> Origins {
        self.origins.clone()
    }

    fn fetch(
        &self,
        stale: Option<&Token>,
    ) -> impl Future<Output = Result<Token, AuthError>> + Send {
        (self.f)(stale.cloned())
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
        stale: Option<&Token>,
    ) -> impl Future<Output = Result<Token, AuthError>> + Send {
        T::fetch(self, stale)
    }
}

/// [`TokenSource`], object-safe: what a session holds. Only a login pays for the box.
pub(crate) trait DynTokenSource: Send + Sync {
    fn origins(&self) -> Origins;
    fn fetch<'a>(&'a self, stale: Option<&'a Token>) -> BoxFuture<'a, Result<Token, AuthError>>;
}

impl<T: TokenSource> DynTokenSource for T {
    fn origins(&self) -> Origins {
        TokenSource::origins(self)
    }

    fn fetch<'a>(&'a self, stale: Option<&'a Token>) -> BoxFuture<'a, Result<Token, AuthError>> {
        Box::pin(TokenSource::fetch(self, stale))
    }
}
