//! What a login finds in the store, judged: whether its token will do, and which refresh token is
//! the newest.

use std::time::Duration;

use super::FleetLogin;
use crate::session::state::shared::Adopted;
use crate::source::TokenRequest;
use crate::store::record::{Record, StoredToken};
use crate::store::shared_record::Loaded;
use crate::token::Token;

/// A stored token is not worth adopting when less than this is left of it, or a tenth.
const TOO_SHORT: Duration = Duration::from_secs(10);

impl FleetLogin<'_> {
    /// The token that was found, if it is newer than the one to replace and will live.
    pub(super) fn adoptable(&self, loaded: &Loaded) -> Option<Adopted> {
        let (record, StoredToken { token, age }) = self.stored(loaded)?;
        let is_known = match self.errand.in_store.number {
            Some(number) => record.number <= number,
            None => self.stale().is_some_and(|stale| stale.is_same(token)),
        };
        if is_known {
            return None;
        }
        if let Some(lifetime) = token.lifetime() {
            let lifetime = self.runner.policy.counted(lifetime);
            let left = lifetime.saturating_sub(*age);
            if left <= TOO_SHORT.min(lifetime / 10) {
                return None;
            }
        }
        Some(Adopted {
            token: token.clone(),
            age: *age,
            number: record.number,
        })
    }

    /// What the source is asked for while nobody else is: to replace the newest token that there
    /// is, for that has the newest refresh token.
    pub(super) fn request_for_all(&self, loaded: &Loaded) -> TokenRequest {
        let request = self.errand.request.clone();
        match self.stored(loaded) {
            Some((record, _)) if self.has_newer_than(record) => request,
            Some((_, stored)) => request.with_stale(Some(stored.token.clone())),
            None if self.is_used_up() => request.sparing(),
            None => request,
        }
    }

    /// The stored token, unless it is from before a sign-out.
    fn stored<'a>(&self, loaded: &'a Loaded) -> Option<(&'a Record, &'a StoredToken)> {
        let parted_at = self.errand.parted_at;
        if parted_at.is_some_and(|at| loaded.is_from_before(at)) {
            return None;
        }
        let record = loaded.record()?;
        Some((record, record.token.as_ref()?))
    }

    /// Whether the token to replace is newer than the record: the store could not be written when
    /// it came, or has lost the last writes.
    fn has_newer_than(&self, record: &Record) -> bool {
        let ours = self.errand.in_store;
        ours.number.is_some_and(|number| {
            record.number < number || record.number == number && ours.is_unshared
        })
    }

    /// Whether others may have used up what is good once, for the store had a token and lost it.
    fn is_used_up(&self) -> bool {
        self.fleet.has_seen_token() && !self.errand.in_store.is_unshared
    }

    fn stale(&self) -> Option<&Token> {
        self.errand.request.stale()
    }
}
