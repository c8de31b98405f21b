//! [`Made`]: a text that is made anew for each login.

use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use tower::BoxError;
use zeroize::Zeroizing;

use crate::error::AuthError;

#[derive(Clone)]
pub(super) struct Made(Arc<Make>);

type Make = dyn Fn() -> BoxFuture<'static, Result<String, BoxError>> + Send + Sync;

impl Made {
    pub(super) fn new<F, Fut>(make: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(make())))
    }

    /// What a file or a signer cannot give now it may give later, unless it says better by an
    /// [`AuthError`].
    pub(super) async fn text(&self) -> Result<Zeroizing<String>, AuthError> {
        match (self.0)().await {
            Ok(text) => Ok(Zeroizing::new(text)),
            Err(error) => Err(match error.downcast() {
                Ok(error) => *error,
                Err(error) => AuthError::unavailable(error),
            }),
        }
    }
}
