//! One login for several processes: they share its token through a store.

mod clock;
mod error;
mod file;
mod hex;
mod key;
mod lease_record;
mod mirror;
mod record;
mod seal;
mod stored;
#[cfg(test)]
mod tests;
mod token_store;

pub use error::StoreError;
pub use file::File;
pub use key::{InvalidKey, Key};
pub use stored::{Owner, Stored, Version};
pub use token_store::TokenStore;
