//! For your own tests: a stand-in for an API with a login, to test a client's login behaviour
//! offline, and a check of token sources.
//!
//! [`Api`] is a tower service. Give it to a client in place of the HTTP client, or serve it on a
//! [loopback port](#on-a-loopback-port). It has three ways to log in and resources that need a
//! bearer token. For resources of your own, [`Api::guard`] puts its logins and tokens before a fake
//! that knows nothing of them. It refuses, fails, waits and hangs on demand, and counts
//! what it saw. It opens no socket and reads time only through tokio's clock, so tests can pause
//! it.
//!
//! ```
//! use http::{Request, StatusCode};
//! use tower::ServiceExt;
//! use tower_bearer::testing::{Answer, Api};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower::BoxError> {
//! let api = Api::new().account("me@example.com", "correct horse");
//! api.script_login(Answer::unavailable(2)); // the first login meets an overloaded server
//!
//! let login = Request::post("/auth/login")
//!     .header("content-type", "application/x-www-form-urlencoded")
//!     .body("username=me%40example.com&password=correct+horse".to_owned())?;
//! let first = api.clone().oneshot(login.clone()).await?;
//! assert_eq!(first.status(), StatusCode::SERVICE_UNAVAILABLE);
//! assert_eq!(first.headers()["retry-after"], "2");
//!
//! let second = api.clone().oneshot(login).await?;
//! assert_eq!(second.status(), StatusCode::OK);
//! assert_eq!((api.counts().logins, api.counts().logins_ok), (2, 1));
//! # Ok(())
//! # }
//! ```
//!
//! # In a test of your own
//!
//! With this crate's feature `testing` and tokio's `test-util` among the dev-dependencies, a test
//! of a client's login behaviour has ten lines, needs no network, and takes no time when time is
//! paused:
//!
//! ```
//! # mod tokio { pub use ::tokio::{*, main as test}; }
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::{Request, StatusCode};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt};
//! use tower_bearer::testing::{Answer, Api};
//! use tower_bearer::{AuthError, BearerAuth, BearerAuthLayer, login::Form};
//!
//! /// Your own client, with the API in place of the HTTP client.
//! fn client(api: &Api, password: &str) -> BearerAuth<Api> {
//!     let login = Form::new(api.clone(), "https://api.example.com", "alice", password);
//!     BearerAuthLayer::new(login.unwrap()).layer(api.clone())
//! }
//!
//! /// One of its calls.
//! async fn me(client: &BearerAuth<Api>) -> Result<StatusCode, AuthError> {
//!     let request = Request::get("https://api.example.com/users/me");
//!     let request = request.body(Full::<Bytes>::default()).unwrap();
//!     match client.clone().oneshot(request).await {
//!         Ok(response) => Ok(response.status()),
//!         Err(error) => Err(*error.downcast().unwrap()),
//!     }
//! }
//!
//! #[tokio::test(flavor = "current_thread", start_paused = true)]
//! async fn an_expired_token_is_renewed_without_a_refusal() {
//!     let api = Api::new().account("alice", "correct horse");
//!     let api = api.token_lifetime(Duration::from_secs(3600)).announce_lifetime(true);
//!     let client = client(&api, "correct horse");
//!     assert_eq!(me(&client).await.unwrap(), 200);
//!
//!     tokio::time::sleep(Duration::from_secs(3600)).await;
//!     assert_eq!(me(&client).await.unwrap(), 200);
//!     assert_eq!((api.counts().logins, api.counts().refused), (2, 0));
//! }
//!
//! #[tokio::test(flavor = "current_thread", start_paused = true)]
//! async fn a_revoked_token_is_renewed() {
//!     let api = Api::new().account("alice", "correct horse");
//!     let client = client(&api, "correct horse");
//!     assert_eq!(me(&client).await.unwrap(), 200);
//!
//!     api.revoke_all();
//!     assert_eq!(me(&client).await.unwrap(), 200);
//!     assert_eq!((api.counts().logins, api.counts().refused), (2, 1));
//! }
//!
//! #[tokio::test(flavor = "current_thread", start_paused = true)]
//! async fn a_login_that_is_down_is_left_alone_as_long_as_it_asks() {
//!     let api = Api::new().account("alice", "correct horse");
//!     api.script_login(Answer::unavailable(2));
//!     let client = client(&api, "correct horse");
//!     for _ in 0..2 {
//!         let error = me(&client).await.unwrap_err();
//!         assert!(error.is_unavailable());
//!         assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
//!     }
//!     assert_eq!(api.counts().logins, 1);
//!
//!     tokio::time::sleep(Duration::from_secs(2)).await;
//!     assert_eq!(me(&client).await.unwrap(), 200);
//! }
//!
//! #[tokio::test(flavor = "current_thread", start_paused = true)]
//! async fn a_wrong_password_is_tried_once_a_minute() {
//!     let api = Api::new().account("alice", "correct horse");
//!     let client = client(&api, "wrong horse");
//!     for _ in 0..100 {
//!         assert!(me(&client).await.unwrap_err().is_rejected());
//!     }
//!     assert_eq!(api.counts().logins, 1);
//!
//!     tokio::time::sleep(Duration::from_secs(60)).await;
//!     assert!(me(&client).await.unwrap_err().is_rejected());
//!     assert_eq!(api.counts().logins, 2);
//! }
//! # an_expired_token_is_renewed_without_a_refusal();
//! # a_revoked_token_is_renewed();
//! # a_login_that_is_down_is_left_alone_as_long_as_it_asks();
//! # a_wrong_password_is_tried_once_a_minute();
//! ```
//!
//! # On a loopback port
//!
//! A client that takes nothing but a URL needs a server. [`serve`] makes one of an [`Api`], of what
//! it [guards](Api::guard), or of any other service:
//!
//! ```
//! use tower_bearer::testing::{Api, serve};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower::BoxError> {
//! let api = Api::new().account("alice", "correct horse");
//! let server = serve(api.clone()).await?;
//!
//! let response = reqwest::get(format!("{}/users/me", server.url())).await?;
//! assert_eq!(response.status(), 401);
//! assert_eq!(api.counts().without_token, 1);
//! # Ok(())
//! # }
//! ```
//!
//! [`check_source`] tests your own [`TokenSource`](crate::TokenSource).

mod answer;
mod api;
mod check;
mod counts;
mod fault;
mod grant;
mod guard;
mod hold;
mod login;
mod oauth;
mod reply;
mod server;
mod service;
mod state;
#[cfg(feature = "store")]
mod store;
mod wire;

pub use self::answer::Answer;
pub use self::api::Api;
pub use self::check::check_source;
pub use self::counts::Counts;
pub use self::fault::{BrokenSource, Fault, Trial};
pub use self::guard::Guard;
pub use self::hold::Hold;
pub use self::server::{Server, serve};
pub use self::service::ResponseFuture;
#[cfg(feature = "store")]
pub use self::store::{
    BrokenStore, Memory, StoreCounts, StoreFault, StoreOperation, StoreTrouble, check_store,
};

#[cfg(test)]
mod tests;
