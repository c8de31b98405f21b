//! Each number has a setter, and each setter an effect.

use std::time::Duration;

use futures::future::pending;
use tokio::time::{Instant, advance};
use tower::{Layer, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer, Origins, Session, SessionBuilder, source_fn};

use super::{URI, living, settle};
use crate::support::{ScriptedSource, Server, explanation, get, millis, secs};

/// How long each of some failed logins closes the gate.
async fn pauses(session: &Session, times: usize) -> Vec<Duration> {
    let mut pauses = Vec::new();
    for _ in 0..times {
        let error = session.token().await.unwrap_err();
        let pause = error.retry_after().unwrap();
        pauses.push(pause);
        advance(pause).await;
    }
    pauses
}

fn failing(error: AuthError) -> SessionBuilder {
    Session::builder(source_fn(Origins::any(), move |_| {
        std::future::ready(Err(error.clone()))
    }))
}

/// L1: the latch, from the first pause to the longest.
#[tokio::test(start_paused = true)]
async fn the_latch_can_be_set() {
    let session = failing(AuthError::rejected("no"))
        .rejection_backoff(secs(2), secs(7))
        .build();
    assert_eq!(pauses(&session, 4).await, [2, 4, 7, 7].map(secs));
}

/// L3: the back-off of a login that is set up wrongly.
#[tokio::test(start_paused = true)]
async fn the_back_off_of_a_wrong_set_up_can_be_set() {
    let session = failing(AuthError::misconfigured("no"))
        .misconfiguration_backoff(secs(2), secs(7))
        .build();
    assert_eq!(pauses(&session, 4).await, [2, 4, 7, 7].map(secs));
}

/// L2: the back-off, of which the upper half is random.
#[tokio::test(start_paused = true)]
async fn the_back_off_can_be_set() {
    let builder = failing(AuthError::unavailable("down"));
    let session = builder.outage_backoff(secs(10), secs(25)).build();
    for (pause, most) in pauses(&session, 4).await.into_iter().zip([10, 20, 25, 25]) {
        assert!(secs(most) / 2 <= pause && pause <= secs(most), "{pause:?}");
    }
}

/// L2: the longest time that a `Retry-After` is honoured for.
#[tokio::test(start_paused = true)]
async fn the_longest_retry_after_can_be_set() {
    let busy = AuthError::unavailable("busy").with_retry_after(secs(1_000));
    let session = failing(busy).max_retry_after(secs(70)).build();
    assert_eq!(pauses(&session, 2).await, [secs(70); 2]);
}

/// L4, T3: the time that a login may take, and the time that a request waits.
#[tokio::test(start_paused = true)]
async fn the_time_limits_can_be_set() {
    let endless = || Session::builder(source_fn(Origins::any(), |_| pending()));
    let limited = endless().login_timeout(secs(4)).build();
    let waiting = endless().wait_timeout(secs(3)).build();
    for (session, limit) in [(limited, secs(4)), (waiting, secs(3))] {
        let asked_at = Instant::now();
        assert!(session.token().await.unwrap_err().is_timeout());
        assert_eq!(asked_at.elapsed(), limit);
    }
}

/// T5: the least time between two logins that expiry causes.
#[tokio::test(start_paused = true)]
async fn the_least_lifetime_can_be_set() {
    let brought = || Ok(living("a", millis(1)));
    let desk = ScriptedSource::open().script(std::iter::repeat_with(brought).take(9));
    let session = Session::builder(desk.clone())
        .min_lifetime(secs(10))
        .build();
    for second in 0..30 {
        session.token().await.unwrap();
        assert_eq!(desk.logins(), 1 + second / 10);
        advance(secs(1)).await;
    }
}

/// At which second of a token's 100 the renewal ahead begins.
async fn renewed_at(set: impl FnOnce(SessionBuilder) -> SessionBuilder) -> Option<u64> {
    let desk = ScriptedSource::open().script([Ok(living("a", secs(100)))]);
    let session = set(Session::builder(desk.clone())).build();
    for second in 0..100 {
        session.token().await.unwrap();
        settle().await;
        if desk.logins() == 2 {
            return Some(second);
        }
        advance(secs(1)).await;
    }
    None
}

