//! Logins: a token before the first request, and one connection pool for logins and requests.
//!
//! # Warm without traffic
//!
//! The first request that needs a token triggers the login. To have the token earlier, ask the
//! [`Session`](crate::Session) for it. `session.token().await?` before the server starts to listen
//! fails early if the credentials are wrong. A task that asks again on an interval keeps the token
//! fresh while nothing is sent:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use std::time::Duration;
//!
//! use tokio::task::JoinHandle;
//! use tokio::time::{MissedTickBehavior, interval};
//! use tower_bearer::Session;
//!
//! /// Logs in at once, and renews the token in time from then on. Abort the task to end that.
//! fn keep_warm(session: Session) -> JoinHandle<()> {
//!     tokio::spawn(async move {
//!         let mut ticks = interval(Duration::from_secs(30));
//!         ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
//!         loop {
//!             ticks.tick().await;
//!             if let Err(error) = session.token().await {
//!                 eprintln!("no token: {error}");
//!             }
//!         }
//!     })
//! }
//! # use tower_bearer::{BearerAuthLayer, login::Form, testing::Api};
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), tower::BoxError> {
//! # let hour = Duration::from_secs(3600);
//! # let api = Api::new().account("alice", "correct horse").token_lifetime(hour).announce_lifetime(true);
//! # let login = Form::new(api.clone(), "https://api.example.com", "alice", "correct horse")?;
//! # let session = Session::new(login);
//! # let layer = BearerAuthLayer::from_session(session.clone());
//! let warm = keep_warm(session.clone());
//! # let at_once = async || {
//! #     let in_hand = session.status().token().map(|token| token.header_value().clone());
//! #     session.status().expires_in().zip(in_hand).expect("a token in hand")
//! # };
//! # tokio::time::sleep(Duration::from_secs(1)).await;
//! # let (_, first) = at_once().await;
//! # tokio::time::sleep(hour).await;
//! # let (_, second) = at_once().await;
//! # assert_ne!(first, second);
//! # assert_eq!((api.counts().logins, session.stats().logins), (2, 2));
//! # warm.abort();
//! # drop(layer);
//! # Ok(())
//! # }
//! ```
//!
//! A call with a usable token in hand makes no login, so the interval may be short. A session
//! renews a token [ahead](crate::SessionBuilder::renew_ahead) in the last tenth of its lifetime,
//! but at most 5 minutes before its end. Choose a shorter interval than that. After a failed login
//! the session decides when the next one begins, whatever the interval is.
//!
//! # One pool for logins and requests
//!
//! A login sends `Full<Bytes>`, and the layer sends [`ReplayBody`](crate::ReplayBody). Two hyper
//! clients with these body types have two connection pools. A client whose body type is boxed
//! serves both, with one `map_request` for each:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
//! use hyper::body::Incoming;
//! use hyper_util::client::legacy::{Client, connect::HttpConnector};
//! use hyper_util::rt::TokioExecutor;
//! use tower::{BoxError, Service, ServiceBuilder};
//! use tower_bearer::{BearerAuthLayer, ReplayBody, login::Form};
//!
//! type Body = UnsyncBoxBody<Bytes, BoxError>;
//!
//! fn client(
//!     http: Client<HttpConnector, Body>,
//!     base: &str,
//! ) -> Result<
//!     impl Service<Request<Full<Bytes>>, Response = Response<Incoming>, Error = BoxError> + Clone,
//!     BoxError,
//! > {
//!     let login_client = ServiceBuilder::new()
//!         .map_request(|request: Request<Full<Bytes>>| {
//!             request.map(|body| Body::new(body.map_err(BoxError::from)))
//!         })
//!         .service(http.clone());
//!     let login = Form::new(login_client, base, "alice", "correct horse")?;
//!     Ok(ServiceBuilder::new()
//!         .layer(BearerAuthLayer::new(login))
//!         .map_request(|request: Request<ReplayBody<Full<Bytes>>>| request.map(Body::new))
//!         .service(http))
//! }
//! # use std::sync::Arc;
//! # use std::sync::atomic::{AtomicUsize, Ordering};
//! # use hyper_util::{rt::TokioIo, server::conn::auto, service::TowerToHyperService};
//! # use tower::ServiceExt;
//! # use tower_bearer::testing::Api;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let api = Api::new().account("alice", "correct horse");
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let base = format!("http://{}", listener.local_addr()?);
//! # let (served, connections) = (api.clone(), Arc::new(AtomicUsize::new(0)));
//! # let counted = connections.clone();
//! # tokio::spawn(async move {
//! #     while let Ok((stream, _)) = listener.accept().await {
//! #         counted.fetch_add(1, Ordering::Relaxed);
//! #         let (stream, service) = (TokioIo::new(stream), TowerToHyperService::new(served.clone()));
//! #         let server = auto::Builder::new(TokioExecutor::new());
//! #         tokio::spawn(async move { server.serve_connection(stream, service).await });
//! #     }
//! # });
//! # // Over HTTP/2 a pool has one connection to an origin, however many requests are under way.
//! # let http = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
//! # let client = client(http, &base)?;
//! # for _ in 0..2 {
//! #     let request = Request::get(format!("{base}/users/me")).body(Full::default())?;
//! #     assert_eq!(client.clone().oneshot(request).await?.status(), 200);
//! #     api.revoke_all();
//! # }
//! # assert_eq!((api.counts().logins, connections.load(Ordering::Relaxed)), (2, 1));
//! # Ok(())
//! # }
//! ```
//!
//! A `reqwest::Client` needs none of this: its clones share one pool, and [its
//! adapter](crate::docs::recipes::reqwest) takes any body.
