//! [`ResponseFuture`]: the only place that retries.

use std::fmt;
use std::future::Future;
use std::mem;
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{BoxError, Service};

use crate::attempt::{Attempt, Outgoing, Sender, release};
use crate::error::AuthError;
use crate::grpc_timeout::GrpcDeadline;
use crate::head::HeadSnapshot;
use crate::held_response::HeldResponse;
use crate::refusal::challenge::challenges;
use crate::replay::{RefusedUpload, Replay, ReplayBody};
use crate::session::{Ask, Issued, Wait};

pin_project! {
    /// The response future of [`BearerAuth`](crate::BearerAuth).
    ///
    /// It is generic over the inner service `S` and its future `F`, the request's body `B` and the
    /// response's body `R`. Dropping it cancels the request; a login under way goes on.
    ///
    /// # Errors
    ///
    /// An [`AuthError`] when no token could be had for the request or it may not be sent, in a
    /// [`BoxError`]; the inner service's own error as it is.
    ///
    /// # Panics
    ///
    /// When polled again after it is done.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, F, B, R> {
        #[pin]
        call: Option<F>,
        step: Step<S, B, R>,
    }
}

/// The same three steps make the first attempt and the second.
enum Step<S, B, R> {
    Call(Attempt<S, B>),
    // Boxed, for few requests come here, and all would be larger by it.
    Login(Box<Login<S, B, R>>),
    Ready(Box<Ready<S, B>>),
    Failed(AuthError),
    Done,
}

struct Login<S, B, R> {
    sender: Sender<S>,
    wait: Wait,
    deadline: Option<GrpcDeadline>,
    errand: Errand<B, R>,
}

struct Ready<S, B> {
    sender: Sender<S>,
    granted: Issued,
    deadline: Option<GrpcDeadline>,
    outgoing: Outgoing<B>,
    /// A token may expire while the inner service gets ready. Another one is waited for once, not
    /// for ever.
    has_waited_again: bool,
}

/// What a login is waited for.
enum Errand<B, R> {
    Send {
        outgoing: Outgoing<B>,
        has_waited_again: bool,
    },
    Renew(HeadSnapshot, RefusedUpload<B>, HeldResponse<R>),
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

impl<S, B, R> Step<S, B, R> {
    fn login(
        sender: Sender<S>,
        ask: Ask,
        deadline: Option<GrpcDeadline>,
        errand: Errand<B, R>,
    ) -> Self {
        let wait = Wait::new(sender.settings.session.runner().clone(), ask);
        Step::Login(Box::new(Login {
            sender,
            wait: wait.with_limit(deadline.map(GrpcDeadline::at)),
            deadline,
            errand,
        }))
    }

    fn renew(
        sender: Sender<S>,
        wait: Wait,
        (head, replay): (HeadSnapshot, Replay<B>),
        response: Response<R>,
    ) -> Self {
        let deadline = head.deadline();
        let held = sender.settings.hold(response);
        Step::Login(Box::new(Login {
            sender,
            wait: wait.with_limit(deadline.map(GrpcDeadline::at)),
            deadline,
            errand: Errand::Renew(head, RefusedUpload::new(replay), held),
        }))
    }

    fn is_refused(&self, response: &Response<R>) -> bool {
        match self {
            Step::Call(attempt) => attempt.is_refused(response),
            _ => false,
        }
    }

    fn steps_up(&self, response: &Response<R>) -> bool {
        match self {
            Step::Call(attempt) => attempt.steps_up(response),
            _ => false,
        }
    }

    /// The caller is told why its request went without a token, whatever the answer.
    fn accepted(&self, response: &mut Response<R>) {
        match self {
            Step::Call(Attempt::Foreign(error)) => {
                response.extensions_mut().insert(error.clone());
            }
            Step::Call(attempt) => attempt.note_acceptance(response),
            _ => {}
        }
    }

