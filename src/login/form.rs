//! [`Form`]: user name and password as a form, answered as in OAuth.

use std::fmt;

use crate::error::AuthError;
use crate::login::account::account;
use crate::login::client::LoginClient;
use crate::login::engine::Engine;
use crate::login::fields::Fields;
use crate::login::oauth::client_auth::ClientAuth;
use crate::login::oauth::grant::{Grant, keep, refuses_grant};
use crate::login::setters::setters;
use crate::login::url::{Endpoint, InvalidUrl};
use crate::origins::Origins;
use crate::source::{Account, TokenRequest, TokenSource};
use crate::token::Token;

const PATH: &str = "/auth/login";

const RESERVED: [&str; 3] = ["username", "password", "refresh_token"];

/// The fields that tell which client it is.
const CLIENT: [&str; 2] = ["client_id", "client_secret"];

/// A login with a form-encoded body: `POST /auth/login` with `username` and `password`, answered by
/// `{"access_token", "token_type": "bearer"}`.
///
/// FastAPI's [`OAuth2PasswordRequestForm`] accepts this. With [`field("grant_type",
/// "password")`](Self::field) it is the password grant of OAuth ([RFC 6749, section 4.3]). These
/// fields of the answer ([section 5.1]) are used:
///
/// - `access_token`, the token;
/// - `token_type`: `bearer` in any case, or missing; another one is an error, unless
///   [any is accepted](Self::accept_any_token_type);
/// - `expires_in`, the lifetime in seconds: a number, or a text with a number. If it is missing or
///   not usable, the lifetime is that of the JWT ([`jwt_lifetime`](super::jwt_lifetime)). If the
///   token is no JWT, it is used until it is refused;
/// - `refresh_token`, which is kept with the token and only used [if you ask for
///   it](Self::use_refresh_token).
///
/// ```
/// use std::time::Duration;
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower_bearer::{TokenRequest, TokenSource, login::Form};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any HTTP client that is a tower service; here one that needs no network.
/// let client = tower::service_fn(async |request: Request<Full<Bytes>>| {
///     assert_eq!(request.uri(), "https://api.example.com/oauth/token");
///     let body = r#"{"access_token": "t0k", "token_type": "Bearer", "expires_in": 3600}"#;
///     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(body))))
/// });
/// let login = Form::new(client, "https://api.example.com", "me", "secret")?
///     .path("/oauth/token")?
///     .field("grant_type", "password")?;
/// let token = login.fetch(TokenRequest::first()).await?;
/// assert_eq!(token.header_value(), "Bearer t0k");
/// assert_eq!(token.lifetime(), Some(Duration::from_secs(3600)));
/// # Ok(())
/// # }
/// ```
///
/// [`OAuth2PasswordRequestForm`]: https://fastapi.tiangolo.com/reference/security/#fastapi.security.OAuth2PasswordRequestForm
/// [RFC 6749, section 4.3]: https://www.rfc-editor.org/rfc/rfc6749#section-4.3
/// [section 5.1]: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
pub struct Form {
    engine: Engine,
    /// For another path below it.
    base_url: String,
    fields: Fields,
    auth: Option<ClientAuth>,
    uses_refresh_token: bool,
}

