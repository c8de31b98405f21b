use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::{SECOND, cache, key, process, process_of, record, told, write};
use crate::store::shared_record::Found;
use crate::store::{TokenCache, WhenUnreachable};
use crate::testing::{Memory, StoreOperation, StoreTrouble};

/// F13: what one process writes, the other finds, with its age.
#[tokio::test(start_paused = true)]
async fn a_token_is_shared() {
    let memory = Memory::new();
    let (one, other) = (process(&memory), process(&memory));
    let nothing = one.load().await.unwrap();
    assert!(matches!(nothing.found, Found::Nothing));
    assert!(one.write(&nothing, &record(7, "shared")).await.unwrap());

    tokio::time::sleep(10 * SECOND).await;
    let loaded = other.load().await.unwrap();
    assert_eq!(told(&loaded), Some((7, "shared")));
    assert_eq!(loaded.next_number(None), 8);
    let Found::Record { record, age } = loaded.found else {
        panic!();
    };
    assert_eq!(age, 10 * SECOND);
    assert_eq!(record.token.unwrap().age, 10 * SECOND);
}

/// F4: who knows an older record overwrites nothing.
#[tokio::test(start_paused = true)]
async fn a_late_write_is_none() {
    let memory = Memory::new();
    let (one, other) = (process(&memory), process(&memory));
    let before = one.load().await.unwrap();
    write(&other, &record(1, "first")).await;
    assert!(!one.write(&before, &record(1, "late")).await.unwrap());
    let first = one.load().await.unwrap();
    write(&other, &record(2, "second")).await;
    assert!(!one.write(&first, &record(2, "late")).await.unwrap());
    let loaded = one.load().await.unwrap();
    assert_eq!(told(&loaded), Some((2, "second")));
}

/// F17: garbage is told, and overwritten: a record that was cut, is random or of another account,
/// and one in plain text.
#[tokio::test(start_paused = true)]
async fn garbage_is_overwritten() {
    let memory = Memory::new();
    let process = process(&memory);
    let name = name_of(&memory, &process).await;

    let others = Memory::new();
    let cache = cache(others.clone()).account("bob");
    let bobs = record_in(&others, &cache).await;
    let plain = Memory::new();
    let plain = record_in(&plain.clone(), &TokenCache::plain_text(plain)).await;
    let cut = memory.record(&name).unwrap();
    let cut = cut[..cut.len() / 2].to_vec();
    for garbage in [bobs, plain, cut, vec![0; 100], vec![0; 100_000]] {
        memory.put(&name, &garbage);
        let loaded = process.load().await.unwrap();
        assert!(matches!(loaded.found, Found::Garbage));
        assert!(process.write(&loaded, &record(3, "whole")).await.unwrap());
        let loaded = process.load().await.unwrap();
        assert_eq!(told(&loaded), Some((3, "whole")));
    }

    memory.script(StoreOperation::Set, StoreTrouble::Torn);
    write(&process, &record(4, "torn")).await;
    let loaded = process.load().await.unwrap();
    assert!(matches!(loaded.found, Found::Garbage));
    // What was removed by a store that has no removal.
    memory.put(&name, b"");
    let loaded = process.load().await.unwrap();
    assert!(matches!(loaded.found, Found::Nothing));
    assert!(process.write(&loaded, &record(5, "new")).await.unwrap());
}

/// F17: a record of a key that is not known stays as it is, whatever a process tries.
#[tokio::test(start_paused = true)]
async fn a_foreign_record_is_left_alone() {
    let memory = Memory::new();
    let other = process_of(&TokenCache::encrypted(memory.clone(), key(2)));
    write(&other, &record(1, "theirs")).await;
    let before = memory.record(&memory.names()[0]);

    let process = process(&memory);
    let loaded = process.load().await.unwrap();
    assert!(matches!(loaded.found, Found::Foreign));
    assert!(!process.write(&loaded, &record(2, "mine")).await.unwrap());
    process.sign_out(Instant::now(), SECOND).await.unwrap();
    assert_eq!(memory.record(&memory.names()[0]), before);
}

/// F22: while the key rotates all processes share one token, whichever key each of them writes
/// with.
#[tokio::test(start_paused = true)]
async fn a_rotated_key_parts_no_fleet() {
    let memory = Memory::new();
    let with = |new, old| {
        let cache = TokenCache::encrypted(memory.clone(), key(new));
        process_of(&cache.also_reads(key(old)))
    };
    let (before, after) = (with(1, 2), with(2, 1));
    write(&before, &record(1, "old-key")).await;
    assert_eq!(told(&after.load().await.unwrap()), Some((1, "old-key")));
    write(&after, &record(2, "new-key")).await;
    assert_eq!(told(&before.load().await.unwrap()), Some((2, "new-key")));
    assert_eq!(memory.names().len(), 1);
}

