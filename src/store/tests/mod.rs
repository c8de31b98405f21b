//! What no user of the crate can reach: the record, its seal, and what a session does with both.

#![allow(clippy::unwrap_used)]

mod cache;
mod lease;
mod record;
mod seal;
mod sign_out;

use std::time::Duration;

use crate::store::record::{Record, StoredToken};
use crate::store::shared_record::{Loaded, SharedRecord};
use crate::store::{Key, TokenCache, TokenStore};
use crate::testing::Memory;
use crate::token::Token;

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn key(byte: u8) -> Key {
    Key::new([byte; 32])
}

fn cache(store: impl TokenStore) -> TokenCache {
    TokenCache::encrypted(store, key(1))
}

/// As a process of a fleet has it.
fn process(memory: &Memory) -> SharedRecord {
    process_of(&cache(memory.clone()))
}

fn process_of(cache: &TokenCache) -> SharedRecord {
    cache.record_of(Some("alice"), b"correct horse").unwrap()
}

fn record(number: u64, token: &str) -> Record {
    let token = Token::new(token).unwrap().expires_in(3600 * SECOND);
    Record {
        number,
        token: Some(StoredToken {
            token,
            age: Duration::ZERO,
        }),
        ..Record::default()
    }
}

/// The number and the token that were loaded.
fn told(loaded: &Loaded) -> Option<(u64, &str)> {
    let record = loaded.record()?;
    let token = record.token.as_ref();
    Some((record.number, token.map_or("", |it| it.token.expose())))
}

/// Writes what a login brought, as one who knows what is there.
async fn write(process: &SharedRecord, record: &Record) {
    let loaded = process.load().await.unwrap();
    assert!(process.write(&loaded, record).await.unwrap());
}
