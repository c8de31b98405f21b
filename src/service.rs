//! [`BearerAuth`]: passes readiness on, and picks the path of a request.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower::{BoxError, Service};

use crate::attempt::{Attempt, FirstAttempt, Sender, release};
use crate::error::AuthError;
use crate::future::ResponseFuture;
use crate::replay::ReplayBody;
use crate::session::Session;
use crate::settings::{Fault, Settings};
use crate::snapshot::{Prototype, Snapshot, Snapshots};

/// A service that adds bearer tokens to requests, created by
/// [`BearerAuthLayer`](crate::BearerAuthLayer).
///
/// Its clones share one session and so the token.
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
pub struct BearerAuth<S> {
    inner: S,
    link: Link<S>,
    /// For its clones, if it has many.
    snapshots: OnceLock<Box<Snapshots<S>>>,
    clones: AtomicU8,
    has_served: bool,
}

/// What it shares with its clones.
enum Link<S> {
    /// It has not served, nor was it made of one that has.
    Settings(Arc<Settings>),
    Snapshot(Arc<Snapshot<S>>),
}

/// A service that was cloned so often goes on being cloned, and not only once for each request.
const MANY: u8 = 3;

impl<S> BearerAuth<S> {
    pub(crate) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self::linked(inner, Link::Settings(settings))
    }

    /// Returns the session of this service.
    pub fn session(&self) -> &Session {
        &self.settings().session
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service.
    ///
    /// Your changes apply to later requests and their retries.
    pub fn get_mut(&mut self) -> &mut S {
        // Both have a clone of the inner service as it was.
        self.link = Link::Settings(self.settings().clone());
        self.snapshots = OnceLock::new();
        &mut self.inner
    }

    /// Returns the inner service, and drops the rest.
    pub fn into_inner(self) -> S {
        self.inner
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        match &self.link {
            Link::Settings(settings) => settings,
            Link::Snapshot(snapshot) => &snapshot.settings,
        }
    }

    fn linked(inner: S, link: Link<S>) -> Self {
        Self {
            inner,
            link,
            snapshots: OnceLock::new(),
            clones: AtomicU8::new(0),
            has_served: false,
        }
    }
}

impl<S: Clone> BearerAuth<S> {
    /// The snapshot of now, for a request of this service.
    ///
    /// A service that serves on another thread than its snapshot was made on gets one of its own,
    /// unless it was made for a single request.
    fn update(&mut self) -> Arc<Snapshot<S>> {
        let is_first = !mem::replace(&mut self.has_served, true);
        match &self.link {
            Link::Snapshot(snapshot)
                if snapshot.is_current() && (is_first || snapshot.is_of_this_thread()) =>
            {
                snapshot.clone()
            }
            _ => {
                let snapshot = Arc::new(self.snapshot());
                self.link = Link::Snapshot(snapshot.clone());
                snapshot
            }
        }
    }

    /// A snapshot for a request that is sent by another instance of the inner service.
    pub(crate) fn to_snapshot(&self) -> Arc<Snapshot<S>> {
        match self.share() {
            Link::Snapshot(snapshot) => snapshot,
            Link::Settings(_) => Arc::new(self.snapshot()),
        }
    }

    /// What a clone gets: it shares its counts with others of this thread alone, if there are many.
    fn share(&self) -> Link<S> {
        match &self.link {
            Link::Snapshot(snapshot) if snapshot.is_current() && snapshot.is_of_this_thread() => {
                Link::Snapshot(snapshot.clone())
            }
            link if self.clones.load(Ordering::Relaxed) < MANY => {
                self.clones.fetch_add(1, Ordering::Relaxed);
                link.clone()
            }
            _ => {
                let snapshots = || Box::new(Snapshots::new(self.prototype()));
                let snapshots = self.snapshots.get_or_init(snapshots);
                Link::Snapshot(snapshots.get(self.settings()))
            }
        }
    }

    fn snapshot(&self) -> Snapshot<S> {
        Snapshot::new(self.settings().clone(), self.prototype())
    }

    fn prototype(&self) -> Arc<Prototype<S>> {
        match (&self.link, self.snapshots.get()) {
            (Link::Snapshot(snapshot), _) => snapshot.prototype().clone(),
            (_, Some(snapshots)) => snapshots.prototype.clone(),
            _ => Arc::new(Prototype::new(self.inner.clone())),
        }
    }
}

impl<S: Clone> Clone for BearerAuth<S> {
    fn clone(&self) -> Self {
        Self::linked(self.inner.clone(), self.share())
    }
}

impl<S> Clone for Link<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Settings(settings) => Self::Settings(settings.clone()),
            Self::Snapshot(snapshot) => Self::Snapshot(snapshot.clone()),
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
        let snapshot = self.update();
        respond(&mut self.inner, snapshot, request)
    }
}

/// Picks the path of a request. The inner service is ready, and is called or gives that back.
pub(crate) fn respond<S, B, R>(
    inner: &mut S,
    mut snapshot: Arc<Snapshot<S>>,
    request: Request<B>,
) -> ResponseFuture<S, S::Future, B, R>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>> + Clone,
    B: Body,
{
    if let Some(session) = request.extensions().get::<Session>() {
        snapshot = Arc::new(snapshot.of_session(session.clone()));
    }
    let Snapshot { settings, view, .. } = &*snapshot;
    if settings.is_exempt(request.extensions()) {
        return pass(inner, request, Attempt::Untouched);
    }
    let fault = settings.fault(request.uri(), &view.origins);
    let usable = match fault {
        None => view.usable(),
        Some(_) => None,
    };
    if let Some((issued, is_due)) = usable {
        let (mut parts, body) = request.into_parts();
        let Some(head) = FirstAttempt::head(&parts, &body, settings) else {
            settings.note_own_header();
            return pass(inner, Request::from_parts(parts, body), Attempt::Untouched);
        };
        settings.attach(&mut parts, issued);
        if is_due {
            settings.session.runner().renew_ahead();
        }
        let (body, replay) = ReplayBody::replayable(body, settings.replay_limit);
        let response = inner.call(Request::from_parts(parts, body));
        let kept = FirstAttempt::new(head, replay, issued);
        return ResponseFuture::calling(response, Attempt::First(snapshot, kept));
    }
    if settings.has_own_header(request.headers()) {
        return pass(inner, request, Attempt::Untouched);
    }
    match fault {
        Some(Fault::NoSession) => {
            release(inner);
            ResponseFuture::failed(AuthError::no_session())
        }
        Some(Fault::Foreign) => {
            let error = settings.foreign(request.uri(), &view.origins);
            pass(inner, request, Attempt::Foreign(error))
        }
        Some(Fault::Insecure) => {
            release(inner);
            ResponseFuture::failed(AuthError::insecure_token(request.uri()))
        }
        None => {
            // No reservation is held during a login.
            release(inner);
            ResponseFuture::waiting(Sender::new(snapshot), request)
        }
    }
}

/// Sends a request without a token of ours.
#[inline(never)]
fn pass<S, B, R>(
    inner: &mut S,
    request: Request<B>,
    attempt: Attempt<S, B>,
) -> ResponseFuture<S, S::Future, B, R>
where
    S: Service<Request<ReplayBody<B>>>,
{
    let response = inner.call(request.map(ReplayBody::new));
    ResponseFuture::calling(response, attempt)
}

impl<S: fmt::Debug> fmt::Debug for BearerAuth<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerAuth")
            .field("inner", &self.inner)
            .field("settings", self.settings())
            .finish_non_exhaustive()
    }
}
