//! The login and the tokens of the stand-in, for an API of the user's own.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use tower::{BoxError, Service};

use super::api::Api;
use super::service::{self, Judgement, Outcome, ResponseFuture};
use super::state::Shared;
use super::wire::{self, Bearer, Kind, Route};
use crate::token::Token;

/// Lets only those requests through to a service whose token an [`Api`] accepts. Made by
/// [`Api::guard`].
#[derive(Clone)]
pub struct Guard<S> {
    shared: Arc<Shared>,
    inner: S,
}

/// The login and the tokens, for an API of your own.
impl Api {
    /// Guards your own fake of an API by this one's tokens.
    ///
    /// A request with a good token is passed on to `inner`, with its body unread. Any other one is
    /// answered as by the API's own resources: by a 401, with `WWW-Authenticate` unless its path
    /// begins with `/v4/`. Scripts, delays, holds and [counts](Self::counts) are those of the
    /// resources, and the API answers the logins itself. So one origin has all that a client needs:
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::{Request, Response};
    /// use http_body_util::Full;
    /// use tower::{BoxError, Layer, service_fn};
    /// use tower_bearer::{BearerAuthLayer, ReplayBody, login::Form, testing::Api};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let api = Api::new().account("alice", "correct horse");
    /// let fake = api.guard(service_fn(async |request: Request<ReplayBody<Full<Bytes>>>| {
    ///     assert_eq!(request.uri().path(), "/orders");
    ///     Ok::<_, BoxError>(Response::new(Bytes::from("two orders")))
    /// }));
    ///
    /// let login = Form::new(api.clone(), "https://api.example.com", "alice", "correct horse")?;
    /// let client = BearerAuthLayer::new(login).layer(fake);
    /// for logins in 1..=3 {
    ///     let request = Request::get("https://api.example.com/orders");
    ///     let response = client.send(request.body(Full::default())?).await?;
    ///     assert_eq!((response.status().as_u16(), api.counts().logins), (200, logins));
    ///     api.revoke_all();
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// `inner` may be an axum `Router` too. The body of its responses has to be made from `Bytes`.
    /// As a layer it is `tower::layer::layer_fn(move |inner| api.guard(inner))`.
    pub fn guard<S>(&self, inner: S) -> Guard<S> {
        Guard {
            shared: Arc::clone(&self.shared),
            inner,
        }
    }

    /// Says whether the token in these headers is good now.
    ///
    /// It is a look: nothing is counted, and no script is used up. It is for what no
    /// [guard](Self::guard) fits, such as a gRPC interceptor, the handshake of a WebSocket, or an
    /// assertion.
    pub fn accepts(&self, headers: &HeaderMap) -> bool {
        self.account_of(headers).is_some()
    }

    /// Returns the name of the account, or of the client, that the token in these headers belongs
    /// to. Returns `None` if the token is not good now.
    pub fn account_of(&self, headers: &HeaderMap) -> Option<String> {
        let Bearer::Token(token) = wire::bearer(headers) else {
            return None;
        };
        let user = self.shared.read(|state| state.user_of(token))?;
        Some(user.name)
    }

    /// Returns a token of this account without a login, such as the one that Datafiniti shows in
    /// its portal. Returns `None` if there is no such account.
    ///
    /// It is the token that Datafiniti's login would return now, so
    /// [`reissue_same_token`](Self::reissue_same_token) applies, and it has a
    /// [lifetime](Token::expires_in) if [that is announced](Self::announce_lifetime).
    ///
    /// ```
    /// use tower_bearer::{Session, login::Datafiniti, testing::Api};
    ///
    /// let api = Api::new().account("me@example.com", "correct horse");
    /// let login = Datafiniti::new(api.clone(), "me@example.com", "correct horse");
    /// let token = api.issue("me@example.com").unwrap();
    /// let session = Session::builder(login).token(token).build();
    /// assert!(api.issue("you@example.com").is_none());
    /// ```
    #[must_use]
    pub fn issue(&self, account: &str) -> Option<Token> {
        let grant = self.shared.change(|state| {
            let user = state.user_named(account)?;
            Some(state.grant(Kind::Datafiniti, user))
        })?;
        let token = Token::new(&grant.token).ok()?;
        Some(match grant.expires_in {
            Some(seconds) => token.expires_in(Duration::from_secs(seconds)),
            None => token,
        })
    }
}

impl<S, B, R> Service<Request<B>> for Guard<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
    R: From<Bytes>,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = ResponseFuture<R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture<R> {
        let shared = Arc::clone(&self.shared);
        // The one that was polled ready is the one to call.
        let next = self.inner.clone();
        let mut ready = mem::replace(&mut self.inner, next);
        ResponseFuture::new(async move {
            match admit(&shared, request).await {
                Ok(request) => ready.call(request).await.map_err(Into::into),
                Err(outcome) => Ok(outcome?.map(R::from)),
            }
        })
    }
}

/// Returns the request if it is to be passed on, else what it is answered.
async fn admit<B>(shared: &Shared, request: Request<B>) -> Result<Request<B>, Outcome>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let (head, body) = request.into_parts();
    if let Route::Login(kind) = wire::route(&head.method, head.uri.path()) {
        return Err(service::login(shared, kind, &head.headers, body).await);
    }
    match service::judge(shared, &head, body).await {
        Judgement::Accepted(_, body) => {
            shared.count(|counts| counts.accepted += 1);
            Ok(Request::from_parts(head, body))
        }
        Judgement::Answered(outcome) => Err(outcome),
    }
}

impl<S: fmt::Debug> fmt::Debug for Guard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
