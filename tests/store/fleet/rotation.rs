//! One login for all: at the start, at each rotation, and after a refusal.

use tower_bearer::testing::StoreCounts;
use tower_bearer::{AuthError, Session};

use super::{SECOND, World, all_ok, each, pass};

/// F2: eight processes that start at once make one login.
#[tokio::test(start_paused = true)]
async fn a_cold_start_is_one_login() {
    let world = World::new();
    world.api.login_delay(SECOND / 20);
    let fleet = world.fleet(8);
    all_ok(&fleet).await;
    assert_eq!(world.logins(), 1);
    let sum = |of: fn(&Session) -> u64| fleet.iter().map(|it| of(it.session())).sum::<u64>();
    assert_eq!(sum(|it| it.stats().logins), 1);
    assert_eq!(sum(|it| it.stats().tokens_adopted), 7);
    assert_eq!(sum(|it| it.stats().lease_waits), 7);
    assert_eq!(sum(|it| it.stats().logins_failed), 0);
}

/// F2: a token that all hold is renewed by one login, ahead of its expiry, and nobody is refused.
#[tokio::test(start_paused = true)]
async fn a_rotation_is_one_login() {
    let world = World::new();
    world.api.login_delay(SECOND / 20);
    let fleet = world.fleet(8);
    for rotation in 1..=5 {
        // Every 10 minutes, and in the last tenth of each hour.
        for _ in 0..6 {
            all_ok(&fleet).await;
            pass(600 * SECOND - SECOND).await;
        }
        assert_eq!(world.logins(), rotation);
    }
    assert_eq!(world.api.counts().refused, 0);
}

/// F2, F3: when all tokens are revoked eight processes make one login, and each request is
/// answered.
#[tokio::test(start_paused = true)]
async fn a_refusal_of_all_is_one_login() {
    let world = World::new();
    world.api.login_delay(SECOND / 20);
    let fleet = world.fleet(8);
    all_ok(&fleet).await;
    pass(60 * SECOND).await;
    world.api.revoke_all();
    all_ok(&fleet).await;
    assert_eq!(world.logins(), 2);
}

/// F1: a request whose token is in hand touches no store. A renewal that logs in costs a load, a
/// lease, a load, a set and a release, and one that adopts a load.
#[tokio::test(start_paused = true)]
async fn a_token_in_hand_touches_no_store() {
    let world = World::new();
    let cost = |before: StoreCounts| {
        let now = world.store.counts();
        [
            now.loads - before.loads,
            now.leases - before.leases,
            now.sets - before.sets,
            now.releases - before.releases,
            now.removes - before.removes,
        ]
    };
    let (one, other) = (world.process(), world.process());
    let start = world.store.counts();
    one.ok().await;
    assert_eq!(cost(start), [2, 1, 1, 1, 0]);
    let logged_in = world.store.counts();
    other.ok().await;
    assert_eq!(cost(logged_in), [1, 0, 0, 0, 0]);
    let adopted = world.store.counts();
    for _ in 0..100 {
        one.ok().await;
        other.ok().await;
    }
    assert_eq!(cost(adopted), [0, 0, 0, 0, 0]);
}

/// F3: who is refused with a token that another process has replaced takes the newer one: no login,
/// and no strike, however often that happens.
#[tokio::test(start_paused = true)]
async fn a_replaced_token_costs_no_login() {
    let world = World::new();
    let (one, other) = (world.process(), world.process());
    one.ok().await;
    other.ok().await;
    for logins in 2..12 {
        pass(60 * SECOND).await;
        world.api.revoke_all();
        one.ok().await;
        pass(10 * SECOND).await;
        other.ok().await;
        assert_eq!(world.logins(), logins);
    }
    assert_eq!(other.stats().logins, 0);
    assert_eq!(other.stats().tokens_adopted, 11);
    assert_eq!(other.stats().logins_throttled, 0);
}

