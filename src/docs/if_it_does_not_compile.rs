//! Common compile errors: the first line of the error, the reason and the fix.
//!
//! Use [`BearerAuth::send`](crate::BearerAuth::send) to look for a mistake. Its bounds are on the
//! method, so the compiler's error names the missing bound. With `oneshot`, `ready` or a generated
//! client, the error only says that the whole service does not fit.
//!
//! In the first column, `...` replaces parts that vary, such as types.
//!
//! | the first error | the mistake | the fix |
//! |---|---|---|
//! | ``the trait bound `BoxService<...>: Clone` is not satisfied`` | The inner service is not `Clone`. The layer keeps a clone for the retry. | Use `BoxCloneSyncService` instead of `BoxService`. Put a `Buffer` around a service such as `RateLimit`: `.buffer(1024)` directly inside the layer. |
//! | ``the trait bound `ApiError: Into<Box<...>>` is not satisfied`` | The inner service's error is not an error type. | Implement `std::error::Error` for it, and make it `Send + Sync + 'static`, or add `.map_err(..)` inside the layer. |
//! | ``the trait bound `Client<...>: Service<...ReplayBody<...>>` is not satisfied`` | The inner client is fixed to another body type. | If one client sends both the login and the requests, build a second one, or share [one pool](super::recipes::logins#one-pool-for-logins-and-requests). Otherwise name [`ReplayBody`](crate::ReplayBody) in the client's type: [your own body type](#your-own-body-type). For a client whose body type you cannot choose: [a fixed body type](#a-fixed-body-type). |
//! | `type mismatch in ... arguments` | The function of a `service_fn` takes a `Request` with another body. The lines below the error name both types. | Let it take `Request<ReplayBody<B>>`, where `B` is your own body type. |
//! | ``the trait bound `Client: Service<...ReplayBody<...>>` is not satisfied`` | The inner service is `reqwest::Client`, which takes only reqwest's own requests. | Wrap it in a `service_fn` that converts them: [the recipe](super::recipes::reqwest) has the code. |
//! | ``the trait bound `ReplayBody<...>: Clone` is not satisfied`` | A layer inside clones requests, such as `tower::retry`. A streamed body cannot be cloned. | Put `Retry` around the layer: [the order of layers](super::stack). |
//! | `` `...` cannot be unpinned`` | The request's body is not `Unpin`, for example a `StreamBody` over an `async` block. | Box it: [a body that is not `Unpin`](#a-body-that-is-not-unpin). |
//! | ``the trait bound `(): ...Body` is not satisfied`` | The request's body is not an `http_body::Body`. | Use `Empty::<Bytes>::new()`, or `Full::from(..)`, of http-body-util. |
//! | ``expected `...` to be a future that resolves to `Result<Response<_>, _>`, but it resolves to `Result<Response, ...>` `` | The inner service returns another type than `http::Response`, such as `reqwest::Response`. | Convert it: `Ok(response.into())`. |
//! | ``implementation of `From` is not general enough``, or of `Service` | `oneshot` in a spawned task or an axum handler, where the error of the inner service or of the body is a `BoxError`. | Use [`send`](crate::BearerAuth::send). Its future can be spawned, also within `join!` or `select!`. With other layers around this one, box the stack: `BoxCloneSyncService::new(stack)`, and use `oneshot` on that. |
//! | ``the trait bound `Channel: Service<...ReplayBody<...>>` is not satisfied`` | A `Channel` of tonic takes one type of body. | Add one `map_request`: [the recipe](super::recipes::grpc). |
//! | `` `...` is not a source of tokens`` | A `Result`, because the constructors of the logins check their URL; or a `Session`. | Add `?`, or use [`from_session`](crate::BearerAuthLayer::from_session). |
//! | ``the trait `...TokenSource` is not dyn compatible`` | A `Box<dyn TokenSource>`, to choose a login at run time. | A [`Session`](crate::Session) has no type parameter: make one from either login. |
//! | `async closure does not implement `Fn` because it captures state from its environment` | An `async` closure for [`source_fn`](crate::source_fn) that uses a variable from outside. | Clone the variable for each call: `move \|_\| { let http = http.clone(); async move { .. } }`. |
//! | `` `?` couldn't convert the error to `...AuthError` `` | An error of another crate, in a source. | Say what it means: `.map_err(AuthError::unavailable)?`. |
//! | `` `?` couldn't convert the error: `dyn ...Error + Send + Sync: Sized` is not satisfied`` | A function that returns `Box<dyn Error>` or `anyhow::Result`. | Return [`BoxError`](tower::BoxError) instead, which is also `Send + Sync`. For `anyhow`: [the recipe](super::recipes::errors#anyhow). |
//! | ``no method named `send` found for struct `...` `` | Another layer is around this one. | Use `stack.oneshot(request)`, or box the stack. |
//!
//! # Your own body type
//!
//! The layer wraps each request's body, so the inner client's type names
//! [`ReplayBody`](crate::ReplayBody):
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper_util::client::legacy::{Client, connect::HttpConnector};
//! use hyper_util::rt::TokioExecutor;
//! use tower_bearer::{BearerAuth, ReplayBody};
//!
//! type Http = Client<HttpConnector, ReplayBody<Full<Bytes>>>;
//!
//! struct Sdk {
//!     client: BearerAuth<Http>,
//! }
//!
//! let http: Http = Client::builder(TokioExecutor::new()).build_http();
//! ```
//!
//! # A fixed body type
//!
//! A client that takes one body type only, such as tonic's `Channel`, needs one `map_request`
//! inside the layer:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
//! use tower::{BoxError, ServiceBuilder, service_fn};
//! use tower_bearer::{BearerAuthLayer, ReplayBody};
//! # use tower_bearer::{Origins, Token, source_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let source = source_fn(Origins::any(), |_request| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) });
//! // A client that takes this body type only.
//! type Boxed = UnsyncBoxBody<Bytes, BoxError>;
//! # let http_client = service_fn(async |request: Request<Boxed>| {
//! #     Ok::<_, BoxError>(Response::new(request.into_body().collect().await?.to_bytes()))
//! # });
//! let client = ServiceBuilder::new()
//!     .layer(BearerAuthLayer::new(source))
//!     .map_request(|request: Request<ReplayBody<Full<Bytes>>>| request.map(Boxed::new))
//!     .service(http_client);
//!
//! let request = Request::post("https://api.example.com/echo").body(Full::from("hello"))?;
//! assert_eq!(client.send(request).await?.body(), "hello");
//! # Ok(())
//! # }
//! ```
//!
//! # A body that is not `Unpin`
//!
//! `Box::pin(body)` is `Unpin`, and so are the boxed bodies of http-body-util:
//!
//! ```
//! use bytes::Bytes;
//! use futures::stream;
//! use http::{Request, Response};
//! use http_body::Frame;
//! use http_body_util::{BodyExt, StreamBody};
//! use tower::{BoxError, ServiceBuilder, service_fn};
//! use tower_bearer::BearerAuthLayer;
//! # use tower_bearer::{Origins, ReplayBody, Token, source_fn};
//! # fn is_body<B: http_body::Body>(request: Request<ReplayBody<B>>) -> Request<ReplayBody<B>> { request }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let source = source_fn(Origins::any(), |_request| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) });
//! # let http_client = service_fn(async |request: Request<ReplayBody<_>>| {
//! #     let body = is_body(request).into_body();
//! #     Ok::<_, BoxError>(Response::new(body.collect().await?.to_bytes()))
//! # });
//! let lines = stream::once(async { Ok::<_, BoxError>(Frame::data(Bytes::from("hello"))) });
//! let request = Request::post("https://api.example.com/echo").body(Box::pin(StreamBody::new(lines)))?;
//! # let client = ServiceBuilder::new().layer(BearerAuthLayer::new(source)).service(http_client);
//! assert_eq!(client.send(request).await?.body(), "hello");
//! # Ok(())
//! # }
//! ```
