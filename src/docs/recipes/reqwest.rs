//! reqwest, reqwest-middleware, and progenitor's generated clients.
//!
//! # reqwest
//!
//! One function turns a `reqwest::Client` into a service. Switch off redirects: a redirect could
//! forward the password of a login, and the layer would not see where a token goes. Build requests
//! with reqwest's own builder, multipart and JSON included:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use reqwest::{Body, Client, ResponseBuilderExt, multipart, redirect::Policy};
//! use tower::{BoxError, Layer, Service, service_fn};
//! use tower_bearer::{BearerAuthLayer, OnFailedRenewal, login::Form};
//!
//! fn http<B>(
//!     client: Client,
//! ) -> impl Service<Request<B>, Response = Response<Body>, Error = BoxError, Future: Send> + Clone
//! where
//!     B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Sync + 'static,
//! {
//!     service_fn(move |request: Request<B>| {
//!         let client = client.clone();
//!         async move {
//!             let response = client.execute(request.map(Body::wrap).try_into()?).await?;
//!             // The errors of `error_for_status` show it.
//!             let url = Response::builder().url(response.url().clone()).body(())?;
//!             let mut response = Response::<Body>::from(response);
//!             response.extensions_mut().extend(url.into_parts().0.extensions);
//!             Ok(response)
//!         }
//!     })
//! }
//!
//! async fn upload(base: &str) -> Result<serde_json::Value, BoxError> {
//!     let reqwest = Client::builder().redirect(Policy::none()).build()?;
//!     let login = Form::new(http(reqwest.clone()), base, "me", "secret")?;
//!     // Or `error_for_status` hides why a login failed.
//!     let auth = BearerAuthLayer::new(login).on_failed_renewal(OnFailedRenewal::Error);
//!     let client = auth.layer(http(reqwest.clone()));
//!
//!     let search = reqwest.post(format!("{base}/search")).json(&["Austin", "Boston"]);
//!     let response = client.send(Request::<Body>::try_from(search.build()?)?).await?;
//!     println!("{}", response.status());
//!
//!     let form = multipart::Form::new().text("name", "report").text("format", "pdf");
//!     let upload = reqwest.post(format!("{base}/files")).multipart(form);
//!     let response = client.send(Request::<Body>::try_from(upload.build()?)?).await?;
//!     Ok(reqwest::Response::from(response).error_for_status()?.json().await?)
//! }
//! # use tower_bearer::testing::{Api, serve};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let api = Api::new().account("me", "secret");
//! # // It has no such resources, so each request is a 404.
//! # let error = upload(serve(api.clone()).await?.url()).await.unwrap_err();
//! # let error = error.downcast_ref::<reqwest::Error>().unwrap();
//! # assert_eq!(error.status().unwrap(), 404);
//! # assert_eq!(error.url().unwrap().path(), "/files");
//! # assert_eq!(api.counts().logins, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # reqwest-middleware
//!
//! The same function turns a `ClientWithMiddleware` into a service, so the layer can go around all
//! middlewares. The layer can also be one of them. The rest of the chain is then its inner service,
//! and sees a copy of the extensions:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use http::{Extensions, Request, Response};
//! use reqwest::Body;
//! use reqwest_middleware::{Error, Middleware, Next, Result};
//! use tower::{BoxError, Layer, service_fn};
//! use tower_bearer::{AuthError, BearerAuthLayer, ReplayBody};
//!
//! struct Bearer(BearerAuthLayer);
//!
//! #[async_trait::async_trait]
//! impl Middleware for Bearer {
//!     async fn handle(
//!         &self,
//!         request: reqwest::Request,
//!         extensions: &mut Extensions,
//!         next: Next<'_>,
//!     ) -> Result<reqwest::Response> {
//!         let rest = service_fn(|request: Request<ReplayBody<Body>>| {
//!             let (next, mut extensions) = (next.clone(), extensions.clone());
//!             async move {
//!                 let request = request.map(Body::wrap).try_into()?;
//!                 Ok::<Response<Body>, Error>(next.run(request, &mut extensions).await?.into())
//!             }
//!         });
//!         let client = self.0.layer(rest);
//!         let response = client.send(Request::<Body>::try_from(request)?).await;
//!         Ok(response.map_err(unboxed)?.into())
//!     }
//! }
//!
//! fn unboxed(error: BoxError) -> Error {
//!     match error.downcast::<AuthError>() {
//!         Ok(error) => Error::middleware(*error),
//!         // The rest of the chain fails with an `Error`.
//!         Err(error) => error.downcast().map_or_else(|e| anyhow::Error::from_boxed(e).into(), |e| *e),
//!     }
//! }
//! # use tower_bearer::testing::{Api, serve};
//! # use tower::Service;
//! # fn http<B>(
//! #     client: reqwest::Client,
//! # ) -> impl Service<Request<B>, Response = Response<Body>, Error = BoxError, Future: Send> + Clone
//! # where
//! #     B: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + Sync + 'static,
//! # {
//! #     service_fn(move |request: Request<B>| {
//! #         let client = client.clone();
//! #         async move {
//! #             let request = request.map(Body::wrap).try_into()?;
//! #             Ok(client.execute(request).await?.into())
//! #         }
//! #     })
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::result::Result<(), BoxError> {
//! # let api = Api::new().account("me", "secret");
//! # let server = serve(api.clone()).await?;
//! # let base = server.url();
//! # let reqwest = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
//! # let with = |password: &str| -> std::result::Result<_, BoxError> {
//! #     let login = tower_bearer::login::Form::new(http(reqwest.clone()), base, "me", password)?;
//! #     let bearer = Bearer(BearerAuthLayer::new(login));
//! #     Ok(reqwest_middleware::ClientBuilder::new(reqwest.clone()).with(bearer).build())
//! # };
//! # let client = with("secret")?;
//! # for logins in 1..=2 {
//! #     assert_eq!(client.post(format!("{base}/echo")).body("hello").send().await?.text().await?, "hello");
//! #     assert_eq!(api.counts().logins, logins);
//! #     api.revoke_all();
//! # }
//! # let refused = reqwest_middleware::ClientBuilder::new(reqwest.clone());
//! # let login = tower_bearer::source_fn(tower_bearer::Origins::any(), |_| async { Ok(tower_bearer::Token::new("t")?) });
//! # let refused = refused.with(Bearer(BearerAuthLayer::new(login))).build();
//! # let error = refused.get("http://localhost:1/").send().await.unwrap_err();
//! # assert!(error.is_connect());
//! # let error = with("wrong")?.get(format!("{base}/users/me")).send().await.unwrap_err();
//! # let Error::Middleware(error) = error else { panic!("{error}") };
//! # assert!(AuthError::find(error.as_ref()).unwrap().is_rejected());
//! # Ok(())
//! # }
//! ```
//!
//! The caller finds the [`AuthError`](crate::AuthError) in the variant `Error::Middleware`. It is
//! [transparent](crate::docs::recipes::errors#thiserror), so look into its field:
//! `AuthError::find(error.as_ref())`.
//!
//! # progenitor
//!
//! A generated client sends through its hook `exec`. Generate it with `hooks = Expected`, and with
//! the layer's client as its inner value (`inner_type`). It then logs in, renews and retries like
//! any other client. `exec` can only return reqwest's own errors, so it passes the reason of a
//! failed login to the hook `post`, in the extensions of a response:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use http::{Request, Response};
//! use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo};
//! use reqwest::Body;
//! use tower::util::BoxCloneSyncService;
//! use tower::{BoxError, ServiceExt};
//! use tower_bearer::AuthError;
//!
//! /// The layer around the adapter of the first recipe.
//! type Http = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;
//! # struct Client { base: String, reqwest: reqwest::Client, inner: Http }
//! # impl ClientInfo<Http> for Client {
//! #     fn api_version() -> &'static str { "1" }
//! #     fn baseurl(&self) -> &str { &self.base }
//! #     fn client(&self) -> &reqwest::Client { &self.reqwest }
//! #     fn inner(&self) -> &Http { &self.inner }
//! # }
//!
//! impl ClientHooks<Http> for Client {
//!     async fn exec(
//!         &self,
//!         request: reqwest::Request,
//!         _: &OperationInfo,
//!     ) -> reqwest::Result<reqwest::Response> {
//!         let error = match self.inner().clone().oneshot(request.try_into()?).await {
//!             Ok(response) => return Ok(response.into()),
//!             Err(error) => error,
//!         };
//!         let error = match error.downcast::<reqwest::Error>() {
//!             Ok(error) => return Err(*error),
//!             Err(error) => error.downcast().map_or_else(AuthError::unavailable, |error| *error),
//!         };
//!         let mut nothing_sent = Response::new(Body::default());
//!         nothing_sent.extensions_mut().insert(error);
//!         Ok(nothing_sent.into())
//!     }
//!
//!     async fn post<E>(
//!         &self,
//!         result: &reqwest::Result<reqwest::Response>,
//!         _: &OperationInfo,
//!     ) -> Result<(), Error<E>> {
//!         let extensions = result.as_ref().ok().map(reqwest::Response::extensions);
//!         let error = extensions.and_then(|extensions| extensions.get::<AuthError>());
//!         error.map_or(Ok(()), |error| Err(Error::Custom(error.to_string())))
//!     }
//! }
//! # use tower::{Layer, Service, service_fn};
//! # fn http<B>(
//! #     client: reqwest::Client,
//! # ) -> impl Service<Request<B>, Response = Response<Body>, Error = BoxError, Future: Send> + Clone
//! # where
//! #     B: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + Sync + 'static,
//! # {
//! #     service_fn(move |request: Request<B>| {
//! #         let client = client.clone();
//! #         async move {
//! #             let request = request.map(Body::wrap).try_into()?;
//! #             Ok(client.execute(request).await?.into())
//! #         }
//! #     })
//! # }
//! # use tower_bearer::testing::{Api, serve};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let api = Api::new().account("me", "secret");
//! # let server = serve(api.clone()).await?;
//! # let base = server.url();
//! # let reqwest = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
//! # for (password, is_good) in [("secret", true), ("wrong", false)] {
//! #     let login = tower_bearer::login::Form::new(http(reqwest.clone()), base, "me", password)?;
//! #     let layer = tower_bearer::BearerAuthLayer::new(login);
//! #     let inner = Http::new(layer.layer(http(reqwest.clone())));
//! #     let client = Client { base: base.to_owned(), reqwest: reqwest.clone(), inner };
//! #     let info = OperationInfo { operation_id: "me" };
//! #     for _ in 0..2 {
//! #         let request = client.client().get(format!("{}/users/me", client.baseurl())).build()?;
//! #         let result = client.exec(request, &info).await;
//! #         match client.post::<()>(&result, &info).await {
//! #             Ok(()) => assert_eq!((is_good, result?.status().as_u16()), (true, 200)),
//! #             Err(Error::Custom(error)) => assert!(!is_good && error.starts_with("login rejected")),
//! #             Err(error) => panic!("{error}"),
//! #         }
//! #         api.revoke_all();
//! #     }
//! # }
//! # assert_eq!((api.counts().logins_ok, api.counts().logins_rejected), (2, 1));
//! # Ok(())
//! # }
//! ```
//!
//! Without a retry, a [`Session`](crate::Session) as the inner value is enough. The hook `pre`
//! attaches its token, and `exec` reports a refusal, so the next request logs in:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use http::header::AUTHORIZATION;
//! use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo};
//! use tower_bearer::Session;
//! # struct Client { base: String, reqwest: reqwest::Client, inner: Session }
//! # impl ClientInfo<Session> for Client {
//! #     fn api_version() -> &'static str { "1" }
//! #     fn baseurl(&self) -> &str { &self.base }
//! #     fn client(&self) -> &reqwest::Client { &self.reqwest }
//! #     fn inner(&self) -> &Session { &self.inner }
//! # }
//!
//! impl ClientHooks<Session> for Client {
//!     async fn pre<E>(
//!         &self,
//!         request: &mut reqwest::Request,
//!         _: &OperationInfo,
//!     ) -> Result<(), Error<E>> {
//!         let token = self.inner().token().await;
//!         let token = token.map_err(|error| Error::Custom(error.to_string()))?;
//!         request.headers_mut().insert(AUTHORIZATION, token.header_value().clone());
//!         Ok(())
//!     }
//!
//!     async fn exec(
//!         &self,
//!         request: reqwest::Request,
//!         _: &OperationInfo,
//!     ) -> reqwest::Result<reqwest::Response> {
//!         let sent = request.headers().get(AUTHORIZATION).cloned();
//!         let response = self.client().execute(request).await?;
//!         // Another request may have replaced the token meanwhile.
//!         let status = self.inner().status();
//!         let token = status.token().filter(|token| sent.as_ref() == Some(token.header_value()));
//!         if let (401, Some(token)) = (response.status().as_u16(), token) {
//!             self.inner().invalidate(token);
//!         }
//!         Ok(response)
//!     }
//! }
//! # use http::{Request, Response};
//! # use reqwest::Body;
//! # use tower::{BoxError, Service, service_fn};
//! # fn http<B>(
//! #     client: reqwest::Client,
//! # ) -> impl Service<Request<B>, Response = Response<Body>, Error = BoxError, Future: Send> + Clone
//! # where
//! #     B: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + Sync + 'static,
//! # {
//! #     service_fn(move |request: Request<B>| {
//! #         let client = client.clone();
//! #         async move {
//! #             let request = request.map(Body::wrap).try_into()?;
//! #             Ok(client.execute(request).await?.into())
//! #         }
//! #     })
//! # }
//! # use tower_bearer::testing::{Api, serve};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let api = Api::new().account("me", "secret");
//! # let server = serve(api.clone()).await?;
//! # let base = server.url();
//! # let reqwest = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
//! # let login = tower_bearer::login::Form::new(http(reqwest.clone()), base, "me", "secret")?;
//! # let client = Client { base: base.to_owned(), reqwest, inner: Session::new(login) };
//! # let info = OperationInfo { operation_id: "me" };
//! # for (status, logins) in [(200, 1), (401, 1), (200, 2)] {
//! #     let mut request = client.client().get(format!("{}/users/me", client.baseurl())).build()?;
//! #     if client.pre::<()>(&mut request, &info).await.is_err() { panic!("no token") }
//! #     assert_eq!(client.exec(request, &info).await?.status(), status);
//! #     assert_eq!(api.counts().logins, logins);
//! #     if logins == 1 { api.revoke_all() }
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! The hook checks no [origins](crate::Origins): it attaches the token to each request of the
//! client. Switch off redirects in that client too.
