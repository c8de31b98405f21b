//! What an API saw, in numbers.

/// What an [`Api`](super::Api) saw.
///
/// A login or request that is still under way, or that its caller gave up, is only in the first
/// count. Scripted answers count by their status: a 401 as rejected or refused, anything else as
/// failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Counts {
    /// Logins that arrived.
    pub logins: u64,
    /// Logins that returned a token.
    pub logins_ok: u64,
    /// Logins that were turned down: wrong password, missing fields.
    pub logins_rejected: u64,
    /// Logins that failed: scripted faults, and bodies that could not be read.
    pub logins_failed: u64,
    /// Logins that gave a good refresh token for their token.
    pub refreshes: u64,
    /// The most logins that were under way at once.
    pub peak_logins: u64,
    /// Tokens issued. Fewer than `logins_ok` if logins returned the same token again.
    pub tokens_issued: u64,
    /// Requests to resources, or to what a [`Guard`](super::Guard) guards, that arrived.
    pub requests: u64,
    /// Requests that were answered as they should, or passed on by a guard.
    pub accepted: u64,
    /// Requests that were answered by a 401.
    pub refused: u64,
    /// Requests that came without a bearer token, whatever the answer was.
    pub without_token: u64,
    /// Requests that failed: scripted faults, two `Authorization` headers, and bodies that could
    /// not be read.
    pub failed: u64,
}
