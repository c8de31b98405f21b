//! One call of the source.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::timeout;

use crate::error::AuthError;
use crate::source::{DynTokenSource, TokenRequest};
use crate::token::Token;

/// Asks the source, for no longer than that.
pub(super) async fn fetched(
    source: &dyn DynTokenSource,
    request: TokenRequest,
    limit: Duration,
) -> Result<Token, AuthError> {
    // A source may panic before it returns its future, too.
    let fetch = AssertUnwindSafe(async { source.fetch(request).await }).catch_unwind();
    match timeout(limit, fetch).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(panicked(&*panic)),
        Err(_elapsed) => Err(AuthError::timed_out(limit)),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> AuthError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    AuthError::unavailable(match text {
        Some(text) => format!("the token source panicked: {text}"),
        None => "the token source panicked".to_owned(),
    })
}
