//! The stand-in as a service: how a request is answered.

use std::fmt;
use std::future::{self, Future};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::{BoxError, Service};

use super::answer::Answer;
use super::api::Api;
use super::grant::{Rejection, User};
use super::login::log_in;
use super::reply::{self, Reply};
use super::state::{Lane, Shared, State};
use super::wire::{self, Bearer, Kind, Received, Resource, Route};

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
        ResponseFuture::new(async move { Ok(respond(&shared, request).await?.map(Full::new)) })
    }
}

/// The future of the answer of an [`Api`] or of its [`Guard`](super::Guard). Nothing happens, and
/// nothing is counted, before it is polled.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<R = Full<Bytes>> {
    inner: Pin<Box<dyn Future<Output = Result<Response<R>, BoxError>> + Send>>,
}

impl<R> ResponseFuture<R> {
    pub(super) fn new(
        answer: impl Future<Output = Result<Response<R>, BoxError>> + Send + 'static,
    ) -> Self {
        Self {
            inner: Box::pin(answer),
        }
    }
}

impl<R> Future for ResponseFuture<R> {
    type Output = Result<Response<R>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx)
    }
}

impl<R> fmt::Debug for ResponseFuture<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

pub(super) type Outcome = Result<Reply, BoxError>;

async fn respond<B>(shared: &Shared, request: Request<B>) -> Outcome
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let (parts, body) = request.into_parts();
    match wire::route(&parts.method, parts.uri.path()) {
        Route::Login(kind) => login(shared, kind, &parts.headers, body).await,
        Route::Resource(resource) => access(shared, resource, &parts, body).await,
        Route::WrongMethod(allowed) => Ok(reply::wrong_method(parts.uri.path(), allowed)),
        Route::NotFound => Ok(reply::not_found(parts.uri.path())),
    }
}

pub(super) async fn login<B>(shared: &Shared, kind: Kind, headers: &HeaderMap, body: B) -> Outcome
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let _under_way = LoginUnderWay::new(shared);
    let verdict = arrive(shared, Lane::Logins).await;
    let body = read(body)
        .await
        .inspect_err(|_| shared.count(|counts| counts.logins_failed += 1))?;
    let granted = match verdict {
        Verdict::Usual => shared.change(|state| log_in(state, kind, headers, &body.bytes)),
        Verdict::Refuse => Err(Rejection::Credentials),
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
        Err(rejection) => {
            shared.count(|counts| counts.logins_rejected += 1);
            Ok(reply::rejected(kind, &rejection))
        }
    }
}

async fn access<B>(shared: &Shared, resource: Resource, head: &Parts, body: B) -> Outcome
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let (user, body) = match judge(shared, head, body).await {
        Judgement::Accepted(user, body) => (user, body),
        Judgement::Answered(outcome) => return outcome,
    };
    let body = read(body)
        .await
        .inspect_err(|_| shared.count(|counts| counts.failed += 1))?;
    shared.count(|counts| counts.accepted += 1);
    Ok(reply::accepted(resource, &user, &head.headers, body))
}

/// What becomes of a request that needs a token.
pub(super) enum Judgement<B> {
    /// Its token is good. Its body was not read, and it is yet to be counted.
    Accepted(User, B),
    /// It is refused, or has a scripted answer.
    Answered(Outcome),
}

/// Judges a request by the script and by its token, and counts it if it is not accepted.
pub(super) async fn judge<B>(shared: &Shared, head: &Parts, body: B) -> Judgement<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let bearer = wire::bearer(&head.headers);
    shared.count(|counts| {
        counts.requests += 1;
        counts.without_token += u64::from(bearer == Bearer::None);
    });
    let verdict = arrive(shared, Lane::Requests).await;
    if let (Verdict::Usual, Bearer::Token(token)) = (&verdict, bearer) {
        if let Some(user) = shared.read(|state| state.user_of(token)) {
            return Judgement::Accepted(user, body);
        }
    }
    if !shared.read(|state| state.refuse_early) {
        if let Err(error) = read(body).await {
            shared.count(|counts| counts.failed += 1);
            return Judgement::Answered(Err(error));
        }
    }
    let path = head.uri.path();
    let outcome = match verdict {
        Verdict::Scripted(outcome) => outcome,
        Verdict::Usual if bearer == Bearer::Several => Ok(reply::several_tokens(path)),
        Verdict::Usual | Verdict::Refuse => Ok(reply::refused(path, bearer)),
    };
    shared.count(|counts| match is_unauthorized(&outcome) {
        true => counts.refused += 1,
        false => counts.failed += 1,
    });
    Judgement::Answered(outcome)
}

/// What the script says about an arrival.
enum Verdict {
    Usual,
    Refuse,
    Scripted(Outcome),
}

/// Takes this arrival's scripted answer, and waits for what holds the arrival back.
async fn arrive(shared: &Shared, lane: Lane) -> Verdict {
    // Taken on arrival: the nth arrival gets the nth answer, however long those before it take.
    let mut answer = shared
        .change(|state| state.lane_mut(lane).script.pop_front())
        .unwrap_or(Answer::Usual);
    wait(shared.admission(lane).await).await;
    loop {
        answer = match answer {
            Answer::Usual => return Verdict::Usual,
            Answer::Refuse => return Verdict::Refuse,
            Answer::Response(response) => return Verdict::Scripted(Ok(response)),
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
