//! Tests of your own client, with this crate's test kit and without it.
//!
//! # In a test
//!
//! With the [test kit](../../../testing/index.html) (feature `testing`) the login and the API need
//! no server, and one line revokes a token. A test of your own code only needs no kit: a closure is
//! the login, and a `service_fn` is the API:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{BoxError, Layer, service_fn};
//! use tower_bearer::testing::Api;
//! use tower_bearer::{BearerAuthLayer, Origins, ReplayBody, Token, login::Form, source_fn};
//!
//! fn request() -> Request<Full<Bytes>> {
//!     Request::get("https://api.example.com/users/me").body(Full::default()).unwrap()
//! }
//!
//! async fn with_the_kit() -> Result<(), BoxError> {
//!     let api = Api::new().account("me", "secret");
//!     let login = Form::new(api.clone(), "https://api.example.com", "me", "secret")?;
//!     let client = BearerAuthLayer::new(login).layer(api.clone());
//!     assert_eq!(client.send(request()).await?.status(), 200);
//!     api.revoke_all();
//!     assert_eq!(client.send(request()).await?.status(), 200);
//!     assert_eq!(api.counts().logins, 2);
//!     Ok(())
//! }
//!
//! async fn without_it() -> Result<(), BoxError> {
//!     let login = source_fn(Origins::any(), |_| async { Ok(Token::new("t0k")?) });
//!     let api = service_fn(|request: Request<ReplayBody<Full<Bytes>>>| async move {
//!         let is_good = request.headers()["authorization"] == "Bearer t0k";
//!         let status = if is_good { 200 } else { 401 };
//!         Ok::<_, BoxError>(Response::builder().status(status).body(())?)
//!     });
//!     let client = BearerAuthLayer::new(login).layer(api);
//!     assert_eq!(client.send(request()).await?.status(), 200);
//!     Ok(())
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! #     with_the_kit().await?;
//! #     without_it().await
//! # }
//! ```