/// F19: accounts and namespaces never meet, however they are written.
#[tokio::test(start_paused = true)]
async fn accounts_and_namespaces_never_meet() {
    let memory = Memory::new();
    for (namespace, account) in [("", "ab"), ("a", "b"), ("ab", ""), ("", "b"), ("b", "")] {
        let cache = cache(memory.clone()).namespace(namespace);
        let process = cache.record_of(Some(account), b"").unwrap();
        let loaded = process.load().await.unwrap();
        assert!(matches!(loaded.found, Found::Nothing));
        assert!(
            process
                .write(&loaded, &record(1, account_token(account)))
                .await
                .unwrap()
        );
    }
    let names: HashSet<_> = memory.names().into_iter().collect();
    assert_eq!(names.len(), 5);
    // Nor does a name show anything.
    assert!(
        names
            .iter()
            .all(|name| name.len() == 64 && !name.contains("ab-"))
    );
    assert!(
        names
            .iter()
            .all(|name| name.bytes().all(|byte| byte.is_ascii_hexdigit()))
    );
}

/// F19: the account that is set goes before the one that the source tells, and there has to be one.
#[tokio::test(start_paused = true)]
async fn an_account_has_to_be_known() {
    let memory = Memory::new();
    let cache = cache(memory.clone());
    let Err(error) = cache.record_of(None, b"") else {
        panic!("no account is one");
    };
    assert!(error.is_misconfigured());
    assert!(error.to_string().contains("TokenCache::account"), "{error}");
    write(&process(&memory), &record(1, "shared")).await;
    for told_by_source in [None, Some("bob")] {
        let cache = cache.clone().account("alice");
        let process = cache.record_of(told_by_source, b"").unwrap();
        let loaded = process.load().await.unwrap();
        assert_eq!(told(&loaded), Some((1, "shared")));
    }
}

/// F16: a store that does not answer costs its time limit, in each operation.
#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_costs_its_time_limit() {
    let memory = Memory::new();
    let cache = cache(memory.clone()).store_timeout(SECOND / 2);
    let process = process_of(&cache);
    let loaded = process.load().await.unwrap();
    let began = tokio::time::Instant::now();
    for operation in [
        StoreOperation::Load,
        StoreOperation::Set,
        StoreOperation::Lease,
    ] {
        memory.script(operation, StoreTrouble::Hang);
    }
    assert!(process.load().await.unwrap_err().is_timeout());
    let write = process.write(&loaded, &record(1, "x")).await;
    let error = write.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "token store timed out after 500ms");
    let Err(error) = process.lease(SECOND).await else {
        panic!("it hangs");
    };
    assert!(error.is_timeout());
    assert_eq!(began.elapsed(), 3 * (SECOND / 2));

    memory.set_down(true);
    assert!(process.load().await.unwrap_err().is_unavailable());
}

/// F8, F22: a credential has a tag for each key, of which others know one; another credential, and
/// the same one of another account, have others.
#[tokio::test(start_paused = true)]
async fn tags_tell_credentials_apart() {
    let memory = Memory::new();
    let (old, new) = (cache(memory.clone()), TokenCache::encrypted(memory, key(2)));
    let rotated = new.clone().also_reads(key(1));
    let one = process_of(&old).tags().await.to_vec();
    let two = process_of(&rotated).tags().await.to_vec();
    assert_eq!((one.len(), two.len()), (1, 2));
    assert_eq!(one[0], two[1]);
    assert_ne!(one[0], two[0]);
    for (account, credential) in [("alice", &b"wrong horse"[..]), ("bob", b"correct horse")] {
        let other = old.record_of(Some(account), credential).unwrap();
        assert_ne!(other.tags().await, one);
    }
}

/// F8, F23: without a key a tag is a slow hash, so that a password is not found by trying.
#[tokio::test]
async fn a_tag_without_a_key_is_slow() {
    let cache = TokenCache::plain_text(Memory::new());
    let process = process_of(&cache);
    let began = std::time::Instant::now();
    let tag = process.tags().await.to_vec();
    // A fast hash takes a millionth of a second.
    assert!(began.elapsed() > Duration::from_millis(2));
    assert_eq!(tag, *process_of(&cache).tags().await);
    let other = cache.record_of(Some("alice"), b"wrong horse").unwrap();
    assert_ne!(tag, *other.tags().await);
}

/// F23: a cache shows the ids of its keys, and nothing of them.
#[test]
fn a_cache_shows_no_key() {
    let cache = cache(Memory::new()).also_reads(key(2)).account("alice");
    let cache = cache
        .lease(Duration::ZERO)
        .when_unreachable(WhenUnreachable::Fail);
    assert_eq!(cache.lease_ttl(), SECOND);
    assert!(cache.fails_when_unreachable());
    let shown = format!("{cache:?}");
    assert!(shown.contains(&key(1).id()) && shown.contains(&key(2).id()));
    assert!(!shown.contains("1, 1"), "{shown}");
}

fn account_token(account: &str) -> &str {
    if account.is_empty() {
        "nobody"
    } else {
        account
    }
}

async fn name_of(memory: &Memory, process: &crate::store::shared_record::SharedRecord) -> String {
    write(process, &record(1, "first")).await;
    memory.names().remove(0)
}

/// The bytes of a record that this cache writes.
async fn record_in(memory: &Memory, cache: &TokenCache) -> Vec<u8> {
    write(&process_of(cache), &record(1, "another")).await;
    memory.record(&memory.names()[0]).unwrap()
}
