//! [`Json`]: any other login that speaks JSON.

use std::fmt;
use std::future::Future;

use serde_json::Value;
use tower::BoxError;

use crate::error::AuthError;
use crate::login::account::account;
use crate::login::answer::{check_type, with_lifetime};
use crate::login::body::json_body;
use crate::login::client::LoginClient;
use crate::login::engine::{Engine, Login};
use crate::login::fields::{Fields, ReservedField};
use crate::login::lifetime::Lifetime;
use crate::login::made::Made;
use crate::login::mask::Mask;
use crate::login::pointer::{InvalidPointer, Pointer};
use crate::login::url::{Endpoint, InvalidUrl};
use crate::origins::Origins;
use crate::source::{Account, TokenRequest, TokenSource};
use crate::token::{InvalidToken, Token};

/// Any login by a `POST` of a JSON object of texts, answered by a JSON document with a token
/// somewhere in it.
///
/// What is sent are the [fields](Self::field). What is read of the answer is told by JSON pointers
/// ([RFC 6901]): `/data/token` is the field `token` in the field `data`, `/tokens/0` the first of
/// the list `tokens`, and an empty pointer the whole document. In a name `~1` stands for a slash
/// and `~0` for a tilde.
///
/// | what | set by | if it is not set |
/// |---|---|---|
/// | the token | [`token`](Self::token) | `/token` |
/// | its lifetime | [`lifetime`](Self::lifetime), with its [unit](Lifetime) | the JWT's own ([`jwt_lifetime`](super::jwt_lifetime)), else unknown |
/// | its type | [`token_type`](Self::token_type) | not looked at |
/// | the scheme that it is sent under | [`scheme`](Self::scheme), [`no_scheme`](Self::no_scheme) | `Bearer` |
///
/// A token of unknown lifetime is used until it is refused.
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
    /// `None`: the token stands alone in its header.
    scheme: Option<String>,
}

impl Json {
    /// Makes a login at this URL, sent by this client. The URL is the whole one, and is used as it
    /// is; it may have a query.
    ///
    /// # Errors
    ///
    /// The URL is not absolute, neither `http` nor `https`, or has user information or a fragment.
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

    /// Adds a field to the JSON object, after those that were set before it: an e-mail address, a
    /// client's id.
    ///
    /// Its value may be shown if the server repeats it in an error; for one that may not there is
    /// [`secret_field`](Self::secret_field).
    ///
    /// # Errors
    ///
    /// A field of that name is set already.
    pub fn field(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, ReservedField> {
        self.fields.add(name, value)?;
        Ok(self)
    }

    /// Adds a field whose value is a secret: a password, an API key. As [`field`](Self::field), but
    /// it is masked in errors.
    ///
    /// It is wiped from memory when the login is dropped, and after it was sent.
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

    /// Sets where in the answer the token is, as a JSON pointer. Defaults to `/token`.
    ///
    /// An answer that has no text there fails the login
    /// ([`is_misconfigured`](AuthError::is_misconfigured)), as does one whose text is empty or has
    /// a character that is not visible ASCII.
    ///
    /// # Errors
    ///
    /// The text is no JSON pointer: it is not empty and does not begin with a slash, or it has a
    /// `~` that is neither `~0` nor `~1`.
    pub fn token(mut self, pointer: &str) -> Result<Self, InvalidPointer> {
        self.token = Pointer::new(pointer)?;
        Ok(self)
    }

    /// Sets where in the answer the token's lifetime is, as a JSON pointer, and how to read it.
    ///
    /// Where nothing usable stands there, the lifetime is the JWT's own
    /// ([`jwt_lifetime`](super::jwt_lifetime)), else it is unknown, as it is without this setting.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token).
    pub fn lifetime(mut self, pointer: &str, lifetime: Lifetime) -> Result<Self, InvalidPointer> {
        self.lifetime = Some((Pointer::new(pointer)?, lifetime));
        Ok(self)
    }

    /// Sets where in the answer the token's type is, as a JSON pointer. By default it is not looked
    /// at.
    ///
    /// The type has to be `bearer` or the [scheme](Self::scheme) that was set, in any case, or
    /// missing; another one fails the login ([`is_misconfigured`](AuthError::is_misconfigured)).
    /// To accept any type, do not call this.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token).
    pub fn token_type(mut self, pointer: &str) -> Result<Self, InvalidPointer> {
        self.token_type = Some(Pointer::new(pointer)?);
        Ok(self)
    }

    /// Sends the token as `<scheme> <token>`. `Bearer` by default.
    ///
    /// # Errors
    ///
    /// The scheme is empty, or has a character that is not visible ASCII.
    pub fn scheme(mut self, scheme: &str) -> Result<Self, InvalidToken> {
        Token::with_scheme(scheme, "x")?;
        self.scheme = Some(scheme.to_owned());
        Ok(self)
    }

    /// Sends the token alone, as API keys are: often in a header of its own, such as `x-api-key`,
    /// which is the [layer's setting](crate::BearerAuthLayer::header).
    #[must_use]
    pub fn no_scheme(mut self) -> Self {
        self.scheme = None;
        self
    }

    /// Sets the origins that the tokens may be sent to. Defaults to the origin that it logs in at.
    ///
    /// It is for a login whose API has another origin. The layer's
    /// [`origins`](crate::BearerAuthLayer::origins) override these.
    #[must_use]
    pub fn token_origins(mut self, origins: Origins) -> Self {
        self.engine.origins = Some(origins);
        self
    }

    /// Sends the fields over plain `http` too. By default such a login fails
    /// ([`is_insecure`](AuthError::is_insecure)) with nothing sent, unless its URL is a loopback
    /// address; which those are says
    /// [`BearerAuthLayer::allow_plain_http`](crate::BearerAuthLayer::allow_plain_http), the switch
    /// for the token.
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
