//! A sign-out that holds for the store.

use super::{SECOND, World, pass};

/// F20: a command-line tool that signs out leaves nothing in the store, and the next run logs in.
#[tokio::test(start_paused = true)]
async fn a_sign_out_leaves_nothing() {
    let world = World::new();
    let process = world.process();
    process.ok().await;
    assert_eq!(world.store.names().len(), 1);
    let given_up = process.session().sign_out().await;
    assert!(given_up.is_some());
    assert!(world.store.names().is_empty());
    assert!(world.process().session().sign_out().await.is_none());
    world.process().ok().await;
    assert_eq!(world.logins(), 2);
}

/// F20: it takes effect at once, and goes on when its future is dropped.
#[tokio::test(start_paused = true)]
async fn a_dropped_sign_out_goes_on() {
    let world = World::new();
    let process = world.process();
    process.ok().await;
    world.store.latency(SECOND / 5);
    drop(process.session().sign_out());
    assert!(process.session().status().token().is_none());
    pass(SECOND).await;
    assert!(world.store.names().is_empty());
}

/// F20: what was written before a sign-out, or before another source, is not adopted, although the
/// store has it yet; what was written after it is.
#[tokio::test(start_paused = true)]
async fn an_older_token_is_not_adopted() {
    for is_replaced in [false, true] {
        let world = World::new();
        let process = world.process();
        process.ok().await;
        pass(SECOND).await;
        world.store.set_down(true);
        match is_replaced {
            true => process
                .session()
                .replace_source(world.form("correct horse")),
            false => drop(process.session().sign_out().await),
        }
        world.store.set_down(false);
        assert_eq!(world.store.names().len(), 1);
        world.store.latency(SECOND / 10);
        process.ok().await;
        assert_eq!(world.logins(), 2);

        // In the other order it is.
        pass(SECOND).await;
        drop(process.session().sign_out().await);
        pass(SECOND).await;
        world.process().ok().await;
        process.ok().await;
        assert_eq!(world.logins(), 3);
    }
}

/// F20: a login under way elsewhere is not kept in the store. Its own process may use it.
#[tokio::test(start_paused = true)]
async fn a_login_under_way_elsewhere_is_not_kept() {
    let world = World::new();
    let hold = world.api.hold_logins();
    let (one, other) = (world.process(), world.process());
    let login = tokio::spawn({
        let other = other.clone();
        async move { other.ok().await }
    });
    world.api.counts_when(|counts| counts.logins == 1).await;
    pass(SECOND).await;
    one.session().sign_out().await;
    pass(SECOND).await;
    hold.release();
    login.await.unwrap();
    world.process().ok().await;
    assert_eq!(world.logins(), 2);
    other.ok().await;
    assert_eq!(world.logins(), 2);
}

/// F20: a sign-out in one process leaves what another has in hand, and its next renewal is a login.
#[tokio::test(start_paused = true)]
async fn others_log_in_anew_after_a_sign_out() {
    let world = World::new();
    let (one, other) = (world.process(), world.process());
    one.ok().await;
    other.ok().await;
    pass(SECOND).await;
    one.session().sign_out().await;
    other.ok().await;
    assert_eq!(world.logins(), 1);
    pass(3600 * SECOND).await;
    other.ok().await;
    assert_eq!(world.logins(), 2);
}
