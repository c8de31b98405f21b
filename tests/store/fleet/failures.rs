//! Failed logins: what others hear of them, and for how long.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower_bearer::login::Custom;
use tower_bearer::testing::Answer;
use tower_bearer::{AuthError, Origins, Token, TokenRequest, source_fn};

use super::{BASE, SECOND, World, each, pass};

/// F8: eight processes with a wrong password make as many tries as one: the pauses double.
#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_as_by_one() {
    let world = World::new();
    let fleet: Vec<_> = (0..8).map(|_| world.process_with("wrong")).collect();
    let mut tries = vec![];
    for second in 0..1000 {
        for error in each(&fleet, async |process| process.fails().await).await {
            assert!(error.is_rejected(), "{error}");
        }
        if world.logins() > tries.len() as u64 {
            tries.push(second);
        }
        pass(SECOND).await;
    }
    assert_eq!(world.logins(), tries.len() as u64);
    // As one process's: after 1, 2, 4 and 8 minutes. A look may make it up to a second late.
    assert_eq!(tries.len(), 5, "{tries:?}");
    let pauses = tries.windows(2).map(|pair| pair[1] - pair[0]);
    for (pause, minutes) in pauses.zip([1, 2, 4, 8]) {
        assert!((pause - 60 * minutes) < 3, "{tries:?}");
    }
}

/// F8: others get the status and the text of a rejection, its `response()`, and the rest of its
/// time.
#[tokio::test(start_paused = true)]
async fn a_rejection_is_told_as_it_was() {
    let world = World::new();
    let (one, other) = (world.process_with("wrong"), world.process_with("wrong"));
    let own = one.fails().await;
    pass(20 * SECOND).await;
    let told = other.fails().await;
    assert!(told.is_rejected());
    assert_eq!(told.response(), own.response());
    assert_eq!(told.response().unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(told.retry_after(), Some(40 * SECOND));
    let told = told.to_string();
    let own = own.to_string();
    let text = own.split(" (").next().unwrap();
    assert!(told.starts_with(text), "{told} / {own}");
    assert_eq!(world.logins(), 1);
    assert_eq!(other.stats().logins, 0);
    assert_eq!(other.stats().logins_failed, 0);
    assert_eq!(other.stats().logins_throttled, 1);
}

/// F8: another credential of the same account is not held back, and its success does not clear the
/// latch.
#[tokio::test(start_paused = true)]
async fn another_credential_is_not_held_back() {
    let world = World::new();
    assert!(world.process_with("wrong").fails().await.is_rejected());
    world.process().ok().await;
    assert_eq!(world.logins(), 2);
    // The token is there for all, whatever their password is.
    world.process_with("wrong").ok().await;
    // Until there is none any more.
    world.process().session().sign_out().await;
    assert!(world.process_with("wrong").fails().await.is_rejected());
    assert_eq!(world.logins(), 2);
}

/// F8: the secrets of a login by two functions are its credential.
#[tokio::test(start_paused = true)]
async fn another_secret_of_a_custom_login_is_not_held_back() {
    let world = World::new();
    let custom = |password: &'static str| {
        let make = move |_: &TokenRequest| {
            let request = Request::post(format!("{BASE}/auth/login"));
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            Ok(request.body(format!(
                "username=alice&password={}",
                password.replace(" ", "+")
            ))?)
        };
        let read = |_: &Response<Bytes>| Ok(Token::new("good")?);
        let login = Custom::new(world.api.clone(), Origins::any(), make, read);
        let cache = world.cache().account("alice");
        let builder = world.builder(login.secret(password)).token_cache(cache);
        builder.build()
    };
    for _ in 0..2 {
        assert!(custom("wrong").token().await.unwrap_err().is_rejected());
    }
    assert_eq!(world.logins(), 1);
    custom("correct horse").token().await.unwrap();
    assert_eq!(world.logins(), 2);
}

/// F8: while somebody holds the lease a latch is not told: the holder may be about to heal it.
#[tokio::test(start_paused = true)]
async fn a_latch_is_not_told_during_a_login() {
    let world = World::new();
    assert!(world.process_with("wrong").fails().await.is_rejected());
    let hold = world.api.hold_logins();
    let good = world.process();
    let login = tokio::spawn(async move { good.ok().await });
    world.api.counts_when(|counts| counts.logins == 2).await;

    let latched = world.process_with("wrong");
    let request = tokio::spawn(async move { latched.get().await });
    pass(2 * SECOND).await;
    assert!(!request.is_finished());
    hold.release();
    login.await.unwrap();
    assert_eq!(request.await.unwrap().unwrap(), 200);
    assert_eq!(world.logins(), 2);
}

