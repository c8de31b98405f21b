//! [`Key`]: encrypts records.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::store::hex::{hex, unhex};

/// How many bytes tell keys apart. The id is public: it is in each record.
pub(super) const ID_BYTES: usize = 8;

/// The key of an encrypted [`TokenCache`](crate::store::TokenCache): 32 random bytes, the same in
/// all processes that share a token.
///
/// It is wiped from memory when the last clone is dropped, and `Debug` only shows its id. Keep it
/// with the password and away from the store: the store and the key together reveal the token.
///
/// ```
/// use tower_bearer::store::Key;
///
/// # let from_the_environment = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// // As `openssl rand -hex 32` makes one.
/// let key = Key::from_hex(from_the_environment)?;
/// assert!(!format!("{key:?}").contains("ccddeeff"));
/// # Ok::<(), tower_bearer::store::InvalidKey>(())
/// ```
#[derive(Clone)]
pub struct Key {
    keys: Arc<Keys>,
}

/// The error for a text that is not a [`Key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidKey(());

/// One for each use: what one of them gives away says nothing of the others.
struct Keys {
    cipher: Zeroizing<[u8; 32]>,
    tag: Zeroizing<[u8; 32]>,
    id: [u8; ID_BYTES],
}

impl Key {
    /// Creates a key from 32 bytes, which must be random. A password is not a key.
    ///
    /// The array is copied. Wipe yours if it outlives the call.
    pub fn new(bytes: [u8; 32]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let derived = |purpose: &str| keyed_hash(&bytes, &[purpose.as_bytes()]);
        let id = derived("tower-bearer key id");
        let mut short = [0; ID_BYTES];
        short.copy_from_slice(&id[..ID_BYTES]);
        let keys = Keys {
            cipher: derived("tower-bearer record"),
            tag: derived("tower-bearer credential"),
            id: short,
        };
        Self {
            keys: Arc::new(keys),
        }
    }

    /// Creates a key from 64 hexadecimal digits. White space around them is trimmed.
    ///
    /// # Errors
    ///
    /// Returns an error if there are more or fewer digits, or other characters.
    pub fn from_hex(digits: &str) -> Result<Self, InvalidKey> {
        let bytes = unhex(digits.trim()).ok_or(InvalidKey(()))?;
        Ok(Self::new(bytes))
    }

    /// Returns the id of this key in records and logs: 16 hexadecimal digits that reveal nothing
    /// about the key.
    pub fn id(&self) -> String {
        hex(&self.keys.id)
    }

    pub(super) fn id_bytes(&self) -> &[u8; ID_BYTES] {
        &self.keys.id
    }

    pub(super) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.keys.cipher).into())
    }

    /// A hash of the parts that nobody can make without the key.
    pub(super) fn tag(&self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        keyed_hash(&self.keys.tag, parts)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key has 64 hexadecimal digits")
    }
}

impl Error for InvalidKey {}

/// HMAC-SHA256 over the parts, each preceded by its length: no two lists of parts are the same.
fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key);
    let mut hmac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    for part in parts {
        hmac.update(&(part.len() as u64).to_le_bytes());
        hmac.update(part);
    }
    Zeroizing::new(hmac.finalize().into_bytes().into())
}
