//! [`ClientCredentials`]: a client that logs in as itself.

use std::fmt;
use std::future::Future;

use tower::BoxError;

use crate::error::AuthError;
use crate::login::account::account;
use crate::login::client::LoginClient;
use crate::login::engine::Engine;
use crate::login::fields::{Fields, ReservedField};
use crate::login::made::Made;
use crate::login::oauth::client_auth::ClientAuth;
use crate::login::oauth::grant::Grant;
use crate::login::url::{Endpoint, InvalidUrl};
use crate::origins::Origins;
use crate::source::{Account, TokenRequest, TokenSource};
use crate::token::Token;

const RESERVED: [&str; 6] = [
    "grant_type",
    "client_id",
    "client_secret",
    "scope",
    "audience",
    "refresh_token",
];

/// The client credentials grant of OAuth 2.0 ([RFC 6749, section 4.4]): a service that logs in as
/// itself, for no user.
///
/// What is sent is a form with `grant_type`, the [`scope`](Self::scopes), the
/// [`audience`](Self::audience) and [further fields](Self::field), and who the client is as
/// [`ClientAuth`] has it. The answer is read as that of [`Form`](crate::login::Form) is.
///
/// The API is seldom where the tokens come from, so the login is given its [`Origins`]: the token
/// is sent to those, and to nobody else.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower_bearer::login::{ClientAuth, ClientCredentials};
/// use tower_bearer::{BearerAuthLayer, Origins};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any HTTP client that is a tower service; here one that needs no network.
/// let client = tower::service_fn(async |request: Request<Full<Bytes>>| {
///     assert_eq!(request.uri(), "https://auth.example.com/oauth/token");
///     // `s6BhdRkqt3:gX1fBat3bV`, the example of section 2.3.1
///     assert_eq!(request.headers()["authorization"], "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW");
///     let body = r#"{"access_token": "t0k", "token_type": "Bearer", "expires_in": 3600}"#;
///     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(body))))
/// });
/// let auth = ClientAuth::new("s6BhdRkqt3", "gX1fBat3bV");
/// let api = Origins::only("https://api.example.com")?;
/// let login = ClientCredentials::new(client, "https://auth.example.com/oauth/token", auth, api)?
///     .scopes(["read", "write"])
///     .audience("https://api.example.com/");
/// let layer = BearerAuthLayer::new(login);
///
/// let token = layer.session().token().await?;
/// assert_eq!(token.header_value(), "Bearer t0k");
/// # Ok(())
/// # }
/// ```
///
/// [RFC 6749, section 4.4]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
pub struct ClientCredentials {
    engine: Engine,
    auth: ClientAuth,
    fields: Fields,
}

impl ClientCredentials {
    /// Makes a login at this token endpoint, sent by this client. The URL is the whole one, and is
    /// used as it is; it may have a query. The tokens may be sent to these origins.
    ///
    /// # Errors
    ///
    /// The URL is not absolute, neither `http` nor `https`, or has user information or a fragment.
    pub fn new(
        client: impl LoginClient,
        token_url: &str,
        auth: ClientAuth,
        origins: Origins,
    ) -> Result<Self, InvalidUrl> {
        let mut engine = Engine::new(client, Endpoint::whole(token_url)?);
        engine.origins = Some(origins);
        Ok(Self {
            engine,
            auth,
            fields: Fields::of_form(&RESERVED),
        })
    }

    /// Sets what the token is good for, sent as `scope`: one text, with spaces between. By default
    /// it is not sent, which leaves it to the server ([section 3.3]).
    ///
    /// [section 3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.fields.scopes(scopes);
        self
    }

    /// Sets which API the token is for, sent as `audience`: Auth0 and others ask for it. Those that
    /// know [RFC 8707] take a [`field`](Self::field) `resource` instead.
    ///
    /// [RFC 8707]: https://www.rfc-editor.org/rfc/rfc8707
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.fields.set("audience", audience);
        self
    }

    /// Adds a field to the form, after those that were set before it. One of the same name
    /// is not replaced: `resource` may be sent more than once.
    ///
    /// Its value may be shown if the server repeats it in an error; for one that may not there is
    /// [`secret_field`](Self::secret_field).
    ///
    /// # Errors
    ///
    /// The field is one that the login sets itself: `grant_type`, `client_id`, `client_secret`,
    /// `scope`, `audience` or `refresh_token`.
    pub fn field(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, ReservedField> {
        self.fields.add(name, value)?;
        Ok(self)
    }

    /// Adds a field whose value is a secret, such as `client_assertion`.
    ///
    /// # Errors
    ///
    /// As [`field`](Self::field).
    pub fn secret_field(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, ReservedField> {
        self.fields.add_secret(name, value)?;
        Ok(self)
    }

    /// Adds a secret field whose value this function returns for each login: a secret that is
    /// rotated in a file or a vault, an assertion that is signed anew.
    ///
    /// Its error is that of the login: [unavailable](AuthError::is_unavailable), unless it is an
    /// [`AuthError`]. It counts against the login's time limit.
    ///
    /// # Errors
    ///
    /// As [`field`](Self::field).
    pub fn field_from<F, Fut>(
        mut self,
        name: impl Into<String>,
        value: F,
    ) -> Result<Self, ReservedField>
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        self.fields.add_made(name, Made::new(value))?;
        Ok(self)
    }

    /// Accepts a token whatever the `token_type` of its answer. By default the type has to be
    /// `bearer`, in any case, or missing, and any other fails the login
    /// ([`is_misconfigured`](AuthError::is_misconfigured)), as [RFC 6749, section 7.1] asks for.
    ///
    /// Set it for a server that names the type of its bearer tokens otherwise, such as `jwt` or
    /// `Token`. The token is sent as `Bearer <token>` all the same. A token that is bound to a key,
    /// such as one of type `DPoP` or `mac`, is of no use that way.
    ///
    /// [RFC 6749, section 7.1]: https://www.rfc-editor.org/rfc/rfc6749#section-7.1
    #[must_use]
    pub fn accept_any_token_type(mut self) -> Self {
        self.engine.any_token_type = true;
        self
    }

    /// Sends the secret over plain `http` too. By default such a login fails
    /// ([`is_insecure`](AuthError::is_insecure)) with nothing sent, unless its URL is a loopback
    /// address; which those are says
    /// [`BearerAuthLayer::allow_plain_http`](crate::BearerAuthLayer::allow_plain_http), the switch
    /// for the token.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.engine.plain_http = true;
        self
    }
}

impl TokenSource for ClientCredentials {
    /// Those that it was given.
    fn origins(&self) -> Origins {
        self.engine.origins()
    }

    /// The client at this URL, with its scopes, its audience and all other fields that are no
    /// secret.
    fn account(&self) -> Option<Account> {
        let client = [("client", self.auth.id())];
        let secret = self.auth.secret();
        let endpoint = &self.engine.endpoint;
        Some(account(
            "client credentials",
            endpoint,
            client,
            &self.fields,
            secret,
        ))
    }

    async fn fetch(&self, _request: TokenRequest) -> Result<Token, AuthError> {
        let own = self.fields.made().await?;
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(own.pairs());
        let grant = Grant {
            fields,
            secrets: own.secrets(),
            secret_name: "client secret",
            auth: Some(&self.auth),
            given: None,
        };
        self.engine.grant(grant).await
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("url", &self.engine)
            .finish_non_exhaustive()
    }
}
