//! A session that shares its token with other processes, through a store: their token is adopted, or
//! one of them logs in for all.

mod login;

use std::time::Duration;

use tokio::time::Instant;

pub(super) use self::login::FleetLogin;
use crate::error::AuthError;
use crate::session::policy::Policy;
use crate::session::runner::Runner;
use crate::session::state::fleet::{Adopted, Errand};
use crate::session::state::token::LoginId;
use crate::source::DynTokenSource;
use crate::store::cache::TokenCache;
use crate::store::error::StoreError;
use crate::store::shared_record::SharedRecord;
use crate::token::Token;

/// What a session shares with other processes.
pub(super) struct Fleet {
    cache: TokenCache,
    /// An error: of which account it is is not known.
    record: Result<SharedRecord, AuthError>,
}

/// How a login through a store ends.
pub(super) enum Ending {
    /// By a login of this session, and the number under which the others find its token.
    Fetched(Result<Token, AuthError>, Option<u64>),
    Adopted(Adopted),
    /// Another process's failure, which counts for so much longer.
    Told(AuthError, Duration),
    /// The store has nothing that helps, and no login is allowed now.
    NothingNew,
}

impl Fleet {
    pub(super) fn new(cache: TokenCache, source: &dyn DynTokenSource) -> Self {
        let account = source.account();
        let (id, credential) = match &account {
            Some(account) => (Some(account.id()), account.expose_credential()),
            None => (None, &[][..]),
        };
        Self {
            record: cache.record_of(id, credential),
            cache,
        }
    }

    /// That of another source, in the same store.
    pub(super) fn with_source(&self, source: &dyn DynTokenSource) -> Self {
        Self::new(self.cache.clone(), source)
    }

    /// How long a login may wait for another process's.
    pub(super) fn patience(&self, policy: &Policy) -> Duration {
        policy.login_timeout.saturating_add(self.cache.lease_ttl())
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
        Ok(FleetLogin {
            runner,
            id,
            source,
            cache: &self.cache,
            record: self.record.as_ref().map_err(AuthError::clone)?,
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
            Ok(record) => record.sign_out(signed_out_at, self.patience(policy)).await,
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
