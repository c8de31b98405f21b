//! Which credential a latch is for: a hash that distinguishes credentials and reveals none.

use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::store::key::Key;
use crate::store::record::Tag;

/// A hundredth of a second, and most of a second in a build for debugging. More would help little:
/// only credentials that the server rejects ever get a tag into a record, and whoever reads a plain
/// record has the token.
const ROUNDS: u32 = 50_000;

/// With a key nobody can try passwords.
pub(super) fn keyed(key: &Key, name: &str, credential: &[u8]) -> Tag {
    key.tag(&[name.as_bytes(), credential])
}

/// Without one, a password can be guessed by who reads the record, at a price. No two accounts have
/// the same salt.
pub(super) fn slow(name: &str, credential: &[u8]) -> Tag {
    let mut tag = Zeroizing::new([0; 32]);
    pbkdf2_hmac::<Sha256>(credential, name.as_bytes(), ROUNDS, &mut *tag);
    tag
}