/// F3: a token of another process is judged by its age: one that is refused when it is new is a
/// strike, as if it were this process's own.
#[tokio::test(start_paused = true)]
async fn a_new_token_that_is_refused_is_a_strike() {
    for (age, last) in [(SECOND, 401), (10 * SECOND, 200)] {
        let world = World::new();
        let builder = world.builder(world.form("correct horse"));
        let builder = builder.refusal_backoff(0, 60 * SECOND, 60 * SECOND);
        let (one, other) = (world.process(), world.start(builder));
        one.ok().await;
        other.ok().await;
        pass(60 * SECOND).await;
        world.api.revoke_all();
        one.ok().await;
        pass(age).await;
        world.api.revoke_all();
        // It finds a token that is dead by now, and tries the one before it.
        assert_eq!(other.get().await.unwrap(), 401);
        let _ = other.get().await.unwrap();
        assert_eq!(other.get().await.unwrap(), last);
        assert_eq!(other.stats().logins_throttled > 0, last == 401);
    }
}

/// F3: that a token is another process's is told, and not as a login.
#[cfg(feature = "tracing")]
#[tokio::test(start_paused = true)]
async fn a_token_from_the_store_is_told_as_such() {
    let world = World::new();
    world.process().ok().await;
    let (capture, _guard) = crate::capture::Capture::start();
    world.process().ok().await;
    let lines = capture.lines();
    let adopted = "INFO login: token taken from the store ";
    assert!(
        lines.iter().any(|line| line.starts_with(adopted)),
        "{lines:?}"
    );
    assert!(
        !lines.iter().any(|line| line.contains("logged in")),
        "{lines:?}"
    );
}

/// F11: a login that brings the refused token again is known to all: eight processes that are
/// refused make one login, and each gets its refused response.
#[tokio::test(start_paused = true)]
async fn the_same_token_again_is_one_login() {
    let world = World::new();
    world.api.login_delay(SECOND / 20);
    world.api.reissue_same_token(true);
    let fleet = world.fleet(8);
    all_ok(&fleet).await;
    pass(60 * SECOND).await;
    world.api.revoke_all();
    for response in each(&fleet, async |process| process.send().await).await {
        let response = response.unwrap();
        assert_eq!(response.status(), 401);
        let error = AuthError::of(&response).unwrap();
        assert!(error.to_string().contains("refused"), "{error}");
    }
    assert_eq!(world.logins(), 2);
}

/// F12: the next run of a command-line tool starts with the stored token, until that has expired,
/// and never with one that is about to.
#[tokio::test(start_paused = true)]
async fn the_next_run_makes_no_login() {
    let world = World::new();
    for _ in 0..10 {
        world.process().ok().await;
        pass(300 * SECOND).await;
    }
    assert_eq!(world.logins(), 1);
    pass(595 * SECOND).await;
    world.process().ok().await;
    assert_eq!(world.logins(), 2);
}

/// F12: a stored token of a short life is taken until a tenth of that is left.
#[tokio::test(start_paused = true)]
async fn a_short_lived_token_is_taken_until_its_last_tenth() {
    let World { api, store } = World::new();
    let api = api.token_lifetime(50 * SECOND);
    let world = World { api, store };
    world.process().ok().await;
    pass(42 * SECOND).await;
    world.process().ok().await;
    assert_eq!(world.logins(), 1);
    pass(4 * SECOND).await;
    world.process().ok().await;
    assert_eq!(world.logins(), 2);
}

/// F3, T8: a session that began with the token in the store does not take that for a newer one.
#[tokio::test(start_paused = true)]
async fn a_given_token_is_not_taken_from_the_store_again() {
    let world = World::new();
    let one = world.process();
    one.ok().await;
    let given = one.session().status().token().cloned().unwrap();
    let builder = world.builder(world.form("correct horse"));
    let process = world.start(builder.token(given));
    process.ok().await;
    assert_eq!(world.logins(), 1);
    pass(60 * SECOND).await;
    world.api.revoke_all();
    process.ok().await;
    assert_eq!((world.logins(), process.stats().tokens_adopted), (2, 0));
}

/// F12: a token from the store expires when it would have for the process that got it.
#[tokio::test(start_paused = true)]
async fn an_adopted_token_has_its_age() {
    let world = World::new();
    world.process().ok().await;
    pass(1000 * SECOND).await;
    let process = world.process();
    process.ok().await;
    let expires_in = process.session().status().expires_in().unwrap();
    assert_eq!(expires_in.as_secs(), 2600);
}
