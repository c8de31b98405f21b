use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{SECOND, process, record, told, write};
use crate::error::AuthError;
use crate::store::record::Latch;
use crate::testing::{Memory, StoreOperation, StoreTrouble};

/// F20: a sign-out leaves nothing in the store, where nobody logs in meanwhile.
#[tokio::test(start_paused = true)]
async fn a_sign_out_leaves_nothing() {
    let memory = Memory::new();
    let process = process(&memory);
    process.sign_out(Instant::now(), 60 * SECOND).await.unwrap();
    assert!(memory.names().is_empty());
    write(&process, &record(1, "token")).await;
    process.sign_out(Instant::now(), 60 * SECOND).await.unwrap();
    assert!(memory.names().is_empty());
    // And nobody has to wait for it.
    assert!(process.lease(SECOND).await.unwrap().is_some());
}

/// F20: a login that is under way elsewhere is not kept, whether there was a token before it or
/// not, and the mark goes when its time is over.
#[tokio::test(start_paused = true)]
async fn a_login_under_way_loses_its_write() {
    for before in [None, Some(record(1, "before"))] {
        let memory = Memory::new();
        let (one, other) = (process(&memory), process(&memory));
        if let Some(before) = &before {
            write(&other, before).await;
        }
        let _lease = other.lease(30 * SECOND).await.unwrap().unwrap();
        let loaded = other.load().await.unwrap();
        one.sign_out(Instant::now(), 60 * SECOND).await.unwrap();

        assert!(!other.write(&loaded, &record(2, "after")).await.unwrap());
        let mark = other.load().await.unwrap();
        assert!(mark.record().unwrap().is_signed_out);
        assert!(mark.record().unwrap().token.is_none());
        tokio::time::sleep(60 * SECOND).await;
        assert!(memory.names().is_empty());
    }
}

/// F8, F20: a sign-out does not end a latch, and keeps it as long as it lasts.
#[tokio::test(start_paused = true)]
async fn a_sign_out_keeps_latches() {
    let memory = Memory::new();
    let process = process(&memory);
    let tags = process.tags().await;
    let mut latched = record(1, "token");
    let error = AuthError::rejected("wrong password");
    let latch = Latch::new(Zeroizing::new(*tags[0]), error, 100 * SECOND, 1);
    latched.set_latch(tags, latch);
    write(&process, &latched).await;
    tokio::time::sleep(10 * SECOND).await;
    process.sign_out(Instant::now(), 60 * SECOND).await.unwrap();

    tokio::time::sleep(89 * SECOND).await;
    let loaded = process.load().await.unwrap();
    assert_eq!(told(&loaded), Some((2, "")));
    let latch = loaded.record().unwrap().latch(tags).unwrap();
    assert_eq!(latch.rest, SECOND);
    // It is remembered for as long again.
    tokio::time::sleep(101 * SECOND).await;
    assert!(memory.names().is_empty());
}

/// F20: what was written before a sign-out goes, however long the store takes to answer, and what
/// was written after it stays.
#[tokio::test(start_paused = true)]
async fn a_sign_out_knows_what_was_there() {
    for (written_after, stays) in [(SECOND / 10, true), (Duration::ZERO, false)] {
        let memory = Memory::new();
        let process = process(&memory);
        let signed_out_at = Instant::now() + SECOND / 20;
        tokio::time::sleep(written_after).await;
        write(&process, &record(1, "token")).await;
        tokio::time::sleep_until(signed_out_at + SECOND / 10).await;
        process.sign_out(signed_out_at, SECOND).await.unwrap();
        assert_eq!(memory.names().len(), usize::from(stays));
    }
    // It answers late, and what is a second old then may be from before.
    let memory = Memory::new();
    let process = process(&memory);
    write(&process, &record(1, "token")).await;
    tokio::time::sleep(SECOND / 10).await;
    memory.latency(SECOND / 2);
    process.sign_out(Instant::now(), SECOND).await.unwrap();
    assert!(memory.names().is_empty());
}

/// F20: a sign-out is tried again when others write meanwhile, and fails when it cannot be done.
#[tokio::test(start_paused = true)]
async fn a_sign_out_insists() {
    let memory = Memory::new();
    let process = process(&memory);
    write(&process, &record(1, "token")).await;
    memory.script(StoreOperation::Set, StoreTrouble::Conflict);
    process.sign_out(Instant::now(), SECOND).await.unwrap();
    assert!(memory.names().is_empty());

    write(&process, &record(1, "token")).await;
    for _ in 0..5 {
        memory.script(StoreOperation::Set, StoreTrouble::Conflict);
    }
    assert!(process.sign_out(Instant::now(), SECOND).await.is_err());
    memory.set_down(true);
    assert!(
        process
            .sign_out(Instant::now(), SECOND)
            .await
            .unwrap_err()
            .is_unavailable()
    );
}

/// F20: the numbers of logins go on after a sign-out, so that no login is taken for one before it.
#[tokio::test(start_paused = true)]
async fn numbers_do_not_come_again() {
    let memory = Memory::new();
    let process = process(&memory);
    let first = process.load().await.unwrap().next_number(None);
    assert!(first > 1_700_000_000_000, "{first}");
    write(&process, &record(first, "token")).await;
    assert_eq!(process.load().await.unwrap().next_number(None), first + 1);
    std::thread::sleep(std::time::Duration::from_millis(3));
    process.sign_out(Instant::now(), SECOND).await.unwrap();
    assert!(process.load().await.unwrap().next_number(None) > first + 1);
}
