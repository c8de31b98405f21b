//! How an [`AuthError`] is found in what a stack of layers makes of it.

use std::error::Error;
use std::io;

use http::Response;

use crate::error::AuthError;

impl AuthError {
    /// Finds the `AuthError` in another error, which is the `AuthError` itself or has it among its
    /// [sources](Error::source).
    ///
    /// It looks into boxes, `anyhow` errors (`AuthError::find(error.as_ref())`), your own enums
    /// that derive `thiserror::Error` with `#[from]` or `#[source]`, [`std::io::Error`] and tonic's
    /// `Status`.
    ///
    /// ```
    /// use tower_bearer::AuthError;
    ///
    /// let error = std::io::Error::other(AuthError::rejected("wrong password"));
    /// let error: tower::BoxError = Box::new(error);
    /// assert!(AuthError::find(&*error).is_some_and(AuthError::is_rejected));
    /// ```
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            // Its source is that of the error which it holds, and not that error.
            let held = error.downcast_ref().and_then(io::Error::get_ref);
            next = match held {
                Some(held) => Some(held),
                None => error.source(),
            };
        }
        None
    }

    /// Returns the `AuthError` in the extensions of a response: the reason why a refused request
    /// was not retried, or why a request was sent without a token.
    ///
    /// ```
    /// # fn explain<B>(response: &http::Response<B>) {
    /// if let Some(error) = tower_bearer::AuthError::of(response) {
    ///     eprintln!("{}: {error}", response.status());
    /// }
    /// # }
    /// ```
    pub fn of<B>(response: &Response<B>) -> Option<&Self> {
        response.extensions().get()
    }
}
