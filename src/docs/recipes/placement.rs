//! Tokens elsewhere: in another header, a cookie, a query parameter or two headers, and with DPoP.
//!
//! # Another header or scheme
//!
//! [`BearerAuthLayer::header`](crate::BearerAuthLayer::header) sets the header, and the token has
//! its scheme: [`Token::with_scheme`](crate::Token::with_scheme) or
//! [`Token::bare`](crate::Token::bare).
//!
//! For everything else, add a small layer *inside*. It finds the token in a header of each attempt
//! and moves it to its place, so the retry carries the new token. Use a dedicated header, such as
//! `x-token`, so the inner layer never touches the caller's own `authorization`.
//!
//! # A cookie
//!
//! A request has one `Cookie` header ([RFC 6265, section 5.4]), so the inner layer appends the
//! session's cookie to the request's other cookies:
//!
//! ```
//! use http::header::{COOKIE, HeaderName, HeaderValue};
//! use http::{Request, Response};
//! use tower::{BoxError, Service, ServiceBuilder};
//! use tower_bearer::{BearerAuth, BearerAuthLayer, ReplayBody, TokenSource};
//!
//! const TOKEN: HeaderName = HeaderName::from_static("x-token");
//!
//! fn with_cookie<B>(mut request: Request<B>) -> Result<Request<B>, BoxError> {
//!     let headers = request.headers_mut();
//!     if let Some(token) = headers.remove(TOKEN) {
//!         let cookie = [b"session=", token.as_bytes()].concat();
//!         let cookie = match headers.get(COOKIE) {
//!             Some(others) => [others.as_bytes(), b"; ", &*cookie].concat(),
//!             None => cookie,
//!         };
//!         let mut cookie = HeaderValue::from_bytes(&cookie)?;
//!         cookie.set_sensitive(true);
//!         headers.insert(COOKIE, cookie);
//!     }
//!     Ok(request)
//! }
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//! # use tower::service_fn;
//! # use tower_bearer::{Origins, Token, source_fn};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let login = source_fn(Origins::any(), |_request| async { Ok(Token::bare("s1d")?) });
//! # let http_client = service_fn(async |request: Request<ReplayBody<Full<Bytes>>>| {
//! #     assert!(request.headers()[COOKIE].is_sensitive());
//! #     assert!(!request.headers().contains_key(TOKEN));
//! #     Ok::<_, BoxError>(Response::new(request.headers()[COOKIE].clone()))
//! # });
//!
//! let client = ServiceBuilder::new()
//!     .layer(BearerAuthLayer::new(login).header(TOKEN))
//!     .filter(with_cookie)
//!     .service(http_client);
//! # let request = || Request::get("https://api.example.com/me");
//! # let alone = client.send(request().body(Full::default())?).await?;
//! # assert_eq!(alone.body(), "session=s1d");
//! # let second = client.send(request().header(COOKIE, "theme=dark").body(Full::default())?).await?;
//! # assert_eq!(second.body(), "theme=dark; session=s1d");
//! # Ok(())
//! # }
//! ```
//!
//! The source returns a [bare](crate::Token::bare) token. For a login that answers with
//! `Set-Cookie` use [`Custom`](crate::login::Custom): its second function reads that header. If the
//! server redirects to its login page instead of sending a 401, see [what counts as a
//! refusal](crate::docs::recipes::refusals).
//!
//! # A query parameter
//!
//! Prefer a header where the server takes one: URIs are logged by servers and proxies
//! ([RFC 6750, section 2.3]). Keep this layer innermost, so no other layer logs the URI either:
//!
//! ```
//! use http::header::HeaderName;
//! use http::uri::{PathAndQuery, Uri};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder};
//! use tower_bearer::BearerAuthLayer;
//!
//! const TOKEN: HeaderName = HeaderName::from_static("x-token");
//!
//! fn with_parameter<B>(mut request: Request<B>) -> Result<Request<B>, BoxError> {
//!     if let Some(token) = request.headers_mut().remove(TOKEN) {
//!         let mut parts = request.uri().clone().into_parts();
//!         let (path, query) = (request.uri().path(), request.uri().query());
//!         let mut parameters = form_urlencoded::Serializer::new(query.unwrap_or_default().to_owned());
//!         parameters.append_pair("access_token", token.to_str()?);
//!         let path = format!("{path}?{}", parameters.finish());
//!         parts.path_and_query = Some(PathAndQuery::try_from(path)?);
//!         *request.uri_mut() = Uri::from_parts(parts)?;
//!     }
//!     Ok(request)
//! }
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//! # use tower::service_fn;
//! # use tower_bearer::{Origins, ReplayBody, Token, source_fn};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let login = source_fn(Origins::any(), |_request| async { Ok(Token::bare("a+b")?) });
//! # let http_client = service_fn(async |request: Request<ReplayBody<Full<Bytes>>>| {
//! #     assert!(!request.headers().contains_key(TOKEN));
//! #     Ok::<_, BoxError>(Response::new(request.uri().to_string()))
//! # });
//!
//! let client = ServiceBuilder::new()
//!     .layer(BearerAuthLayer::new(login).header(TOKEN))
//!     .filter(with_parameter)
//!     .service(http_client);
//! # for (uri, expected) in [
//! #     ("https://api.example.com/me", "https://api.example.com/me?access_token=a%2Bb"),
//! #     ("https://api.example.com/?q=1", "https://api.example.com/?q=1&access_token=a%2Bb"),
//! # ] {
//! #     let response = client.send(Request::get(uri).body(Full::default())?).await?;
//! #     assert_eq!(response.body(), expected);
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # Two headers
//!
//! Some logins return a pair, such as a user id and a token, and each request carries both. Keep
//! the pair in one token, and split it inside. The two parts then always come from the same login,
//! also in the retry and in a [shared cache](../../fleet/index.html):
//!
//! ```
//! use http::header::{HeaderName, HeaderValue};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder};
//! use tower_bearer::{AuthError, BearerAuthLayer, Origins, Token, source_fn};
//! # async fn log_in() -> Result<(String, String), BoxError> { Ok(("u42".into(), "t0:k".into())) }
//!
//! const PAIR: HeaderName = HeaderName::from_static("x-pair");
//!
//! fn with_both<B>(mut request: Request<B>) -> Result<Request<B>, BoxError> {
//!     let headers = request.headers_mut();
//!     if let Some(pair) = headers.remove(PAIR) {
//!         let (user, token) = pair.to_str()?.split_once(':').ok_or("there is no pair")?;
//!         let mut token = HeaderValue::from_str(token)?;
//!         token.set_sensitive(true);
//!         headers.insert("x-user-id", HeaderValue::from_str(user)?);
//!         headers.insert("x-auth-token", token);
//!     }
//!     Ok(request)
//! }
//!
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//! # use tower::service_fn;
//! # use tower_bearer::ReplayBody;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let http_client = service_fn(async |request: Request<ReplayBody<Full<Bytes>>>| {
//! #     let mut response = Response::new(());
//! #     *response.headers_mut() = request.headers().clone();
//! #     Ok::<_, BoxError>(response)
//! # });
//! let login = source_fn(Origins::only("https://api.example.com")?, |_request| async {
//!     // No id has a colon.
//!     let (user, token) = log_in().await.map_err(AuthError::unavailable)?;
//!     Ok(Token::bare(format!("{user}:{token}"))?)
//! });
//! let client = ServiceBuilder::new()
//!     .layer(BearerAuthLayer::new(login).header(PAIR))
//!     .filter(with_both)
//!     .service(http_client);
//! # let request = Request::get("https://api.example.com/me").body(Full::default())?;
//! # let response = client.send(request).await?;
//! # assert_eq!(response.headers()["x-user-id"], "u42");
//! # assert_eq!(response.headers()["x-auth-token"], "t0:k");
//! # assert!(response.headers()["x-auth-token"].is_sensitive());
//! # assert_eq!(response.headers().len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! A second header that never changes, such as an API key, needs none of this: set it with
//! `SetRequestHeader` of tower-http, on either side of the layer.
//!
//! # DPoP
//!
//! A DPoP-bound token ([RFC 9449]) is sent under the scheme `DPoP`, with a proof in the header
//! `dpop`: a JWT, signed for this method, this URI and this token. Each attempt needs a new proof,
//! so a layer inside adds it. It finds the token in the request's header. You supply the signer,
//! which adds `jti` and `iat`, and hashes the token for `ath`:
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use http::header::{AUTHORIZATION, HeaderValue};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder};
//! use tower_bearer::BearerAuthLayer;
//!
//! /// Takes the method, the URI without its query, the token and the nonce, and returns a JWT.
//! type Signer = fn(&str, &str, Option<&str>, Option<&str>) -> Result<String, BoxError>;
//!
//! struct Dpop { sign: Signer, nonce: Mutex<Option<HeaderValue>> }
//!
//! impl Dpop {
//!     fn prove<B>(&self, mut request: Request<B>) -> Result<Request<B>, BoxError> {
//!         let (method, uri) = (request.method().as_str(), request.uri().to_string());
//!         let uri = uri.split('?').next().unwrap_or_default();
//!         let token = request.headers().get(AUTHORIZATION).map(HeaderValue::to_str).transpose()?;
//!         let token = token.and_then(|value| value.strip_prefix("DPoP "));
//!         let nonce = self.nonce.lock().unwrap().clone();
//!         let nonce = nonce.as_ref().map(HeaderValue::to_str).transpose()?;
//!         let proof = HeaderValue::try_from((self.sign)(method, uri, token, nonce)?)?;
//!         request.headers_mut().insert("dpop", proof);
//!         Ok(request)
//!     }
//!
//!     fn keep_nonce<R>(&self, response: Response<R>) -> Response<R> {
//!         if let Some(nonce) = response.headers().get("dpop-nonce") {
//!             *self.nonce.lock().unwrap() = Some(nonce.clone());
//!         }
//!         response
//!     }
//! }
//! # use bytes::Bytes;
//! # use http_body_util::Full;
//! # use tower::service_fn;
//! # use tower_bearer::{Origins, ReplayBody, Token, source_fn};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let sign: Signer = |method, uri, token, nonce| {
//! #     Ok(format!("{method} {uri} {} {}", token.unwrap_or("-"), nonce.unwrap_or("-")))
//! # };
//! # let login = source_fn(Origins::any(), |_request| async { Ok(Token::with_scheme("DPoP", "t0k")?) });
//! # let http_client = service_fn(async |request: Request<ReplayBody<Full<Bytes>>>| {
//! #     let is_proven = request.headers()["dpop"] == "GET https://api.example.com/me t0k n1";
//! #     let response = match is_proven {
//! #         true => Response::builder(),
//! #         false => Response::builder().status(401).header("dpop-nonce", "n1")
//! #             .header("www-authenticate", r#"DPoP error="use_dpop_nonce""#),
//! #     };
//! #     Ok::<_, BoxError>(response.body(())?)
//! # });
//!
//! let dpop = Arc::new(Dpop { sign, nonce: Mutex::default() });
//! let latest = dpop.clone();
//! let client = ServiceBuilder::new()
//!     .layer(BearerAuthLayer::new(login))
//!     .filter(move |request: Request<_>| dpop.prove(request))
//!     .map_response(move |response: Response<_>| latest.keep_nonce(response))
//!     .service(http_client);
//! # for status in [401, 200] {
//! #     let request = Request::get("https://api.example.com/me?page=2").body(Full::default())?;
//! #     assert_eq!(client.send(request).await?.status(), status);
//! # }
//! # assert_eq!(client.session().stats().logins, 1);
//! # Ok(())
//! # }
//! ```
//!
//! The source returns the token [with the scheme](crate::Token::with_scheme) `DPoP`. The login's
//! client needs a `Dpop` too, of its own, since each server has its own nonce. Its requests have no
//! token, so their proofs have no `ath`.
//!
//! A 401 with the error `use_dpop_nonce` is [no refusal](crate::is_refusal), since the token is
//! good. The caller gets it, and the same request sent again has the nonce. A `Retry` of tower
//! [around](crate::docs::stack) the layer does that.
//!
//! [RFC 6265, section 5.4]: https://www.rfc-editor.org/rfc/rfc6265#section-5.4
//! [RFC 6750, section 2.3]: https://www.rfc-editor.org/rfc/rfc6750#section-2.3
//! [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449
