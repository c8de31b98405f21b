//! [`SignOut`]: what follows on a sign-out.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

#[cfg(feature = "store")]
use futures::FutureExt;
use futures::future::BoxFuture;
#[cfg(feature = "store")]
use tokio::runtime::Handle;

use crate::token::Token;

/// Future returned by [`Session::sign_out`](crate::Session::sign_out). The sign-out has taken
/// effect before the first poll, so the future may be dropped.
///
/// It resolves to the dropped token, if there was one, so that you can revoke it at the server
/// ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)). If the session shares a store, it resolves
/// when the token is removed from the store too. If the future is dropped earlier, that continues
/// in the background, on the runtime in which the session was signed out.
///
/// ```
/// # async fn run(session: &tower_bearer::Session) {
/// if let Some(token) = session.sign_out().await {
///     revoke(token.expose()).await;
/// }
/// # }
/// # async fn revoke(_: &str) {}
/// ```
pub struct SignOut {
    token: Option<Token>,
    removal: Option<BoxFuture<'static, ()>>,
}

impl SignOut {
    pub(super) fn new(token: Option<Token>) -> Self {
        Self {
            token,
            removal: None,
        }
    }

    /// It is over when this is done as well.
    #[cfg(feature = "store")]
    pub(super) fn with(mut self, removal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.removal = Some(match Handle::try_current() {
            Ok(runtime) => runtime.spawn(removal).map(|_| ()).boxed(),
            Err(_) => removal.boxed(),
        });
        self
    }
}

impl Future for SignOut {
    type Output = Option<Token>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Token>> {
        if let Some(removal) = &mut self.removal {
            ready!(removal.as_mut().poll(cx));
            self.removal = None;
        }
        Poll::Ready(self.token.take())
    }
}

impl fmt::Debug for SignOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignOut")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}
