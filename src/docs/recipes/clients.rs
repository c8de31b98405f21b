//! axum and tower-http-client.
//!
//! # axum
//!
//! The state of the handlers contains the client, boxed so its type has a name. Here it has its own
//! source and five other layers. [Their order](crate::docs::stack) matters. The inner timeout is
//! that of each attempt. With [`OnFailedRenewal::Error`](crate::OnFailedRenewal::Error) a failed
//! login is always an error, and never a refused response:
//!
//! ```
//! use std::time::Duration;
//! use axum::{Router, extract::State, http::StatusCode, routing::get};
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, util::BoxCloneSyncService};
//! use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal, Origins, Token, source_fn};
//! # use tower_bearer::ReplayBody;
//! # async fn read_vault(_: &str) -> Result<String, BoxError> { Ok("mF_9.B5f-4.1JqM".into()) }
//!
//! type Upstream = BoxCloneSyncService<Request<Full<Bytes>>, Response<Full<Bytes>>, BoxError>;
//!
//! async fn report(State(upstream): State<Upstream>) -> Result<Bytes, StatusCode> {
//!     let request = Request::get("https://api.example.com/report").body(Full::default());
//!     let response = upstream.oneshot(request.map_err(|_| StatusCode::BAD_REQUEST)?).await;
//!     let response = response.map_err(unanswered)?;
//!     let is_success = response.status().is_success();
//!     let Ok(body) = response.into_body().collect().await;
//!     if is_success { Ok(body.to_bytes()) } else { Err(StatusCode::BAD_GATEWAY) }
//! }
//!
//! fn unanswered(error: BoxError) -> StatusCode {
//!     eprintln!("no report: {error}");
//!     match AuthError::find(&*error) {
//!         Some(error) if error.is_unavailable() => StatusCode::SERVICE_UNAVAILABLE,
//!         _ => StatusCode::BAD_GATEWAY,
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let status = |code: u16| Response::builder().status(code).body(Full::default()).unwrap();
//! # let http_client = tower::service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| async move {
//! #     Ok::<_, BoxError>(match request.headers()["authorization"].to_str()? {
//! #         "Bearer mF_9.B5f-4.1JqM" => Response::new(Full::new(Bytes::from("the report"))),
//! #         _ => status(401),
//! #     })
//! # });
//! let source = source_fn(Origins::only("https://api.example.com")?, |_| async {
//!     Ok(Token::new(read_vault("reports/api").await.map_err(AuthError::unavailable)?)?)
//! });
//! let auth = BearerAuthLayer::new(source).on_failed_renewal(OnFailedRenewal::Error);
//! let around = ServiceBuilder::new().load_shed().buffer(64).timeout(Duration::from_secs(30));
//! let stack = around.layer(auth).concurrency_limit(16).timeout(Duration::from_secs(10));
//! let upstream = BoxCloneSyncService::new(stack.service(http_client));
//! let app: Router = Router::new().route("/report", get(report)).with_state(upstream);
//! # let request = || Request::get("/report").body(axum::body::Body::empty()).unwrap();
//! # let report = app.oneshot(request()).await?.into_body().collect().await?.to_bytes();
//! # assert_eq!(report, "the report");
//! # let down = tower::service_fn(async |_: Request<Full<Bytes>>| {
//! #     Err::<Response<Full<Bytes>>, BoxError>(AuthError::unavailable("no vault").into())
//! # });
//! # let refused = tower::service_fn(move |_| async move { Ok::<_, BoxError>(status(401)) });
//! # let cases = [(BoxCloneSyncService::new(down), 503), (BoxCloneSyncService::new(refused), 502)];
//! # for (upstream, expected) in cases {
//! #     let app: Router = Router::new().route("/report", get(self::report)).with_state(upstream);
//! #     assert_eq!(app.oneshot(request()).await?.status(), expected);
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! A gateway that forwards the requests of its callers must remove their `authorization` first:
//! `request.headers_mut().remove(AUTHORIZATION)`. A request that has the header already is sent as
//! it is, with the caller's own token. The example `axum_gateway` shows such a gateway.
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
