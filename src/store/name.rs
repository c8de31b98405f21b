//! The name of a record.

use sha2::{Digest, Sha256};

use crate::store::hex::hex;

/// A hash: it fits every store, and does not reveal whose token it is.
pub(super) fn record_name(namespace: &str, account: &str) -> String {
    // With the length no two pairs are the same text.
    let length = (namespace.len() as u64).to_le_bytes();
    let hash = Sha256::new().chain_update(length).chain_update(namespace);
    hex(&hash.chain_update(account).finalize())
}
