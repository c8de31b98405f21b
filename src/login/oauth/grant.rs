//! What the grants of OAuth 2.0 share: the request to a token endpoint.

use serde_json::Value;

use crate::error::AuthError;
use crate::error::response::ErrorResponse;
use crate::login::answer::oauth_token;
use crate::login::body::form_body;
use crate::login::engine::{Engine, Login};
use crate::login::mask::Mask;
use crate::login::oauth::client_auth::{ClientAuth, credentials};
use crate::login::oauth::given::Given;
use crate::token::Token;

/// What is asked of a token endpoint
/// ([RFC 6749, section 3.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.2)).
pub(in crate::login) struct Grant<'a> {
    /// In this order, followed by those of the client.
    pub(in crate::login) fields: Vec<(&'a str, &'a str)>,
    pub(in crate::login) secrets: Vec<&'a str>,
    /// As [`Login`] has it.
    pub(in crate::login) secret_name: &'static str,
    pub(in crate::login) auth: Option<&'a ClientAuth>,
    /// The refresh token that it sends, where that one was given.
    pub(in crate::login) given: Option<&'a Given>,
}

impl<'a> Grant<'a> {
    /// A new token for a refresh token
    /// ([section 6](https://www.rfc-editor.org/rfc/rfc6749#section-6)).
    pub(in crate::login) fn refresh(refresh_token: &'a str, auth: Option<&'a ClientAuth>) -> Self {
        Self {
            fields: vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh_token),
            ],
            secrets: vec![refresh_token],
            secret_name: "refresh token",
            auth,
            given: None,
        }
    }
}

impl Engine {
    pub(in crate::login) async fn grant(&self, grant: Grant<'_>) -> Result<Token, AuthError> {
        let Grant {
            mut fields,
            mut secrets,
            secret_name,
            auth,
            given,
        } = grant;
        let made;
        let auth = match auth {
            Some(auth) => {
                made = auth.made().await?;
                Some(&made)
            }
            None => None,
        };
        let authorization = auth.map(ClientAuth::authorization).transpose()?.flatten();
        fields.extend(auth.into_iter().flat_map(ClientAuth::fields));
        secrets.extend(auth.and_then(ClientAuth::secret));
        secrets.extend(authorization.as_ref().and_then(credentials));
        let login = Login {
            content_type: "application/x-www-form-urlencoded",
            authorization: authorization.clone(),
            body: form_body(&fields),
            secrets: &secrets,
            secret_name,
            token_at: "/access_token",
        };
        let any_type = self.any_token_type;
        let read = |answer: &Value, mask: &Mask| {
            given.into_iter().for_each(|given| given.note(answer));
            oauth_token(answer, any_type, mask)
        };
        self.login(login, read).await
    }
}

/// An answer without a refresh token leaves the old one good.
pub(in crate::login) fn keep(refresh_token: &str, token: Token) -> Token {
    match token.expose_refresh_token() {
        Some(_) => token,
        None => token.refresh_token(refresh_token),
    }
}

/// Is the refresh token dead? The server has rejected it, and names no other reason.
pub(in crate::login) fn refuses_grant(error: &AuthError) -> bool {
    error.response().is_some_and(ErrorResponse::refuses_grant)
}
