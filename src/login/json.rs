//! [`Json`]: any other login that uses JSON.

use std::fmt;

use serde_json::Value;

use crate::error::AuthError;
use crate::login::account::account;
use crate::login::answer::{check_type, with_lifetime};
use crate::login::body::json_body;
use crate::login::client::LoginClient;
use crate::login::engine::{Engine, Login};
use crate::login::fields::Fields;
use crate::login::lifetime::Lifetime;
use crate::login::mask::Mask;
use crate::login::pointer::{InvalidPointer, Pointer};
use crate::login::setters::setters;
use crate::login::url::{Endpoint, InvalidUrl};
use crate::origins::Origins;
use crate::source::{Account, TokenRequest, TokenSource};
use crate::token::{InvalidToken, Token};

/// A login with a JSON object of texts as its body, answered by a JSON document with a token
/// somewhere in it.
///
/// Sends the [fields](Self::field) in a `POST`, and reads the answer at JSON pointers ([RFC 6901]):
/// `/data/token` is the field `token` of the field `data`, `/tokens/0` is the first entry of the
/// list `tokens`, and an empty pointer is the whole document. In a name, `~1` means a slash and
/// `~0` a tilde.
///
/// | value | setter | default |
/// |---|---|---|
/// | the token | [`token`](Self::token) | `/token` |
/// | its lifetime | [`lifetime`](Self::lifetime), with its [unit](Lifetime) | the JWT's own ([`jwt_lifetime`](super::jwt_lifetime)), else unknown |
/// | its type | [`token_type`](Self::token_type) | not checked |
/// | its scheme in the header | [`scheme`](Self::scheme), [`no_scheme`](Self::no_scheme) | `Bearer` |
///
/// A token with an unknown lifetime is used until it is refused.
///
/// ```
/// use std::time::Duration;
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower_bearer::{TokenRequest, TokenSource, login::{Json, Lifetime}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any HTTP client that is a tower service; here one that needs no network.
/// let client = tower::service_fn(async |request: Request<Full<Bytes>>| {
///     assert_eq!(request.uri(), "https://cms.example.com/auth/login");
///     let body = r#"{"data": {"access_token": "t0k", "expires": 900000}}"#;
///     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(body))))
/// });
/// let login = Json::new(client, "https://cms.example.com/auth/login")?
///     .field("email", "me@example.com")?
///     .secret_field("password", "secret")?
///     .token("/data/access_token")?
///     .lifetime("/data/expires", Lifetime::Millis)?;
/// let token = login.fetch(TokenRequest::first()).await?;
/// assert_eq!(token.header_value(), "Bearer t0k");
/// assert_eq!(token.lifetime(), Some(Duration::from_secs(900)));
/// # Ok(())
/// # }
/// ```
///
/// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
pub struct Json {
    engine: Engine,
    fields: Fields,
    token: Pointer,
    lifetime: Option<(Pointer, Lifetime)>,
    token_type: Option<Pointer>,
    /// `None`: the token is alone in its header.
    scheme: Option<String>,
}

impl Json {
    /// Creates a login at this URL, sent by this client. The URL must be complete, and is used as
    /// it is. It may have a query.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is not absolute, is neither `http` nor `https`, or has user
    /// information or a fragment.
    pub fn new(client: impl LoginClient, url: &str) -> Result<Self, InvalidUrl> {
        Ok(Self {
            engine: Engine::new(client, Endpoint::whole(url)?),
            fields: Fields::of_json(),
            token: Pointer::to_token(),
            lifetime: None,
            token_type: None,
            scheme: Some("Bearer".to_owned()),
        })
    }

    setters! {
        /// Adds a field to the end of the JSON object, such as an e-mail address or a client id.
        ///
        /// Error texts may contain the value if the server repeats it. Use
        /// [`secret_field`](Self::secret_field) for secrets.
        ///
        /// # Errors
        ///
        /// Returns an error if there is a field of this name already.
        pub fn field;

        /// Adds a field with a secret value, such as a password or an API key. It is masked in
        /// errors.
        ///
        /// The value is wiped from memory when the login is dropped. Copies are wiped after they
        /// were sent.
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

    /// Sets the JSON pointer of the token in the answer. Defaults to `/token`.
    ///
    /// The login fails ([`is_misconfigured`](AuthError::is_misconfigured)) if there is no text in
    /// this place, or if the text is empty or contains a character that is not visible ASCII.
    ///
    /// # Errors
    ///
    /// Returns an error if this is not a JSON pointer: it is not empty and does not begin with a
    /// slash, or it contains a `~` other than in `~0` and `~1`.
    pub fn token(mut self, pointer: &str) -> Result<Self, InvalidPointer> {
        self.token = Pointer::new(pointer)?;
        Ok(self)
    }

    /// Sets the JSON pointer of the token's lifetime in the answer, and how to read it.
    ///
    /// If there is no usable value in this place, or without this setting, the lifetime is that of
    /// the JWT ([`jwt_lifetime`](super::jwt_lifetime)), or unknown if the token is no JWT.
    ///
    /// # Errors
    ///
    /// Same as for [`token`](Self::token).
    pub fn lifetime(mut self, pointer: &str, lifetime: Lifetime) -> Result<Self, InvalidPointer> {
        self.lifetime = Some((Pointer::new(pointer)?, lifetime));
        Ok(self)
    }

    /// Sets the JSON pointer of the token's type in the answer. By default the type is not checked.
    ///
    /// The type must be `bearer` or your [scheme](Self::scheme), in any case, or missing. Any other
    /// type fails the login ([`is_misconfigured`](AuthError::is_misconfigured)). To accept any
    /// type, do not call this.
    ///
    /// # Errors
    ///
    /// Same as for [`token`](Self::token).
    pub fn token_type(mut self, pointer: &str) -> Result<Self, InvalidPointer> {
        self.token_type = Some(Pointer::new(pointer)?);
        Ok(self)
    }

    /// Sends the token as `<scheme> <token>`. Defaults to `Bearer`.
    ///
    /// # Errors
    ///
    /// Returns an error if the scheme is empty or contains a character that is not visible ASCII.
    pub fn scheme(mut self, scheme: &str) -> Result<Self, InvalidToken> {
        Token::with_scheme(scheme, "x")?;
        self.scheme = Some(scheme.to_owned());
        Ok(self)
    }

    /// Sends the token without a scheme, as for API keys. These often use a dedicated header, such
    /// as `x-api-key`, which you set with
    /// [`BearerAuthLayer::header`](crate::BearerAuthLayer::header).
    #[must_use]
    pub fn no_scheme(mut self) -> Self {
        self.scheme = None;
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

    /// Allows the fields to be sent over plain `http`. By default such a login fails
    /// ([`is_insecure`](AuthError::is_insecure)) and nothing is sent, unless its URL is a loopback
    /// address. [`BearerAuthLayer::allow_plain_http`](crate::BearerAuthLayer::allow_plain_http),
    /// the setter for the token, lists the loopback addresses.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.engine.plain_http = true;
        self
    }

    fn read(&self, answer: &Value, mask: &Mask) -> Result<Token, String> {
        let text = self.token.find(answer).and_then(Value::as_str);
        let text =
            text.ok_or_else(|| format!("the response has no text at \"{}\"", self.token.as_str()))?;
        if let Some(pointer) = &self.token_type {
            let scheme = self.scheme.as_deref().unwrap_or("bearer");
            check_type(pointer.find(answer), scheme, mask)?;
        }
        let token = match &self.scheme {
            Some(scheme) => Token::with_scheme(scheme, text),
            None => Token::bare(text),
        };
        let token = token.map_err(|error| error.to_string())?;
        let told = self.lifetime.as_ref();
        let told = told.and_then(|(pointer, lifetime)| Some((pointer.find(answer)?, *lifetime)));
        Ok(with_lifetime(token, told))
    }
}

impl TokenSource for Json {
    /// The origin that it logs in at, unless others were [set](Self::token_origins).
    fn origins(&self) -> Origins {
        self.engine.origins()
    }

    /// The fields that are no secret, at this URL.
    fn account(&self) -> Option<Account> {
        let shown = [
            ("token at", self.token.as_str()),
            ("scheme", self.scheme.as_deref().unwrap_or_default()),
        ];
        let endpoint = &self.engine.endpoint;
        Some(account("json", endpoint, shown, &self.fields, []))
    }

    async fn fetch(&self, _request: TokenRequest) -> Result<Token, AuthError> {
        let fields = self.fields.made().await?;
        let login = Login {
            content_type: "application/json",
            authorization: None,
            body: json_body(&fields.pairs()).map_err(AuthError::misconfigured)?,
            secrets: &fields.secrets(),
            secret_name: "password",
            token_at: self.token.as_str(),
        };
        let read = |answer: &Value, mask: &Mask| self.read(answer, mask);
        self.engine.login(login, read).await
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Json")
            .field("url", &self.engine)
            .finish_non_exhaustive()
    }
}