/// T6: the part of a lifetime in which a token is renewed ahead, the longest such time, and by how
/// much it may be late.
#[tokio::test(start_paused = true)]
async fn the_renewal_ahead_can_be_set() {
    let exact = |builder: SessionBuilder| builder.renew_jitter(0.0);
    let usual = renewed_at(|it| it).await.unwrap();
    assert!((90..=92).contains(&usual), "{usual}");
    assert_eq!(renewed_at(exact).await, Some(90));
    let half = renewed_at(|it| exact(it).renew_ahead(0.5, secs(1_000))).await;
    assert_eq!(half, Some(50));
    let short = renewed_at(|it| exact(it).renew_ahead(0.5, secs(20))).await;
    assert_eq!(short, Some(80));
    for off in [0.0, -1.0, f64::NAN] {
        assert_eq!(renewed_at(|it| it.renew_ahead(off, secs(20))).await, None);
    }
    let mut late = Vec::new();
    for _ in 0..20 {
        let set = |it: SessionBuilder| it.renew_ahead(1.0, secs(90)).renew_jitter(1.0);
        late.push(renewed_at(set).await.unwrap_or(100));
    }
    late.sort_unstable();
    late.dedup();
    assert!(late.len() > 5 && late[0] >= 10, "they part: {late:?}");
}

/// R6: how many strikes are free, and the pauses after that.
#[tokio::test(start_paused = true)]
async fn the_pauses_after_refusals_can_be_set() {
    let desk = ScriptedSource::open();
    let session = Session::builder(desk.clone())
        .refusal_backoff(1, secs(4), secs(10))
        .build();
    let client = BearerAuthLayer::from_session(session).layer(Server::accepting("none").service());
    client.clone().oneshot(get(URI)).await.unwrap();
    for pause in [4, 8, 10, 10].map(secs) {
        let refused = client.clone().oneshot(get(URI)).await.unwrap();
        assert_eq!(explanation(&refused).unwrap().retry_after(), Some(pause));
        advance(pause).await;
        let retried = client.clone().oneshot(get(URI)).await.unwrap();
        assert!(explanation(&retried).is_none());
    }
    assert_eq!(desk.logins(), 6);
}

/// R6: how many refusals of an endpoint that had accepted the token are free within seconds, and
/// the pauses after that.
#[tokio::test(start_paused = true)]
async fn the_pauses_after_proven_refusals_can_be_set() {
    let desk = ScriptedSource::open();
    let session = Session::builder(desk.clone())
        .proven_refusal_backoff(2, secs(3), secs(4))
        .build();
    let server = Server::new();
    let client = BearerAuthLayer::from_session(session).layer(server.service());
    // Each token is accepted, and refused at once by the endpoint that accepted it.
    let revoke = async || {
        client.clone().oneshot(get(URI)).await.unwrap();
        server.accept(&format!("t{}", desk.logins() + 1));
        client.clone().oneshot(get(URI)).await.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(revoke().await.status(), 200);
    }
    for pause in [3, 4, 4].map(secs) {
        let refused = revoke().await;
        assert_eq!(explanation(&refused).unwrap().retry_after(), Some(pause));
        advance(pause).await;
        assert_eq!(
            client.clone().oneshot(get(URI)).await.unwrap().status(),
            200
        );
    }
}

/// R6: up to which age a refused token was not worth its login.
#[tokio::test(start_paused = true)]
async fn the_age_of_a_fresh_token_can_be_set() {
    for (fresh_token_age, logins) in [(secs(5), 21), (secs(6), 4)] {
        let session = Session::builder(ScriptedSource::open()).fresh_token_age(fresh_token_age);
        let session = session
            .refusal_backoff(3, secs(10_000), secs(10_000))
            .build();
        let layer = BearerAuthLayer::from_session(session.clone());
        let client = layer.layer(Server::new().service());
        for _ in 0..20 {
            client.clone().oneshot(get(URI)).await.unwrap();
            let held = session.token().await.unwrap();
            advance(millis(5_000)).await;
            session.invalidate(&held);
        }
        session.token().await.unwrap();
        assert_eq!(session.stats().logins, logins, "{fresh_token_age:?}");
    }
}
