//! A store that is down, slow, full or garbled.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tower_bearer::store::{Key, TokenCache, WhenUnreachable};
use tower_bearer::testing::{StoreOperation, StoreTrouble};
use tower_bearer::{AuthError, Origins, Session, source_fn};

use super::{SECOND, World, all_ok, pass};

/// F16: a store that is down fails no request. Each process logs in by itself, and that is counted.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_fails_nobody() {
    let world = World::new();
    world.store.set_down(true);
    let fleet = world.fleet(3);
    all_ok(&fleet).await;
    assert_eq!(world.logins(), 3);
    for process in &fleet {
        let stats = process.stats();
        assert_eq!((stats.logins_without_store, stats.store_failed), (1, 1));
        assert_eq!(stats.logins_failed, 0);
    }
    world.store.set_down(false);
    pass(3600 * SECOND).await;
    all_ok(&fleet).await;
    assert_eq!(world.logins(), 4);
}

/// F16: so does one that hangs, in whatever operation, but for the time that it may take.
#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_costs_its_time() {
    for (operation, trouble) in [
        (StoreOperation::Load, StoreTrouble::Hang),
        (StoreOperation::Lease, StoreTrouble::Hang),
        (StoreOperation::Set, StoreTrouble::Hang),
        (StoreOperation::Set, StoreTrouble::Refuse),
        (StoreOperation::Set, StoreTrouble::FailAfter),
        (StoreOperation::Set, StoreTrouble::Lose),
        (StoreOperation::Release, StoreTrouble::Hang),
    ] {
        let world = World::new();
        world.store.script(operation, trouble);
        let began = tokio::time::Instant::now();
        world.process().ok().await;
        assert!(began.elapsed() <= SECOND, "{operation:?} {trouble:?}");
        assert_eq!(world.logins(), 1);
    }
}

/// F16: who prefers that has requests fail while the store cannot be reached. No login is counted,
/// and it works again when the store does.
#[tokio::test(start_paused = true)]
async fn a_store_may_be_needed() {
    let world = World::new();
    let cache = world.cache().when_unreachable(WhenUnreachable::Fail);
    let builder = world.builder(world.form("correct horse"));
    let process = world.start(builder.token_cache(cache));
    world.store.set_down(true);
    let error = process.fails().await;
    assert!(error.is_unavailable());
    assert!(error.to_string().contains("token store"), "{error}");
    assert_eq!(world.logins(), 0);
    let stats = process.stats();
    assert_eq!((stats.logins, stats.logins_failed), (0, 0));
    world.store.set_down(false);
    pass(SECOND).await;
    process.ok().await;
}

/// F17: garbage is overwritten, and counted.
#[tokio::test(start_paused = true)]
async fn garbage_is_replaced() {
    let world = World::new();
    world.process().ok().await;
    world.store.put(&world.name(), b"garbage");
    let process = world.process();
    process.ok().await;
    assert_eq!(world.logins(), 2);
    assert_eq!(process.stats().records_unreadable, 2);
    world.process().ok().await;
    assert_eq!(world.logins(), 2);
}

/// F17: a record of an unknown key is left as it is, and the process logs in by itself.
#[tokio::test(start_paused = true)]
async fn a_foreign_record_is_left_alone() {
    let world = World::new();
    world.process().ok().await;
    let before = world.store.record(&world.name());
    let stranger = TokenCache::encrypted(world.store.clone(), Key::new([8; 32]));
    let builder = world.builder(world.form("correct horse"));
    let process = world.start(builder.token_cache(stranger));
    process.ok().await;
    assert_eq!(process.stats().logins_without_store, 1);
    assert_eq!(world.logins(), 2);
    assert_eq!(world.store.record(&world.name()), before);
}

