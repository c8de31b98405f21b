//! One login for several processes: they share its token through a store.

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
