//! [`Settings`]: the layer's settings, and what follows from them for one request.

use std::fmt;
use std::sync::Arc;

use http::header::{self, Entry};
use http::{Extensions, HeaderMap, HeaderName, Request, Response, StatusCode, Uri};

use crate::error::AuthError;
use crate::held_response::HeldResponse;
use crate::origins::{Origins, is_plain_http};
use crate::refusal::{asks_for_more, is_refusal};
use crate::session::{Issued, Sent, Session, SessionId, trace};

/// What the caller gets when a refused token could not be renewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFailedRenewal {
    /// The caller gets the refused response, unread, with the [`AuthError`] in its extensions. This
    /// is the default.
    ///
    /// An unread response occupies its connection, or room in its flow-control window, and the
    /// login may need either. So the response is dropped after the time set by
    /// [`SessionBuilder::renewal_hold`](crate::SessionBuilder::renewal_hold), 2 seconds by default.
    /// If the login fails after that, the caller gets the error. Use [`Error`](Self::Error) or a
    /// hold of zero with a server that serves one connection at a time and keeps it open: otherwise
    /// the login waits on a second connection.
    #[default]
    ReturnResponse,
    /// The caller gets the [`AuthError`] as the error of the request. Use this for clients that
    /// drop a response's extensions, such as tonic's. The refused response is dropped before the
    /// login.
    Error,
}

/// A request extension that makes the layer send the request unchanged: without a token, and
/// without a renewal after a 401.
///
/// A redirect layer may drop the extension on the way to another origin: see
/// [`Origins`](Origins#redirects).
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

/// What all services of one layer share.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) session: Session,
    /// `None`: the source says.
    pub(crate) origins: Option<Origins>,
    pub(crate) plain_http: bool,
    pub(crate) header: HeaderName,
    /// `None`: as by default.
    pub(crate) refused_when: Option<Arc<Predicate>>,
    pub(crate) replay_limit: usize,
    pub(crate) on_failed_renewal: OnFailedRenewal,
    /// Each request has to bring its session, and this one has not.
    pub(crate) lacks_session: bool,
    pub(crate) step_up: StepUp,
}

/// What becomes of a response that asks for a stronger token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepUp {
    /// It is the caller's.
    Off,
    /// A stronger token is fetched.
    On,
    /// A stronger one is sent.
    Done,
}

/// Why a token may not go where a request goes.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    NoSession,
    Foreign,
    /// It would be readable on its way.
    Insecure,
}

pub(crate) type Predicate = dyn Fn(StatusCode, &HeaderMap) -> bool + Send + Sync;

