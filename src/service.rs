//! [`BearerAuth`]: passes readiness on, and picks the path of a request.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower::{BoxError, Service};

use crate::attempt::{Attempt, Sender, release};
use crate::layer::Settings;
use crate::origins::is_plain_http;
use crate::session::{SessionId, View};
use crate::{AuthError, BearerAuthLayer, ReplayBody, ResponseFuture, Session};

/// The service that [`BearerAuthLayer`] makes.
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

/// An extension of a request that is to go out as it is: without a token, and without a renewal
/// should it be answered by a 401.
///
/// A redirect layer may drop it on its way to another origin: see [`Origins`](crate::Origins#redirects).
///
/// ```
/// # fn main() -> Result<(), http::Error> {
/// let request = http::Request::get("https://api.example.com/health")
///     .extension(tower_bearer::NoAuth)
///     .body(())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoAuth;

impl<S> BearerAuth<S> {
    pub(crate) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self {
            inner,
            view: settings.session.view(),
            settings,
            tenure: Tenure::New,
        }
    }

    /// The layer that makes such services, sharing this one's session.
    pub fn layer(&self) -> BearerAuthLayer {
        BearerAuthLayer::from_settings(self.settings.clone())
    }

    /// The session that this service shares.
    pub fn session(&self) -> &Session {
        &self.settings.session
    }

    /// The service below.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service below.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service below.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// Brings what this clone knows of the session up to date.
    fn refresh(&mut self) {
        let is_changed = self.settings.session.refresh(&mut self.view);
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
            let response = self.inner.call(request.map(ReplayBody::new));
            return ResponseFuture::calling(response, Attempt::ForeignOrigin(settings.clone()));
        }
        if !settings.plain_http && is_plain_http(request.uri()) {
            let error = AuthError::insecure("token", request.uri());
            release(&mut self.inner);
            return ResponseFuture::failed(error);
        }
        if let Some(issued) = settings.session.usable(&self.view) {
            let (request, kept) = settings.first_attempt(request, issued);
            let sender = Sender::new(&self.inner, settings);
            return ResponseFuture::calling(self.inner.call(request), Attempt::First(sender, kept));
        }
        let sender = Sender::new(&self.inner, settings);
        // No reservation is held during a login.
        release(&mut self.inner);
        ResponseFuture::waiting(sender, request)
    }
}

impl Settings {
    /// The caller's own header, the caller's wish, or this session's own login.
    fn leaves_alone<B>(&self, request: &Request<B>) -> bool {
        let extensions = request.extensions();
        request.headers().contains_key(&self.header)
            || extensions.get::<NoAuth>().is_some()
            || extensions
                .get::<SessionId>()
                .is_some_and(|login_of| self.session.is(*login_of))
    }
}
