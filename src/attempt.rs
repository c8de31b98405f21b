//! One attempt at a request, and what is kept for another one.

use std::sync::Arc;

use http::{HeaderMap, Request, Response, Uri};
use http_body::Body;
use tower::Service;

use crate::head::HeadSnapshot;
use crate::layer::Settings;
use crate::replay::Replay;
use crate::session::{Issued, Stamp};
use crate::{AuthError, OnFailedRenewal, Origins, ReplayBody, trace};

/// What a response belongs to.
pub(crate) enum Attempt<S, B> {
    /// May be renewed and retried.
    First(Sender<S>, FirstAttempt<B>),
    /// Whatever comes back is the caller's answer; the session hears of a refusal.
    Retry(Arc<Settings>, Stamp),
    /// It has no token of ours.
    Untouched,
    /// Likewise, and a refusal is explained.
    ForeignOrigin(Arc<Settings>),
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
            Attempt::Retry(settings, _) | Attempt::ForeignOrigin(settings) => {
                settings.is_refused(response)
            }
            Attempt::Untouched => false,
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
                let response = self.inner.call(request.map(ReplayBody::new));
                (response, Attempt::ForeignOrigin(self.settings))
            }
            Outgoing::First(request) => {
                let (request, kept) = self.settings.first_attempt(request, issued);
                (self.inner.call(request), Attempt::First(self, kept))
            }
            Outgoing::Retry(mut request) => {
                self.settings.attach(request.headers_mut(), issued);
                trace::resent(issued);
                let attempt = Attempt::Retry(self.settings, issued.stamp);
                (self.inner.call(request), attempt)
            }
        }
    }
}

impl Settings {
    /// The layer's own origins go before those of the source.
    pub(crate) fn may_carry(&self, uri: &Uri, origins: &Origins) -> bool {
        self.origins.as_ref().unwrap_or(origins).contains(uri)
    }

    /// What the caller gets whose token was refused, and could not be renewed.
    pub(crate) fn not_renewed<R>(
        &self,
        mut response: Response<R>,
        error: AuthError,
    ) -> Result<Response<R>, AuthError> {
        match self.on_failed_renewal {
            OnFailedRenewal::Error => Err(error),
            OnFailedRenewal::ReturnResponse => {
                response.extensions_mut().insert(error);
                Ok(response)
            }
        }
    }

    pub(crate) fn first_attempt<B: Body>(
        &self,
        request: Request<B>,
        issued: &Issued,
    ) -> (Request<ReplayBody<B>>, FirstAttempt<B>) {
        let mut replay = None;
        let mut request = request.map(|body| {
            let (body, handle) = ReplayBody::replayable(body, self.replay_limit);
            replay = handle.is_offered().then_some(handle);
            body
        });
        let kept = FirstAttempt {
            sent: issued.stamp,
            copy: replay.map(|replay| (HeadSnapshot::of(&request), replay)),
        };
        self.attach(request.headers_mut(), issued);
        (request, kept)
    }

    fn is_refused<R>(&self, response: &Response<R>) -> bool {
        (self.refused_when)(response.status(), response.headers())
    }

    fn attach(&self, headers: &mut HeaderMap, issued: &Issued) {
        headers.insert(self.header.clone(), issued.token.header_value().clone());
    }
}
