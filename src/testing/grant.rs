//! What a login results in: a user, and a token or an error.

#[derive(Clone)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) name: String,
}

/// What a login returns.
pub(super) struct Grant {
    pub(super) token: String,
    pub(super) expires_in: Option<u64>,
    pub(super) refresh_token: Option<String>,
}

/// Why a login returns no token.
pub(super) enum Rejection {
    /// A wrong password. At the token endpoint, an unknown client.
    Credentials,
    Missing(Vec<&'static str>),
    NotJson,
    NotAnObject,
    /// An error of RFC 6749, section 5.2, and its description.
    OAuth(&'static str, &'static str),
}

impl Rejection {
    pub(super) const WRONG_PASSWORD: Self =
        Self::OAuth("invalid_grant", "Wrong username or password");
    pub(super) const UNKNOWN_TOKEN: Self = Self::OAuth("invalid_grant", "Unknown refresh token");
    pub(super) const UNKNOWN_GRANT: Self =
        Self::OAuth("unsupported_grant_type", "Unknown grant_type");

    pub(super) const fn invalid(description: &'static str) -> Self {
        Self::OAuth("invalid_request", description)
    }
}
