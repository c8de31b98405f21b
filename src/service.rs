//! [`BearerAuth`]: passes readiness on, and picks the path of a request.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower::{BoxError, Service};

use crate::attempt::{Attempt, FirstAttempt, Sender, release};
use crate::future::ResponseFuture;
use crate::replay::ReplayBody;
use crate::session::{Session, View};
use crate::settings::Settings;

/// The service that [`BearerAuthLayer`](crate::BearerAuthLayer) makes.
///
/// Its clones share one session, and with it the token.
///
/// ```
/// # use http_body_util::Empty;
/// use tower_bearer::{BearerAuth, BearerAuthLayer};
/// # use tower_bearer::{Origins, Token, source_fn};
/// # let source = source_fn(Origins::any(), |_| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) });
/// # let client = ();
/// use tower_layer::Layer;
///
/// let service: BearerAuth<_> = BearerAuthLayer::new(source).layer(client);
/// ```
#[derive(Debug)]
pub struct BearerAuth<S> {
    inner: S,
    settings: Arc<Settings>,
    view: View,
    tenure: Tenure,
}

/// How long this very clone has served. One that stays has reference counts of its own: those that
/// clones on other threads share are contended. One that is made for a single request has not.
#[derive(Clone, Copy, Debug)]
enum Tenure {
    New,
    Once,
    Settled,
}

impl<S> BearerAuth<S> {
    pub(crate) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self {
            inner,
            view: View::new(settings.session.runner()),
            settings,
            tenure: Tenure::New,
        }
    }

    /// Returns the session that this service shares.
    pub fn session(&self) -> &Session {
        &self.settings.session
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service, and drops the rest.
    pub fn into_inner(self) -> S {
        self.inner
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Updates what this clone knows of the session.
    fn refresh(&mut self) {
        let is_changed = self.view.refresh(self.settings.session.runner());
        match self.tenure {
            Tenure::New => self.tenure = Tenure::Once,
            Tenure::Once => {
                self.settings = Arc::new(Settings::clone(&self.settings));
                self.view.detach();
                self.tenure = Tenure::Settled;
            }
            Tenure::Settled if is_changed => self.view.detach(),
            Tenure::Settled => {}
        }
    }
}

impl<S: Clone> Clone for BearerAuth<S> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            settings: self.settings.clone(),
            view: self.view.clone(),
            tenure: Tenure::New,
        }
    }
}

impl<S, B, R> Service<Request<B>> for BearerAuth<S>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    B: Body + Unpin,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = ResponseFuture<S, S::Future, B, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let settings = &self.settings;
        if settings.leaves_alone(&request) {
            let response = self.inner.call(request.map(ReplayBody::new));
            return ResponseFuture::calling(response, Attempt::Untouched);
        }
        self.refresh();
        let settings = &self.settings;
        if !settings.may_carry(request.uri(), &self.view.origins) {
            let error = settings.foreign(request.uri(), &self.view.origins);
            let response = self.inner.call(request.map(ReplayBody::new));
            return ResponseFuture::calling(response, Attempt::Foreign(error));
        }
        if let Some(error) = settings.insecure(request.uri()) {
            release(&mut self.inner);
            return ResponseFuture::failed(error);
        }
        if let Some(issued) = self.view.usable(settings.session.runner()) {
            let (request, kept) = FirstAttempt::of(request, settings, issued);
            let sender = Sender::new(&self.inner, settings);
            let response = self.inner.call(request);
            return ResponseFuture::calling(response, Attempt::First(sender, kept));
        }
        let sender = Sender::new(&self.inner, settings);
        // No reservation is held during a login.
        release(&mut self.inner);
        ResponseFuture::waiting(sender, request)
    }
}
