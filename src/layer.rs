//! [`BearerAuthLayer`] and its settings.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, StatusCode};
use tower_layer::Layer;

use crate::error::AuthError;
use crate::origins::Origins;
use crate::service::BearerAuth;
use crate::session::Session;
use crate::settings::{OnFailedRenewal, Settings, StepUp};
use crate::source::{TokenRequest, TokenSource};
use crate::token::Token;

/// Adds a bearer token to the requests of an HTTP client, and renews it when it is refused.
///
/// Clones of a layer, and all services it creates, share one [`Session`]. Layers from separate
/// calls of [`new`](Self::new) do not.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Empty;
/// use tower::{Service, ServiceBuilder, ServiceExt};
/// use tower_bearer::{BearerAuthLayer, ReplayBody, Origins, Token, source_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower::BoxError> {
/// let source = source_fn(Origins::only("https://api.example.com")?, |_request| async {
///     Ok(Token::new("mF_9.B5f-4.1JqM")?)
/// });
///
/// let client = ServiceBuilder::new()
///     .layer(BearerAuthLayer::new(source))
///     // Use a real client here. This one returns the header it received.
///     .service_fn(|request: Request<ReplayBody<Empty<Bytes>>>| async move {
///         let sent = request.headers()["authorization"].clone();
///         Ok::<_, tower::BoxError>(Response::new(sent))
///     });
///
/// let request = Request::get("https://api.example.com/users/me").body(Empty::new())?;
/// assert_eq!(client.oneshot(request).await?.body(), "Bearer mF_9.B5f-4.1JqM");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BearerAuthLayer {
    settings: Arc<Settings>,
}

/// Of a session that no request uses.
struct NoSource;

impl BearerAuthLayer {
    /// Creates a layer with its own session, which logs in through `source` when a token is first
    /// needed.
    pub fn new(source: impl TokenSource) -> Self {
        Self::from_session(Session::new(source))
    }

    /// Creates a layer for an existing session, to share its token or to configure it with
    /// [`Session::builder`].
    pub fn from_session(session: Session) -> Self {
        Self {
            settings: Arc::new(Settings::new(session)),
        }
    }

