//! anyhow and thiserror: how to find an [`AuthError`](crate::AuthError) in your own errors.
//!
//! # anyhow
//!
//! The layer's error is a [`BoxError`]. `?` does not turn that into an `anyhow::Error`.
//! `anyhow::Error::from_boxed` and `anyhow!` do, but they hide the boxed error from the chain of
//! sources. So take an `AuthError` out of its box first.
//! [`AuthError::find`](crate::AuthError::find) then sees through every `context`:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use anyhow::Context;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::BoxError;
//! use tower_bearer::{AuthError, BearerAuth};
//! # use tower_bearer::testing::Api as HttpClient;
//!
//! fn unboxed(error: BoxError) -> anyhow::Error {
//!     match error.downcast::<AuthError>() {
//!         Ok(error) => anyhow::Error::new(*error),
//!         Err(error) => anyhow::Error::from_boxed(error),
//!     }
//! }
//!
//! async fn me(client: &BearerAuth<HttpClient>) -> anyhow::Result<Response<Full<Bytes>>> {
//!     let request = Request::get("https://api.example.com/users/me").body(Full::<Bytes>::default())?;
//!     client.send(request).await.map_err(unboxed).context("cannot read the profile")
//! }
//!
//! fn advice(error: &anyhow::Error) -> Option<&'static str> {
//!     let auth = AuthError::find(error.as_ref())?;
//!     Some(if auth.is_rejected() {
//!         "check the password"
//!     } else if auth.is_unavailable() {
//!         "try again later"
//!     } else {
//!         "check the configuration"
//!     })
//! }
//! # use tower::Layer;
//! # use tower_bearer::{BearerAuthLayer, login::Form};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower::BoxError> {
//! # let api = HttpClient::new().account("alice", "correct horse");
//! # let login = Form::new(api.clone(), "https://api.example.com", "alice", "wrong horse")?;
//! # let error = me(&BearerAuthLayer::new(login).layer(api)).await.unwrap_err();
//! # assert_eq!(error.to_string(), "cannot read the profile");
//! # assert_eq!(advice(&error), Some("check the password"));
//! # assert_eq!(advice(&anyhow::anyhow!("something else")), None);
//! # // An error around it, such as a buffer's, keeps it among its sources.
//! # let around = std::io::Error::other(AuthError::unavailable("no connection"));
//! # #[derive(Debug, thiserror::Error)]
//! # #[error("around")]
//! # struct Around(#[source] std::io::Error);
//! # assert_eq!(advice(&unboxed(Around(around).into())), Some("try again later"));
//! # let hidden = anyhow::Error::from_boxed(AuthError::rejected("wrong password").into());
//! # assert_eq!(advice(&hidden), None);
//! # Ok(())
//! # }
//! ```
//!
//! # thiserror
//!
//! With `#[source]` or `#[from]` a field is part of the chain of sources, also if it is a
//! `BoxError`:
//!
//! ```
//! use http::StatusCode;
//! use tower::BoxError;
//! use tower_bearer::AuthError;
//!
//! #[derive(Debug, thiserror::Error)]
//! enum SdkError {
//!     #[error("the request failed")]
//!     Request(#[from] BoxError),
//!     #[error("the server answered {0}")]
//!     Status(StatusCode),
//! }
//!
//! impl SdkError {
//!     /// The credentials have to be entered again.
//!     fn needs_credentials(&self) -> bool {
//!         AuthError::find(self).is_some_and(AuthError::is_rejected)
//!     }
//! }
//!
//! let error = SdkError::from(BoxError::from(AuthError::rejected("wrong password")));
//! assert!(error.needs_credentials());
//! assert!(!SdkError::Status(StatusCode::NOT_FOUND).needs_credentials());
//! ```
//!
//! `#[error(transparent)]` is different. Its source is the source *of* the field, so `find` does
//! not see the field itself. Match that variant, and look into its field:
//!
//! ```
//! use tower::BoxError;
//! use tower_bearer::AuthError;
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error(transparent)]
//! struct SdkError(BoxError);
//!
//! let error = SdkError(AuthError::rejected("wrong password").into());
//! assert!(AuthError::find(&error).is_none());
//! assert!(AuthError::find(&*error.0).is_some());
//! ```
//!
//! # A response that was refused
//!
//! If a refused token could not be renewed, the request does not fail: the caller gets the refused
//! response. [`AuthError::of`](crate::AuthError::of) returns the reason from its extensions. Look
//! for it before you turn the status into an error:
//!
//! ```
//! use http::Response;
//! use tower::BoxError;
//! use tower_bearer::AuthError;
//!
//! fn checked<B>(response: Response<B>) -> Result<Response<B>, BoxError> {
//!     match AuthError::of(&response) {
//!         Some(error) if !error.is_foreign_origin() => Err(error.clone().into()),
//!         _ if response.status().is_success() => Ok(response),
//!         _ => Err(format!("the server answered {}", response.status()).into()),
//!     }
//! }
//! # let mut response = Response::builder().status(401).body(()).unwrap();
//! # response.extensions_mut().insert(AuthError::rejected("wrong password"));
//! # let error = checked(response).unwrap_err();
//! # assert!(AuthError::find(&*error).unwrap().is_rejected());
//! # assert!(checked(Response::new(())).is_ok());
//! # let error = checked(Response::builder().status(404).body(()).unwrap()).unwrap_err();
//! # assert!(AuthError::find(&*error).is_none());
//! ```
//!
//! A request to a foreign origin is sent without a token. Its response has an error too
//! ([`is_foreign_origin`](crate::AuthError::is_foreign_origin)), whatever its status: a download
//! from another host succeeds without a token.
//!
//! To get the error of a failed renewal from the layer instead, set
//! [`OnFailedRenewal::Error`](crate::OnFailedRenewal::Error).
//!
//! [`BoxError`]: https://docs.rs/tower/latest/tower/type.BoxError.html