impl Settings {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session,
            origins: None,
            plain_http: false,
            header: header::AUTHORIZATION,
            refused_when: None,
            replay_limit: 64 * 1024,
            on_failed_renewal: OnFailedRenewal::default(),
            lacks_session: false,
            step_up: StepUp::Off,
        }
    }

    /// The same for another session, that of one request.
    pub(crate) fn of_session(&self, session: Session) -> Self {
        Self {
            session,
            lacks_session: false,
            ..self.clone()
        }
    }

    /// The caller's wish, or this session's own login.
    #[inline]
    pub(crate) fn is_exempt(&self, extensions: &Extensions) -> bool {
        if extensions.get::<NoAuth>().is_some() {
            trace::left_alone(self.session.name(), "it has the extension `NoAuth`");
            return true;
        }
        // The session's own login is no news.
        let login_of = extensions.get::<SessionId>();
        login_of.is_some_and(|login_of| self.session.is(*login_of))
    }

    /// Says whether the request has the caller's own header.
    pub(crate) fn has_own_header(&self, headers: &HeaderMap) -> bool {
        let has_header = headers.contains_key(&self.header);
        if has_header {
            self.note_own_header();
        }
        has_header
    }

    fn note_own_header(&self) {
        trace::left_alone(self.session.name(), "it has the header already");
    }

    /// Why a request to this URI may not go out with a token.
    #[inline]
    pub(crate) fn fault(&self, uri: &Uri, origins: &Origins) -> Option<Fault> {
        if self.lacks_session {
            Some(Fault::NoSession)
        } else if !self.may_carry(uri, origins) {
            Some(Fault::Foreign)
        } else if !self.plain_http && is_plain_http(uri) {
            Some(Fault::Insecure)
        } else {
            None
        }
    }

    /// The layer's own origins go before those of the source.
    #[inline]
    pub(crate) fn may_carry(&self, uri: &Uri, origins: &Origins) -> bool {
        self.origins.as_ref().unwrap_or(origins).contains(uri)
    }

    /// Counts and logs that a request goes to a foreign origin, and returns the error that says so.
    pub(crate) fn foreign(&self, uri: &Uri, origins: &Origins) -> AuthError {
        let error = AuthError::foreign_origin(uri, self.origins.as_ref().unwrap_or(origins));
        self.session.runner().note_foreign(&error);
        error
    }

    /// The same for the session of a stronger token.
    pub(crate) fn of_step_up(&self, session: Session) -> Self {
        Self {
            step_up: StepUp::Done,
            ..self.of_session(session)
        }
    }

    /// Says whether a stronger token is wanted, and is to be fetched.
    #[inline]
    pub(crate) fn steps_up<R>(&self, response: &Response<R>) -> bool {
        self.step_up == StepUp::On && asks_for_more(response.status(), response.headers())
    }

    /// Says whether the stronger token was not enough.
    pub(crate) fn is_not_enough<R>(&self, response: &Response<R>) -> bool {
        self.step_up == StepUp::Done && asks_for_more(response.status(), response.headers())
    }

    pub(crate) fn is_refused<R>(&self, response: &Response<R>) -> bool {
        let (status, headers) = (response.status(), response.headers());
        match &self.refused_when {
            Some(is_refused) => is_refused(status, headers),
            None => is_refusal(status, headers),
        }
    }

    /// Gives the request its token. `false`: it has the caller's own header, and is left as it is.
    pub(crate) fn attach<B>(&self, request: &mut Request<B>, issued: &Issued) -> bool {
        // One look-up finds both the caller's header and the place of ours.
        match request.headers_mut().entry(&self.header) {
            Entry::Vacant(place) => {
                place.insert(issued.token.header_value().clone());
            }
            Entry::Occupied(_) => {
                self.note_own_header();
                return false;
            }
        }
        if let Some(sent) = request.extensions().get::<Sent>() {
            sent.note(self.session.runner().id(), issued);
        }
        true
    }

    /// Keeps a refused response for as long as its caller may get it.
    pub(crate) fn hold<R>(&self, response: Response<R>) -> HeldResponse<R> {
        let limit = self.session.runner().renewal_hold();
        match self.on_failed_renewal {
            OnFailedRenewal::ReturnResponse if !limit.is_zero() => {
                HeldResponse::new(response, limit)
            }
            // Before the login begins, not at some time during it.
            _ => HeldResponse::dropped(),
        }
    }

    /// What the caller gets whose token was refused, and who gets no retry. The response may be
    /// gone.
    pub(crate) fn explain<R>(
        &self,
        response: Option<Response<R>>,
        error: AuthError,
    ) -> Result<Response<R>, AuthError> {
        match (self.on_failed_renewal, response) {
            (OnFailedRenewal::ReturnResponse, Some(mut response)) => {
                response.extensions_mut().insert(error);
                Ok(response)
            }
            (OnFailedRenewal::ReturnResponse, None) | (OnFailedRenewal::Error, _) => Err(error),
        }
    }

    /// What the caller gets whose token was refused, and whose body was not kept for a retry.
    pub(crate) fn not_repeated<R>(
        &self,
        response: Option<Response<R>>,
    ) -> Result<Response<R>, AuthError> {
        trace::not_repeated(self.session.name(), self.replay_limit);
        self.session.runner().count_not_repeated();
        self.explain(response, AuthError::not_repeated(self.replay_limit))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("session", &self.session)
            .field("origins", &self.origins)
            .field("plain_http", &self.plain_http)
            .field("header", &self.header)
            .field("replay_limit", &self.replay_limit)
            .field("on_failed_renewal", &self.on_failed_renewal)
            .finish_non_exhaustive()
    }
}
