use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::{SECOND, process};
use crate::testing::{Memory, StoreOperation, StoreTrouble};

const TTL: Duration = Duration::from_secs(9);

fn is_free(memory: &Memory) -> bool {
    memory.lease_holder(&name()).is_none()
}

/// Of alice's record in the caches of these tests.
fn name() -> String {
    crate::store::name::record_name("", "alice")
}

/// F5: one process has the lease, for as long as it works and no longer.
#[tokio::test(start_paused = true)]
async fn a_lease_is_held_while_its_work_is_done() {
    let memory = Memory::new();
    let (one, other) = (process(&memory), process(&memory));
    let lease = one.lease(TTL).await.unwrap().unwrap();
    let work = async {
        for _ in 0..100 {
            sleep(SECOND).await;
            assert!(other.lease(TTL).await.unwrap().is_none());
        }
        "done"
    };
    assert_eq!(lease.hold(work).await, "done");
    // 100 of the other one, the first, and one each 3 seconds.
    assert_eq!(memory.counts().leases, 100 + 1 + 33);
    lease.release().await.unwrap();
    assert!(other.lease(TTL).await.unwrap().is_some());
}

/// F5: an extension that fails is tried again; one that finds another owner is not.
#[tokio::test(start_paused = true)]
async fn a_lease_survives_a_store_that_fails_for_a_moment() {
    let memory = Memory::new();
    let one = process(&memory);
    let lease = one.lease(TTL).await.unwrap().unwrap();
    memory.script(StoreOperation::Lease, StoreTrouble::Fail);
    memory.script(StoreOperation::Lease, StoreTrouble::Hang);
    lease.hold(sleep(TTL * 2)).await;
    assert!(!is_free(&memory));
    assert_eq!(memory.counts().leases, 6);

    memory.clear();
    let rival = process(&memory).lease(100 * TTL).await.unwrap().unwrap();
    lease.hold(sleep(TTL * 2)).await;
    assert_eq!(memory.counts().leases, 8);
    // It is not the rival's that is given back.
    drop(lease);
    yield_now().await;
    assert!(!is_free(&memory));
    rival.release().await.unwrap();
    assert!(is_free(&memory));
}

/// F24: a lease that is dropped is given back at once: with its login, by a panic, and if the store
/// answered too late to say that it had been taken.
#[tokio::test(start_paused = true)]
async fn a_dropped_lease_is_given_back() {
    let memory = Memory::new();
    let one = process(&memory);
    let began = Instant::now();
    drop(one.lease(TTL).await.unwrap());
    yield_now().await;
    assert!(is_free(&memory));

    let lease = one.lease(TTL).await.unwrap().unwrap();
    let login = tokio::spawn(async move { lease.hold(async { panic!("on purpose") }).await });
    login.await.unwrap_err();
    yield_now().await;
    assert!(is_free(&memory));

    let lease = one.lease(TTL).await.unwrap().unwrap();
    let login = tokio::spawn(async move { lease.hold(std::future::pending::<()>()).await });
    yield_now().await;
    assert!(!is_free(&memory));
    login.abort();
    login.await.unwrap_err();
    yield_now().await;
    assert!(is_free(&memory));

    memory.script(StoreOperation::Lease, StoreTrouble::FailAfter);
    assert!(one.lease(TTL).await.is_err());
    yield_now().await;
    assert!(is_free(&memory));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

/// F24: a lease that another has is not given back by who did not get it.
#[tokio::test(start_paused = true)]
async fn a_lease_that_was_not_taken_is_not_given_back() {
    let memory = Memory::new();
    let (one, other) = (process(&memory), process(&memory));
    let _lease = one.lease(TTL).await.unwrap().unwrap();
    assert!(other.lease(TTL).await.unwrap().is_none());
    yield_now().await;
    assert_eq!(memory.counts().releases, 0);
}

/// F24: a lease is given back when the runtime of its login shuts down, and when it is dropped
/// where there is none.
#[test]
fn a_lease_outlives_no_runtime() {
    let memory = Memory::new();
    let one = process(&memory);
    let runtime = Runtime::new().unwrap();
    let lease = runtime.block_on(one.lease(100 * TTL)).unwrap().unwrap();
    runtime.spawn(async move { lease.hold(std::future::pending::<()>()).await });
    drop(runtime);
    becomes_free(&memory);

    let runtime = Runtime::new().unwrap();
    let lease = runtime.block_on(one.lease(100 * TTL)).unwrap();
    drop(runtime);
    assert!(!is_free(&memory));
    drop(lease);
    becomes_free(&memory);
}

/// By a thread that nobody waits for.
fn becomes_free(memory: &Memory) {
    let began = std::time::Instant::now();
    while !is_free(memory) {
        assert!(began.elapsed() < Duration::from_secs(10), "it is kept");
        std::thread::sleep(Duration::from_millis(1));
    }
}
