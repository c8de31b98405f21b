//! [`BearerAuth::send`]: one request through a clone, without `ServiceExt`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{BoxError, Service};

use crate::future::ResponseFuture;
use crate::replay::ReplayBody;
use crate::service::{BearerAuth, respond};
use crate::snapshot::Snapshot;

impl<S> BearerAuth<S> {
    /// Sends a request: waits until a clone of the inner service is ready, and calls that clone.
    ///
    /// Use it when you send requests yourself. It needs no `ServiceExt`, no `clone` and no `&mut`,
    /// and its future can be spawned. The [`Service`] implementation is for layers around this
    /// service.
    ///
    /// The bounds are on this method, so the compiler's error begins with the missing bound: see
    /// [if it does not compile](crate::docs::if_it_does_not_compile).
    ///
    /// # Errors
    ///
    /// Fails with an [`AuthError`](crate::AuthError), in a [`BoxError`], if there is no token for
    /// the request or the request must not be sent. Errors of the inner service are returned
    /// unchanged.
    ///
    #[cfg_attr(feature = "testing", doc = "```")]
    #[cfg_attr(not(feature = "testing"), doc = "```ignore")]
    /// use bytes::Bytes;
    /// use http::Request;
    /// use http_body_util::Full;
    /// use tower_bearer::{BearerAuthLayer, login::Form, testing::Api};
    /// use tower_layer::Layer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower::BoxError> {
    /// let api = Api::new().account("alice", "correct horse");
    /// let login = Form::new(api.clone(), "https://api.example.com", "alice", "correct horse")?;
    /// let client = BearerAuthLayer::new(login).layer(api);
    ///
    /// let request = Request::get("https://api.example.com/users/me");
    /// let request = request.body(Full::<Bytes>::default())?;
    /// assert_eq!(client.send(request).await?.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    // The compiler reports missing bounds in this order, and `tests/ui.rs` holds what it says. `F`
    // is a parameter: with the projection `S::Future` in the signature, the compiler would say of a
    // service that does not fit that `send` cannot be called, and not why.
    pub fn send<B, R, F>(&self, request: Request<B>) -> SendFuture<S, F, B, R>
    where
        S: Clone,
        B: Body + Unpin,
        S: Service<Request<ReplayBody<B>>, Response = Response<R>, Future = F>,
        S::Error: Into<BoxError>,
    {
        SendFuture {
            state: State::Ready {
                inner: self.get_ref().clone(),
                outgoing: Some((self.to_snapshot(), request)),
            },
            poll: poll::<S, B, R>,
        }
    }
}

pin_project! {
    /// Future returned by [`BearerAuth::send`].
    ///
    /// It is generic over the inner service `S` and its future `F`, the request's body `B` and the
    /// response's body `R`. Dropping it cancels the request. A login under way continues.
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it has completed.
    #[must_use = "futures do nothing unless polled"]
    pub struct SendFuture<S, F, B, R> {
        #[pin]
        state: State<S, F, B, R>,
        poll: Poller<S, F, B, R>,
    }
}

/// [`poll`], whose bounds are proven where the future is made, so the future itself has none. With
/// bounds it could not be spawned in a type that names its output, such as those of `join!`: the
/// compiler would have to prove `S::Error: Into<BoxError>` for any lifetime in `S::Error`, and a
/// `BoxError` has it for `'static` only. Without them a mistake is reported once, at [`send`].
///
/// [`send`]: BearerAuth::send
type Poller<S, F, B, R> =
    fn(Pin<&mut State<S, F, B, R>>, &mut Context<'_>) -> Poll<Result<Response<R>, BoxError>>;

pin_project! {
    #[project = StateProj]
    enum State<S, F, B, R> {
        // `None` once the future has completed with an error of readiness.
        Ready { inner: S, outgoing: Option<(Arc<Snapshot<S>>, Request<B>)> },
        Response { #[pin] response: ResponseFuture<S, F, B, R> },
    }
}

fn poll<S, B, R>(
    mut state: Pin<&mut State<S, S::Future, B, R>>,
    cx: &mut Context<'_>,
) -> Poll<Result<Response<R>, BoxError>>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    B: Body + Unpin,
{
    loop {
        match state.as_mut().project() {
            StateProj::Ready { inner, outgoing } => {
                let is_ready = ready!(inner.poll_ready(cx));
                let Some((mut snapshot, request)) = outgoing.take() else {
                    panic!("`SendFuture` polled after completion");
                };
                is_ready.map_err(Into::into)?;
                if !snapshot.is_current() {
                    snapshot = Arc::new(snapshot.renewed());
                }
                let response = respond(inner, snapshot, request);
                // The clone has served: it is dropped, so it reserves nothing during a login.
                state.set(State::Response { response });
            }
            StateProj::Response { response } => return response.poll(cx),
        }
    }
}

impl<S, F, B, R> Future for SendFuture<S, F, B, R> {
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        (this.poll)(this.state, cx)
    }
}

impl<S, F, B, R> fmt::Debug for SendFuture<S, F, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture").finish_non_exhaustive()
    }
}