    /// Creates a layer without its own session: each request has one in its extensions.
    ///
    /// A request without a [`Session`] fails with an error
    /// ([`is_misconfigured`](crate::AuthError::is_misconfigured)) and nothing is sent, unless it
    /// has its own header or the extension [`NoAuth`](crate::NoAuth).
    ///
    /// [`Sessions`](crate::Sessions) keeps the sessions of many accounts. Any other layer uses a
    /// request's session too, in place of its own.
    ///
    #[cfg_attr(feature = "testing", doc = "```")]
    #[cfg_attr(not(feature = "testing"), doc = "```ignore")]
    /// use http::Request;
    /// use http_body_util::Empty;
    /// use tower_bearer::{BearerAuthLayer, Session, login::Form, testing::Api};
    /// use tower_layer::Layer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower::BoxError> {
    /// let api = Api::new().account("alice", "correct horse");
    /// let login = Form::new(api.clone(), "https://api.example.com", "alice", "correct horse")?;
    /// let alice = Session::new(login);
    /// let client = BearerAuthLayer::per_request().layer(api);
    ///
    /// let request = || Request::get("https://api.example.com/users/me");
    /// let hers = request().extension(alice.clone()).body(Empty::<bytes::Bytes>::new())?;
    /// assert_eq!(client.send(hers).await?.status(), 200);
    ///
    /// let nobodys = request().body(Empty::<bytes::Bytes>::new())?;
    /// assert!(client.send(nobodys).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn per_request() -> Self {
        Self::from_session(Session::new(NoSource)).set(|settings| settings.lacks_session = true)
    }

    /// Returns the session shared by this layer's services.
    ///
    /// The session of a [`per_request`](Self::per_request) layer has no token and cannot get one.
    pub fn session(&self) -> &Session {
        &self.settings.session
    }

    /// Sets where the token may be sent. Defaults to the [origins of its
    /// source](TokenSource::origins).
    ///
    /// A request to any other origin passes without a token.
    #[must_use]
    pub fn origins(self, origins: Origins) -> Self {
        self.set(|settings| settings.origins = Some(origins))
    }

    /// Allows tokens to be sent over plain `http`, where anyone on the network path can read them.
    /// By default such a request fails with an error
    /// ([`is_insecure`](crate::AuthError::is_insecure)) and triggers no login.
    ///
    /// Loopback addresses are always allowed: `127.0.0.0/8`, `[::1]`, `localhost` and its
    /// subdomains, by their spelling and without a lookup. So are requests without a token. A URI
    /// without a scheme, such as tonic's, cannot be checked: the client decides. The [built-in
    /// logins](crate::login) have their own setter, for the password.
    ///
    /// ```
    /// # use http::{Request, Response};
    /// # use http_body_util::Empty;
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # use tower_bearer::{AuthError, BearerAuthLayer, ReplayBody, Origins, Token, source_fn};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower::BoxError> {
    /// # let source = source_fn(Origins::any(), |_| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) });
    /// # let http_client = service_fn(async |_: Request<ReplayBody<Empty<bytes::Bytes>>>| {
    /// #     Ok::<_, tower::BoxError>(Response::new(()))
    /// # });
    /// let layer = BearerAuthLayer::new(source);
    /// let request = || Request::get("http://api.internal/users/me").body(Empty::new());
    ///
    /// let refused = layer.layer(http_client.clone()).oneshot(request()?).await.unwrap_err();
    /// assert!(refused.downcast_ref::<AuthError>().is_some_and(AuthError::is_insecure));
    ///
    /// let layer = layer.allow_plain_http();
    /// assert_eq!(layer.layer(http_client).oneshot(request()?).await?.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn allow_plain_http(self) -> Self {
        self.set(|settings| settings.plain_http = true)
    }

    /// Sets the name of the token's header. Defaults to `authorization`.
    ///
    /// The token determines the header's value: see
    /// [`Token::with_scheme`](crate::Token::with_scheme) and [`Token::bare`](crate::Token::bare).
    ///
    /// Redirect layers strip `authorization` from requests to another origin, but not other
    /// headers: keep redirect layers around this layer, not inside
    /// ([`Origins`](Origins#redirects)).
    #[must_use]
    pub fn header(self, name: HeaderName) -> Self {
        self.set(|settings| settings.header = name)
    }

    /// Sets which responses mean that the token was refused. Defaults to
    /// [`is_refusal`](crate::is_refusal).
    #[must_use]
    pub fn refused_when<P>(self, is_refused: P) -> Self
    where
        P: Fn(StatusCode, &HeaderMap) -> bool + Send + Sync + 'static,
    {
        self.set(|settings| settings.refused_when = Some(Arc::new(is_refused)))
    }

    /// Sets how many bytes of a request's body are kept for a replay. Defaults to 64 KiB.
    ///
    /// A request whose body is larger is not retried, but the session still renews its token.
    /// Trailers count too: the bytes of each name and value, and 32 more for each entry.
    ///
    /// The bytes are copied. Only a first frame of 16 KiB or more is shared instead, if nothing
    /// else uses its buffer and the frame fills more than half of it.
    #[must_use]
    pub fn replay_limit(self, bytes: usize) -> Self {
        self.set(|settings| settings.replay_limit = bytes)
    }

    /// Sets what the caller gets when a refused token could not be renewed. Defaults to
    /// [`OnFailedRenewal::ReturnResponse`].
    #[must_use]
    pub fn on_failed_renewal(self, choice: OnFailedRenewal) -> Self {
        self.set(|settings| settings.on_failed_renewal = choice)
    }

    /// Asks the source for a stronger token when a response says that the current one is valid but
    /// not sufficient, and retries the request with it once. By default the response is returned to
    /// the caller.
    ///
    /// Such a response is a 401 or 403 whose challenge, of Bearer or DPoP, has one of the errors
    /// `insufficient_scope` ([RFC 6750, section 3.1]), `insufficient_user_authentication` ([RFC
    /// 9470, section 3]) or `insufficient_claims` ([Microsoft's claims challenge]).
    ///
    /// The source is asked with [`Cause::StepUp`](crate::Cause::StepUp), and the
    /// [challenges](crate::TokenRequest::challenges) say what the token must allow. The built-in
    /// logins ignore them. Other requests keep using the current token. The stronger token is kept
    /// for later requests with the same challenge, at most 16 of them per session, and until a
    /// [sign-out](Session::sign_out). It is renewed like any token. A stronger token that was not
    /// sufficient is throttled like a login that did not help. None of this counts in the session's
    /// own [`stats`](Session::stats) or delays its other logins.
    ///
    /// If there is no stronger token, the caller gets the response with the [`AuthError`] in its
    /// extensions. No stronger token is fetched while a rejected login forbids the next one. One is
    /// fetched without the session's refresh token
    /// ([`may_spend`](crate::TokenRequest::may_spend) returns `false`). None is fetched for a
    /// request whose body is over the [replay limit](Self::replay_limit).
    ///
    /// ```
    /// use tower_bearer::{BearerAuthLayer, Cause, Origins, Token, source_fn};
    ///
    /// let source = source_fn(Origins::only("https://api.example.com")?, |request| async move {
    ///     let scope = match request.cause() {
    ///         Cause::StepUp => request.challenges()[0].param("scope").unwrap_or("admin"),
    ///         _ => "read",
    ///     };
    ///     // Log in for that scope.
    ///     Ok(Token::new(format!("token-for-{scope}"))?)
    /// });
    /// let layer = BearerAuthLayer::new(source).step_up();
    /// # Ok::<(), tower_bearer::InvalidOrigin>(())
    /// ```
    ///
    /// [Microsoft's claims challenge]: https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge
    /// [RFC 6750, section 3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    /// [RFC 9470, section 3]: https://www.rfc-editor.org/rfc/rfc9470#section-3
    #[must_use]
    pub fn step_up(self) -> Self {
        self.set(|settings| settings.step_up = StepUp::On)
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl<S> Layer<S> for BearerAuthLayer {
    type Service = BearerAuth<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BearerAuth::new(inner, self.settings.clone())
    }
}

impl<S> BearerAuth<S> {
    /// Returns a layer with the same settings and the same session.
    pub fn layer(&self) -> BearerAuthLayer {
        BearerAuthLayer {
            settings: self.settings().clone(),
        }
    }
}

impl TokenSource for NoSource {
    fn origins(&self) -> Origins {
        Origins::any()
    }

    async fn fetch(&self, _: TokenRequest) -> Result<Token, AuthError> {
        Err(AuthError::no_session())
    }
}
