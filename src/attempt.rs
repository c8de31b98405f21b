//! One attempt at a request, and what is kept for another one.

use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use http_body::Body;
use tower::Service;

use crate::error::AuthError;
use crate::head::HeadSnapshot;
use crate::origins::Origins;
use crate::replay::{Replay, ReplayBody};
use crate::session::{Issued, Stamp, trace};
use crate::settings::Settings;

/// What a response belongs to.
pub(crate) enum Attempt<S, B> {
    /// May be renewed and retried.
    First(Sender<S>, FirstAttempt<B>),
    /// Whatever comes back is the caller's answer; the session hears of a refusal.
    Retry(Arc<Settings>, Stamp),
    /// It has no token of ours.
    Untouched,
    /// Likewise, and the caller is told why.
    Foreign(AuthError),
}

/// What it takes to send a request from within the response future.
pub(crate) struct Sender<S> {
    pub(crate) inner: S,
    pub(crate) settings: Arc<Settings>,
}

/// What the first attempt leaves behind.
pub(crate) struct FirstAttempt<B> {
    pub(crate) sent: Stamp,
    /// `None`: the body was known to be too large before it was sent.
    pub(crate) copy: Option<(HeadSnapshot, Replay<B>)>,
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
            Attempt::First(sender, _) => sender.settings.is_refused(response),
            Attempt::Retry(settings, _) => settings.is_refused(response),
            Attempt::Untouched | Attempt::Foreign(_) => false,
        }
    }
}

impl<S: Clone> Sender<S> {
    pub(crate) fn new(inner: &S, settings: &Arc<Settings>) -> Self {
        Self {
            inner: inner.clone(),
            settings: settings.clone(),
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
                let (request, kept) = FirstAttempt::of(request, &self.settings, issued);
                (self.inner.call(request), Attempt::First(self, kept))
            }
            Outgoing::Retry(mut request) => {
                self.settings.attach(&mut request, issued);
                trace::retried(self.settings.session.name(), issued);
                let attempt = Attempt::Retry(self.settings, issued.stamp);
                (self.inner.call(request), attempt)
            }
        }
    }
}

impl<B: Body> FirstAttempt<B> {
    /// Attaches the token, and keeps what a second attempt needs.
    pub(crate) fn of(
        request: Request<B>,
        settings: &Settings,
        issued: &Issued,
    ) -> (Request<ReplayBody<B>>, Self) {
        let mut replay = None;
        let mut request = request.map(|body| {
            let (body, handle) = ReplayBody::replayable(body, settings.replay_limit);
            replay = handle.is_offered().then_some(handle);
            body
        });
        let kept = Self {
            sent: issued.stamp,
            copy: replay.map(|replay| (HeadSnapshot::of(&request), replay)),
        };
        settings.attach(&mut request, issued);
        (request, kept)
    }
}
