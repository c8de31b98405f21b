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
/// A clone of the layer, and every service that it makes, shares one [`Session`]; two layers made
/// by two calls of [`new`](Self::new) do not.
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
///     // Here stands a real client; this one says what it was sent.
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
    /// A layer with a session of its own, which logs in through `source` when a token is first
    /// needed.
    pub fn new(source: impl TokenSource) -> Self {
        Self::from_session(Session::new(source))
    }

    /// A layer of an existing session, to share its token or to set its time limits.
    pub fn from_session(session: Session) -> Self {
        Self {
            settings: Arc::new(Settings::new(session)),
        }
    }

    /// Makes a layer without a session of its own: each request brings one in its extensions.
    ///
    /// A request without a [`Session`] fails with an error
    /// ([`is_misconfigured`](crate::AuthError::is_misconfigured)), and nothing is sent. It may have
    /// its own header or the extension [`NoAuth`](crate::NoAuth) instead.
    ///
    /// [`Sessions`](crate::Sessions) keeps the sessions of many accounts. Any other layer takes a
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

    /// Returns the session that this layer's services share.
    ///
    /// That of a [`per_request`](Self::per_request) layer has no token, and cannot get one.
    pub fn session(&self) -> &Session {
        &self.settings.session
    }

    /// Where the token may go. By default where its [source](TokenSource::origins) says.
    ///
    /// A request to another origin passes without a token.
    #[must_use]
    pub fn origins(self, origins: Origins) -> Self {
        self.set(|settings| settings.origins = Some(origins))
    }

    /// Sends tokens over plain `http` too. By default such a request fails with an error
    /// ([`is_insecure`](crate::AuthError::is_insecure)) before anything is sent or a login is made
    /// for it: whoever is on the way could read the token.
    ///
    /// A loopback address needs no permission: `127.0.0.0/8`, `[::1]`, `localhost` and names below
    /// it, told by their spelling and not by a lookup. Neither does a request that carries no
    /// token. A URI without a scheme, as tonic's, cannot be checked: its client decides. The
    /// [built-in logins](crate::login) have a switch of their own, for the password.
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

    /// The header that carries the token. `authorization` by default.
    ///
    /// What stands in it is the token's matter: see
    /// [`Token::with_scheme`](crate::Token::with_scheme) and [`Token::bare`](crate::Token::bare).
    ///
    /// Redirect layers strip `authorization` on their way to another origin, and not other headers:
    /// keep them around this layer, not inside ([`Origins`](Origins#redirects)).
    #[must_use]
    pub fn header(self, name: HeaderName) -> Self {
        self.set(|settings| settings.header = name)
    }

    /// Which responses mean that the token was refused. [`is_refusal`](crate::is_refusal) by
    /// default.
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
    /// What is kept is a copy. Only data of 16 KiB or more, in the first frame of a body, is shared
    /// instead, if its buffer belongs to it alone and is less than twice as large.
    #[must_use]
    pub fn replay_limit(self, bytes: usize) -> Self {
        self.set(|settings| settings.replay_limit = bytes)
    }

    /// What the caller gets when a refused token could not be renewed.
    /// [`OnFailedRenewal::ReturnResponse`] by default.
    #[must_use]
    pub fn on_failed_renewal(self, choice: OnFailedRenewal) -> Self {
        self.set(|settings| settings.on_failed_renewal = choice)
    }

    /// Asks the source for a stronger token when a response says that the one in hand is good, but
    /// not enough, and repeats the request with it once. By default that response is the caller's.
    ///
    /// Such a response is a 401 or 403 whose challenge, of Bearer or DPoP, has one of the errors
    /// `insufficient_scope` ([RFC 6750, section 3.1]), `insufficient_user_authentication` ([RFC
    /// 9470, section 3]) or `insufficient_claims` ([Microsoft's claims challenge]).
    ///
    /// The source is asked with [`Cause::StepUp`](crate::Cause::StepUp), and finds in the
    /// [challenges](crate::TokenRequest::challenges) what the token has to be good for. The
    /// built-in logins take no notice of them. For other requests the token in hand stays. The
    /// stronger one is kept for the next request that is challenged in the same way, at most 16 of
    /// them in a session, and until a [sign-out](Session::sign_out). It is renewed as any token,
    /// and a stronger token that was not enough is paced as a login that did not help. None of that
    /// counts in the session's own [`stats`](Session::stats), nor against its other logins.
    ///
    /// If there is no stronger token, the caller gets the response, with the
    /// [`AuthError`](crate::AuthError) in its extensions.
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
    /// Returns the layer that makes such services, sharing this one's session.
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
