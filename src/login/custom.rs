//! [`Custom`]: a login that the other types do not cover.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::BoxError;
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::login::account::joined;
use crate::login::client::{Client, LoginClient};
use crate::login::exchange::{Exchange, Problem, Success};
use crate::login::mask::Mask;
use crate::login::url::Endpoint;
use crate::origins::{Origins, is_plain_http};
use crate::source::{Account, TokenRequest, TokenSource};
use crate::token::Token;

/// A login with any single request: one function creates the request, and another one reads the
/// answer.
///
/// Everything else works as in the other [built-in logins](super): the meaning of statuses and
/// error bodies, the limits, `Retry-After`, and the masking of [secrets](Self::secret) in errors.
/// The second function is only called for a 2xx.
///
/// A form-encoded answer:
///
/// ```
/// use http::Request;
/// use tower_bearer::login::Custom;
/// use tower_bearer::{Origins, Token, TokenRequest, TokenSource};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = tower::service_fn(async |request: Request<http_body_util::Full<bytes::Bytes>>| {
/// #     assert_eq!(request.headers()["authorization"], "Basic bWU6c2VjcmV0");
/// #     let body = http_body_util::Full::new(bytes::Bytes::from("ttl=900&access_token=t0k"));
/// #     Ok::<_, std::convert::Infallible>(http::Response::new(body))
/// # });
/// let login = Custom::new(
///     client,
///     Origins::only("https://api.example.com")?,
///     // A GET with Basic authentication, for "me:secret".
///     |_request| {
///         let request = Request::get("https://login.example.com/token");
///         let request = request.header("authorization", "Basic bWU6c2VjcmV0");
///         Ok(request.body("")?)
///     },
///     |response| {
///         let mut fields = form_urlencoded::parse(response.body());
///         let token = fields.find(|(name, _)| name == "access_token");
///         let (_, token) = token.ok_or("the response has no access_token")?;
///         Ok(Token::new(token)?)
///     },
/// )
/// .secret("secret");
/// let token = login.fetch(TokenRequest::first()).await?;
/// assert_eq!(token.header_value(), "Bearer t0k");
/// # Ok(())
/// # }
/// ```
///
/// A refresh with JSON if there is a refresh token, and an answer that also contains the account's
/// base URL:
///
/// ```
/// use http::{Request, Uri};
/// use serde_json::{Value, json};
/// use tower_bearer::login::Custom;
/// use tower_bearer::{Cause, Origins, Token, TokenRequest, TokenSource};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = tower::service_fn(async |request: Request<http_body_util::Full<bytes::Bytes>>| {
/// #     let answer = match request.uri().path() {
/// #         "/login" => r#"{"token": "t1", "refresh": "r1", "url": "https://eu.example.com"}"#,
/// #         _ => r#"{"token": "t2", "refresh": "r2", "url": "https://us.example.com"}"#,
/// #     };
/// #     let body = http_body_util::Full::new(bytes::Bytes::from(answer));
/// #     Ok::<_, std::convert::Infallible>(http::Response::new(body))
/// # });
/// let login = Custom::new(
///     client,
///     Origins::each_of(["https://eu.example.com", "https://us.example.com"])?,
///     |request| {
///         let refresh_token = request.stale().and_then(Token::expose_refresh_token);
///         let (path, body) = match refresh_token {
///             Some(refresh_token) => ("refresh", json!({"refresh": refresh_token})),
///             None => ("login", json!({"user": "me", "password": "secret"})),
///         };
///         let request = Request::post(format!("https://login.example.com/{path}"));
///         let request = request.header("content-type", "application/json");
///         Ok(request.body(body.to_string())?)
///     },
///     |response| {
///         let answer: Value = serde_json::from_slice(response.body())?;
///         let text = |name: &str| answer[name].as_str().ok_or(format!("there is no {name}"));
///         let base_url: Uri = text("url")?.parse()?;
///         let token = Token::new(text("token")?)?.refresh_token(text("refresh")?);
///         Ok(token.with_extension(base_url))
///     },
/// )
/// .secret("secret");
/// let first = login.fetch(TokenRequest::first()).await?;
/// assert_eq!(first.extension::<Uri>().unwrap(), "https://eu.example.com/");
/// let next = login.fetch(TokenRequest::replacing(first, Cause::Expired)).await?;
/// assert_eq!(next.expose(), "t2");
/// # Ok(())
/// # }
/// ```
///
/// A token in a header of the answer, with its lifetime as a number in the body:
///
/// ```
/// use std::time::Duration;
/// use http::Request;
/// use serde_json::Value;
/// use tower_bearer::login::Custom;
/// use tower_bearer::{Origins, Token, TokenRequest, TokenSource};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = tower::service_fn(async |_: Request<http_body_util::Full<bytes::Bytes>>| {
/// #     let body = http_body_util::Full::new(bytes::Bytes::from(r#"{"session": {"ttl": 900}}"#));
/// #     http::Response::builder().header("x-session", "t0k").body(body)
/// # });
/// let login = Custom::new(
///     client,
///     Origins::only("https://api.example.com")?,
///     |_request| Ok(Request::post("https://api.example.com/sessions").body("me:secret")?),
///     |response| {
///         let token = response.headers().get("x-session").ok_or("there is no x-session")?;
///         let token = Token::with_scheme("Session", token.to_str()?)?;
///         let answer: Value = serde_json::from_slice(response.body())?;
///         let seconds = answer["session"]["ttl"].as_u64().ok_or("there is no ttl")?;
///         Ok(token.expires_in(Duration::from_secs(seconds)))
///     },
/// )
/// .secret("me:secret");
/// let token = login.fetch(TokenRequest::first()).await?;
/// assert_eq!(token.header_value(), "Session t0k");
/// # Ok(())
/// # }
/// ```
pub struct Custom {
    client: Client,
    origins: Origins,
    make: Box<Make>,
    read: Box<Read>,
    secrets: Vec<Zeroizing<String>>,
    plain_http: bool,
}

