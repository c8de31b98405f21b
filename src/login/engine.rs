//! The one HTTP login: a request goes out, a token or an error comes back.

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::login::client::{Client, LoginClient};
use crate::login::exchange::Exchange;
use crate::login::mask::Mask;
use crate::login::url::Endpoint;
use crate::origins::{Origins, is_plain_http};
use crate::token::Token;

/// A client and where to send the login. What is sent and how the answer is read is the preset's.
pub(super) struct Engine {
    client: Client,
    pub(super) endpoint: Endpoint,
    /// Where the tokens may go, if not to the endpoint's own origin.
    pub(super) origins: Option<Origins>,
    /// Whether a password may go where it can be read on its way.
    pub(super) plain_http: bool,
    /// Whether a token is taken for a bearer token whatever OAuth's `token_type` says.
    pub(super) any_token_type: bool,
}

/// What a preset sends.
pub(super) struct Login<'a> {
    pub(super) content_type: &'static str,
    /// Sensitive: it authenticates the client, if that is done by a header.
    pub(super) authorization: Option<HeaderValue>,
    pub(super) body: Zeroizing<Vec<u8>>,
    /// What in it is secret, and must not come back in an error's text.
    pub(super) secrets: &'a [&'a str],
    /// What an error calls the secret that must not go over plain `http`.
    pub(super) secret_name: &'static str,
    /// Where the answer has the token, as a JSON pointer, so that it does not get into a text.
    pub(super) token_at: &'a str,
}

impl Engine {
    pub(super) fn new(client: impl LoginClient, endpoint: Endpoint) -> Self {
        Self {
            client: Client::new(client),
            endpoint,
            origins: None,
            plain_http: false,
            any_token_type: false,
        }
    }

    pub(super) fn origins(&self) -> Origins {
        let set = self.origins.as_ref();
        set.unwrap_or(self.endpoint.origins()).clone()
    }

    /// Logs in once. `read` takes the token out of the answer, or says what is wrong with that,
    /// where it quotes the server only through the mask.
    pub(super) async fn login(
        &self,
        login: Login<'_>,
        read: impl FnOnce(&Value, &Mask) -> Result<Token, String> + Send,
    ) -> Result<Token, AuthError> {
        let uri = self.endpoint.uri();
        if !self.plain_http && is_plain_http(uri) {
            return Err(AuthError::insecure_login(login.secret_name, uri));
        }
        let mut request = request(uri, login.content_type, login.body);
        if let Some(authorization) = login.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization);
        }
        let mut secrets = login.secrets.to_vec();
        secrets.extend(self.endpoint.secrets());
        let exchange = Exchange {
            client: &self.client,
            endpoint: &self.endpoint,
            secrets,
            token_at: login.token_at,
        };
        let read = |_, json: Option<&Value>, mask: &Mask| {
            let Some(json) = json else {
                let url = &self.endpoint;
                return Err(format!("the response is not JSON: check the login URL {url}").into());
            };
            Ok(read(json, mask)?)
        };
        exchange.run(request, read).await
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)
    }
}

fn request(
    uri: &Uri,
    content_type: &'static str,
    body: Zeroizing<Vec<u8>>,
) -> Request<Full<Bytes>> {
    // The bytes are wiped when the last clone of them is dropped, wherever the client keeps it.
    let mut request = Request::new(Full::new(Bytes::from_owner(body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.clone();
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    request
}
