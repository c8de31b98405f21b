//! [`TokenCache`]: how processes share their token.

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

/// How sessions of several processes share one token: through which store, and whether it is
/// encrypted there.
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

/// What happens when the store of a [`TokenCache`] cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenUnreachable {
    /// The session logs in by itself, as if there were no store.
    #[default]
    LogIn,
    /// The requests fail with [`AuthError::is_unavailable`].
    Fail,
}

impl TokenCache {
    /// Encrypts the tokens in the store (XChaCha20-Poly1305). Reading the store then reveals
    /// nothing. Writing to it forges no token, but can put an [old
    /// record](crate::docs::fleet#keys) back.
    pub fn encrypted(store: impl TokenStore, key: Key) -> Self {
        Self::new(store, Some(key))
    }

    /// Keeps the tokens in the store as plain text. Anyone who can read the store can use them, and
    /// anyone who can write to it can replace them. This is for a file that only its user can read.
    pub fn plain_text(store: impl TokenStore) -> Self {
        Self::new(store, None)
    }

    /// Adds a key that is used to read records, but not to write them. There may be several.
    ///
    /// To replace a key without a login, first add the new key here in all processes. Then let all
    /// of them write with the new key, and add the old one here. The old key can be removed when no
    /// record written with it is left.
    #[must_use]
    pub fn also_reads(mut self, old: Key) -> Self {
        self.seal.also_reads(old);
        self
    }

    /// Sets the account. All sessions of one account share one token. Defaults to the [account of
    /// the source](crate::TokenSource::account), which most built-in logins have and a closure does
    /// not.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Sets a namespace, to separate environments that use the same store, such as staging and
    /// production. Defaults to none.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets the duration of the lease, the right to log in for all processes. The process that logs
    /// in extends its lease after every third of this time. Defaults to 10 seconds, and is at least
    /// 1 second.
    ///
    /// If a process dies during its login, the others wait until its lease ends. With
    /// [`File`](crate::store::File) it ends at once.
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

    /// The record of an account: the one set here, else that of the source. Latches are kept apart
    /// by its credential.
    pub(crate) fn record_of(
        &self,
        account: Option<&str>,
        credential: &[u8],
    ) -> Result<SharedRecord, AuthError> {
        let account = self.account.as_deref().or(account).ok_or_else(|| {
            AuthError::misconfigured(
                "the account of this source is unknown: set it with `TokenCache::account`",
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
