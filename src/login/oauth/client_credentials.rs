//! [`ClientCredentials`]: a client that logs in as itself.

use std::fmt;

use crate::error::AuthError;
use crate::login::account::account;
use crate::login::client::LoginClient;
use crate::login::engine::Engine;
use crate::login::fields::Fields;
use crate::login::oauth::client_auth::ClientAuth;
use crate::login::oauth::grant::Grant;
use crate::login::setters::setters;
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

/// The client credentials grant of OAuth 2.0 ([RFC 6749, section 4.4]): a service logs in as
/// itself, without a user.
///
/// Sends a form with `grant_type`, the [`scope`](Self::scopes), the [`audience`](Self::audience)
/// and [further fields](Self::field), and authenticates the client with [`ClientAuth`]. The answer
/// is read as for [`Form`](crate::login::Form).
///
/// The token endpoint and the API usually have different origins, so the login takes the API's
/// [`Origins`]. The token is only sent to these.
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
    /// Creates a login at this token endpoint, sent by this client. The URL must be complete, and
    /// is used as it is. It may have a query. The tokens may be sent to these origins.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is not absolute, is neither `http` nor `https`, or has user
    /// information or a fragment.
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

    /// Sets the OAuth scopes of the token, sent as `scope`, separated by spaces. By default no
    /// `scope` is sent, and the server chooses ([section 3.3]).
    ///
    /// [section 3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.fields.scopes(scopes);
        self
    }

    /// Sets the API that the token is for, sent as `audience`, which Auth0 and other servers
    /// require. Servers that implement [RFC 8707] take a [`field`](Self::field) `resource` instead.
    ///
    /// [RFC 8707]: https://www.rfc-editor.org/rfc/rfc8707
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.fields.set("audience", audience);
        self
    }

    setters! {
        /// Adds a field to the end of the form. It does not replace a field of the same name:
        /// `resource` may be sent more than once.
        ///
        /// Error texts may contain the value if the server repeats it. Use
        /// [`secret_field`](Self::secret_field) for secrets.
        ///
        /// # Errors
        ///
        /// Returns an error if the login sets the field itself: `grant_type`, `client_id`,
        /// `client_secret`, `scope`, `audience` or `refresh_token`.
        pub fn field;

        /// Adds a field with a secret value, such as `client_assertion`.
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

    /// Allows the secret to be sent over plain `http`. By default such a login fails
    /// ([`is_insecure`](AuthError::is_insecure)) and nothing is sent, unless its URL is a loopback
    /// address. [`BearerAuthLayer::allow_plain_http`](crate::BearerAuthLayer::allow_plain_http),
    /// the setter for the token, lists the loopback addresses.
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
