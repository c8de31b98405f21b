//! [`SignOut`]: what follows on a sign-out.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::token::Token;

/// The future of [`Session::sign_out`](crate::Session::sign_out). The sign-out has taken effect
/// before the first poll, so the future may be dropped.
///
/// It resolves to the token that was given up, if there was one, to revoke it at the server
/// ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)).
///
/// ```
/// # async fn run(session: &tower_bearer::Session) {
/// if let Some(token) = session.sign_out().await {
///     revoke(token.expose()).await;
/// }
/// # }
/// # async fn revoke(_: &str) {}
/// ```
#[derive(Debug)]
pub struct SignOut {
    token: Option<Token>,
}

impl SignOut {
    pub(super) fn new(token: Option<Token>) -> Self {
        Self { token }
    }
}

impl Future for SignOut {
    type Output = Option<Token>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Token>> {
        Poll::Ready(self.token.take())
    }
}
