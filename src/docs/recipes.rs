//! Short answers for particular clients, and for many accounts.
//!
//! # tonic
//!
//! Put the layer around the `Channel`, and give the stack to the generated client. `cargo run
//! --example tonic` runs it against a real server. Two things differ from other clients:
//!
//! * tonic drops a response's extensions. Set
//!   [`OnFailedRenewal::Error`](crate::OnFailedRenewal::Error), or the reason of a failed renewal
//!   is lost.
//! * tonic turns every error that it does not know into a status of `UNKNOWN`. A `map_err` around
//!   the layer gives each [`AuthError`](crate::AuthError) the code that a caller of gRPC expects.
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
//! ## Deadlines
//!
//! `tonic::Request::set_timeout` sets the header `grpc-timeout`, and the layer keeps to it. The
//! time begins with the call. A login is waited for until then and no longer: then the call fails
//! with [`is_timeout()`](crate::AuthError::is_timeout), or returns the refused response if there is
//! one. The login goes on in the background and serves the next call. A request that waited, and
//! each retry, is sent with the time that is left in its `grpc-timeout`. If nothing is left, it is
//! not sent.
//!
//! `Endpoint::timeout` sets no header. It bounds each attempt, and no wait for a login. To bound
//! everything without the header, put a `Timeout` [around the layer](super::stack).
//!
//! ## Client credentials
//!
//! The token endpoint is seldom where the service is, and wants a client of its own:
//!
//! ```
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
//!
//! # axum
//!
//! The state of the handlers has the client, boxed so that its type has a name. Here it has a
//! source of its own and five other layers; [their order](super::stack) matters, and the timeout
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
//!
//! # In a test
//!
//! With the [kit](../../testing/index.html) (feature `testing`) the login and the API need no
//! server, and a revoked token is one line. Without it a closure and a `service_fn` do, where only
//! your own code is of interest:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{BoxError, Layer, service_fn};
//! use tower_bearer::testing::Api;
//! use tower_bearer::{BearerAuthLayer, Origins, ReplayBody, Token, login::Form, source_fn};
//!
//! fn request() -> Request<Full<Bytes>> {
//!     Request::get("https://api.example.com/users/me").body(Full::default()).unwrap()
//! }
//!
//! async fn with_the_kit() -> Result<(), BoxError> {
//!     let api = Api::new().account("me", "secret");
//!     let login = Form::new(api.clone(), "https://api.example.com", "me", "secret")?;
//!     let client = BearerAuthLayer::new(login).layer(api.clone());
//!     assert_eq!(client.send(request()).await?.status(), 200);
//!     api.revoke_all();
//!     assert_eq!(client.send(request()).await?.status(), 200);
//!     assert_eq!(api.counts().logins, 2);
//!     Ok(())
//! }
//!
//! async fn without_it() -> Result<(), BoxError> {
//!     let login = source_fn(Origins::any(), |_| async { Ok(Token::new("t0k")?) });
//!     let api = service_fn(|request: Request<ReplayBody<Full<Bytes>>>| async move {
//!         let is_good = request.headers()["authorization"] == "Bearer t0k";
//!         let status = if is_good { 200 } else { 401 };
//!         Ok::<_, BoxError>(Response::builder().status(status).body(())?)
//!     });
//!     let client = BearerAuthLayer::new(login).layer(api);
//!     assert_eq!(client.send(request()).await?.status(), 200);
//!     Ok(())
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! #     with_the_kit().await?;
//! #     without_it().await
//! # }
//! ```
//!
//! # Many accounts
//!
//! A gateway or an SDK acts for many users. One client serves them all: its layer has no account,
//! and each request carries its user's [`Session`](crate::Session).
//! [`Sessions`](crate::Sessions) makes the session of a user once, however many ask at a time, and
//! forgets it when it was idle for a while. `cargo run --example axum_gateway` serves two tenants.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{BoxError, Layer};
//! use tower_bearer::login::Form;
//! use tower_bearer::{AuthError, BearerAuth, BearerAuthLayer, Session, Sessions};
//! # use tower_bearer::testing::Api as HttpClient;
//!
//! type Password = fn(&str) -> Option<&'static str>;
//!
//! #[derive(Clone)]
//! struct Sdk {
//!     client: BearerAuth<HttpClient>,
//!     users: Sessions<String>,
//! }
//!
//! impl Sdk {
//!     fn new(http_client: HttpClient, password_of: Password) -> Self {
//!         let client = BearerAuthLayer::per_request().layer(http_client.clone());
//!         let users = Sessions::new(move |user: &String| {
//!             let password = password_of(user).ok_or("unknown user")?;
//!             let client = http_client.clone();
//!             let login = Form::new(client, "https://api.example.com", user, password)?;
//!             Ok(Session::builder(login).name(user).build())
//!         });
//!         Self { client, users: users.capacity(1_000) }
//!     }
//!
//!     async fn me(&self, user: &str) -> Result<Response<Full<Bytes>>, BoxError> {
//!         let request = Request::get("https://api.example.com/users/me")
//!             .extension(self.users.get(&user.to_owned())?)
//!             .body(Full::<Bytes>::default())?;
//!         self.client.send(request).await
//!     }
//!
//!     /// The user is gone: the session is forgotten, and its token is not used again.
//!     fn remove(&self, user: &str) {
//!         let session = self.users.remove(&user.to_owned());
//!         drop(session.map(|session| session.sign_out()));
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let api = HttpClient::new().account("alice", "correct horse").account("bob", "battery staple");
//! # let sdk = Sdk::new(api.clone(), |user| match user {
//! #     "alice" => Some("correct horse"),
//! #     "bob" => Some("battery staple"),
//! #     _ => None,
//! # });
//! # use http_body_util::BodyExt;
//! # for user in ["alice", "bob", "alice"] {
//! #     let body = sdk.me(user).await?.into_body().collect().await?.to_bytes();
//! #     let body: serde_json::Value = serde_json::from_slice(&body)?;
//! #     assert_eq!(body["username"], user);
//! # }
//! # assert!(AuthError::find(&*sdk.me("mallory").await.unwrap_err()).unwrap().is_misconfigured());
//! # assert_eq!(api.counts().logins, 2);
//! # sdk.remove("alice");
//! # sdk.me("alice").await?;
//! # assert_eq!(api.counts().logins, 3);
//! # Ok(())
//! # }
//! ```
//!
//! The key is everything that tells one token from another. If one user needs a token for each
//! audience, or for different OAuth scopes, the key is the pair:
//!
//! ```
//! use tower_bearer::login::{ClientAuth, ClientCredentials};
//! use tower_bearer::{AuthError, Origins, Session, Sessions};
//!
//! # use tower_bearer::testing::Api;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), AuthError> {
//! # let http_client = Api::new().client("billing", "s3cret").client("reports", "s3cret");
//! # let api = http_client.clone();
//! let sessions = Sessions::new(move |(tenant, audience): &(String, String)| {
//!     let login = ClientCredentials::new(
//!         http_client.clone(),
//!         "https://auth.example.com/oauth/token",
//!         ClientAuth::new(tenant, "s3cret"),
//!         Origins::only(audience)?,
//!     )?;
//!     let login = login.audience(audience);
//!     Ok(Session::builder(login).name(format!("{tenant} at {audience}")).build())
//! });
//! # for (tenant, audience) in [("billing", "a"), ("billing", "b"), ("reports", "a"), ("billing", "a")] {
//! #     let key = (tenant.to_owned(), format!("https://{audience}.example.com"));
//! #     sessions.get(&key)?.token().await?;
//! # }
//! # assert_eq!(api.counts().logins, 3);
//! # Ok(())
//! # }
//! ```
//!
//! A general cache, such as `moka`, works too: its `get_with` makes a session once. But it knows
//! nothing of logins. It may evict a session whose password was just rejected, and the next request
//! tries that password again, until the account is locked; and one that is in use, so its user gets
//! a second login. `Sessions` keeps these.
