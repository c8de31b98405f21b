//! [`ClientAuth`]: which client asks a token endpoint, and how it shows that.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use form_urlencoded::byte_serialize;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::error::AuthError;

const SCHEME: &str = "Basic ";

/// How a client shows a token endpoint which one it is ([RFC 6749, section 2.3]).
///
/// | made by | `token_endpoint_auth_method` | what is sent |
/// |---|---|---|
/// | [`new`](Self::new) | `client_secret_basic` | `Authorization: Basic`, of the id and the secret |
/// | [`new`](Self::new) and [`in_body`](Self::in_body) | `client_secret_post` | the fields `client_id` and `client_secret` |
/// | [`public`](Self::public) | `none` | the field `client_id` |
///
/// The header is the default since every server must take it, and need not take the fields
/// ([section 2.3.1]).
///
/// ```
/// use tower_bearer::login::ClientAuth;
///
/// let auth = ClientAuth::new("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw");
/// assert_eq!(format!("{auth:?}"), r#"ClientAuth { client_id: "s6BhdRkqt3", .. }"#);
/// ```
///
/// [RFC 6749, section 2.3]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3
/// [section 2.3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
#[derive(Clone)]
pub struct ClientAuth {
    id: String,
    /// `None`: the client has none, or shows otherwise which one it is.
    secret: Option<Zeroizing<String>>,
    in_body: bool,
}

impl ClientAuth {
    /// A client with a secret, which goes in the `Authorization` header.
    ///
    /// Id and secret are form-encoded before they are joined by a colon and encoded in base64, as
    /// section 2.3.1 asks for. A server that leaves the form-encoding out gets others wrong than
    /// those of letters, digits and `*-._`: for such a one there is [`in_body`](Self::in_body).
    ///
    /// The secret is wiped from memory when this is dropped, and after it was sent.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self {
            id: client_id.into(),
            secret: Some(Zeroizing::new(client_secret.into())),
            in_body: false,
        }
    }

    /// A client without a secret: a public one, or one that TLS tells by its certificate
    /// ([RFC 8705, section 2]).
    ///
    /// [RFC 8705, section 2]: https://www.rfc-editor.org/rfc/rfc8705#section-2
    pub fn public(client_id: impl Into<String>) -> Self {
        Self {
            id: client_id.into(),
            secret: None,
            in_body: true,
        }
    }

    /// Sends the secret as a field of the form, for a server that does not take the header.
    #[must_use]
    pub fn in_body(mut self) -> Self {
        self.in_body = true;
        self
    }

    /// What of it goes into the form.
    pub(in crate::login) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let id = ("client_id", self.id.as_str());
        let secret = self.secret().map(|secret| ("client_secret", secret));
        let both = [Some(id), secret].into_iter().flatten();
        both.filter(|_| self.in_body)
    }

    pub(in crate::login) fn id(&self) -> &str {
        &self.id
    }

    pub(in crate::login) fn secret(&self) -> Option<&str> {
        self.secret.as_ref().map(|secret| secret.as_str())
    }

    /// What of it goes into the header.
    pub(in crate::login) fn authorization(&self) -> Result<Option<HeaderValue>, AuthError> {
        let Some(secret) = self.secret().filter(|_| !self.in_body) else {
            return Ok(None);
        };
        // Three bytes for one at most. A buffer that grew would leave an unwiped copy behind.
        let mut pair = Zeroizing::new(String::with_capacity(
            3 * (self.id.len() + secret.len()) + 1,
        ));
        pair.extend(byte_serialize(self.id.as_bytes()));
        pair.push(':');
        pair.extend(byte_serialize(secret.as_bytes()));
        let credentials = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        let value = Zeroizing::new([SCHEME, credentials.as_str()].concat());
        // Wiped when the last clone of it is dropped, wherever the client keeps it.
        let value = HeaderValue::from_maybe_shared(Bytes::from_owner(value));
        let mut value = value.map_err(AuthError::misconfigured)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// What of the header may not be shown: without the padding, which an echo may leave out.
pub(in crate::login) fn credentials(authorization: &HeaderValue) -> Option<&str> {
    let credentials = authorization.to_str().ok()?.strip_prefix(SCHEME)?;
    Some(credentials.trim_end_matches('='))
}

/// The id is no secret ([RFC 6749, section
/// 2.2](https://www.rfc-editor.org/rfc/rfc6749#section-2.2)).
impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAuth")
            .field("client_id", &self.id)
            .finish_non_exhaustive()
    }
}