type Make = dyn Fn(&TokenRequest) -> Result<Request<Bytes>, BoxError> + Send + Sync;

type Read = dyn Fn(&Response<Bytes>) -> Result<Token, BoxError> + Send + Sync;

impl Custom {
    /// Creates a login whose tokens may be sent to these origins.
    ///
    /// `make` creates the request. Its argument says why a token is needed, and contains the token
    /// being replaced, if any, with its refresh token. If `make` fails, the login fails: with the
    /// function's own [`AuthError`], or as [misconfigured](AuthError::is_misconfigured) for any
    /// other error.
    ///
    /// `read` extracts the token from an answer with a 2xx status. If it fails with an
    /// [`AuthError`], the login fails with that error, because a server may report a wrong password
    /// in a 200. Any other error should say what is missing in the answer. The login then fails as
    /// [misconfigured](AuthError::is_misconfigured), unless the answer itself names an
    /// [error](super#what-an-error-says). The text is shown with secrets masked.
    pub fn new<B, M, R>(client: impl LoginClient, origins: Origins, make: M, read: R) -> Self
    where
        B: Into<Bytes>,
        M: Fn(&TokenRequest) -> Result<Request<B>, BoxError> + Send + Sync + 'static,
        R: Fn(&Response<Bytes>) -> Result<Token, BoxError> + Send + Sync + 'static,
    {
        Self {
            client: Client::new(client),
            origins,
            make: Box::new(move |request| Ok(make(request)?.map(Into::into))),
            read: Box::new(read),
            secrets: Vec::new(),
            plain_http: false,
        }
    }

    /// Masks a secret that `make` sends, such as a password or a key. Errors contain `***` in its
    /// place.
    ///
    /// The query of the URL, the token being replaced with its refresh token, and fields of the
    /// answer whose name ends in "token", are always masked.
    ///
    /// The secrets are also the [credential](crate::Account::credential) of the account, which a
    /// rejection counts for in a fleet.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secrets.push(Zeroizing::new(secret.into()));
        self
    }

    /// Allows the login to be sent over plain `http`. By default such a login fails
    /// ([`is_insecure`](AuthError::is_insecure)) and nothing is sent, unless its URL is a loopback
    /// address.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }
}

impl TokenSource for Custom {
    fn origins(&self) -> Origins {
        self.origins.clone()
    }

    /// Only its credential: what else the functions depend on is theirs.
    fn account(&self) -> Option<Account> {
        let secrets: Vec<_> = self.secrets.iter().map(|secret| secret.as_str()).collect();
        Some(Account::unnamed().credential(joined(&secrets).as_str()))
    }

    async fn fetch(&self, asked: TokenRequest) -> Result<Token, AuthError> {
        let request = (self.make)(&asked).map_err(AuthError::or_misconfigured)?;
        let request = request.map(Full::new);
        let endpoint = Endpoint::of(request.uri()).map_err(AuthError::misconfigured)?;
        if !self.plain_http && is_plain_http(endpoint.uri()) {
            return Err(AuthError::insecure_login("login", endpoint.uri()));
        }
        let mut secrets: Vec<_> = self.secrets.iter().map(|secret| secret.as_str()).collect();
        secrets.extend(endpoint.secrets());
        // What `make` was given it may have sent.
        if let Some(stale) = asked.stale() {
            secrets.push(stale.expose());
            secrets.extend(stale.expose_refresh_token());
        }
        let exchange = Exchange {
            client: &self.client,
            secrets,
            endpoint: &endpoint,
            token_at: "/token",
        };
        let read = |success: Success, _: Option<&_>, mask: &Mask| {
            let Success { head, body } = success;
            // Wiped when the last handle to it is dropped.
            let response = Response::from_parts(head, Bytes::from_owner(body));
            (self.read)(&response).map_err(|error| match error.downcast() {
                Ok(error) => Problem::Judged(*error),
                Err(error) => Problem::Text(mask.chain(&*error)),
            })
        };
        exchange.run(request, read).await
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom")
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}
