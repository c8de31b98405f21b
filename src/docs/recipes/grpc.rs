//! tonic: status codes, deadlines and client credentials.
//!
//! # tonic
//!
//! Put the layer around the `Channel`, and give the stack to the generated client. The example
//! `tonic` runs it against a real server. Two things differ from other clients:
//!
//! * tonic drops a response's extensions, and the reason of a failed renewal with them. Set
//!   [`OnFailedRenewal::Error`](crate::OnFailedRenewal::Error) to keep it.
//! * tonic turns errors of unknown types into a status of `UNKNOWN`. A `map_err` around the layer
//!   gives each [`AuthError`](crate::AuthError) the code that gRPC callers expect.
//!
//! ```
//! use std::sync::Arc;
//!
//! use http::Request;
//! use tonic::body::Body;
//! use tonic::transport::Channel;
//! use tonic::{Code, Status};
//! use tower::{BoxError, ServiceBuilder};
//! use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal, ReplayBody};
//! # use tower_bearer::{Origins, Token, source_fn};
//!
//! /// tonic returns a `Status` as it is.
//! fn with_code(error: BoxError) -> BoxError {
//!     let Some(auth) = error.downcast_ref::<AuthError>() else {
//!         return error;
//!     };
//!     let code = if auth.is_timeout() {
//!         Code::DeadlineExceeded
//!     } else if auth.is_unavailable() {
//!         Code::Unavailable
//!     } else if auth.is_misconfigured() {
//!         Code::Internal
//!     } else {
//!         // The login was rejected, the session was signed out, or no new token could be had.
//!         Code::Unauthenticated
//!     };
//!     let mut status = Status::new(code, auth.to_string());
//!     status.set_source(Arc::new(auth.clone()));
//!     status.into()
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let login = source_fn(Origins::any(), |_| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) });
//! let channel = Channel::from_static("https://api.example.com").connect_lazy();
//! let stack = ServiceBuilder::new()
//!     .map_err(with_code)
//!     .layer(BearerAuthLayer::new(login).on_failed_renewal(OnFailedRenewal::Error))
//!     // A channel takes one type of body.
//!     .map_request(|request: Request<ReplayBody<Body>>| request.map(Body::new))
//!     .service(channel);
//! let client = tonic::client::Grpc::new(stack);
//! # fn code(error: AuthError) -> Code {
//! #     with_code(error.into()).downcast_ref::<Status>().unwrap().code()
//! # }
//! # assert_eq!(code(AuthError::rejected("wrong password")), Code::Unauthenticated);
//! # assert_eq!(code(AuthError::unavailable("no connection")), Code::Unavailable);
//! # assert_eq!(code(AuthError::misconfigured("a wrong URL")), Code::Internal);
//! # assert!(!with_code("of the channel".into()).is::<Status>());
//! # fn is_a_client<C: tonic::client::GrpcService<Body>>(_: &tonic::client::Grpc<C>) {}
//! # is_a_client(&client);
//! # }
//! ```
//!
//! A caller finds the `AuthError` as the source of the status.
//!
//! In a test, `testing::serve(tonic::service::Routes::new(service))` is a server on loopback, and
//! an interceptor of the service asks the stand-in: `api.accepts(request.metadata().as_ref())`.
//!
//! ## Deadlines
//!
//! `tonic::Request::set_timeout` sets the header `grpc-timeout`, and the layer respects it. The
//! time begins with the call. A call waits for a login until that time is over, and no longer. It
//! then fails with [`is_timeout()`](crate::AuthError::is_timeout), or returns the refused response
//! if there is one. The login continues in the background and serves the next call. After a wait,
//! and for the retry, the layer sets `grpc-timeout` to the remaining time. If none remains, it
//! sends nothing.
//!
//! `Endpoint::timeout` sets no header. It limits each attempt, but not the wait for a login. To
//! limit everything without the header, put a `Timeout` [around the layer](crate::docs::stack).
//!
//! ## Client credentials
//!
//! The token endpoint is usually on another host than the service, and needs its own HTTP client:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use tonic::body::Body;
//! use tonic::transport::Channel;
//! use tower::ServiceBuilder;
//! use tower_bearer::login::{ClientAuth, ClientCredentials, LoginClient};
//! use tower_bearer::{BearerAuthLayer, OnFailedRenewal, Origins, ReplayBody};
//!
//! type Request = http::Request<ReplayBody<Body>>;
//!
//! fn grpc(http_client: impl LoginClient) -> Result<(), tower::BoxError> {
//!     let login = ClientCredentials::new(
//!         http_client,
//!         "https://auth.example.com/oauth/token",
//!         ClientAuth::new("billing", "s3cret"),
//!         Origins::only("https://grpc.example.com")?,
//!     )?
//!     .scopes(["invoices.read"]);
//!     let stack = ServiceBuilder::new()
//!         .layer(BearerAuthLayer::new(login).on_failed_renewal(OnFailedRenewal::Error))
//!         .map_request(|request: Request| request.map(Body::new))
//!         .service(Channel::from_static("https://grpc.example.com").connect_lazy());
//!     // Instead of `Grpc`, the client that was generated from your service.
//!     let client = tonic::client::Grpc::new(stack);
//! #   fn is_a_client<C: tonic::client::GrpcService<Body>>(_: &tonic::client::Grpc<C>) {}
//! #   is_a_client(&client);
//!     Ok(())
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { grpc(tower_bearer::testing::Api::new()).unwrap(); }
//! ```
