//! [`Refresh`]: a new token for a refresh token, and a login if there is none.

use std::fmt;

use crate::error::AuthError;
use crate::login::account::{account, joined};
use crate::login::client::LoginClient;
use crate::login::engine::Engine;
use crate::login::fields::Fields;
use crate::login::oauth::client_auth::ClientAuth;
use crate::login::oauth::given::Given;
use crate::login::oauth::grant::{Grant, keep, refuses_grant};
use crate::login::setters::setters;
use crate::login::url::{Endpoint, InvalidUrl};
use crate::origins::Origins;
use crate::source::{Account, Cause, DynTokenSource, TokenRequest, TokenSource};
use crate::token::Token;

const RESERVED: [&str; 5] = [
    "grant_type",
    "client_id",
    "client_secret",
    "scope",
    "refresh_token",
];

/// The refresh token grant of OAuth 2.0 ([RFC 6749, section 6]), around another login. The login
/// runs once, and later tokens are obtained with refresh tokens:
///
/// | if there is | it makes |
/// |---|---|
/// | no token yet, or none since a sign-out | a refresh with the [given](Self::from_token) refresh token, unless there is none or the server has replaced it; else the login |
/// | a token that came with a refresh token | a refresh |
/// | a token that came without a refresh token, such as a [known one](crate::SessionBuilder::token) | a refresh with the given refresh token, unless there is none or the server has replaced or refused it; else the login |
/// | a refresh that the server rejects, in whatever form: `invalid_grant`, GitHub's `bad_refresh_token` in a 200, an empty 401 | the login, at once and once; without a login, an error |
/// | a refresh that the server rejects for [another reason](#another-reason) | an error: the login would be rejected as well |
/// | a refresh that fails otherwise | an error: no password is sent to a server that is down |
///
/// If the answer contains a refresh token, it replaces the old one. Otherwise the old one stays.
/// The answer is read as for [`Form`](crate::login::Form). If the login and the refresh have the
/// same URL, [`Form::use_refresh_token`](crate::login::Form::use_refresh_token) is enough.
///
/// The refresh token of an answer is kept with the session's token.
/// [`Session::sign_out`](crate::Session::sign_out) drops both, and its future returns them. After a
/// sign-out, the given refresh token is used again if the server has not replaced it, else the
/// login runs. A given refresh token is never sent again after the server has replaced it, because
/// a server may treat that as theft and revoke every token of the grant ([RFC 9700, section
/// 4.14.2]). Without a login, the session then fails with [`is_rejected`](AuthError::is_rejected)
/// and sends nothing until [`Session::replace_source`](crate::Session::replace_source) is called.
///
/// The answer to a refresh may get lost: the connection breaks, the time limit passes, or the
/// session is signed out meanwhile. The server may or may not have replaced the refresh token by
/// then, so the next refresh sends the same one again. A server that has not replaced it, or has a
/// grace period for this case, accepts it. Any other server rejects it, and may revoke the tokens
/// of the grant, which could not have been renewed anyway without the lost refresh token.
///
/// # Another reason
///
/// A rejection is not about the refresh token if its `error` is `invalid_client`,
/// `unauthorized_client`, `unsupported_grant_type`, `invalid_scope` or `invalid_target`, is
/// GitHub's `incorrect_client_credentials`, Slack's `bad_client_secret` or Salesforce's
/// `invalid_client_id`, or is about too many attempts. It is not about the refresh token either if
/// the status is 407 or 423, or if `Retry-After` is more than 0 seconds, unless the `error` names
/// the refresh token.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower_bearer::{Cause, TokenRequest, TokenSource, login::{Json, Refresh}};
/// # use tower_bearer::{Origins, Token, source_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any HTTP client that is a tower service; here one that needs no network.
/// let client = tower::service_fn(async |request: Request<Full<Bytes>>| {
///     assert_eq!(request.uri(), "https://auth.example.com/oauth/token");
///     let body = r#"{"access_token": "t2", "token_type": "Bearer", "refresh_token": "r2"}"#;
///     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(body))))
/// });
/// let first_login = source_fn(Origins::only("https://api.example.com")?, |_request| async {
///     Ok(Token::new("t1")?.refresh_token("r1"))
/// });
/// let source = Refresh::new(client, "https://auth.example.com/oauth/token", first_login)?;
///
/// let first = source.fetch(TokenRequest::first()).await?;
/// assert_eq!((first.expose(), first.expose_refresh_token()), ("t1", Some("r1")));
/// let second = source.fetch(TokenRequest::replacing(first, Cause::Expired)).await?;
/// assert_eq!((second.expose(), second.expose_refresh_token()), ("t2", Some("r2")));
/// # Ok(())
/// # }
/// ```
///
/// [RFC 6749, section 6]: https://www.rfc-editor.org/rfc/rfc6749#section-6
/// [RFC 9700, section 4.14.2]: https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2
pub struct Refresh {
    engine: Engine,
    auth: Option<ClientAuth>,
    fields: Fields,
    /// For where there is no token, or none that came with a refresh token.
    given: Option<Given>,
    login: Option<Box<dyn DynTokenSource>>,
}

