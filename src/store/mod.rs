//! One login for several processes: they share its token through a store.
//!
//! Without a store each process logs in for itself: the pods of a service, or the runs of a
//! command-line tool one after another. With one they share a token and renew it once for all, a
//! wrong password is tried once for all, and a refresh token that is good once is used once.
//!
//! # Which store
//!
//! | store | for | the lease of a process that dies ends |
//! |---|---|---|
//! | [`File`] | processes of one user on one machine, and a tool's next run | at once |
//! | `Redis`, with the feature `store-redis` | processes of several machines | after the [lease's time](TokenCache::lease) |
//! | [your own](#a-store-of-your-own) | where there is a database already | after the lease's time |
//!
//! # What is stored
//!
//! One record for each account: the token with its refresh token and its lifetime, and what the
//! login answered last if it rejected the credentials. It never holds a password. Its name is a
//! hash that does not tell the account. [`TokenCache::encrypted`] encrypts the record, so that
//! whoever can read the store learns nothing from it, and whoever can write to it can at most cause
//! another login. [`TokenCache::plain_text`] does not. There is no default: a file that only its
//! user can read may go without, a database that others use should not.
//!
//! # Keys
//!
//! A [`Key`] has 32 random bytes, as `openssl rand -hex 32` makes them. Keep it where the password
//! is kept. To replace it without a login, first give the new one to all processes to
//! [read with](TokenCache::also_reads), then to all to write with.
//!
//! # A store of your own
//!
//! Any database with a compare-and-set becomes a [`TokenStore`] by two functions. This is all of it
//! for PostgreSQL:
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
//! `tower_bearer::testing::Memory` is one for tests that fails on demand.

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
