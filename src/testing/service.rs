//! The stand-in as a service: how a request is answered.

use std::fmt;
use std::future::{self, Future};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::{BoxError, Service};

use super::answer::Answer;
use super::api::Api;
use super::oauth;
use super::reply::{self, Reply};
use super::state::{Lane, Shared, State};
use super::wire::{self, Bearer, Kind, Received, Rejection, Resource, Route};

impl<B> Service<Request<B>> for Api
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let shared = Arc::clone(&self.shared);
        ResponseFuture {
            inner: Box::pin(async move { respond(&shared, request).await }),
        }
    }
}

/// The future of an [`Api`]'s answer. Nothing happens, and nothing is counted, before it is polled.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture {
    inner: Pin<Box<dyn Future<Output = Outcome> + Send>>,
}

impl Future for ResponseFuture {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.inner.as_mut().poll(cx)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

type Outcome = Result<Reply, BoxError>;

async fn respond<B>(shared: &Shared, request: Request<B>) -> Outcome
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let (parts, body) = request.into_parts();
    match wire::route(&parts.method, parts.uri.path()) {
        Route::Login(kind) => login(shared, kind, &parts.headers, body).await,
        Route::Resource(resource) => access(shared, resource, &parts.headers, body).await,
        Route::WrongMethod(allowed) => Ok(reply::wrong_method(parts.uri.path(), allowed)),
        Route::NotFound => Ok(reply::not_found(parts.uri.path())),
    }
}

async fn login<B>(shared: &Shared, kind: Kind, headers: &HeaderMap, body: B) -> Outcome
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let _under_way = LoginUnderWay::new(shared);
    let verdict = admit(shared, Lane::Logins).await;
    let body = read(body)
        .await
        .inspect_err(|_| shared.count(|counts| counts.logins_failed += 1))?;
    let granted = match verdict {
        Verdict::Usual if kind == Kind::OAuth => shared
            .change(|state| oauth::grant(state, headers, &body.bytes))
            .map_err(|refusal| reply::oauth_refused(&refusal)),
        Verdict::Usual => wire::credentials(kind, headers, &body.bytes)
            .and_then(|(name, password)| {
                shared.change(|state| {
                    let user = state.user(&name, &password);
                    Ok(state.grant(kind, user.ok_or(Rejection::WrongPassword)?))
                })
            })
            .map_err(|rejection| reply::rejected(kind, &rejection)),
        Verdict::Refuse => Err(reply::rejected(kind, &Rejection::WrongPassword)),
        Verdict::Scripted(outcome) => {
            shared.count(|counts| match is_unauthorized(&outcome) {
                true => counts.logins_rejected += 1,
                false => counts.logins_failed += 1,
            });
            return outcome;
        }
    };
    match granted {
        Ok(grant) => {
            shared.count(|counts| counts.logins_ok += 1);
            Ok(reply::granted(kind, &grant))
        }
        Err(rejected) => {
            shared.count(|counts| counts.logins_rejected += 1);
            Ok(rejected)
        }
    }
}

async fn access<B>(shared: &Shared, resource: Resource, headers: &HeaderMap, body: B) -> Outcome
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let bearer = wire::bearer(headers);
    shared.count(|counts| {
        counts.requests += 1;
        counts.without_token += u64::from(bearer == Bearer::None);
    });
    let verdict = admit(shared, Lane::Requests).await;
    let user = match (&verdict, bearer) {
        (Verdict::Usual, Bearer::Token(token)) => shared.read(|state| state.user_of(token)),
        _ => None,
    };
    let body = match user.is_none() && shared.read(|state| state.refuse_early) {
        true => Received::default(),
        false => read(body)
            .await
            .inspect_err(|_| shared.count(|counts| counts.failed += 1))?,
    };
    let outcome = match (verdict, user) {
        (Verdict::Scripted(outcome), _) => outcome,
        (Verdict::Usual, Some(user)) => {
            shared.count(|counts| counts.accepted += 1);
            return Ok(reply::accepted(resource, &user, headers, body));
        }
        (Verdict::Usual, None) if bearer == Bearer::Several => Ok(reply::several_tokens(resource)),
        (Verdict::Usual | Verdict::Refuse, _) => Ok(reply::refused(resource, bearer)),
    };
    shared.count(|counts| match is_unauthorized(&outcome) {
        true => counts.refused += 1,
        false => counts.failed += 1,
    });
    outcome
}

/// What the script says about an arrival.
enum Verdict {
    Usual,
    Refuse,
    Scripted(Outcome),
}

/// Takes this arrival's scripted answer, and waits for what holds the arrival back.
async fn admit(shared: &Shared, lane: Lane) -> Verdict {
    // Taken on arrival: the nth arrival gets the nth answer, however long those before it take.
    let mut answer = shared
        .change(|state| state.lane_mut(lane).script.pop_front())
        .unwrap_or(Answer::Usual);
    wait(shared.admission(lane).await).await;
    loop {
        answer = match answer {
            Answer::Usual => return Verdict::Usual,
            Answer::Refuse => return Verdict::Refuse,
            Answer::Response(response) => return Verdict::Scripted(Ok(response.map(Full::new))),
            Answer::TransportError(kind) => {
                return Verdict::Scripted(Err(
                    io::Error::new(kind, "a scripted transport error").into()
                ));
            }
            Answer::Hang => future::pending().await,
            Answer::After(delay, answer) => {
                wait(delay).await;
                *answer
            }
        };
    }
}

/// No time to wait needs no timer.
async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

async fn read<B>(body: B) -> Result<Received, BoxError>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let body = body.collect().await.map_err(Into::into)?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    Ok(Received {
        bytes: body.to_bytes(),
        trailers,
    })
}

fn is_unauthorized(outcome: &Outcome) -> bool {
    outcome
        .as_ref()
        .is_ok_and(|reply| reply.status() == StatusCode::UNAUTHORIZED)
}

/// Counts a login as under way until it is dropped, answered or not.
struct LoginUnderWay<'a>(&'a Shared);

impl<'a> LoginUnderWay<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.change(State::login_begins);
        Self(shared)
    }
}

impl Drop for LoginUnderWay<'_> {
    fn drop(&mut self) {
        self.0.change(State::login_ends);
    }
}
