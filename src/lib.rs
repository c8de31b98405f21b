//! A [tower](https://docs.rs/tower) layer that adds bearer tokens to the requests of any HTTP
//! client. It logs in when a token is first needed and shares the token among all clones. On a 401
//! it logs in again once and replays the request once. The caller sees one request and one
//! response.
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use bytes::Bytes;
//! use http::Request;
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt};
//! use tower_bearer::{BearerAuthLayer, login::Form, testing::Api};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower::BoxError> {
//! // With the feature `testing`: a stand-in for the server, and for a client that talks to it.
//! let api = Api::new().account("alice", "correct horse");
//! let http_client = api.clone();
//!
//! let login = Form::new(http_client.clone(), "https://api.example.com", "alice", "correct horse")?;
//! let client = ServiceBuilder::new()
//!     .layer(BearerAuthLayer::new(login))
//!     .service(http_client);
//!
//! let me = || Request::get("https://api.example.com/users/me").body(Full::<Bytes>::default());
//! assert_eq!(client.clone().oneshot(me()?).await?.status(), 200);
//!
//! api.revoke_all();
//! assert_eq!(client.clone().oneshot(me()?).await?.status(), 200);
//! assert_eq!(api.counts().logins, 2);
//! # Ok(())
//! # }
//! ```
//!
//! # How it fits together
//!
//! A [`BearerAuthLayer`] creates [`BearerAuth`] services that share a [`Session`]: the current
//! token and the login under way. The session gets its tokens from a [`TokenSource`]: one of the
//! [built-in logins](login), or your own.
//!
//! ```text
//! call(request)
//!  ├─ not ours: own header, `NoAuth`, another origin ─► inner service, untouched
//!  ├─ token in hand ─► attach it, call the ready inner service at once
//!  └─ none ─► give the reservation back ─► wait for the login ─► wait for readiness ─► attach, call
//! response
//!  ├─ accepted ─► caller
//!  └─ refused ─► drop the attempt ─► wait for a newer token ─► wait for readiness ─► call once more
//! ```
//!
//! The inner service receives [`ReplayBody`], which streams the caller's body and keeps its
//! beginning. Nothing inside the layer has to be `Sync`, and the response type does not change. The
//! inner service must be `Clone`; put a [`Buffer`](https://docs.rs/tower/latest/tower/buffer/)
//! around one that is not.
//!
//! More pages: [what happens when](docs::behavior), [the order of layers](docs::stack),
//! [recipes](docs::recipes) for tonic, reqwest, many accounts and more, [migrating from other
//! crates](docs::migrating), [performance](docs::performance), and [what to do if it does not
//! compile](docs::if_it_does_not_compile).
//!
//! # Examples
//!
//! Each is a separate program that runs against a real server on a loopback address, and fails if
//! it does not work as shown: `cargo run --example datafiniti --features testing`.
//!
//! | example | shows |
//! |---|---|
//! | `datafiniti`, `form_login`, `oauth2` | the [built-in logins](login), over hyper-util's client |
//! | `tonic` | gRPC: generated clients over a channel, unary and streaming in each direction, and the reason of a failed login |
//! | `axum_gateway` | a gateway that logs in upstream for its callers, and streams both ways |
//! | `reqwest` | the layer around a `reqwest::Client`, with streamed bodies |
//! | `websocket` | a [`Session`]'s token without the layer: a handshake that is refused once |
//! | `metrics` | [what a session counts](Stats), exported |
//! | `stack_order` | the layer among timeouts, retries, limits, redirects, traces and decompression |
//!
//! # Guarantees
//!
//! Each rule, with its id and its numbers: [`docs::rules`].
//!
//! * **One login at a time** per session, whatever the number of requests, clones and threads. The
//!   login runs in a separate task, so dropping the request that triggered it does not cancel it. A
//!   sign-out or a replaced source does.
//! * **One retry at most**, with the same method, URI, headers, body and trailers, and one
//!   `Authorization` header. Without a new token to retry with, the caller gets the refused
//!   response, unread, with the [`AuthError`] in its extensions. If the login fails after more than
//!   2 seconds, the caller gets only the error.
//! * **No login storm, and no locked account**: after a login that fails, or whose token is refused
//!   as well, the next one is delayed ([`SessionBuilder`] sets the delays). Requests do not wait
//!   for the delay: they use the current token, or fail at once with the [`AuthError`] and its
//!   [`retry_after`](AuthError::retry_after).
//! * **No mixed accounts**: after [`Session::sign_out`] or [`Session::replace_source`] the result
//!   of a login under way is dropped, and no request is retried under another account.
//! * **No request is sent without a token** because a login failed, and no token is sent outside
//!   its [`Origins`].
//! * **Tokens and passwords are never sent over plain `http`**, except to a loopback address,
//!   unless [you allow it](BearerAuthLayer::allow_plain_http).
//! * **No deadlock**: no reservation of the inner service is held during a login, so the login may
//!   use the same limits, and a [built-in login](login) may use the same stack it authenticates. A
//!   refused response may occupy a connection needed by the login, so it is held for at most 2
//!   seconds, or [not at all](OnFailedRenewal::Error).
//! * **Nothing hangs**: a login ends after 30 seconds, and no request waits longer than 60 seconds
//!   for one. A missing runtime, a missing timer or a source that panics causes an error, not a
//!   panic. (tokio reports a missing timer with a panic, which is caught. The panic hook still
//!   runs, and with `panic = "abort"` the process ends.)
//! * **Nothing is buffered ahead**, and no more than 64 KiB of a body is kept, until the response
//!   is accepted.
//!
//! # Tracing
//!
//! With the feature `tracing`, the crate emits spans and events for logins and refusals, with the
//! target `tower_bearer`:
//!
//! | span | level | fields |
//! |---|---|---|
//! | `login` | INFO | `session`: its [name](SessionBuilder::name), if it has one; `cause`: `first`, `signed out`, `expired`, `ahead`, `refused` or `step up`; `stale`: the fingerprint of the token being replaced, if any |
//!
//! | event | level | fields |
//! |---|---|---|
//! | `logged in` | INFO | `fingerprint`, `generation`, `lifetime_ms` if it is known, `duration_ms` of the login |
//! | `login failed`: it will not succeed by itself ([rejected](AuthError::is_rejected), [misconfigured](AuthError::is_misconfigured)), or requests fail because of it | WARN | `error`, `retry_after_ms`: how long until the next login |
//! | `login failed`: [unavailable](AuthError::is_unavailable), and the token in hand still serves | INFO | `error`, `retry_after_ms` |
//! | `login throttled`: one was wanted, and not attempted | DEBUG | `error`, `retry_after_ms` |
//! | `logins do not help: new tokens keep being refused` | WARN | `retry_after_ms`: how long refusals trigger no login |
//! | `token refused`: for the first time, or it was [invalidated](Session::invalidate) | INFO | `fingerprint`, `generation` |
//! | `token about to expire`: a login begins in the background | DEBUG | `fingerprint`, `generation` |
//! | `request retried`, with a new token | DEBUG | `fingerprint`, `generation`, `http.request.resend_count`: 1 |
//! | `request not retried: its body was not kept` | DEBUG | `limit`: how many bytes are kept |
//! | `request sent without a token`: its origin is foreign | WARN the first time, then DEBUG | `error` |
//! | `request left alone`: it has the header already, or `NoAuth` | DEBUG | `reason` |
//! | `token taken from the store`: another process has logged in | INFO | `fingerprint`, `generation`, `lifetime_ms` if it is known |
//! | `token store failed` | WARN | `error` |
//! | `token store works again` | INFO | |
//!
//! WARN is for problems that somebody has to fix, INFO for events once per token or login, DEBUG
//! for events per request. A request served from the cached token emits nothing. Every event also
//! has the session's name. No field contains a secret, unless the [`AuthError`]s of your own source
//! do: tokens are shown as [fingerprints](Token::fingerprint). The `generation` counts the tokens
//! of a session; a login that returns the same token again does not increase it. With a store, a
//! `login` span also covers a mere look into it.
//! [`http.request.resend_count`] is defined by OpenTelemetry.
//!
//! The span of a login is a child of the span that triggered it and waits for it: a trace shows the
//! login within the request it delayed. It may outlive its parent, because it runs in a separate
//! task. Nobody waits for a renewal in the background, so its span is a root that [follows
//! from](https://docs.rs/tracing/0.1/tracing/struct.Span.html#method.follows_from) the request that
//! triggered it. Everything a source does, such as sending the login's request, happens within the
//! login's span.
//!
//! [`http.request.resend_count`]: https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/
//!
//! # Testing
//!
//! With the feature `testing`, the module `tower_bearer::testing` contains a fake API with a login,
//! to test a client without a network and without delays, or on a loopback port, and a check for
//! your own [`TokenSource`].
//!
//! # What it does not do
//!
//! * It only retries after a refused token. For any other reason put `tower::retry` around it.
//! * It does not replay a body over the limit. The session still renews its token for the next
//!   request.
//! * It does not see a refusal after the response headers, such as a gRPC status in the trailers.
//!   The caller gets the response unchanged and no login happens. Use [`Session::invalidate`] to
//!   report such a refusal.
//! * It cannot check the origin of a request without an authority, such as tonic's, or whether a
//!   request without a scheme goes over plain `http`. The client decides, and such a request
//!   carries the token.
//! * It does not see redirects that the inner service follows. Follow redirects around the layer,
//!   so that each hop is a separate request, and carries no token outside the token's origins:
//!   [what each hop carries](Origins#redirects).
//! * It does not read the body of a refused response, so over HTTP/1.1 the retry may need another
//!   connection: hyper reuses the connection after a small 401 with a `Content-Length`, but not
//!   after a chunked 401.
//! * An upload that is abandoned for the retry ends when the connection next polls its body. hyper
//!   does that when the server reads or closes. A server that does neither keeps the connection
//!   open, and the retry does not wait for that.
//! * A login through the same stack it authenticates creates a cycle of references: let the login's
//!   client hold the stack weakly, or break the cycle with [`Session::replace_source`].
//! * A response that the caller holds without reading it may occupy a permit of the inner service,
//!   or its only connection, and block a login until the login's time limit.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
pub mod docs;
mod error;
mod future;
#[cfg(all(any(test, fuzzing), feature = "login"))]
#[doc(hidden)]
pub mod fuzzing;
mod grpc_timeout;
mod head;
mod held_response;
mod layer;
#[cfg(feature = "login")]
pub mod login;
mod origins;
mod refusal;
mod replay;
#[cfg(any(test, fuzzing))]
mod script;
mod send;
mod service;
mod session;
mod sessions;
mod settings;
mod snapshot;
mod source;
mod step;
#[cfg(feature = "store")]
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
#[cfg(any(feature = "login", feature = "store"))]
mod wiped;

pub use error::AuthError;
pub use error::response::{ErrorDetail, ErrorResponse};
pub use future::ResponseFuture;
pub use layer::BearerAuthLayer;
pub use origins::{InvalidOrigin, Origins};
pub use refusal::challenge::{Challenge, challenges};
pub use refusal::is_refusal;
pub use replay::ReplayBody;
pub use send::SendFuture;
pub use service::BearerAuth;
pub use session::{Refused, Sent, Session, SessionBuilder, SignOut, Stats, Status, TokenFuture};
pub use sessions::Sessions;
pub use settings::{NoAuth, OnFailedRenewal};
pub use source::{Account, Cause, SourceFn, TokenRequest, TokenSource, source_fn};
pub use token::{InvalidToken, Token};

#[cfg(all(doctest, feature = "login"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "store", feature = "testing"))]
#[doc = include_str!("../CHANGELOG.md")]
struct Changelog;
