//! How an [`AuthError`] is found in what a stack of layers makes of it.

use std::error::Error;
use std::io;

use http::Response;

use crate::error::AuthError;

impl AuthError {
    /// Finds the `AuthError` in another error: it is that error, or one of its
    /// [sources](Error::source).
    ///
    /// It sees through boxes, through `anyhow` (`AuthError::find(error.as_ref())`), through an enum
    /// of your own that `thiserror` derives with `#[from]` or `#[source]`, through a
    /// [`std::io::Error`] and through tonic's `Status`.
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

    /// Finds the `AuthError` in the extensions of a response: why it was refused and not retried,
    /// or why its request was sent without a token.
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
