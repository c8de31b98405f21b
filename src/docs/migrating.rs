//! Migrating to this layer: what to remove, what replaces it, and what changes.
//!
//! # A retry by hand
//!
//! You have a function that sends a request, and on a 401 logs in and sends it again. A layer and a
//! [`TokenSource`](crate::TokenSource) replace it. Its login becomes the body of the source:
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
//! Remove the token in its mutex, the clone of the request and the second `send`. Decide which
//! failures of the login are final. [`AuthError::rejected`](crate::AuthError::rejected) delays
//! further logins, so retries cannot lock the account. After an
//! [`AuthError::unavailable`](crate::AuthError::unavailable) the next login follows soon. For the
//! usual logins, use a [built-in source](crate::login).
//!
//! # `AddAuthorizationLayer` of tower-http
//!
//! Replace `AddAuthorizationLayer::bearer(token)` by `BearerAuthLayer::new(source)`, in the same
//! place of the stack. These things change:
//!
//! * The service below receives [`ReplayBody<B>`](crate::ReplayBody), and has to be `Clone`.
//! * Errors are [`BoxError`]. `downcast_ref` finds those of the service in it.
//! * A header that the caller has set stays as it is. `AddAuthorizationLayer` replaces it.
//! * The token is only sent to its [origins](crate::Origins).
//!
//! If your token never changes, keep `AddAuthorizationLayer`.
//!
//! # An interceptor of tonic
//!
//! An interceptor sees the request's metadata before it is sent. It never sees the response, so it
//! does not notice that the server refused the token. Put the layer around the `Channel` instead,
//! and give the result to the generated client: `HealthClient::new(stack)`. The layer treats
//! `UNAUTHENTICATED` in the response's headers as a refusal. It replays streaming calls too. The
//! [recipe](crate::docs::recipes::grpc) has the code, and the example `tonic` runs it.
//!
//! # A middleware of reqwest-middleware
//!
//! A middleware cannot clone a request with a streaming body, so it cannot send it again. This
//! layer keeps the body as it streams. Build the stack around reqwest's own `Client`: one function
//! turns it into a tower service. Or keep reqwest-middleware, and use the layer as one of its
//! middlewares. The [recipes](crate::docs::recipes::reqwest) show both. Switch off redirects in the
//! login's client: a redirect could forward the password.
//!
//! [`BoxError`]: https://docs.rs/tower/latest/tower/type.BoxError.html
