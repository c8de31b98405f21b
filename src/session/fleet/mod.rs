//! A session that shares its token with other processes, through a store: their token is adopted, or
//! one of them logs in for all.

mod login;
mod newest;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

pub(super) use self::login::FleetLogin;
use crate::error::AuthError;
use crate::session::policy::Policy;
use crate::session::runner::Runner;
use crate::session::state::fleet::{Adopted, Errand};
use crate::session::state::token::{InStore, LoginId};
use crate::source::{Account, DynTokenSource};
use crate::store::cache::TokenCache;
use crate::store::error::StoreError;
use crate::store::shared_record::SharedRecord;
use crate::token::Token;

/// How many operations of the store a login makes one after the other, but for those that wait.
const MOST_OPERATIONS: u32 = 10;

/// What a session shares with other processes.
pub(super) struct Fleet {
    cache: TokenCache,
    /// An error: of which account it is is not known.
    record: Result<SharedRecord, AuthError>,
    /// There was a token in the store: should it be gone, others may have used up what came with it.
    has_seen_token: AtomicBool,
}

/// How a login through a store ends.
pub(super) enum Ending {
    /// By a login of this session, and what the others know of its token.
    Fetched(Result<Token, AuthError>, InStore),
    Adopted(Adopted),
    /// Another process's failure, which counts for so much longer.
    Told(AuthError, Duration),
    /// The store has nothing that helps, and no login is allowed now.
    NothingNew,
}

impl Fleet {
    pub(super) fn new(cache: TokenCache, source: &dyn DynTokenSource) -> Self {
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
    pub(super) fn with_source(&self, source: &dyn DynTokenSource) -> Self {
        Self::new(self.cache.clone(), source)
    }

    /// How long a login waits for another process's.
    fn patience(&self, policy: &Policy) -> Duration {
        policy.login_timeout.saturating_add(self.cache.lease_ttl())
    }

    /// How much longer than a login without a store one may take.
    pub(super) fn detour(&self, policy: &Policy) -> Duration {
        let operations = self.cache.timeout().saturating_mul(MOST_OPERATIONS);
        self.patience(policy).saturating_add(operations)
    }

    fn note_token(&self) {
        self.has_seen_token.store(true, Ordering::Relaxed);
    }

    fn has_seen_token(&self) -> bool {
        self.has_seen_token.load(Ordering::Relaxed)
    }

    /// # Errors
    ///
    /// Which account it is of is not known.
    pub(super) fn login<'a>(
        &'a self,
        runner: &'a Runner,
        id: LoginId,
        source: &'a dyn DynTokenSource,
        errand: Errand,
    ) -> Result<FleetLogin<'a>, AuthError> {
        let record = self.record.as_ref().map_err(AuthError::clone)?;
        Ok(FleetLogin {
            runner,
            id,
            source,
            fleet: self,
            record,
            errand,
        })
    }

    /// Takes what was written before that out of the store.
    pub(super) async fn sign_out(
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

impl Ending {
    pub(super) fn error(&self) -> Option<&AuthError> {
        match self {
            Self::Fetched(outcome, _) => outcome.as_ref().err(),
            Self::Told(error, _) => Some(error),
            Self::Adopted(_) | Self::NothingNew => None,
        }
    }
}
