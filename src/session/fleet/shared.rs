//! [`Fleet`]: what a session and other processes share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::AuthError;
use crate::session::policy::Policy;
use crate::source::{Account, DynTokenSource};
use crate::store::cache::TokenCache;
use crate::store::error::StoreError;
use crate::store::shared_record::SharedRecord;

/// How many operations of the store a login makes one after the other, but for those that wait.
const MOST_OPERATIONS: u32 = 10;

/// What a session shares with other processes.
pub(in crate::session) struct Fleet {
    cache: TokenCache,
    /// An error: of which account it is is not known.
    record: Result<SharedRecord, AuthError>,
    /// There was a token in the store. If it is gone, others may have used up what came with it.
    has_seen_token: AtomicBool,
}

impl Fleet {
    pub(in crate::session) fn new(cache: TokenCache, source: &dyn DynTokenSource) -> Self {
        let account = source.account();
        let id = account.as_ref().and_then(Account::expose_id);
        let id = id.as_ref().map(|id| id.as_str());
        let credential = account.as_ref().map_or("", Account::expose_credential);
        Self {
            record: cache.record_of(id, credential.as_bytes()),
            cache,
            has_seen_token: AtomicBool::new(false),
        }
    }

    /// That of another source, in the same store.
    pub(in crate::session) fn with_source(&self, source: &dyn DynTokenSource) -> Self {
        Self::new(self.cache.clone(), source)
    }

    pub(super) fn cache(&self) -> &TokenCache {
        &self.cache
    }

    /// # Errors
    ///
    /// Which account it is of is not known.
    pub(super) fn record(&self) -> Result<&SharedRecord, AuthError> {
        self.record.as_ref().map_err(AuthError::clone)
    }

    /// How long a login waits for another process's.
    pub(super) fn patience(&self, policy: &Policy) -> Duration {
        policy.login_timeout.saturating_add(self.cache.lease_ttl())
    }

    /// How much longer than a login without a store one may take.
    pub(in crate::session) fn detour(&self, policy: &Policy) -> Duration {
        let operations = self.cache.timeout().saturating_mul(MOST_OPERATIONS);
        self.patience(policy).saturating_add(operations)
    }

    pub(super) fn note_token(&self) {
        self.has_seen_token.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_seen_token(&self) -> bool {
        self.has_seen_token.load(Ordering::Relaxed)
    }

    /// Takes what was written before that out of the store.
    pub(in crate::session) async fn sign_out(
        &self,
        policy: &Policy,
        signed_out_at: Instant,
    ) -> Result<(), StoreError> {
        match &self.record {
            Ok(record) => record.sign_out(signed_out_at, self.detour(policy)).await,
            Err(_) => Ok(()),
        }
    }
}