    /// What follows on a refusal: it is the caller's answer, or there is more to do.
    fn refused(
        self,
        response: Response<R>,
        cx: &mut Context<'_>,
    ) -> ControlFlow<Result<Response<R>, AuthError>, Self>
    where
        S: Clone,
    {
        match self {
            Step::Call(Attempt::First(snapshot, kept)) => {
                let settings = &snapshot.settings;
                let challenges = challenges(response.headers());
                if !settings.is_refused(&response) {
                    let copy = kept.copy.ok().filter(|(_, replay)| replay.is_possible());
                    let Some(copy) = copy else {
                        return Break(settings.not_repeated(Some(response)));
                    };
                    let Some(session) = settings.session.step_up(challenges) else {
                        return Break(Ok(response));
                    };
                    let wait = Wait::new(session.runner().clone(), Ask::Token);
                    let sender = Sender::new(Arc::new(snapshot.of_step_up(session)));
                    return Continue(Self::renew(sender, wait, copy, response));
                }
                let sender = Sender::new(snapshot);
                let runner = sender.settings.session.runner().clone();
                let mut wait = Wait::renewal(runner, kept.sent, kept.key(), challenges);
                match kept.copy.ok().filter(|(_, replay)| replay.is_possible()) {
                    Some(copy) => Continue(Self::renew(sender, wait, copy, response)),
                    // One poll begins a login, which goes on without this request.
                    None => match wait.poll(cx) {
                        Poll::Ready(Err(error)) => {
                            Break(sender.settings.explain(Some(response), error))
                        }
                        Poll::Ready(Ok(_)) | Poll::Pending => {
                            Break(sender.settings.not_repeated(Some(response)))
                        }
                    },
                }
            }
            Step::Call(Attempt::Retry(settings, sent, key)) => {
                let runner = settings.session.runner();
                match settings.is_refused(&response) {
                    true => runner.note_refused_retry(sent, key),
                    false => runner.note_not_enough(sent),
                }
                Break(Ok(response))
            }
            _ => Break(Ok(response)),
        }
    }
}

impl<S, B, R> Login<S, B, R> {
    /// After the request's deadline nothing is waited for, and no token is of use.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Issued, AuthError>> {
        let polled = self.wait.poll(cx);
        if let (Errand::Renew(.., held), Poll::Pending) = (&mut self.errand, &polled) {
            held.poll_release(cx);
        }
        match self.deadline.filter(|deadline| deadline.is_over()) {
            Some(_) if matches!(&polled, Poll::Ready(Err(error)) if !error.is_timeout()) => polled,
            Some(deadline) => Poll::Ready(Err(deadline.error())),
            None => polled,
        }
    }

    fn concluded(
        self,
        outcome: Result<Issued, AuthError>,
    ) -> ControlFlow<Result<Response<R>, AuthError>, Step<S, B, R>> {
        let Self {
            sender,
            deadline,
            errand,
            ..
        } = self;
        let ready = |sender, granted, outgoing, has_waited_again| {
            Continue(Step::Ready(Box::new(Ready {
                sender,
                granted,
                deadline,
                outgoing,
                has_waited_again,
            })))
        };
        match (errand, outcome) {
            (
                Errand::Send {
                    outgoing,
                    has_waited_again,
                },
                Ok(issued),
            ) => ready(sender, issued, outgoing, has_waited_again),
            (Errand::Send { .. }, Err(error)) => Break(Err(error)),
            (Errand::Renew(head, mut refused, held), Ok(issued)) => {
                let Some(body) = refused.take_over() else {
                    return Break(sender.settings.not_repeated(held.into_inner()));
                };
                drop(held);
                let outgoing = Outgoing::Retry(head.into_request(body));
                ready(sender, issued, outgoing, false)
            }
            (Errand::Renew(_, refused, held), Err(error)) => {
                let result = sender.settings.explain(held.into_inner(), error);
                if result.is_ok() {
                    refused.release();
                }
                Break(result)
            }
        }
    }
}

impl<S, F, B, R> fmt::Debug for ResponseFuture<S, F, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
