//! A [tower](https://docs.rs/tower) layer that makes an authenticated client out of any HTTP
//! client: it logs in when a token is first needed, shares the token among all clones, and on a 401
//! logs in again once and replays the request once. The caller sees one request and one response.
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
//! // A stand-in for the server, and for the HTTP client that would talk to it.
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
//! A [`BearerAuthLayer`] makes [`BearerAuth`] services, which share a [`Session`]: the token in
//! hand and the login under way. The session gets its tokens from a [`TokenSource`]: one of the
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
//! beginning. Nothing below the layer has to be `Sync`, and the response's type stays as it is. The
//! inner service has to be `Clone`; put a [`Buffer`](https://docs.rs/tower/latest/tower/buffer/)
//! around one that is not. Where the layer stands among others, and why: [`docs::stack`]. What
//! changes for those who come from something else: [`docs::coming_from`]. What tonic needs, and
//! many accounts: [`docs::recipes`].
//!
//! # Examples
//!
//! Each is a program of its own, with a real server on a loopback address, and fails if what it
//! shows does not hold: `cargo run --example datafiniti`.
//!
//! | example | shows |
//! |---|---|
//! | `datafiniti`, `form_login`, `oauth2` | the [built-in logins](login), over hyper-util's client |
//! | `tonic` | gRPC: generated clients over a channel, unary and streaming each way, and the reason of a failed login |
//! | `axum_gateway` | a gateway that logs in upstream for its callers, and streams both ways |
//! | `reqwest` | the layer around a `reqwest::Client`, with streamed bodies |
//! | `websocket` | a [`Session`]'s token for what is no request of the layer's: a handshake that is refused once |
//! | `metrics` | [what a session counts](Stats), exported |
//! | `stack_order` | the layer among timeouts, retries, limits, redirects, traces and decompression |
//!
//! # Guarantees
//!
//! Each rule, with its id and its numbers: [`docs::rules`].
//!
//! * **One login at a time** per session, whatever the number of requests, clones and threads. It
//!   runs in a task of its own: the request that triggered it may be dropped. A sign-out and
//!   another source abandon it.
//! * **One retry at most**, with the same method, URI, headers, body and trailers, and one
//!   `Authorization` header. When there is no new token to retry with, the caller gets the refused
//!   response, unread, with the [`AuthError`] in its extensions, or that error if the login failed
//!   after more than 2 seconds.
//! * **No login storm, and no locked account**: after a login that failed, or whose tokens do not
//!   help, the next one waits its time ([`SessionBuilder`] has the numbers). No request waits for
//!   that: it goes out with the token in hand, or fails at once with the [`AuthError`] and its
//!   [`retry_after`](AuthError::retry_after).
//! * **No mixed accounts**: after [`Session::sign_out`] or [`Session::replace_source`] no login
//!   under way is kept, and no request is repeated as another account than the one that it was sent
//!   for.
//! * **Nothing goes out without a token** because a login failed, and no token goes out of its
//!   [`Origins`].
//! * **Neither token nor password goes over plain `http`**, but to a loopback address, unless
//!   [that is allowed](BearerAuthLayer::allow_plain_http).
//! * **No deadlock**: no reservation of the inner service is held during a login, so the login may
//!   go through the same limits, and a [built-in login](login) through the very stack that it
//!   authenticates. A refused response, which may keep the connection that the login needs, is held
//!   for 2 seconds at most, or [not at all](OnFailedRenewal::Error).
//! * **Nothing hangs**: a login ends after 30 seconds, and no request waits longer than 60 for one.
//!   Without a runtime, without a timer, or after a source that panicked there is an error, not a
//!   panic. (tokio tells of a missing timer by a panic, which is caught: the panic hook sees it,
//!   and `panic = "abort"` does not allow it.)
//! * **Nothing is buffered ahead**, and no more than 64 KiB of a body is kept, until the response
//!   is accepted.
//!
//! # Tracing
//!
//! With the feature `tracing` it tells of logins and refusals, under the target `tower_bearer`:
//!
//! | span | level | fields |
//! |---|---|---|
//! | `login` | INFO | `session`: its [name](SessionBuilder::name), if it has one; `cause`: `first`, `signed out`, `expired`, `ahead` or `refused`; `stale`: the fingerprint of the token to replace, if there is one |
//!
//! | event | level | fields |
//! |---|---|---|
//! | `logged in` | INFO | `fingerprint`, `generation`, `lifetime_ms` if it is known, `duration_ms` of the login |
//! | `login failed`: it will not succeed by itself ([rejected](AuthError::is_rejected), [misconfigured](AuthError::is_misconfigured)), or requests fail because of it | WARN | `error`, `retry_after_ms`: how long there will be no other |
//! | `login failed`: [unavailable](AuthError::is_unavailable), and the token in hand still serves | INFO | `error`, `retry_after_ms` |
//! | `login throttled`: one was asked for, and not made | DEBUG | `error`, `retry_after_ms` |
//! | `logins do not help: new tokens keep being refused` | WARN | `retry_after_ms`: how long no refusal will make one |
//! | `token refused`: for the first time, or it was [invalidated](Session::invalidate) | INFO | `fingerprint`, `generation` |
//! | `token about to expire`: a login begins in the background | DEBUG | `fingerprint`, `generation` |
//! | `request retried`, with a new token | DEBUG | `fingerprint`, `generation`, `http.request.resend_count`: 1 |
//! | `request not retried: its body was not kept` | DEBUG | `limit`: how many bytes are kept |
//! | `request sent without a token`: its origin is foreign | WARN the first time, then DEBUG | `error` |
//! | `request left alone`: it has the header already, or `NoAuth` | DEBUG | `reason` |
//!
//! WARN is for what somebody has to set right, INFO for what happens once to a token or a login,
//! DEBUG for what happens to each request. A request served from the cached token emits nothing.
//! Every event has the session's name too. No field
//! holds a secret, as far as the [`AuthError`]s of a source of your own hold none: a token shows as
//! its [fingerprint](Token::fingerprint). The `generation` counts the tokens of a session; a login
//! that brings the same token again keeps it. [`http.request.resend_count`] is as OpenTelemetry has
//! it.
//!
//! A login is a part of the span that asked for it and waits: in a trace it stands within the
//! request that it made slow. It may outlive that span, as it runs on a task of its own. Nobody
//! waits for a renewal ahead, so that is a root, which [follows
//! from](https://docs.rs/tracing/0.1/tracing/struct.Span.html#method.follows_from) the request that
//! came upon it. What a source does, such as the request of a login, is within the login's span.
//!
//! [`http.request.resend_count`]: https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/
//!
//! # Testing
//!
//! With the feature `testing`, the module `tower_bearer::testing` has a stand-in of an API with a
//! login, for tests of a client that need no network and no time, and a check of a [`TokenSource`]
//! of your own.
//!
//! # What it does not do
//!
//! * It does not retry for any other reason than a refused token; put `tower::retry` around it.
//! * It does not replay a body over the limit; the session renews its token for the next request.
//! * It cannot see a refusal that comes after the response's headers, such as a gRPC status in the
//!   trailers. That one goes to the caller as it is, and no login is made for it;
//!   [`Session::invalidate`] is how the caller can tell of it.
//! * It cannot check where a request without an authority goes (as tonic's), nor whether one
//!   without a scheme goes over plain `http`: that is the client's choice, and such a request
//!   carries the token.
//! * A redirect that the inner service follows by itself is out of its sight. Follow redirects
//!   above the layer, so that each hop is a request of its own and one that leaves the token's
//!   origins goes without a token: [what each hop carries](Origins#redirects).
//! * It does not read the body of a refused response, so over HTTP/1.1 the retry may need another
//!   connection: hyper reuses the one that a small 401 with a `Content-Length` came on, not one of
//!   a chunked 401.
//! * An upload that is given up for the retry ends as soon as the connection asks for more of it.
//!   hyper asks when the server reads or closes; a server that does neither keeps that connection
//!   open. The retry does not wait for it.
//! * A login through the very stack that it authenticates makes a cycle of ownership: let the
//!   login's client hold that stack weakly, or end the cycle by [`Session::replace_source`].
//! * A response that the caller has and does not read may hold a reservation of the inner service,
//!   or its only connection, and keep a login waiting; the login's time limit ends that.

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