/// F8, F12: ten runs of a command-line tool with a wrong password make one try a minute.
#[tokio::test(start_paused = true)]
async fn ten_runs_are_one_try() {
    let world = World::new();
    for run in 0..10 {
        let error = world.process_with("wrong").fails().await;
        assert!(error.is_rejected());
        assert_eq!(error.retry_after(), Some(SECOND * (60 - 6 * run)));
        pass(6 * SECOND).await;
    }
    assert_eq!(world.logins(), 1);
    assert!(world.process_with("wrong").fails().await.is_rejected());
    assert_eq!(world.logins(), 2);
}

/// F9: a login that the server puts off is put off for all.
#[tokio::test(start_paused = true)]
async fn an_overload_is_for_all() {
    let world = World::new();
    world.api.script_login(Answer::unavailable(20));
    let fleet = world.fleet(4);
    for error in each(&fleet, async |process| process.fails().await).await {
        assert!(error.is_unavailable());
        assert!(error.retry_after() > Some(19 * SECOND), "{error}");
    }
    assert_eq!(world.logins(), 1);
    pass(20 * SECOND).await;
    super::all_ok(&fleet).await;
    assert_eq!(world.logins(), 2);
}

/// F9: what one process met on its way, and what is set up wrongly, is its own.
#[tokio::test(start_paused = true)]
async fn what_one_process_met_is_its_own() {
    let errors: [fn() -> AuthError; 3] = [
        || AuthError::unavailable("connection refused"),
        || AuthError::misconfigured("no such path"),
        || panic!("a source that panics"),
    ];
    for error in errors {
        let world = World::new();
        let cache = world.cache().account("alice");
        let source = source_fn(Origins::any(), move |_| async move { Err(error()) });
        let failing = world.builder(source).token_cache(cache.clone());
        assert!(!world.start(failing).fails().await.is_rejected());
        assert!(world.store.names().is_empty());

        let good = source_fn(Origins::any(), |_| async { Ok(Token::new("good")?) });
        let good = world.builder(good).token_cache(cache).build();
        assert_eq!(good.token().await.unwrap().expose(), "good");
    }
}

/// F10: a closed gate does not blind: a process whose login was rejected finds the token that
/// another one has got, within a second.
#[tokio::test(start_paused = true)]
async fn a_latched_process_finds_a_token() {
    let world = World::new();
    let latched = world.process_with("wrong");
    assert!(latched.fails().await.is_rejected());
    world.process().ok().await;
    pass(SECOND).await;
    latched.ok().await;
    assert_eq!(world.logins(), 2);
    assert_eq!(latched.session().status().next_login_in(), None);
}

/// F10: at most one look a second, however many requests come.
#[tokio::test(start_paused = true)]
async fn there_is_one_look_a_second() {
    let world = World::new();
    let latched = world.process_with("wrong");
    assert!(latched.fails().await.is_rejected());
    pass(SECOND / 2).await;
    let before = world.store.counts();
    for _ in 0..100 {
        assert!(latched.fails().await.is_rejected());
        pass(Duration::from_millis(100)).await;
    }
    let after = world.store.counts();
    assert!((9..=11).contains(&(after.loads - before.loads)));
    assert_eq!((after.leases, after.sets), (before.leases, before.sets));
    assert_eq!(world.logins(), 1);
}

/// F10: so it is for refusals, while logins for them have not helped.
#[tokio::test(start_paused = true)]
async fn a_look_follows_a_refusal() {
    let world = World::new();
    let builder = world.builder(world.form("correct horse"));
    let builder = builder.proven_refusal_backoff(1, 60 * SECOND, 60 * SECOND);
    let process = world.start(builder);
    process.ok().await;
    world.api.revoke_all();
    process.ok().await;
    world.api.revoke_all();
    let (logins, before) = (world.logins(), world.store.counts());
    for _ in 0..20 {
        assert_eq!(process.get().await.unwrap(), 401);
        pass(SECOND / 4).await;
    }
    assert_eq!(world.logins(), logins);
    assert_eq!(process.stats().logins_throttled, 20);
    assert_eq!(world.store.counts().loads, before.loads + 5);

    world.process().session().sign_out().await;
    world.process().ok().await;
    pass(SECOND).await;
    process.ok().await;
    assert_eq!(world.logins(), logins + 1);
}
