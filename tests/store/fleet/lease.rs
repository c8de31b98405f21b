//! The lease: who waits for it, for how long, and what becomes of it.

use std::time::Duration;

use tower_bearer::store::{Owner, TokenStore};
use tower_bearer::testing::{StoreOperation, StoreTrouble};
use tower_bearer::{AuthError, Origins, Token, source_fn};

use super::{SECOND, World, all_ok, pass};

/// F4: a holder whose lease was taken overwrites nothing, and goes on with the token that it finds.
#[tokio::test(start_paused = true)]
async fn a_late_holder_takes_what_it_finds() {
    let world = World::new();
    let hold = world.api.hold_logins();
    let late = world.process();
    let login = tokio::spawn({
        let late = late.clone();
        async move { late.ok().await }
    });
    world.api.counts_when(|counts| counts.logins == 1).await;
    // As if it stood still for longer than its lease.
    world.store.clear();
    let other = world.process();
    let others = tokio::spawn({
        let other = other.clone();
        async move { other.ok().await }
    });
    world.api.counts_when(|counts| counts.logins == 2).await;
    // The first two at once: who of them writes first is the one that counts.
    hold.release();
    login.await.unwrap();
    others.await.unwrap();
    assert_eq!(world.store.counts().conflicts, 1);
    let token = |process: &super::Process| process.session().status().token().cloned().unwrap();
    assert_eq!(token(&late).expose(), token(&other).expose());
    assert_eq!(
        late.stats().tokens_adopted + other.stats().tokens_adopted,
        1
    );
}

/// F5: during a login of any length its lease is extended.
#[tokio::test(start_paused = true)]
async fn a_long_login_keeps_its_lease() {
    let world = World::new();
    world.api.login_delay(25 * SECOND);
    all_ok(&world.fleet(4)).await;
    assert_eq!(world.logins(), 1);
}

/// F5: while a usable token is in hand nobody waits for a lease, and a holder that has died keeps
/// others for its time only.
#[tokio::test(start_paused = true)]
async fn a_dead_holder_keeps_nobody_for_long() {
    let world = World::new();
    let process = world.process();
    process.ok().await;
    let name = world.name();
    let dead = Owner::new();
    assert!(world.store.lease(&name, &dead, 10 * SECOND).await.unwrap());
    // It is due.
    pass(3300 * SECOND).await;
    assert!(world.store.lease(&name, &dead, 10 * SECOND).await.unwrap());
    let began = tokio::time::Instant::now();
    process.ok().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    pass(9 * SECOND).await;
    assert_eq!((world.logins(), process.stats().lease_waits), (1, 1));
    pass(SECOND + SECOND / 2).await;
    assert_eq!(world.logins(), 2);
}

/// F6: nobody waits for ever for a holder that stands still: after the time of a login and that of
/// the lease one logs in all the same, and the others find its token.
#[tokio::test(start_paused = true)]
async fn a_holder_that_stands_still_is_not_waited_for() {
    let world = World::new();
    world.process().ok().await;
    let name = world.name();
    world.store.clear();
    let holder = Owner::new();
    let keeps = tokio::spawn({
        let store = world.store.clone();
        async move {
            loop {
                assert!(store.lease(&name, &holder, 10 * SECOND).await.unwrap());
                pass(SECOND).await;
            }
        }
    });
    pass(SECOND / 2).await;
    let fleet = world.fleet(4);
    world.api.login_delay(SECOND / 2);
    let began = tokio::time::Instant::now();
    all_ok(&fleet).await;
    let took = began.elapsed();
    assert!((40 * SECOND..43 * SECOND).contains(&took), "{took:?}");
    let alone: u64 = fleet.iter().map(|it| it.stats().logins_without_store).sum();
    assert_eq!(alone + 1, world.logins());
    // The next one need not wait: the token was written.
    world.process().ok().await;
    assert_eq!(alone + 1, world.logins());
    keeps.abort();
}

/// F5, F6: who waits for another's lease asks for it four times a second, not in step with the rest
/// of the fleet.
#[tokio::test(start_paused = true)]
async fn the_lease_is_asked_for_four_times_a_second() {
    let world = World::new();
    world.process().ok().await;
    let (name, holder) = (world.name(), Owner::new());
    world.store.clear();
    let lease = world.store.lease(&name, &holder, 30 * SECOND);
    assert!(lease.await.unwrap());
    let before = world.store.counts().leases;
    let process = world.process();
    let waits = tokio::spawn(async move { process.ok().await });
    pass(29 * SECOND).await;
    let tries = world.store.counts().leases - before;
    // On average: each pause is half to one and a half times as long.
    assert!((100..=140).contains(&tries), "{tries}");
    waits.await.unwrap();
    assert_eq!(world.logins(), 2);
}

