//! T6: renewals behind the requests that go out with the token in hand.

use std::time::Duration;

use tokio::time::{Instant, advance};
use tower::{Layer, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer};

use super::{URI, api, form, living, settle};
use crate::support::{ScriptedSource, Server, get, millis, secs, token};

/// T6: requests go out at once with the token in hand while one login runs behind them; the token
/// that it brings serves from then on.
#[tokio::test(start_paused = true)]
async fn requests_go_out_at_once_while_one_login_runs_behind_them() {
    let desk = ScriptedSource::closed_after(1).script([Ok(living("a", secs(100))), Ok(token("b"))]);
    let server = Server::new();
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    client.session().token().await.unwrap();
    advance(secs(89)).await;
    client.clone().oneshot(get(URI)).await.unwrap();
    settle().await;
    assert_eq!(desk.logins(), 1);
    advance(secs(4)).await;
    let asked_at = Instant::now();
    for _ in 0..100 {
        client.clone().oneshot(get(URI)).await.unwrap();
        assert_eq!(client.session().token().await.unwrap().expose(), "a");
        settle().await;
    }
    assert_eq!((desk.logins(), asked_at.elapsed()), (2, Duration::ZERO));
    desk.let_through(1);
    settle().await;
    client.oneshot(get(URI)).await.unwrap();
    let tokens = server.tokens();
    assert!(tokens[..101].iter().all(|token| token == "Bearer a"));
    assert_eq!((&*tokens[101], desk.logins()), ("Bearer b", 2));
}

/// T6: `session.token()` alone renews ahead as well, and one login that fails takes nothing.
#[tokio::test(start_paused = true)]
async fn a_renewal_ahead_that_fails_takes_nothing() {
    let desk = ScriptedSource::open().script([
        Ok(living("a", secs(100))),
        Err(AuthError::rejected("changed")),
    ]);
    let session = BearerAuthLayer::new(desk.clone()).session().clone();
    session.token().await.unwrap();
    advance(secs(95)).await;
    for _ in 0..100 {
        assert_eq!(session.token().await.unwrap().expose(), "a");
        settle().await;
    }
    assert_eq!(desk.logins(), 2);
    // What it closed is open again when the token expires.
    advance(secs(5)).await;
    assert_eq!(session.token().await.unwrap().expose(), "t3");
    assert_eq!(desk.logins(), 3);
}

/// T5, T6: no lifetime is so short that each request makes a login.
#[tokio::test(start_paused = true)]
async fn short_lifetimes_make_no_login_per_request() {
    for lifetime in [1, 999, 1_000, 1_001, 1_050, 1_200, 2_000] {
        let brought = move || Ok(living("a", millis(lifetime)));
        let desk = ScriptedSource::open().script(std::iter::repeat_with(brought).take(100));
        let client = BearerAuthLayer::new(desk.clone()).layer(Server::new().service());
        for _ in 0..1_000 {
            client.clone().oneshot(get(URI)).await.unwrap();
            settle().await;
            advance(millis(10)).await;
        }
        let logins = desk.logins();
        assert!((5..=10).contains(&logins), "{lifetime} ms: {logins} logins");
    }
}

/// T6: nor does an API that brings the same token again with what is left of its lifetime.
#[tokio::test(start_paused = true)]
async fn the_same_token_with_its_remaining_lifetime_makes_no_login_per_request() {
    let api = api().token_lifetime(secs(100)).announce_lifetime(true);
    api.reissue_same_token(true);
    let client = BearerAuthLayer::new(form(&api, "right")).layer(api.clone());
    for _ in 0..3_000 {
        let response = client.clone().oneshot(get(URI)).await.unwrap();
        assert_eq!(response.status(), 200);
        settle().await;
        advance(millis(100)).await;
    }
    let counts = api.counts();
    // Of each token's last ten seconds some, and never more than one a second.
    println!(
        "300 s, tokens of 100 s: {} logins, {} tokens",
        counts.logins, counts.tokens_issued
    );
    assert!((3..=33).contains(&counts.logins), "{counts:?}");
    assert_eq!(counts.refused, 0, "{counts:?}");
}
