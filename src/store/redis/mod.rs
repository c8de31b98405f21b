//! [`Redis`]: a store for several machines.

mod problem;
mod scripts;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, RedisResult, ScriptInvocation};

use crate::store::error::StoreError;
use crate::store::redis::problem::{LIMIT, store_error};
use crate::store::redis::scripts::Scripts;
use crate::store::stored::{Owner, Stored, Version};
use crate::store::token_store::TokenStore;

/// A [`TokenStore`] in Redis 5 or newer, or in Valkey, for the processes of several machines.
///
/// A record is a hash with a time to live. Its age is measured by the server's clock, and atomic
/// steps are scripts. The store connects at its first use, with version 1 of the crate
/// [`redis`](https://docs.rs/redis/1), and waits at most 500 ms for a connection or an answer. If a
/// connection broke, a load is retried once. Redis Cluster is not supported.
///
/// `rediss` URLs need a feature of that crate, such as `tokio-rustls-comp`, which you enable in
/// your own `Cargo.toml`.
///
/// After a failover, the new server may lack the last write. A lost lease or record costs a login.
/// With single-use refresh tokens it may cost the grant: the new server then has the previous
/// refresh token, and an authorization server that detects reuse revokes them all.
///
/// ```no_run
/// use tower_bearer::store::{Key, Redis, TokenCache};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Redis::from_url("redis://127.0.0.1/")?;
/// let cache = TokenCache::encrypted(store, Key::from_hex(&std::env::var("TOKEN_KEY")?)?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Redis {
    connection: Arc<Connection>,
    scripts: Arc<Scripts>,
    prefix: String,
}

/// Made when it is first needed, since that needs a runtime.
struct Connection {
    client: Option<Client>,
    manager: OnceLock<ConnectionManager>,
}

impl Redis {
    /// Creates a store on a server, such as `redis://:password@redis.example.com:6379/0`. It does
    /// not connect yet.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is not valid, or needs a feature of the crate `redis` that is
    /// not enabled.
    pub fn from_url(url: &str) -> Result<Self, StoreError> {
        // Its error could show a part of the URL, and so of the password.
        let client = Client::open(url)
            .map_err(|_| StoreError::refused("this is not a valid Redis URL, or it needs TLS"))?;
        Ok(Self::new(Some(client), OnceLock::new()))
    }

    /// Creates a store with your own connection and its time limits. The default limits of the
    /// crate `redis` are longer than those of this store.
    pub fn from_connection_manager(manager: ConnectionManager) -> Self {
        Self::new(None, OnceLock::from(manager))
    }

    /// Sets the prefix of all keys. Defaults to `tower-bearer:`.
    #[must_use]
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn new(client: Option<Client>, manager: OnceLock<ConnectionManager>) -> Self {
        Self {
            connection: Arc::new(Connection { client, manager }),
            scripts: Arc::new(Scripts::new()),
            prefix: "tower-bearer:".to_owned(),
        }
    }

    fn record(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn lease(&self, name: &str) -> String {
        format!("{}{name}:lease", self.prefix)
    }

    async fn once<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let mut manager = self.connection.manager()?;
        let result: RedisResult<T> = script.invoke_async(&mut manager).await;
        result.map_err(|error| store_error(&error))
    }

    /// For what does no harm if it is done twice.
    async fn repeated<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let mut manager = self.connection.manager()?;
        let mut result: RedisResult<T> = script.invoke_async(&mut manager).await;
        // The manager reconnects after it has returned this error.
        if result
            .as_ref()
            .is_err_and(|error| error.is_connection_dropped())
        {
            result = script.invoke_async(&mut manager).await;
        }
        result.map_err(|error| store_error(&error))
    }
}

impl Connection {
    fn manager(&self) -> Result<ConnectionManager, StoreError> {
        if let Some(manager) = self.manager.get() {
            return Ok(manager.clone());
        }
        let Some(client) = &self.client else {
            return Err(StoreError::refused("there is no connection"));
        };
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(StoreError::refused("Redis needs a tokio runtime"));
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT))
            // The next operation is the next try.
            .set_number_of_retries(0);
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config);
        let manager = manager.map_err(|error| store_error(&error))?;
        Ok(self.manager.get_or_init(|| manager).clone())
    }
}

impl TokenStore for Redis {
    async fn load(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        let mut script = self.scripts.load.prepare_invoke();
        script.key(self.record(name));
        let found: Option<(Vec<u8>, Vec<u8>, u64)> = self.repeated(&script).await?;
        Ok(found.map(|(record, version, age)| {
            Stored::new(record, Version::new(version)).age(Duration::from_millis(age))
        }))
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
        keep_for: Duration,
    ) -> Result<Option<Version>, StoreError> {
        let version = Owner::new();
        let mut script = self.scripts.set.prepare_invoke();
        script
            .key(self.record(name))
            .arg(expected.map_or(&b""[..], Version::as_bytes))
            .arg(record)
            .arg(version.as_str())
            .arg(ms(keep_for));
        let is_set: bool = self.once(&script).await?;
        Ok(is_set.then(|| Version::new(version.as_str())))
    }

    async fn remove(&self, name: &str, expected: &Version) -> Result<bool, StoreError> {
        let mut script = self.scripts.remove.prepare_invoke();
        script.key(self.record(name)).arg(expected.as_bytes());
        self.once(&script).await
    }

    async fn lease(&self, name: &str, owner: &Owner, ttl: Duration) -> Result<bool, StoreError> {
        let mut script = self.scripts.lease.prepare_invoke();
        script
            .key(self.lease(name))
            .arg(owner.as_str())
            .arg(ms(ttl));
        self.repeated(&script).await
    }

    async fn release(&self, name: &str, owner: &Owner) -> Result<(), StoreError> {
        let mut script = self.scripts.release.prepare_invoke();
        script.key(self.lease(name)).arg(owner.as_str());
        let _is_released: bool = self.repeated(&script).await?;
        Ok(())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The connection's would show where it leads.
        f.debug_struct("Redis")
            .field("key_prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// As Redis takes it: a time to live of nothing would be an error.
fn ms(duration: Duration) -> u64 {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    // What it can add to the time of now.
    ms.clamp(1, 1 << 52)
}
