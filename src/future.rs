//! [`ResponseFuture`]: the only place that retries.

use std::fmt;
use std::future::Future;
use std::mem;
use std::ops::ControlFlow::{Break, Continue};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{BoxError, Service};

use crate::attempt::{Attempt, Outgoing, Sender, release};
use crate::error::AuthError;
use crate::grpc_timeout::GrpcDeadline;
use crate::replay::ReplayBody;
use crate::session::Ask;
use crate::step::{Errand, Ready, Step};

pin_project! {
    /// Response future for [`BearerAuth`](crate::BearerAuth).
    ///
    /// It is generic over the inner service `S` and its future `F`, the request's body `B` and the
    /// response's body `R`. Dropping it cancels the request. A login under way continues.
    ///
    /// # Errors
    ///
    /// Fails with an [`AuthError`], in a [`BoxError`], if there is no token for the request or the
    /// request must not be sent. Errors of the inner service are returned unchanged.
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it has completed.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, F, B, R> {
        #[pin]
        call: Option<F>,
        step: Step<S, B, R>,
    }
}

impl<S, F, B, R> ResponseFuture<S, F, B, R> {
    pub(crate) fn calling(call: F, attempt: Attempt<S, B>) -> Self {
        Self {
            call: Some(call),
            step: Step::Call(attempt),
        }
    }

    pub(crate) fn failed(error: AuthError) -> Self {
        Self {
            call: None,
            step: Step::Failed(error),
        }
    }

    pub(crate) fn waiting(sender: Sender<S>, request: Request<B>) -> Self {
        let deadline = GrpcDeadline::of(request.headers());
        let errand = Errand::Send {
            outgoing: Outgoing::First(request),
            has_waited_again: false,
        };
        Self {
            call: None,
            step: Step::login(sender, Ask::Token, deadline, errand),
        }
    }
}

impl<S, F, B, R> Future for ResponseFuture<S, F, B, R>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>, Future = F> + Clone,
    S::Error: Into<BoxError>,
    F: Future<Output = Result<Response<R>, S::Error>>,
    B: Body + Unpin,
{
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            if let Some(call) = this.call.as_mut().as_pin_mut() {
                let answer = ready!(call.poll(cx));
                // The attempt gives up what it holds before anything else is waited for.
                this.call.set(None);
                let mut response = match answer {
                    Ok(response) => response,
                    Err(error) => {
                        *this.step = Step::Done;
                        return Poll::Ready(Err(error.into()));
                    }
                };
                if !this.step.is_refused(&response) {
                    this.step.accepted(&mut response);
                    if !this.step.steps_up(&response) {
                        *this.step = Step::Done;
                        return Poll::Ready(Ok(response));
                    }
                }
                match mem::replace(this.step, Step::Done).refused(response, cx) {
                    Continue(step) => *this.step = step,
                    Break(result) => return Poll::Ready(result.map_err(Into::into)),
                }
            }
            match mem::replace(this.step, Step::Done) {
                Step::Login(mut login) => match login.poll(cx) {
                    Poll::Pending => {
                        *this.step = Step::Login(login);
                        return Poll::Pending;
                    }
                    Poll::Ready(outcome) => match login.concluded(outcome) {
                        Continue(step) => *this.step = step,
                        Break(result) => return Poll::Ready(result.map_err(Into::into)),
                    },
                },
                Step::Ready(mut ready) => {
                    let polled = ready.sender.inner.poll_ready(cx).map_err(Into::into)?;
                    if polled.is_pending() {
                        *this.step = Step::Ready(ready);
                        return Poll::Pending;
                    }
                    let Ready {
                        mut sender,
                        granted,
                        deadline,
                        mut outgoing,
                        has_waited_again,
                    } = *ready;
                    if let Some(deadline) = deadline {
                        deadline.reduce(outgoing.headers_mut())?;
                    }
                    let sent = matches!(outgoing, Outgoing::Retry(_));
                    let runner = sender.settings.session.runner();
                    let Some((issued, origins)) =
                        runner.recheck(&granted, sent, has_waited_again)?
                    else {
                        release(&mut sender.inner);
                        // A retry is of the account that it was first sent as.
                        let ask = match sent {
                            true => Ask::Of(granted.stamp),
                            false => Ask::Token,
                        };
                        let errand = Errand::Send {
                            outgoing,
                            has_waited_again: true,
                        };
                        *this.step = Step::login(sender, ask, deadline, errand);
                        continue;
                    };
                    let (call, attempt) = sender.send(outgoing, &issued, &origins);
                    this.call.set(Some(call));
                    *this.step = Step::Call(attempt);
                }
                Step::Failed(error) => return Poll::Ready(Err(error.into())),
                Step::Call(_) | Step::Done => panic!("`ResponseFuture` polled after completion"),
            }
        }
    }
}

impl<S, F, B, R> fmt::Debug for ResponseFuture<S, F, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
