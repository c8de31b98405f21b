//! One attempt at a request, and what is kept for another one.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use tower::Service;

use crate::error::AuthError;
use crate::head::HeadSnapshot;
use crate::origins::Origins;
use crate::refusal::is_acceptance;
use crate::replay::{Replay, ReplayBody};
use crate::session::{Issued, Key, Runner, Stamp, trace};
use crate::settings::Settings;
use crate::snapshot::Snapshot;

/// What a response belongs to.
pub(crate) enum Attempt<S, B> {
    /// May be renewed and retried.
    First(Arc<Snapshot<S>>, FirstAttempt<B>),
    /// Whatever comes back is the caller's answer; the session hears of a refusal.
    Retry(Arc<Settings>, Stamp, Key),
    /// It has no token of ours.
    Untouched,
    /// Likewise, and the caller is told why.
    Foreign(AuthError),
}

/// What it takes to send a request from within the response future.
pub(crate) struct Sender<S> {
    pub(crate) inner: S,
    pub(crate) settings: Arc<Settings>,
    snapshot: Arc<Snapshot<S>>,
}

/// What the first attempt leaves behind.
pub(crate) struct FirstAttempt<B> {
    pub(crate) sent: Stamp,
    /// Only the endpoint, if the body was known to be too large before it was sent.
    pub(crate) copy: Result<(HeadSnapshot, Replay<B>), Key>,
}

/// A request that waits to be sent.
pub(crate) enum Outgoing<B> {
    First(Request<B>),
    Retry(Request<ReplayBody<B>>),
}

impl<B> Outgoing<B> {
    pub(crate) fn headers_mut(&mut self) -> &mut HeaderMap {
        match self {
            Outgoing::First(request) => request.headers_mut(),
            Outgoing::Retry(request) => request.headers_mut(),
        }
    }
}

/// Gives back what `poll_ready` reserved: the ready service is dropped.
pub(crate) fn release<S: Clone>(inner: &mut S) {
    let unready = inner.clone();
    *inner = unready;
}

impl<S, B> Attempt<S, B> {
    /// Says whether the response goes to the caller as it is. Otherwise, its token was refused or
    /// missed, or a stronger one is wanted and none was sent yet.
    pub(crate) fn is_answered<R>(&self, response: &mut Response<R>) -> bool {
        let settings = match self {
            Attempt::First(snapshot, _) => &snapshot.settings,
            Attempt::Retry(settings, ..) => settings,
            Attempt::Untouched => return true,
            // The caller is told why its request went without a token, whatever the answer.
            Attempt::Foreign(error) => {
                response.extensions_mut().insert(error.clone());
                return true;
            }
        };
        let is_first = matches!(self, Attempt::First(..));
        if settings.is_refused(response) || !is_first && settings.is_not_enough(response) {
            return false;
        }
        let runner = settings.session.runner();
        if runner.is_watching() && is_acceptance(response.status(), response.headers()) {
            self.note_acceptance(runner);
        }
        !(is_first && settings.steps_up(response))
    }

    #[cold]
    fn note_acceptance(&self, runner: &Runner) {
        match self {
            Attempt::First(_, kept) => runner.note_acceptance(kept.sent, kept.key(), false),
            Attempt::Retry(_, sent, key) => runner.note_acceptance(*sent, *key, true),
            Attempt::Untouched | Attempt::Foreign(_) => {}
        }
    }
}

impl<S: Clone> Sender<S> {
    pub(crate) fn new(snapshot: Arc<Snapshot<S>>) -> Self {
        Self {
            inner: snapshot.prototype().to_inner(),
            settings: snapshot.settings.clone(),
            snapshot,
        }
    }

    /// To be called when the inner service is ready.
    pub(crate) fn send<B>(
        mut self,
        outgoing: Outgoing<B>,
        issued: &Issued,
        origins: &Origins,
    ) -> (S::Future, Attempt<S, B>)
    where
        S: Service<Request<ReplayBody<B>>>,
        B: Body,
    {
        match outgoing {
            // It may have waited for the token of another source.
            Outgoing::First(request) if !self.settings.may_carry(request.uri(), origins) => {
                let error = self.settings.foreign(request.uri(), origins);
                let response = self.inner.call(request.map(ReplayBody::new));
                (response, Attempt::Foreign(error))
            }
            Outgoing::First(request) => {
                let (mut parts, body) = request.into_parts();
                // Without the caller's own header, or it would not have waited.
                let Some(head) = FirstAttempt::head(&parts, &body, &self.settings) else {
                    let request = Request::from_parts(parts, ReplayBody::new(body));
                    return (self.inner.call(request), Attempt::Untouched);
                };
                self.settings.attach(&mut parts, issued);
                let limit = self.settings.replay_limit;
                let (body, replay) = ReplayBody::replayable(body, limit);
                let response = self.inner.call(Request::from_parts(parts, body));
                let kept = FirstAttempt::new(head, replay, issued);
                (response, Attempt::First(self.snapshot, kept))
            }
            Outgoing::Retry(request) => {
                let (mut parts, body) = request.into_parts();
                self.settings.attach(&mut parts, issued);
                trace::retried(self.settings.session.name(), issued);
                let key = Key::of(&parts.method, &parts.uri);
                let attempt = Attempt::Retry(self.settings, issued.stamp, key);
                let response = self.inner.call(Request::from_parts(parts, body));
                (response, attempt)
            }
        }
    }
}

impl<B: Body> FirstAttempt<B> {
    /// Keeps what a second attempt needs. The head is of the request as it was without its token.
    #[inline]
    pub(crate) fn new(head: Result<HeadSnapshot, Key>, replay: Replay<B>, issued: &Issued) -> Self {
        Self {
            sent: issued.stamp,
            copy: head.map(|head| (head, replay)),
        }
    }

    /// Returns only the endpoint if the body is known to be too large, and `None` if the request
    /// has the caller's own header.
    #[inline]
    pub(crate) fn head(
        request: &Parts,
        body: &B,
        settings: &Settings,
    ) -> Option<Result<HeadSnapshot, Key>> {
        if ReplayBody::is_replayable(body, settings.replay_limit) {
            HeadSnapshot::of(request, &settings.header).map(Ok)
        } else if request.headers.contains_key(&settings.header) {
            None
        } else {
            Some(Err(Key::of(&request.method, &request.uri)))
        }
    }
}

impl<B> FirstAttempt<B> {
    /// The endpoint that it was sent to.
    pub(crate) fn key(&self) -> Key {
        match &self.copy {
            Ok((head, _)) => head.key(),
            Err(key) => *key,
        }
    }
}
