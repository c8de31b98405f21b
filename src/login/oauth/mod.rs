//! The logins at a token endpoint of OAuth 2.0.

pub(super) mod client_auth;
pub(super) mod client_credentials;
pub(super) mod given;
pub(super) mod grant;
pub(super) mod refresh;
