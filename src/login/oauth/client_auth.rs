//! [`ClientAuth`]: how a client authenticates itself to a token endpoint.

use std::fmt;
use std::future::Future;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use form_urlencoded::byte_serialize;
use http::HeaderValue;
use tower::BoxError;
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::login::made::Made;

const SCHEME: &str = "Basic ";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a client authenticates itself to a token endpoint ([RFC 6749, section 2.3]).
///
/// | created by | `token_endpoint_auth_method` | sends |
/// |---|---|---|
/// | [`new`](Self::new) | `client_secret_basic` | `Authorization: Basic` with the id and the secret |
/// | [`new`](Self::new) and [`in_body`](Self::in_body) | `client_secret_post` | the fields `client_id` and `client_secret` |
/// | [`assertion`](Self::assertion) | `private_key_jwt`, `client_secret_jwt` | the fields `client_id`, `client_assertion_type` and `client_assertion` |
/// | [`public`](Self::public) | `none` | the field `client_id` |
///
/// The header is the default, because every server must support it, while support for the fields is
/// optional ([section 2.3.1]).
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
    proof: Proof,
    place: Place,
}

#[derive(Clone)]
enum Proof {
    /// It shows otherwise which one it is, if at all.
    None,
    Secret(Zeroizing<String>),
    Assertion(Made),
    /// Made for one login.
    MadeAssertion(Zeroizing<String>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Header,
    /// Without the form-encoding.
    RawHeader,
    Body,
}

impl ClientAuth {
    /// Creates a client with a secret, which is sent in the `Authorization` header.
    ///
    /// Id and secret are form-encoded before they are joined by a colon and encoded in base64, as
    /// section 2.3.1 requires. A server that does not decode the form-encoding only accepts ids and
    /// secrets of letters, digits and `*-._`. Use [`unencoded`](Self::unencoded) or
    /// [`in_body`](Self::in_body) with such a server.
    ///
    /// The secret is wiped from memory when this is dropped. Copies are wiped after they were sent.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self {
            id: client_id.into(),
            proof: Proof::Secret(Zeroizing::new(client_secret.into())),
            place: Place::Header,
        }
    }

    /// Creates a client without a secret: a public client, or one authenticated by its TLS
    /// certificate ([RFC 8705, section 2]).
    ///
    /// [RFC 8705, section 2]: https://www.rfc-editor.org/rfc/rfc8705#section-2
    pub fn public(client_id: impl Into<String>) -> Self {
        Self {
            id: client_id.into(),
            proof: Proof::None,
            place: Place::Body,
        }
    }

    /// Creates a client that sends an assertion, which is returned by a function for each login
    /// ([RFC 7523, section 2.2]): a signed JWT, or a workload's token from a file.
    ///
    /// If the function fails, the login fails: with the function's own [`AuthError`], or as
    /// [unavailable](AuthError::is_unavailable) for any other error. The function runs within the
    /// login's time limit.
    ///
    /// ```
    /// use tower_bearer::login::ClientAuth;
    ///
    /// let auth = ClientAuth::assertion("s6BhdRkqt3", || async {
    ///     let file = "/var/run/secrets/tokens/api";
    ///     Ok(tokio::task::spawn_blocking(move || std::fs::read_to_string(file)).await??)
    /// });
    /// ```
    ///
    /// A trailing newline is trimmed.
    ///
    /// [RFC 7523, section 2.2]: https://www.rfc-editor.org/rfc/rfc7523#section-2.2
    pub fn assertion<F, Fut>(client_id: impl Into<String>, assertion: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        Self {
            id: client_id.into(),
            proof: Proof::Assertion(Made::new(assertion)),
            place: Place::Body,
        }
    }

    /// Sends the secret as a field of the form, for a server that does not support the header.
    #[must_use]
    pub fn in_body(mut self) -> Self {
        self.place = Place::Body;
        self
    }

    /// Sends id and secret in the header without form-encoding, for a server that does not decode
    /// it. An id with a colon cannot be sent this way.
    #[must_use]
    pub fn unencoded(mut self) -> Self {
        if self.place == Place::Header {
            self.place = Place::RawHeader;
        }
        self
    }

    /// The same with its assertion made, for one login.
    pub(in crate::login) async fn made(&self) -> Result<Self, AuthError> {
        let mut made = self.clone();
        if let Proof::Assertion(assertion) = &self.proof {
            made.proof = Proof::MadeAssertion(assertion.text().await?);
        }
        Ok(made)
    }

    /// What of it goes into the form.
    pub(in crate::login) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let id = ("client_id", self.id.as_str());
        let proof = match &self.proof {
            Proof::Secret(secret) => [Some(("client_secret", secret.as_str())), None],
            Proof::MadeAssertion(assertion) => [
                Some(("client_assertion_type", ASSERTION_TYPE)),
                Some(("client_assertion", assertion.trim_end())),
            ],
            Proof::None | Proof::Assertion(_) => [None, None],
        };
        let all = [Some(id)].into_iter().chain(proof).flatten();
        all.filter(|_| self.place == Place::Body)
    }

    pub(in crate::login) fn id(&self) -> &str {
        &self.id
    }

    pub(in crate::login) fn secret(&self) -> Option<&str> {
        match &self.proof {
            Proof::Secret(secret) => Some(secret),
            Proof::MadeAssertion(assertion) => Some(assertion.trim_end()),
            Proof::None | Proof::Assertion(_) => None,
        }
    }

    /// What of it goes into the header.
    pub(in crate::login) fn authorization(&self) -> Result<Option<HeaderValue>, AuthError> {
        let Some(secret) = self.secret().filter(|_| self.place != Place::Body) else {
            return Ok(None);
        };
        // Three bytes for one at most. A buffer that grew would leave an unwiped copy behind.
        let mut pair = Zeroizing::new(String::with_capacity(
            3 * (self.id.len() + secret.len()) + 1,
        ));
        match self.place {
            Place::RawHeader if self.id.contains(':') => {
                return Err(AuthError::misconfigured(
                    "a client id with a colon cannot be sent unencoded",
                ));
            }
            Place::RawHeader => pair.extend([&self.id, ":", secret]),
            _ => {
                pair.extend(byte_serialize(self.id.as_bytes()));
                pair.push(':');
                pair.extend(byte_serialize(secret.as_bytes()));
            }
        }
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