/// T3, F7: a runtime that has shut down hangs nobody who waits for a store.
#[test]
fn a_runtime_that_is_gone_is_an_error() {
    let world = World::new();
    let session = world.builder(world.form("correct horse")).build();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let gone = runtime.handle().clone();
    drop(runtime);
    let _entered = gone.enter();
    let mut waits = tokio_test::task::spawn(session.token());
    let error = tokio_test::assert_ready!(waits.poll()).unwrap_err();
    assert!(error.to_string().contains("lost twice"), "{error}");
    assert_eq!(world.logins(), 0);
}

/// F7: waiting for another's login counts neither into the time of one's own, nor as a failure.
#[tokio::test(start_paused = true)]
async fn waiting_is_no_login() {
    let world = World::new();
    let process = world.start(world.builder(world.form("correct horse")));
    process.ok().await;
    let (name, holder) = (world.name(), Owner::new());
    process.session().sign_out().await;
    assert!(
        world
            .store
            .lease(&name, &holder, 25 * SECOND)
            .await
            .unwrap()
    );
    // Together they take longer than a login may.
    world.api.login_delay(20 * SECOND);
    process.ok().await;
    let stats = process.stats();
    assert_eq!((stats.logins, stats.logins_failed), (2, 0));
    assert_eq!(stats.logins_without_store, 0);
}

/// F24: a lease whose login was given up, panicked or took too long is given back.
#[tokio::test(start_paused = true)]
async fn a_lost_login_gives_its_lease_back() {
    let world = World::new();
    let hold = world.api.hold_logins();
    let process = world.process();
    let request = tokio::spawn({
        let process = process.clone();
        async move { process.fails().await }
    });
    world.api.counts_when(|counts| counts.logins == 1).await;
    assert_eq!(world.store.counts().leases, 1);
    process.session().sign_out().await;
    assert!(request.await.unwrap().is_signed_out());
    hold.release();
    assert_eq!(world.store.counts().releases, 2);
    assert!(world.store.names().is_empty());
    let began = tokio::time::Instant::now();
    world.process().ok().await;
    assert_eq!(began.elapsed(), Duration::ZERO);

    let cache = world.cache().account("bob");
    let times_out = source_fn(Origins::any(), async |_| {
        pass(31 * SECOND).await;
        Ok(Token::new("late")?)
    });
    let late = world.builder(times_out).token_cache(cache.clone()).build();
    assert!(late.token().await.unwrap_err().is_timeout());
    let panics = source_fn(Origins::any(), async |_| panic!("a source that panics"));
    let panics = world.builder(panics).token_cache(cache.clone()).build();
    let began = tokio::time::Instant::now();
    assert!(panics.token().await.unwrap_err().is_unavailable());
    let good = source_fn(Origins::any(), async |_| Ok(Token::new("good")?));
    let good = world.builder(good).token_cache(cache).build();
    assert_eq!(good.token().await.unwrap().expose(), "good");
    assert_eq!(began.elapsed(), Duration::ZERO);
}

/// T5, F7: a token lives from when its source was asked, not from when the wait for another process
/// began.
#[tokio::test(start_paused = true)]
async fn a_wait_for_another_process_takes_nothing_of_the_lifetime() {
    let world = World::new();
    let cache = world.cache().account("bob");
    let fails_late = source_fn(Origins::any(), async |_| {
        pass(20 * SECOND).await;
        Err(AuthError::unavailable("no answer"))
    });
    let first = world.builder(fails_late).token_cache(cache.clone()).build();
    let good = source_fn(Origins::any(), async |_| {
        Ok(Token::new("good")?.expires_in(60 * SECOND))
    });
    let second = world.builder(good).token_cache(cache).build();
    let (failed, waited) = tokio::join!(first.token(), second.token());
    assert!(failed.is_err());
    assert_eq!(waited.unwrap().expose(), "good");
    assert_eq!(second.stats().lease_waits, 1);
    assert_eq!(second.status().expires_in(), Some(60 * SECOND));
}

/// F24: a lease that the store gave too late is given back as well.
#[tokio::test(start_paused = true)]
async fn a_lease_that_came_too_late_is_given_back() {
    let world = World::new();
    world
        .store
        .script(StoreOperation::Lease, StoreTrouble::FailAfter);
    let process = world.process();
    process.ok().await;
    assert_eq!(process.stats().logins_without_store, 1);
    pass(SECOND).await;
    assert_eq!(world.store.counts().releases, 1);
}
