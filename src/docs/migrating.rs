//! Migrating from something else: what to take out, what to put in its place, and what changes.
//!
//! # A retry by hand
//!
//! A function that sends the request, and on a 401 logs in and sends it again, becomes a layer and
//! a [`TokenSource`](crate::TokenSource). The login that it called becomes the body of the source:
//!
//! ```
//! use http_body_util::Empty;
//! # use bytes::Bytes;
//! # use http::{Request, Response};
//! # use tower::{BoxError, ServiceExt, service_fn};
//! use tower::ServiceBuilder;
//! use tower_bearer::{AuthError, BearerAuthLayer, ReplayBody, Origins, Token, source_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # async fn log_in() -> Result<String, std::io::Error> { Ok("mF_9.B5f-4.1JqM".to_owned()) }
//! # let http_client = service_fn(async |request: Request<ReplayBody<Empty<Bytes>>>| {
//! #     Ok::<_, BoxError>(Response::new(request.headers()["authorization"].clone()))
//! # });
//! let source = source_fn(Origins::only("https://api.example.com")?, |_request| async {
//!     Ok(Token::new(log_in().await.map_err(AuthError::unavailable)?)?)
//! });
//! let client = ServiceBuilder::new().layer(BearerAuthLayer::new(source)).service(http_client);
//!
//! let request = Request::get("https://api.example.com/users/me").body(Empty::<Bytes>::new())?;
//! assert_eq!(client.oneshot(request).await?.body(), "Bearer mF_9.B5f-4.1JqM");
//! # Ok(())
//! # }
//! ```
//!
//! Take out the token in its mutex, the clone of the request and the second `send`. Say which
//! failures of the login are final: [`AuthError::rejected`](crate::AuthError::rejected) delays
//! further logins, so retries cannot lock the account.
//! [`AuthError::unavailable`](crate::AuthError::unavailable) is tried again soon. For the usual
//! logins there is a [source](crate::login) that does this.
//!
//! # `AddAuthorizationLayer` of tower-http
//!
//! `AddAuthorizationLayer::bearer(token)` becomes `BearerAuthLayer::new(source)`, in the same place
//! of the stack. Three things are new below it: the body's type is
//! [`ReplayBody<B>`](crate::ReplayBody), the service has to be `Clone`, and errors are
//! [`BoxError`](tower::BoxError), in which `downcast_ref` finds those of the service. That layer
//! replaces a header that the caller set, and this one leaves it as it is. The token also stays
//! within its [origins](crate::Origins).
//!
//! If your token never changes, keep that layer: this one gains you nothing.
//!
//! # An interceptor of tonic
//!
//! An interceptor sees the request's metadata before it is sent, and never the response, so it
//! cannot learn that a token was refused. Put the layer around the `Channel` instead, and give the
//! generated client the result: `HealthClient::new(stack)`. The layer treats `UNAUTHENTICATED` in
//! the response's headers as a refusal. Streaming calls are replayed from what they had sent.
//! `cargo run --example tonic` shows the few lines.
//!
//! # A middleware of reqwest-middleware
//!
//! One function makes reqwest's own `Client` a tower service, and the stack is built around that
//! instead: `cargo run --example reqwest`. A `Request` of reqwest with a streaming body cannot be
//! cloned, so a middleware cannot send it again. Here a body is kept as it streams. Turn off
//! redirects in the login's client, or a redirect could receive the password.
