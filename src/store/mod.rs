//! One login for several processes: they share its token through a store.

mod cache;
mod clock;
mod error;
mod file;
mod hex;
mod key;
mod lease;
mod lease_record;
mod mirror;
mod name;
mod record;
#[cfg(feature = "store-redis")]
mod redis;
mod seal;
mod shared_record;
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
