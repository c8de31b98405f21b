//! The public types of stores, with secrets in them.

use std::time::Duration;

use tower_bearer::store::{
    File, Key, Owner, StoreError, Stored, TokenCache, TokenStore, Version, WhenUnreachable,
};
use tower_bearer::testing::{Memory, StoreOperation, StoreTrouble, check_store};

use crate::texts::{Secrets, Texts};

const SECRET: &str = "st0r3ds3cr3t";

/// What a key's bytes look like, printed as such or as digits.
const KEY: [u8; 32] = [0xa7; 32];

pub(crate) async fn all(texts: &mut Texts, secrets: &mut Secrets) {
    secrets.add(SECRET);
    secrets.add("a7a7a7a7");
    let key = Key::new(KEY);
    texts.debug("Key", &key);
    let digits = format!("{SECRET}{}", "a7".repeat(32));
    texts.error("InvalidKey", &Key::from_hex(&digits).unwrap_err());

    let memory = Memory::new();
    let keep_for = Duration::from_secs(60);
    let set = memory.compare_and_set("name", None, SECRET.as_bytes(), keep_for);
    let version = set.await.unwrap().unwrap();
    texts.debug("Version", &version);
    texts.debug("Version", &Version::new(SECRET));
    let stored = Stored::new(SECRET, Version::new(SECRET));
    texts.debug("Stored", &stored);
    texts.debug("Stored", &memory.load("name").await.unwrap());
    texts.debug("Owner", &Owner::new());
    texts.debug("Memory", &memory);
    texts.debug("StoreCounts", &memory.counts());
    texts.debug("StoreOperation", &StoreOperation::Set);
    texts.debug("StoreTrouble", &StoreTrouble::Refuse);
    memory.script(StoreOperation::Set, StoreTrouble::Refuse);
    let set = memory.compare_and_set("name", Some(&version), SECRET.as_bytes(), keep_for);
    texts.error("StoreError", &set.await.unwrap_err());
    texts.error("StoreError", &StoreError::timed_out(keep_for));
    memory.script(StoreOperation::Set, StoreTrouble::Lose);
    let broken = check_store(memory.clone()).await.unwrap_err();
    texts.error("BrokenStore", &broken);
    for fault in broken.faults() {
        texts.display("StoreFault", fault);
    }

    texts.debug("File", &File::in_dir("/tmp/none"));
    let cache = TokenCache::encrypted(memory, key).also_reads(Key::new(KEY));
    texts.debug("TokenCache", &cache);
    texts.debug("WhenUnreachable", &WhenUnreachable::Fail);
    #[cfg(feature = "store-redis")]
    {
        let url = format!("redis://user:{SECRET}@127.0.0.1/");
        let store = tower_bearer::store::Redis::from_url(&url).unwrap();
        texts.debug("Redis", &store);
        let url = format!("redis://user:{SECRET}@127.0.0.1:x/");
        let error = tower_bearer::store::Redis::from_url(&url).unwrap_err();
        texts.error("StoreError", &error);
    }
}