impl Refresh {
    /// Creates a source that renews the tokens of a login at this token endpoint, over this client.
    /// The tokens may be sent to the origins of the login. The URL must be complete, and is used as
    /// it is. It may have a query.
    ///
    /// The login must set the refresh token of its answer with [`Token::refresh_token`], as the
    /// built-in [`Form`](crate::login::Form) does. Its [cause](crate::Cause) is always `First`.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is not absolute, is neither `http` nor `https`, or has user
    /// information or a fragment.
    pub fn new(
        client: impl LoginClient,
        token_url: &str,
        login: impl TokenSource,
    ) -> Result<Self, InvalidUrl> {
        let origins = login.origins();
        Ok(Self::at(client, token_url, origins)?.or_login(login))
    }

    /// Creates a source that starts with a given refresh token, for example from a browser or a
    /// device where the user logged in. The tokens may be sent to these origins.
    ///
    /// After a restart, pass the stored refresh token to this function, and the stored access token
    /// to [`SessionBuilder::token`](crate::SessionBuilder::token). The access token is used as long
    /// as it is valid, and then the refresh token.
    ///
    /// A server that replaces refresh tokens accepts the given one once.
    /// [`Session::token`](crate::Session::token) returns the new one, which you can store across
    /// restarts. After a [sign-out](crate::Session::sign_out) the new one is dropped, and the given
    /// one is not sent again: set a [login](Self::or_login), or pass a source with a new refresh
    /// token to [`Session::replace_source`](crate::Session::replace_source).
    ///
    /// The refresh token is wiped from memory when this is dropped. A trailing newline is trimmed.
    ///
    /// # Errors
    ///
    /// Same as for [`new`](Self::new).
    pub fn from_token(
        client: impl LoginClient,
        token_url: &str,
        refresh_token: impl Into<String>,
        origins: Origins,
    ) -> Result<Self, InvalidUrl> {
        Ok(Self {
            given: Some(Given::new(refresh_token)),
            ..Self::at(client, token_url, origins)?
        })
    }

    /// Sets the login to use when there is no usable refresh token. The tokens may be sent to the
    /// same origins as before.
    #[must_use]
    pub fn or_login(mut self, login: impl TokenSource) -> Self {
        self.login = Some(Box::new(login));
        self
    }

    /// Sets how the client authenticates itself. It must be the client of the refresh token. By
    /// default no client is sent.
    #[must_use]
    pub fn client_auth(mut self, auth: ClientAuth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Sets the OAuth scopes of the new tokens, sent as `scope`. They may not exceed those of the
    /// first token. By default no `scope` is sent, and the scopes stay the same.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.fields.scopes(scopes);
        self
    }

    setters! {
        /// Adds a field to the end of the form. It does not replace a field of the same name.
        ///
        /// Error texts may contain the value if the server repeats it. Use
        /// [`secret_field`](Self::secret_field) for secrets.
        ///
        /// # Errors
        ///
        /// Returns an error if the field is set in another way: `grant_type`, `client_id`,
        /// `client_secret`, `scope` or `refresh_token`.
        pub fn field;

        /// Adds a field with a secret value.
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

    /// Allows the refresh token to be sent over plain `http`. By default such a refresh fails
    /// ([`is_insecure`](AuthError::is_insecure)) and nothing is sent, unless its URL is a loopback
    /// address. [`BearerAuthLayer::allow_plain_http`](crate::BearerAuthLayer::allow_plain_http),
    /// the setter for the token, lists the loopback addresses. The login has its own setter.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.engine.plain_http = true;
        self
    }

    fn at(client: impl LoginClient, token_url: &str, origins: Origins) -> Result<Self, InvalidUrl> {
        let mut engine = Engine::new(client, Endpoint::whole(token_url)?);
        engine.origins = Some(origins);
        Ok(Self {
            engine,
            auth: None,
            fields: Fields::of_form(&RESERVED),
            given: None,
            login: None,
        })
    }

