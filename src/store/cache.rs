//! [`TokenCache`]: how a fleet shares its token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::AuthError;
use crate::store::key::Key;
use crate::store::mirror::DynTokenStore;
use crate::store::name::record_name;
use crate::store::seal::Seal;
use crate::store::shared_record::SharedRecord;
use crate::store::token_store::TokenStore;

/// The shortest lease. A shorter one would end between two of its extensions.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// How sessions of several processes share one token: the store that it is kept in, and whether it
/// is encrypted there.
///
/// ```
/// use tower_bearer::store::{File, Key, TokenCache};
///
/// # fn main() -> Result<(), tower_bearer::store::InvalidKey> {
/// # let from_the_environment = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// # let directory = "/var/lib/reports/tokens";
/// let key = Key::from_hex(from_the_environment)?;
/// let cache = TokenCache::encrypted(File::in_dir(directory), key).namespace("staging");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenCache {
    store: Arc<dyn DynTokenStore>,
    seal: Seal,
    account: Option<String>,
    namespace: String,
    lease: Duration,
    store_timeout: Duration,
    when_unreachable: WhenUnreachable,
}

/// What a session does when the store of its [`TokenCache`] cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenUnreachable {
    /// It logs in by itself, as if there were no store.
    #[default]
    LogIn,
    /// Its requests fail with [`AuthError::is_unavailable`].
    Fail,
}

impl TokenCache {
    /// Encrypts what is in the store (XChaCha20-Poly1305). Who can read the store learns nothing,
    /// and who can write to it can make the processes log in again, no more.
    pub fn encrypted(store: impl TokenStore, key: Key) -> Self {
        Self::new(store, Some(key))
    }

    /// Keeps tokens in the store as they are: whoever can read the store can use them, and whoever
    /// can write to it can replace them by others. That fits a file which only this user may read.
    pub fn plain_text(store: impl TokenStore) -> Self {
        Self::new(store, None)
    }

    /// Adds a key that records are read with, but not written. There may be several.
    ///
    /// A key is replaced in two steps, and nobody logs in for it: first all processes are given the
    /// new key here, then all of them write with it and are given the old one here. The old one can
    /// go when no token of its time is left.
    #[must_use]
    pub fn also_reads(mut self, old: Key) -> Self {
        self.seal.also_reads(old);
        self
    }

    /// Sets which account the tokens are of. All sessions of one account share one token.
    /// Defaults to what the source says; the built-in logins say it, a closure does not.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Sets apart what must not meet in one store, such as staging and production. Defaults to
    /// none.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets how long a process that logs in keeps the others from it without a sign of life. It
    /// gives that sign every third of the time. Defaults to 10 seconds, and is at least 1 second.
    ///
    /// When a process dies during its login, the others wait so long (with
    /// [`File`](crate::store::File) they do not).
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(SHORTEST_LEASE);
        self
    }

    /// Sets how long each operation of the store may take. Defaults to 1 second.
    #[must_use]
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// Sets what happens when the store cannot be reached. Defaults to
    /// [`WhenUnreachable::LogIn`].
    #[must_use]
    pub fn when_unreachable(mut self, when_unreachable: WhenUnreachable) -> Self {
        self.when_unreachable = when_unreachable;
        self
    }

    /// The record of an account: the one that was set here, else the one that the source told.
    /// Latches are told by its credential.
    pub(crate) fn record_of(
        &self,
        account: Option<&str>,
        credential: &[u8],
    ) -> Result<SharedRecord, AuthError> {
        let account = self.account.as_deref().or(account).ok_or_else(|| {
            AuthError::misconfigured(
                "the token cache does not know which account this source logs in: call \
                 `TokenCache::account`",
            )
        })?;
        Ok(SharedRecord::new(
            self.store.clone(),
            record_name(&self.namespace, account),
            self.seal.clone(),
            credential,
            self.store_timeout,
        ))
    }

    pub(crate) fn lease_ttl(&self) -> Duration {
        self.lease
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.store_timeout
    }

    pub(crate) fn fails_when_unreachable(&self) -> bool {
        self.when_unreachable == WhenUnreachable::Fail
    }

    fn new(store: impl TokenStore, key: Option<Key>) -> Self {
        Self {
            store: Arc::new(store),
            seal: Seal::new(key),
            account: None,
            namespace: String::new(),
            lease: Duration::from_secs(10),
            store_timeout: Duration::from_secs(1),
            when_unreachable: WhenUnreachable::default(),
        }
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("keys", &self.seal.keys().collect::<Vec<_>>())
            .field("account", &self.account)
            .field("namespace", &self.namespace)
            .field("lease", &self.lease)
            .field("store_timeout", &self.store_timeout)
            .field("when_unreachable", &self.when_unreachable)
            .finish_non_exhaustive()
    }
}
