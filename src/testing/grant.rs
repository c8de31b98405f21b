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

/// An error as in RFC 6749, section 5.2.
#[derive(PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

impl Rejection {
    pub(super) const UNKNOWN_CLIENT: Self = Self::new("invalid_client", "Unknown client");
    pub(super) const WRONG_PASSWORD: Self =
        Self::new("invalid_grant", "Wrong username or password");
    pub(super) const UNKNOWN_TOKEN: Self = Self::new("invalid_grant", "Unknown refresh token");
    pub(super) const UNKNOWN_GRANT: Self =
        Self::new("unsupported_grant_type", "Unknown grant_type");

    const fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }

    pub(super) const fn invalid(description: &'static str) -> Self {
        Self::new("invalid_request", description)
    }
}