    /// What there is to ask for a new token with: what came with the token, else what was given.
    fn refresh_token<'a>(&'a self, stale: Option<&'a Token>) -> Option<&'a str> {
        let own = stale.and_then(Token::expose_refresh_token);
        let own = own.filter(|own| !own.is_empty());
        // Next to a token of the login that followed its refusal, it would be refused each time.
        let is_spent =
            |given: &&Given| stale.is_some() && self.login.is_some() && given.is_refused();
        let given = self.given.as_ref().filter(|given| !is_spent(given));
        let known = own.or(given.map(Given::as_str))?;
        let is_replaced = self.given(known).is_some_and(Given::is_replaced);
        (!known.is_empty() && !is_replaced).then_some(known)
    }

    /// The one that was given, if this is that one.
    fn given(&self, refresh_token: &str) -> Option<&Given> {
        let given = self.given.as_ref();
        given.filter(|given| given.as_str() == refresh_token)
    }

    /// Why there is nothing to ask for a new token with.
    fn nothing_to_send(&self) -> AuthError {
        match &self.given {
            Some(given) if given.is_replaced() => AuthError::rejected(
                "the server has replaced the given refresh token, and the new one was lost, by a \
                 sign-out or in an unusable answer: log in again elsewhere, and pass the refresh \
                 token of that login to `Session::replace_source`",
            ),
            _ => AuthError::misconfigured("there is neither a refresh token nor a login"),
        }
    }
}

impl TokenSource for Refresh {
    /// The login's, or those that it was given.
    fn origins(&self) -> Origins {
        self.engine.origins()
    }

    /// The login's, at this URL. Without a login it is not known whose refresh token was given: the
    /// processes of a fleet have to call
    #[cfg_attr(
        feature = "store",
        doc = "[`TokenCache::account`](crate::store::TokenCache::account)."
    )]
    #[cfg_attr(not(feature = "store"), doc = "`TokenCache::account`.")]
    fn account(&self) -> Option<Account> {
        let login = self.login.as_ref().and_then(|login| login.account());
        let of_login = login.as_ref().and_then(Account::expose_id);
        let secrets = [
            self.given.as_ref().map(Given::as_str),
            self.auth.as_ref().and_then(ClientAuth::secret),
            login.as_ref().map(Account::expose_credential),
        ];
        let secrets = secrets.into_iter().flatten();
        let Some(of_login) = of_login else {
            let secrets: Vec<_> = secrets.collect();
            return Some(Account::unnamed().credential(joined(&secrets).as_str()));
        };
        let client = self.auth.as_ref().map(|auth| ("client", auth.id()));
        let endpoint = &self.engine.endpoint;
        let account = account("refresh", endpoint, client, &self.fields, secrets);
        let hidden = endpoint.query().unwrap_or_default();
        Some(account.hidden(&joined(&[hidden, &of_login])))
    }

    /// Whether it would send a refresh token.
    fn spends(&self, stale: Option<&Token>) -> bool {
        let login = self.login.as_ref();
        self.refresh_token(stale).is_some() || login.is_some_and(|login| login.spends(None))
    }

    async fn fetch(&self, request: TokenRequest) -> Result<Token, AuthError> {
        if !request.may_spend() && TokenSource::spends(self, request.stale()) {
            return match &self.login {
                Some(login) => login.fetch(TokenRequest::first().sparing()).await,
                None if request.cause() == Cause::StepUp => Err(AuthError::misconfigured(
                    "there is no login for a stronger token: the refresh token renews the \
                     session's own",
                )),
                None => Err(AuthError::unavailable(
                    "the refresh token was not sent, because it may work only once and another \
                     process may have used it: the token store is down or has no newer one",
                )),
            };
        }
        let refused = match self.refresh_token(request.stale()) {
            Some(refresh_token) => {
                let mut grant = Grant::refresh(refresh_token, self.auth.as_ref());
                grant.given = self.given(refresh_token);
                let fields = self.fields.made().await?;
                grant.fields.extend(fields.pairs());
                grant.secrets.extend(fields.secrets());
                match self.engine.grant(grant).await {
                    Err(error) if refuses_grant(&error) => {
                        if let Some(given) = self.given(refresh_token) {
                            given.note_refusal();
                        }
                        error
                    }
                    renewed => return renewed.map(|token| keep(refresh_token, token)),
                }
            }
            None => self.nothing_to_send(),
        };
        match &self.login {
            // Not with the token that has that refresh token: the login might try it once more.
            Some(login) => login.fetch(TokenRequest::first()).await,
            None => Err(refused),
        }
    }
}

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresh")
            .field("url", &self.engine)
            .finish_non_exhaustive()
    }
}
