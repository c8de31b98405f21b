//! One login for several processes, which share its token through a store.
//!
//! Without a store each process logs in for itself: each pod of a service, and each run of a
//! command-line tool. With a store the processes share a token and renew it once for all of them, a
//! wrong password is tried once, and a single-use refresh token is used once.
//!
//! # Which store
//!
//! | store | for | if a process dies, its lease ends |
//! |---|---|---|
//! | [`File`] | processes of one user on one machine, and a tool's next run | at once |
//! | `Redis`, with the feature `store-redis` | processes of several machines | after the [lease's time](TokenCache::lease) |
//! | [your own](#a-store-of-your-own) | an existing database | after the lease's time |
//!
//! # What is stored
//!
//! There is one record for each account. It contains the token, its refresh token and its lifetime,
//! which process wrote it, and why the last logins failed, for up to eight credentials. It never
//! contains a password, but a hash of each of those credentials. Its name is a hash that does not
//! reveal the account. [`TokenCache::encrypted`] encrypts the record, and nobody without the key
//! can guess a password by such a hash. [`TokenCache::plain_text`] does not encrypt it, and the
//! hash is only a slow one. There is no default: a file that only its user can read may not need
//! encryption, a shared database does.
//!
//! # Keys
//!
//! A [`Key`] has 32 random bytes, for example from `openssl rand -hex 32`. Keep it with the
//! password. To replace it without a login, first let all processes [read](TokenCache::also_reads)
//! with the new key, then let all write with it.
//!
//! # A store of your own
//!
//! Any database with a compare-and-set can be a [`TokenStore`], with two functions. This is the
//! complete store for PostgreSQL:
//!
//! ```sql
//! CREATE TABLE token_records (
//!     name text PRIMARY KEY,
//!     record bytea NOT NULL,
//!     written timestamptz NOT NULL
//! );
//! ```
//!
//! ```
//! # mod tokio_postgres {
//! #     pub type Error = std::io::Error;
//! #     pub struct Client;
//! #     pub struct Row;
//! #     impl Client {
//! #         pub async fn query_opt(&self, _: &str, _: &[&(dyn Sync)]) -> Result<Option<Row>, Error> { Ok(None) }
//! #         pub async fn execute(&self, _: &str, _: &[&(dyn Sync)]) -> Result<u64, Error> { Ok(1) }
//! #     }
//! #     impl Row { pub fn get<T: Default>(&self, _: usize) -> T { T::default() } }
//! # }
//! use std::time::Duration;
//!
//! use tower_bearer::store::{StoreError, Stored, TokenStore, Version};
//!
//! struct Postgres(tokio_postgres::Client);
//!
//! const LOAD: &str = "SELECT record, extract(epoch FROM clock_timestamp() - written)::float8
//!     FROM token_records WHERE name = $1";
//! const FIRST: &str = "INSERT INTO token_records VALUES ($1, $2, clock_timestamp())
//!     ON CONFLICT DO NOTHING";
//! const NEXT: &str = "UPDATE token_records SET record = $2, written = clock_timestamp()
//!     WHERE name = $1 AND sha256(record) = $3";
//!
//! impl TokenStore for Postgres {
//!     async fn load(&self, name: &str) -> Result<Option<Stored>, StoreError> {
//!         let row = self.0.query_opt(LOAD, &[&name]).await;
//!         Ok(row.map_err(StoreError::unavailable)?.map(|row| {
//!             let record: Vec<u8> = row.get(0);
//!             let age = Duration::try_from_secs_f64(row.get(1)).unwrap_or_default();
//!             let version = Version::of(&record);
//!             Stored::new(record, version).age(age)
//!         }))
//!     }
//!
//!     async fn compare_and_set(
//!         &self,
//!         name: &str,
//!         expected: Option<&Version>,
//!         record: &[u8],
//!         _keep_for: Duration, // for a job that deletes old records
//!     ) -> Result<Option<Version>, StoreError> {
//!         let rows = match expected {
//!             None => self.0.execute(FIRST, &[&name, &record]).await,
//!             Some(version) => self.0.execute(NEXT, &[&name, &record, &version.as_bytes()]).await,
//!         };
//!         let is_set = rows.map_err(StoreError::unavailable)? == 1;
//!         Ok(is_set.then(|| Version::of(record)))
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), StoreError> {
//! # let store = Postgres(tokio_postgres::Client);
//! # assert!(store.load("name").await?.is_none());
//! # assert!(store.compare_and_set("name", None, b"", Duration::ZERO).await?.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `testing`, `tower_bearer::testing::check_store` checks such a store, and
//! `tower_bearer::testing::Memory` is a store for tests that fails on demand.

pub(crate) mod cache;
mod clock;
pub(crate) mod error;
mod file;
mod hex;
mod key;
pub(crate) mod lease;
mod lease_record;
mod mirror;
mod name;
pub(crate) mod record;
#[cfg(feature = "store-redis")]
mod redis;
mod seal;
pub(crate) mod shared_record;
mod stored;
mod tag;
#[cfg(test)]
mod tests;
mod token_store;

#[cfg(feature = "store-redis")]
pub use self::redis::Redis;
pub use cache::{TokenCache, WhenUnreachable};
pub use error::StoreError;
pub use file::File;
pub use key::{InvalidKey, Key};
pub use stored::{Owner, Stored, Version};
pub use token_store::TokenStore;