/// F10, F16: a token that could not be written is newer than what is in the store, which is not
/// taken for a newer one.
#[tokio::test(start_paused = true)]
async fn an_older_record_is_not_adopted() {
    let world = World::new();
    let process = world.process();
    process.ok().await;
    pass(SECOND).await;
    world.api.revoke_all();
    world
        .store
        .script(StoreOperation::Set, StoreTrouble::Refuse);
    process.ok().await;
    assert_eq!(world.logins(), 2);
    pass(SECOND).await;
    world.api.revoke_all();
    process.ok().await;
    assert_eq!(world.logins(), 3);
    assert_eq!(process.stats().tokens_adopted, 0);
    assert_eq!(world.api.counts().refused, 2);
    world.process().ok().await;
    assert_eq!(world.logins(), 3);
}

/// F10, F16: a look at a store that is down makes no login either, and leaves the latch as it was.
#[tokio::test(start_paused = true)]
async fn a_look_at_a_store_that_is_down_makes_no_login() {
    let world = World::new();
    let latched = world.process_with("wrong");
    assert!(latched.fails().await.is_rejected());
    world.store.set_down(true);
    for second in 1..10 {
        pass(SECOND).await;
        let error = latched.fails().await;
        assert!(error.is_rejected(), "{error}");
        assert_eq!(error.retry_after(), Some((60 - second) * SECOND));
    }
    assert_eq!(latched.stats().store_failed, 9);
    assert_eq!(world.logins(), 1);
}

/// F16: the error of a login that counts no more is not dropped under the lock: what it was made
/// from may ask the session.
#[tokio::test(start_paused = true)]
async fn a_late_error_without_the_store_is_not_dropped_under_the_lock() {
    #[derive(Debug)]
    struct AsksWhenDropped(Session, Arc<AtomicUsize>);
    impl Drop for AsksWhenDropped {
        fn drop(&mut self) {
            assert_eq!(self.0.stats().logins_failed, 0);
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    impl fmt::Display for AsksWhenDropped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("late")
        }
    }
    impl Error for AsksWhenDropped {}

    let world = World::new();
    world.store.set_down(true);
    let own = Arc::new(OnceLock::<Session>::new());
    let dropped = Arc::new(AtomicUsize::new(0));
    let (asked, count) = (own.clone(), dropped.clone());
    let source = source_fn(Origins::any(), move |_| {
        let (session, count) = (asked.get().unwrap().clone(), count.clone());
        async move {
            drop(session.sign_out());
            Err(AuthError::unavailable(AsksWhenDropped(session, count)))
        }
    });
    let cache = world.cache().account("alice");
    let session = own.get_or_init(|| world.builder(source).token_cache(cache).build());
    assert!(session.token().await.unwrap_err().is_signed_out());
    pass(SECOND).await;
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

/// F16: that a store fails is told once when it begins, and once when it ends, also of a store that
/// can be read and not written.
#[cfg(feature = "tracing")]
#[tokio::test(start_paused = true)]
async fn a_failing_store_is_told_once() {
    let (capture, _guard) = crate::capture::Capture::start();
    let told = |what: &str| {
        let lines = capture.lines();
        let lines = lines.iter().filter(|line| line.contains("token store"));
        let lines: Vec<_> = lines.cloned().collect();
        assert_eq!(lines.len(), usize::from(!what.is_empty()), "{lines:?}");
        assert!(lines.iter().all(|line| line.starts_with(what)), "{lines:?}");
    };
    let world = World::new();
    let process = world.process();
    process.ok().await;
    told("");
    for failing in ["WARN", "", ""] {
        pass(3600 * SECOND).await;
        world
            .store
            .script(StoreOperation::Set, StoreTrouble::Refuse);
        process.ok().await;
        told(failing);
    }
    pass(3600 * SECOND).await;
    process.ok().await;
    told("INFO");
    world.store.set_down(true);
    for failing in ["WARN", ""] {
        pass(3600 * SECOND).await;
        process.ok().await;
        told(failing);
    }
    assert_eq!(process.stats().store_failed, 5);
}