impl Form {
    /// Creates a login at `<base>/auth/login`, sent by this client. A path of the base is kept:
    /// with `https://example.com/api` the login is sent to `https://example.com/api/auth/login`.
    ///
    /// The password is wiped from memory when the login is dropped. Copies are wiped after they
    /// were sent.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is not absolute, is neither `http` nor `https`, or has user
    /// information, a query or a fragment.
    pub fn new(
        client: impl LoginClient,
        base_url: &str,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, InvalidUrl> {
        let mut fields = Fields::of_form(&RESERVED);
        fields.set("username", username);
        fields.set_secret("password", password);
        Ok(Self {
            engine: Engine::new(client, Endpoint::new(base_url, PATH)?),
            base_url: base_url.to_owned(),
            fields,
            auth: None,
            uses_refresh_token: false,
        })
    }

    /// Sets the path below the base URL. It may have a query. Defaults to `/auth/login`.
    ///
    /// # Errors
    ///
    /// Returns an error if the path does not begin with a slash, or contains a fragment or a
    /// character that is not allowed in a URL.
    pub fn path(mut self, path: &str) -> Result<Self, InvalidUrl> {
        self.engine.endpoint = Endpoint::new(&self.base_url, path)?;
        Ok(self)
    }

    setters! {
        /// Adds a field to the end of the form, such as `grant_type`, `scope` or `client_id`. It
        /// does not replace a field of the same name: `resource` may be sent more than once.
        ///
        /// Error texts may contain the value if the server repeats it. Use
        /// [`secret_field`](Self::secret_field) for secrets.
        ///
        /// # Errors
        ///
        /// Returns an error if the login sets the field itself: `username`, `password` or
        /// `refresh_token`.
        pub fn field;

        /// Adds a field with a secret value, such as `client_secret`. It is masked and wiped like
        /// the password.
        ///
        /// # Errors
        ///
        /// Same as for [`field`](Self::field).
        pub fn secret_field;

        /// Adds a secret field whose value is returned by a function for each login: a secret that
        /// is rotated in a file or a vault, or a newly signed assertion.
        ///
        /// If the function fails, the login fails: with the function's own [`AuthError`], or as
        /// [unavailable](AuthError::is_unavailable) for any other error. The function runs within
        /// the login's time limit.
        ///
        /// # Errors
        ///
        /// Same as for [`field`](Self::field).
        pub fn field_from;
    }

    /// Sets how the client authenticates itself, which the password grant requires for clients with
    /// a secret. Replaces the fields `client_id` and `client_secret`.
    #[must_use]
    pub fn client_auth(mut self, auth: ClientAuth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Uses the `refresh_token` of an answer for renewals, in place of the password: the refresh
    /// token grant of OAuth 2.0 ([RFC 6749, section 6]) at the same URL.
    ///
    /// If the server rejects the refresh token, in whatever form, the password is sent after all,
    /// once and within the same login. It is not sent if the server names [another
    /// reason](super::Refresh#another-reason).
    ///
    /// The refresh also sends the [`client_auth`](Self::client_auth), or the fields `client_id` and
    /// `client_secret`. For other fields or another URL use [`Refresh`](super::Refresh), which also
    /// documents refresh tokens in more detail.
    ///
    /// This is for the token endpoint of an OAuth 2.0 server. It is not the default, because other
    /// servers may return a `refresh_token` without supporting the grant at the login's URL, such
    /// as many written with FastAPI. With such a server, every renewal would be a rejected refresh
    /// followed by a login with the password.
    ///
    /// ```
    /// # use tower_bearer::login::{ClientAuth, Form, LoginClient};
    /// # fn login(client: impl LoginClient) -> Result<Form, Box<dyn std::error::Error>> {
    /// let login = Form::new(client, "https://auth.example.com", "me", "secret")?
    ///     .path("/oauth/token")?
    ///     .field("grant_type", "password")?
    ///     .client_auth(ClientAuth::public("my-app"))
    ///     .use_refresh_token();
    /// # Ok(login)
    /// # }
    /// ```
    ///
    /// [RFC 6749, section 6]: https://www.rfc-editor.org/rfc/rfc6749#section-6
    #[must_use]
    pub fn use_refresh_token(mut self) -> Self {
        self.uses_refresh_token = true;
        self
    }

    /// Accepts tokens of any `token_type`. By default the type must be `bearer`, in any case, or
    /// missing. Any other type fails the login ([`is_misconfigured`](AuthError::is_misconfigured)),
    /// as [RFC 6749, section 7.1] requires.
    ///
    /// Use it for a server that has another name for bearer tokens, such as `jwt` or `Token`. The
    /// token is still sent as `Bearer <token>`. It does not help with tokens that are bound to a
    /// key, such as those of type `DPoP` or `mac`.
    ///
    /// [RFC 6749, section 7.1]: https://www.rfc-editor.org/rfc/rfc6749#section-7.1
    #[must_use]
    pub fn accept_any_token_type(mut self) -> Self {
        self.engine.any_token_type = true;
        self
    }

    /// Sets where the tokens may be sent. Defaults to the login's own origin.
    ///
    /// Use it if the API has another origin than the login.
    /// [`BearerAuthLayer::origins`](crate::BearerAuthLayer::origins) overrides this.
    #[must_use]
    pub fn token_origins(mut self, origins: Origins) -> Self {
        self.engine.origins = Some(origins);
        self
    }

    /// Allows the password to be sent over plain `http`. By default such a login fails
    /// ([`is_insecure`](AuthError::is_insecure)) and nothing is sent, unless its URL is a loopback
    /// address. [`BearerAuthLayer::allow_plain_http`](crate::BearerAuthLayer::allow_plain_http),
    /// the setter for the token, lists the loopback addresses.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.engine.plain_http = true;
        self
    }

    fn password_grant<'a>(&'a self, own: &'a Fields) -> Grant<'a> {
        let mut fields = own.pairs();
        fields.retain(|(name, _)| self.auth.is_none() || !CLIENT.contains(name));
        Grant {
            fields,
            secrets: own.secrets(),
            secret_name: "password",
            auth: self.auth.as_ref(),
            given: None,
        }
    }

    fn refresh_grant<'a>(&'a self, own: &'a Fields, refresh_token: &'a str) -> Grant<'a> {
        let mut grant = Grant::refresh(refresh_token, self.auth.as_ref());
        let mut fields = own.pairs();
        fields.retain(|(name, _)| self.auth.is_none() && CLIENT.contains(name));
        grant.fields.extend(fields);
        grant.secrets.extend(own.secrets());
        grant
    }
}

impl TokenSource for Form {
    /// The origin that it logs in at, unless others were [set](Self::token_origins).
    fn origins(&self) -> Origins {
        self.engine.origins()
    }

    /// The user name at this URL, with the client and all other fields that are no secret.
    fn account(&self) -> Option<Account> {
        let auth = self.auth.as_ref();
        let client = auth.map(|auth| ("client", auth.id()));
        let secret = auth.and_then(ClientAuth::secret);
        let endpoint = &self.engine.endpoint;
        Some(account("form", endpoint, client, &self.fields, secret))
    }

    /// Whether it would send a [refresh token](Self::use_refresh_token).
    fn spends(&self, stale: Option<&Token>) -> bool {
        self.uses_refresh_token && stale.is_some_and(|it| it.expose_refresh_token().is_some())
    }

    async fn fetch(&self, request: TokenRequest) -> Result<Token, AuthError> {
        let fields = self.fields.made().await?;
        let may_refresh = self.uses_refresh_token && request.may_spend();
        let stale = request.stale().filter(|_| may_refresh);
        if let Some(refresh_token) = stale.and_then(Token::expose_refresh_token) {
            match self
                .engine
                .grant(self.refresh_grant(&fields, refresh_token))
                .await
            {
                Err(error) if refuses_grant(&error) => {}
                renewed => return renewed.map(|token| keep(refresh_token, token)),
            }
        }
        self.engine.grant(self.password_grant(&fields)).await
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form")
            .field("url", &self.engine)
            .finish_non_exhaustive()
    }
}
