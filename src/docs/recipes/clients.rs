//! axum and reqwest.
//!
//! # axum
//!
//! The state of the handlers has the client, boxed so that its type has a name. Here it has a
//! source of its own and five other layers; [their order](crate::docs::stack) matters, and the timeout
//! inside is that of each attempt:
//!
//! ```
//! use std::time::Duration;
//! use axum::{Router, extract::State, http::StatusCode, routing::get};
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, util::BoxCloneSyncService};
//! use tower_bearer::{AuthError, BearerAuthLayer, Origins, Token, TokenRequest, TokenSource};
//! # use tower_bearer::ReplayBody;
//! # async fn read_vault(_: &str) -> Result<String, BoxError> { Ok("mF_9.B5f-4.1JqM".into()) }
//!
//! type Upstream = BoxCloneSyncService<Request<Full<Bytes>>, Response<Full<Bytes>>, BoxError>;
//!
//! struct FromVault;
//!
//! impl TokenSource for FromVault {
//!     fn origins(&self) -> Origins {
//!         Origins::any()
//!     }
//!
//!     async fn fetch(&self, _request: TokenRequest) -> Result<Token, AuthError> {
//!         let token = read_vault("reports/api").await.map_err(AuthError::unavailable)?;
//!         Ok(Token::new(token)?)
//!     }
//! }
//!
//! async fn report(State(upstream): State<Upstream>) -> Result<Bytes, StatusCode> {
//!     let request = Request::get("https://api.example.com/report").body(Full::default());
//!     let response = upstream.oneshot(request.map_err(|_| StatusCode::BAD_REQUEST)?).await;
//!     let response = response.map_err(|_| StatusCode::BAD_GATEWAY)?;
//!     Ok(response.into_body().collect().await.unwrap_or_default().to_bytes())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let http_client = tower::service_fn(async |request: Request<ReplayBody<Full<Bytes>>>| {
//! #     assert_eq!(request.headers()["authorization"], "Bearer mF_9.B5f-4.1JqM");
//! #     Ok::<_, BoxError>(Response::new(Full::new(Bytes::from("the report"))))
//! # });
//! let upstream = ServiceBuilder::new()
//!     .load_shed()
//!     .buffer(64)
//!     .concurrency_limit(16)
//!     .timeout(Duration::from_secs(30))
//!     .layer(BearerAuthLayer::new(FromVault))
//!     .timeout(Duration::from_secs(10))
//!     .service(http_client);
//! let upstream = BoxCloneSyncService::new(upstream);
//! let app: Router = Router::new().route("/report", get(report)).with_state(upstream);
//! # let request = Request::get("/report").body(axum::body::Body::empty())?;
//! # let report = app.oneshot(request).await?.into_body().collect().await?.to_bytes();
//! # assert_eq!(report, "the report");
//! # Ok(())
//! # }
//! ```
//!
//! # reqwest
//!
//! A `reqwest::Client` becomes a service by one function. Build it without redirects: a login would
//! be sent on, and the layer would not see where a token goes. reqwest's own request is made by its
//! builder, multipart and JSON included:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use reqwest::{Body, Client, multipart, redirect::Policy};
//! use tower::{BoxError, Layer, Service, service_fn};
//! use tower_bearer::{BearerAuthLayer, login::Form};
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
//!             let request = request.map(Body::wrap).try_into()?;
//!             Ok(client.execute(request).await?.into())
//!         }
//!     })
//! }
//!
//! async fn upload(base: &str) -> Result<serde_json::Value, BoxError> {
//!     let reqwest = Client::builder().redirect(Policy::none()).build()?;
//!     let login = Form::new(http(reqwest.clone()), base, "me", "secret")?;
//!     let client = BearerAuthLayer::new(login).layer(http(reqwest.clone()));
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
//! ```
