//! One attempt at a request, and what is kept for another one.

use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use http_body::Body;
use tower::Service;

use crate::error::AuthError;
use crate::head::HeadSnapshot;
use crate::origins::Origins;
use crate::refusal::is_acceptance;
use crate::replay::{Replay, ReplayBody};
use crate::session::{Issued, Key, Stamp, trace};
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
    /// Was the token refused, or missed?
    pub(crate) fn is_refused<R>(&self, response: &Response<R>) -> bool {
        match self {
            Attempt::First(snapshot, _) => snapshot.settings.is_refused(response),
            Attempt::Retry(settings, ..) => {
                settings.is_refused(response) || settings.is_not_enough(response)
            }
            Attempt::Untouched | Attempt::Foreign(_) => false,
        }
    }

    /// Is a stronger token wanted, and was none sent yet?
    pub(crate) fn steps_up<R>(&self, response: &Response<R>) -> bool {
        matches!(self, Attempt::First(snapshot, _) if snapshot.settings.steps_up(response))
    }
}

impl<S, B> Attempt<S, B> {
    /// Tells the session, if it wants to know, that a token was accepted.
    pub(crate) fn note_acceptance<R>(&self, response: &Response<R>) {
        let settings = match self {
            Attempt::First(snapshot, _) => &snapshot.settings,
            Attempt::Retry(settings, ..) => settings,
            Attempt::Untouched | Attempt::Foreign(_) => return,
        };
        let runner = settings.session.runner();
        if !runner.is_watching() || !is_acceptance(response.status(), response.headers()) {
            return;
        }
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
            Outgoing::First(mut request) => {
                let head = FirstAttempt::head(&request, &self.settings);
                self.settings.attach(&mut request, issued);
                let (request, kept) = FirstAttempt::new(request, head, &self.settings, issued);
                let response = self.inner.call(request);
                (response, Attempt::First(self.snapshot, kept))
            }
            Outgoing::Retry(mut request) => {
                self.settings.attach(&mut request, issued);
                trace::retried(self.settings.session.name(), issued);
                let key = Key::of(request.method(), request.uri());
                let attempt = Attempt::Retry(self.settings, issued.stamp, key);
                (self.inner.call(request), attempt)
            }
        }
    }
}

impl<B: Body> FirstAttempt<B> {
    /// Keeps what a second attempt needs. The head is of the request as it was without its token.
    pub(crate) fn new(
        request: Request<B>,
        head: Result<HeadSnapshot, Key>,
        settings: &Settings,
        issued: &Issued,
    ) -> (Request<ReplayBody<B>>, Self) {
        let (parts, body) = request.into_parts();
        let (body, replay) = ReplayBody::replayable(body, settings.replay_limit);
        let request = Request::from_parts(parts, body);
        let kept = Self {
            sent: issued.stamp,
            copy: head.map(|head| (head, replay)),
        };
        (request, kept)
    }

    /// Only the endpoint, if the body is known to be too large.
    pub(crate) fn head(request: &Request<B>, settings: &Settings) -> Result<HeadSnapshot, Key> {
        match ReplayBody::is_replayable(request.body(), settings.replay_limit) {
            true => Ok(HeadSnapshot::of(request)),
            false => Err(Key::of(request.method(), request.uri())),
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
