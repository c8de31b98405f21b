//! axum and tower-http-client.
//!
//! # axum
//!
//! The state of the handlers contains the client, boxed so its type has a name. Here it has its own
//! source and five other layers. [Their order](crate::docs::stack) matters. The inner timeout is
//! that of each attempt:
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
//! # tower-http-client
//!
//! [tower-http-client](https://docs.rs/tower-http-client) adds a request builder, similar to
//! reqwest's, to any service. It infers the body's type from the service, so the service's type has
//! to name it, as this boxed client does:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use serde_json::{Value, json};
//! use tower::{BoxError, ServiceBuilder, util::BoxCloneSyncService};
//! use tower_bearer::{BearerAuthLayer, login::Form};
//! use tower_http_client::{ResponseExt, ServiceExt};
//! # use tower_bearer::testing::Api as HttpClient;
//!
//! type Client = BoxCloneSyncService<Request<Full<Bytes>>, Response<Full<Bytes>>, BoxError>;
//!
//! fn client(http_client: HttpClient) -> Result<Client, BoxError> {
//!     let login =
//!         Form::new(http_client.clone(), "https://api.example.com", "alice", "correct horse")?;
//!     let stack = ServiceBuilder::new().layer(BearerAuthLayer::new(login)).service(http_client);
//!     Ok(BoxCloneSyncService::new(stack))
//! }
//!
//! async fn calls(client: &Client) -> Result<(Value, Value), BoxError> {
//!     // Its methods take `&mut self`. A clone shares the token.
//!     let mut client = client.clone();
//!     let me = client.get("https://api.example.com/users/me").send().await?;
//!     let echo = client.post("https://api.example.com/echo").json(&json!({"city": "Austin"}))?;
//!     let echo = echo.send().await?;
//!     Ok((me.body_reader().json().await?, echo.body_reader().json().await?))
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let api = HttpClient::new().account("alice", "correct horse");
//! # let (me, echo) = calls(&client(api.clone())?).await?;
//! # assert_eq!((&me["username"], &echo["city"]), (&json!("alice"), &json!("Austin")));
//! # assert_eq!(api.counts().logins, 1);
//! # Ok(())
//! # }
//! ```
//!
//! With an unboxed [`BearerAuth`](crate::BearerAuth) the inner client's type has to name the body,
//! such as `Client<HttpConnector, ReplayBody<Full<Bytes>>>` of hyper-util.
