//! The outside of a record: what it is, whether it is whole, and its encryption.
//!
//! ```text
//! magic 4 │ version 1 │ algorithm 1 │ contents                              │ checksum 8
//!                       0: plain    │ JSON
//!                       1: XChaCha20-Poly1305 │ key id 8 │ nonce 24 │ JSON, encrypted
//! ```
//!
//! The checksum covers the record's name and all before it. It is no protection against a forger.
//! It tells a record that is damaged, which is overwritten, from one of a newer version or of
//! another key, which is left alone. Magic, version and checksum stay where they are in every
//! version to come.

use chacha20poly1305::aead::{Aead, Payload};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::store::error::StoreError;
use crate::store::key::{ID_BYTES, Key};

const MAGIC: &[u8; 4] = b"TBrc";
const VERSION: u8 = 1;
const PLAIN: u8 = 0;
const ENCRYPTED: u8 = 1;
const NONCE_BYTES: usize = 24;
const CHECKSUM_BYTES: usize = 8;

/// The largest record that is written or read.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// The keys of a cache.
#[derive(Clone, Debug)]
pub(super) struct Seal {
    /// `None`: it writes plain text.
    writes_with: Option<Key>,
    /// Those before it, which are only read.
    also_reads: Vec<Key>,
}

/// What a record turns out to be.
#[derive(Debug)]
pub(super) enum Opened {
    /// JSON, as far as the seal can say.
    Contents(Zeroizing<Vec<u8>>),
    /// It was damaged, forged or copied here: as if there were none.
    Garbage,
    /// It has a newer format, or another key. It is not to be overwritten.
    Foreign,
}

impl Seal {
    pub(super) fn new(writes_with: Option<Key>) -> Self {
        Self {
            writes_with,
            also_reads: Vec::new(),
        }
    }

    pub(super) fn also_reads(&mut self, key: Key) {
        self.also_reads.push(key);
    }

    /// The key that it writes with comes first.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.writes_with.iter().chain(&self.also_reads)
    }

    pub(super) fn is_plain(&self) -> bool {
        self.writes_with.is_none()
    }

    pub(super) fn close(&self, name: &str, contents: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut record = MAGIC.to_vec();
        record.push(VERSION);
        match &self.writes_with {
            None => {
                record.push(PLAIN);
                record.extend_from_slice(contents);
            }
            Some(key) => {
                record.push(ENCRYPTED);
                record.extend_from_slice(key.id_bytes());
                let mut nonce = [0; NONCE_BYTES];
                getrandom::fill(&mut nonce).map_err(|_| no_randomness())?;
                let associated = associated(name, &record);
                let payload = Payload {
                    msg: contents,
                    aad: &associated,
                };
                let encrypted = key.cipher().encrypt(&nonce.into(), payload);
                // It only fails for messages of many gigabytes.
                let encrypted = encrypted.map_err(|_| too_large())?;
                record.extend_from_slice(&nonce);
                record.extend_from_slice(&encrypted);
            }
        }
        let checksum = checksum(name, &record);
        record.extend_from_slice(&checksum);
        if record.len() > MAX_BYTES {
            return Err(too_large());
        }
        Ok(record)
    }

    pub(super) fn open(&self, name: &str, record: &[u8]) -> Opened {
        let parts = record.split_last_chunk::<CHECKSUM_BYTES>();
        let Some((covered, told)) = parts.filter(|_| record.len() <= MAX_BYTES) else {
            return Opened::Garbage;
        };
        if *told != checksum(name, covered) {
            return Opened::Garbage;
        }
        let Some(rest) = covered.strip_prefix(MAGIC) else {
            return Opened::Garbage;
        };
        match rest {
            [VERSION, PLAIN, contents @ ..] if self.is_plain() => {
                Opened::Contents(Zeroizing::new(contents.to_vec()))
            }
            // Anyone could have written it.
            [VERSION, PLAIN, ..] | [0, ..] | [] => Opened::Garbage,
            [VERSION, ENCRYPTED, encrypted @ ..] => self.decrypt(name, covered, encrypted),
            _ => Opened::Foreign,
        }
    }

    fn decrypt(&self, name: &str, covered: &[u8], encrypted: &[u8]) -> Opened {
        let parts = encrypted.split_first_chunk::<ID_BYTES>();
        let Some((id, encrypted)) = parts else {
            return Opened::Garbage;
        };
        let Some(key) = self.keys().find(|key| key.id_bytes() == id) else {
            return Opened::Foreign;
        };
        let Some((nonce, encrypted)) = encrypted.split_first_chunk::<NONCE_BYTES>() else {
            return Opened::Garbage;
        };
        let before_nonce = covered.len() - NONCE_BYTES - encrypted.len();
        let associated = associated(name, &covered[..before_nonce]);
        let payload = Payload {
            msg: encrypted,
            aad: &associated,
        };
        match key.cipher().decrypt(nonce.into(), payload) {
            Ok(contents) => Opened::Contents(Zeroizing::new(contents)),
            Err(_) => Opened::Garbage,
        }
    }
}

/// What a record is bound to: its name, and its own head. No name has a byte of zero.
fn associated(name: &str, head: &[u8]) -> Vec<u8> {
    [name.as_bytes(), &[0], head].concat()
}

fn checksum(name: &str, covered: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = Sha256::new().chain_update(name).chain_update([0]);
    let hash = hash.chain_update(covered).finalize();
    let mut checksum = [0; CHECKSUM_BYTES];
    checksum.copy_from_slice(&hash[..CHECKSUM_BYTES]);
    checksum
}

fn no_randomness() -> StoreError {
    StoreError::unavailable("the operating system returned no random bytes")
}

fn too_large() -> StoreError {
    StoreError::refused(format!("the record is larger than {MAX_BYTES} bytes"))
}
