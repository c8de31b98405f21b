//! [`Step`]: where a request is on its way, and what follows.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;

use crate::attempt::{Attempt, Outgoing, Sender};
use crate::error::AuthError;
use crate::grpc_timeout::GrpcDeadline;
use crate::head::HeadSnapshot;
use crate::held_response::HeldResponse;
use crate::refusal::challenge::challenges;
use crate::replay::{RefusedUpload, Replay};
use crate::session::{Ask, Issued, Session, Wait};
use crate::settings::StepUp;

/// The same three steps make the first attempt and the second.
pub(crate) enum Step<S, B, R> {
    Call(Attempt<S, B>),
    // Boxed, for few requests come here, and all would be larger by it.
    Login(Box<Login<S, B, R>>),
    Ready(Box<Ready<S, B>>),
    Failed(AuthError),
    Done,
}

pub(crate) struct Login<S, B, R> {
    sender: Sender<S>,
    wait: Wait,
    deadline: Option<GrpcDeadline>,
    errand: Errand<B, R>,
}

pub(crate) struct Ready<S, B> {
    pub(crate) sender: Sender<S>,
    pub(crate) granted: Issued,
    pub(crate) deadline: Option<GrpcDeadline>,
    pub(crate) outgoing: Outgoing<B>,
    /// A token may expire while the inner service gets ready. Another one is waited for once, not
    /// for ever.
    pub(crate) has_waited_again: bool,
}

/// What a login is waited for.
pub(crate) enum Errand<B, R> {
    Send {
        outgoing: Outgoing<B>,
        has_waited_again: bool,
    },
    Renew(HeadSnapshot, RefusedUpload<B>, HeldResponse<R>),
}

impl<S, B, R> Step<S, B, R> {
    pub(crate) fn login(
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

    /// Says whether the response goes to the caller as it is.
    pub(crate) fn is_answered(&self, response: &mut Response<R>) -> bool {
        match self {
            Step::Call(attempt) => attempt.is_answered(response),
            _ => true,
        }
    }

    /// What follows on a refusal: it is the caller's answer, or there is more to do.
    pub(crate) fn refused(
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
                    let session = match settings.session.step_up(kept.sent, challenges) {
                        Ok(session) => session,
                        Err(error) => return Break(settings.explain(Some(response), error)),
                    };
                    let wait = Wait::new(session.runner().clone(), Session::STEP_UP);
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
                    true if settings.step_up == StepUp::Done => runner.note_refused_step_up(sent),
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
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Issued, AuthError>> {
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

    pub(crate) fn concluded(
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
