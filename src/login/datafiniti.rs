//! [`Datafiniti`]: e-mail and password, as JSON.

use std::fmt;

use http::StatusCode;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::error::response::ErrorResponse;
use crate::login::account::account;
use crate::login::answer::with_lifetime;
use crate::login::body::json_body;
use crate::login::client::LoginClient;
use crate::login::engine::{Engine, Login};
use crate::login::fields::Fields;
use crate::login::mask::Mask;
use crate::login::url::{Endpoint, InvalidUrl};
use crate::origins::Origins;
use crate::source::{Account, TokenRequest, TokenSource};
use crate::token::Token;

const BASE: &str = "https://api.datafiniti.co";
const PATH: &str = "/v4/auth";

/// The login of [Datafiniti's API](https://docs.datafiniti.co/): `POST /v4/auth` with
/// `{"email", "password"}`, answered by `{"token"}`.
///
/// The answer contains no lifetime. If the token is a JWT with a lifetime
/// ([`jwt_lifetime`](super::jwt_lifetime)), it is renewed before it expires. Otherwise it is used
/// until it is refused.
///
/// A 404 whose message is `User not found` is a rejection
/// ([`is_rejected`](AuthError::is_rejected)), and any other 404 is a wrong URL. The `requestId` of
/// an error is in [`ErrorResponse::request_id`](crate::ErrorResponse::request_id).
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower_bearer::{TokenRequest, TokenSource, login::Datafiniti};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_bearer::AuthError> {
/// // Any HTTP client that is a tower service; here one that needs no network.
/// let client = tower::service_fn(async |request: Request<Full<Bytes>>| {
///     assert_eq!(request.uri(), "https://api.datafiniti.co/v4/auth");
///     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(r#"{"token": "t0k"}"#))))
/// });
/// let login = Datafiniti::new(client, "me@example.com", "secret");
/// let token = login.fetch(TokenRequest::first()).await?;
/// assert_eq!(token.header_value(), "Bearer t0k");
/// # Ok(())
/// # }
/// ```
///
/// # The API token of the portal
///
/// Pass it to [`SessionBuilder::token`](crate::SessionBuilder::token): the session uses it first,
/// and only logs in when it is refused.
///
/// # A new password
///
/// [Changing the password] also replaces the token. The old token is refused with an ordinary 401,
/// and the login after that is rejected, with no further login for a minute or longer. Call
/// [`Session::replace_source`](crate::Session::replace_source) with the new password to log in
/// again at once.
///
#[cfg_attr(feature = "testing", doc = "```")]
#[cfg_attr(not(feature = "testing"), doc = "```ignore")]
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::Full;
/// use tower::Layer;
/// use tower_bearer::{BearerAuthLayer, Session, login::Datafiniti, testing::Api};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower::BoxError> {
/// let api = Api::new().account("me@example.com", "secret"); // in place of Datafiniti
/// let token = api.issue("me@example.com").unwrap(); // the portal's
///
/// let login = |password| Datafiniti::new(api.clone(), "me@example.com", password);
/// let session = Session::builder(login("secret")).token(token).build();
/// let client = BearerAuthLayer::from_session(session.clone()).layer(api.clone());
/// let search = async || {
///     let request = Request::post("https://api.datafiniti.co/v4/properties/search");
///     client.send(request.body(Full::<Bytes>::default()).unwrap()).await
/// };
/// assert_eq!(search().await?.status(), 200);
/// assert_eq!(api.counts().logins, 0);
///
/// api.change_password("me@example.com", "better secret");
/// assert_eq!(search().await?.status(), 401);
/// session.replace_source(login("better secret"));
/// assert_eq!(search().await?.status(), 200);
/// # Ok(())
/// # }
/// ```
///
/// # Download links
///
/// The links to a download's files are signed and lead to another host. Call them without a token:
/// the storage refuses a request that is authorized twice. You can use the same client, because a
/// token is only sent to its [origins](Self::token_origins).
///
/// [Changing the password]: https://developer.datafiniti.co/docs/portal-settings
pub struct Datafiniti {
    engine: Engine,
    email: String,
    password: Zeroizing<String>,
}

impl Datafiniti {
    /// Creates a login at `https://api.datafiniti.co`, sent by this client.
    ///
    /// The password is wiped from memory when the login is dropped. Copies are wiped after they
    /// were sent.
    pub fn new(
        client: impl LoginClient,
        email: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        let Ok(endpoint) = Endpoint::new(BASE, PATH) else {
            unreachable!("the default URL is a valid one");
        };
        Self {
            engine: Engine::new(client, endpoint),
            email: email.into(),
            password: Zeroizing::new(password.into()),
        }
    }

    /// Sets another server to log in at, such as a proxy or a test server. A path is kept: with
    /// `https://proxy.example/df` the login is sent to `https://proxy.example/df/v4/auth`. Tokens
    /// are then sent to this URL's origin, unless you set [others](Self::token_origins).
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is not absolute, is neither `http` nor `https`, or has user
    /// information, a query or a fragment.
    pub fn base_url(mut self, url: &str) -> Result<Self, InvalidUrl> {
        self.engine.endpoint = Endpoint::new(url, PATH)?;
        Ok(self)
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
}

impl TokenSource for Datafiniti {
    /// The origin that it logs in at, unless others were [set](Self::token_origins).
    fn origins(&self) -> Origins {
        self.engine.origins()
    }

    /// The e-mail address at this server.
    fn account(&self) -> Option<Account> {
        let mut fields = Fields::of_json();
        fields.set("email", self.email.as_str());
        fields.set_secret("password", self.password.as_str());
        Some(account(
            "datafiniti",
            &self.engine.endpoint,
            [],
            &fields,
            [],
        ))
    }

    async fn fetch(&self, _request: TokenRequest) -> Result<Token, AuthError> {
        let fields = [
            ("email", self.email.as_str()),
            ("password", self.password.as_str()),
        ];
        let login = Login {
            content_type: "application/json",
            authorization: None,
            body: json_body(&fields).map_err(AuthError::misconfigured)?,
            secrets: &[self.password.as_str()],
            secret_name: "password",
            token_at: "/token",
        };
        self.engine.login(login, read).await.map_err(unknown_user)
    }
}

impl fmt::Debug for Datafiniti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datafiniti")
            .field("url", &self.engine)
            .finish_non_exhaustive()
    }
}

/// A 404 is a wrong URL, unless the API itself says that it is about the account.
fn unknown_user(error: AuthError) -> AuthError {
    match error.response() {
        Some(response) if response.status() == StatusCode::NOT_FOUND && is_about_user(response) => {
            AuthError::rejected(response.clone().without_remark())
        }
        _ => error,
    }
}

fn is_about_user(response: &ErrorResponse) -> bool {
    let texts = [response.message(), response.error()];
    let is_one = |text: &str| {
        text.trim_end_matches('.')
            .eq_ignore_ascii_case("user not found")
    };
    texts.into_iter().flatten().any(is_one)
}

fn read(answer: &Value, _: &Mask) -> Result<Token, String> {
    let text = answer.get("token").and_then(Value::as_str);
    let text = text.ok_or("the response has no \"token\"")?;
    let token = Token::new(text).map_err(|error| error.to_string())?;
    Ok(with_lifetime(token, None))
}
