//! What no user of the crate can reach: the record, its seal, and what a session does with both.

#![allow(clippy::unwrap_used)]

mod record;
mod seal;

use crate::store::Key;

pub(super) fn key(byte: u8) -> Key {
    Key::new([byte; 32])
}
