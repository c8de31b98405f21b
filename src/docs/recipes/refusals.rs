//! Refusals other than a 401: another status, a redirect to a login page, a reason in a body.
//!
//! # Another status or header
//!
//! [`BearerAuthLayer::refused_when`](crate::BearerAuthLayer::refused_when) takes a function of the
//! status and the headers. Here a refusal is also a 419, and a redirect to a login page:
//!
//! ```
//! use http::header::LOCATION;
//! use http::{HeaderMap, StatusCode};
//! use tower_bearer::{BearerAuthLayer, TokenSource, is_refusal};
//!
//! fn is_refused(status: StatusCode, headers: &HeaderMap) -> bool {
//!     let location = headers.get(LOCATION).map_or(&b""[..], |location| location.as_bytes());
//!     status == 419
//!         || status == StatusCode::FOUND && location.starts_with(b"/login")
//!         || is_refusal(status, headers)
//! }
//!
//! fn layer(login: impl TokenSource) -> BearerAuthLayer {
//!     BearerAuthLayer::new(login).refused_when(is_refused)
//! }
//! # let headers = |location: &str| HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
//! # assert!(is_refused(StatusCode::FOUND, &headers("/login?next=/me")));
//! # assert!(!is_refused(StatusCode::FOUND, &headers("/elsewhere")));
//! # assert!(is_refused(StatusCode::from_u16(419).unwrap(), &HeaderMap::new()));
//! # assert!(is_refused(StatusCode::UNAUTHORIZED, &HeaderMap::new()));
//! # assert!(!is_refused(StatusCode::OK, &HeaderMap::new()));
//! # let login = tower_bearer::source_fn(tower_bearer::Origins::any(), |_request| async {
//! #     Ok(tower_bearer::Token::new("t0k")?)
//! # });
//! # layer(login);
//! ```
//!
//! The HTTP client must not follow that redirect by itself.
//!
//! # A reason in the body
//!
//! Some APIs answer with 200 and `{"ok": false, "error": "invalid_auth"}`. Others send a 401 for
//! many reasons, and only its body says which one. The layer reads no body, but a layer inside can.
//! It reads the reason and puts it into a header for `refused_when`. Login, retry and throttling
//! are then the same as for any refusal:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use bytes::Bytes;
//! use http::header::{HeaderName, HeaderValue};
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{BoxError, ServiceBuilder};
//! use tower_bearer::BearerAuthLayer;
//!
//! const REFUSED: HeaderName = HeaderName::from_static("x-token-refused");
//!
//! async fn read_reason<B>(response: Response<B>) -> Result<Response<Full<Bytes>>, BoxError>
//! where
//!     B: http_body::Body<Error: Into<BoxError>>,
//! {
//!     let (mut head, body) = response.into_parts();
//!     let body = body.collect().await.map_err(Into::into)?.to_bytes();
//!     let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
//!     head.headers.remove(REFUSED);
//!     if answer["error"] == "invalid_auth" {
//!         head.headers.insert(REFUSED, HeaderValue::from_static("1"));
//!     }
//!     Ok(Response::from_parts(head, Full::new(body)))
//! }
//! # use tower::service_fn;
//! # use tower_bearer::{ReplayBody, login::Form, testing::Api};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let api = Api::new().account("alice", "correct horse");
//! # let login = Form::new(api.clone(), "https://api.example.com", "alice", "correct horse")?;
//! # let tokens = api.clone();
//! # let http_client = service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
//! #     let is_good = tokens.accepts(request.headers());
//! #     let answer = if is_good { r#"{"ok": true}"# } else { r#"{"ok": false, "error": "invalid_auth"}"# };
//! #     async move { Ok::<_, BoxError>(Response::new(Full::new(Bytes::from(answer)))) }
//! # });
//!
//! let client = ServiceBuilder::new()
//!     .layer(BearerAuthLayer::new(login).refused_when(|_, headers| headers.contains_key(REFUSED)))
//!     .and_then(read_reason)
//!     .map_err(BoxError::from)
//!     .service(http_client);
//! # for logins in 1..=2 {
//! #     let request = Request::get("https://api.example.com/me").body(Full::default())?;
//! #     let body = client.send(request).await?.into_body().collect().await?.to_bytes();
//! #     assert_eq!(body, r#"{"ok": true}"#);
//! #     assert_eq!(api.counts().logins, logins);
//! #     api.revoke_all();
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! This buffers every response. If some are large or streamed, only read those that may contain a
//! reason, such as a 401 or a short JSON body.
//!
//! # A refusal that only the caller sees
//!
//! If the response is a stream, or the reason comes late, the caller reports the refusal. A request
//! with a [`Sent`](crate::Sent) in its extensions records its token there.
//! [`Session::invalidate`](crate::Session::invalidate) takes it, and counts it as a refusal of that
//! token. However many callers report one token, one login follows:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use bytes::Bytes;
//! use http::Request;
//! use http_body_util::{BodyExt, Full};
//! use serde_json::Value;
//! use tower::BoxError;
//! use tower_bearer::{BearerAuth, Sent};
//! # use http::Response;
//! # use tower::util::BoxCloneSyncService;
//! # use tower::{Layer, service_fn};
//! # use tower_bearer::{BearerAuthLayer, ReplayBody, login::Form, testing::Api};
//! # type HttpClient =
//! #     BoxCloneSyncService<Request<ReplayBody<Full<Bytes>>>, Response<Full<Bytes>>, BoxError>;
//!
//! async fn call(
//!     client: &BearerAuth<HttpClient>,
//!     request: Request<Full<Bytes>>,
//! ) -> Result<Value, BoxError> {
//!     let answer = attempt(client, request.clone()).await?;
//!     if is_refused(&answer) { attempt(client, request).await } else { Ok(answer) }
//! }
//!
//! async fn attempt(
//!     client: &BearerAuth<HttpClient>,
//!     mut request: Request<Full<Bytes>>,
//! ) -> Result<Value, BoxError> {
//!     let sent = Sent::new();
//!     request.extensions_mut().insert(sent.clone());
//!     let body = client.send(request).await?.into_body().collect().await?.to_bytes();
//!     let answer = serde_json::from_slice(&body)?;
//!     if is_refused(&answer) {
//!         // The next request logs in. If another token is in hand by now, it uses that one.
//!         client.session().invalidate(&sent);
//!     }
//!     Ok(answer)
//! }
//!
//! fn is_refused(answer: &Value) -> bool {
//!     answer["error"] == "invalid_auth"
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let api = Api::new().account("alice", "correct horse");
//! # let login = Form::new(api.clone(), "https://api.example.com", "alice", "correct horse")?;
//! # let tokens = api.clone();
//! # let http_client = service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
//! #     let is_good = tokens.accepts(request.headers());
//! #     let answer = if is_good { r#"{"ok": true}"# } else { r#"{"ok": false, "error": "invalid_auth"}"# };
//! #     async move { Ok::<_, BoxError>(Response::new(Full::new(Bytes::from(answer)))) }
//! # });
//! # let client = BearerAuthLayer::new(login).layer(HttpClient::new(http_client));
//! # for logins in 1..=2 {
//! #     let request = Request::get("https://api.example.com/me").body(Full::default())?;
//! #     assert_eq!(call(&client, request).await?["ok"], true);
//! #     assert_eq!(api.counts().logins, logins);
//! #     api.revoke_all();
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! A gRPC stream is such a case: its status, `UNAUTHENTICATED`, may come in the trailers.
