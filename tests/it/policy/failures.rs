//! R6, L1, L2, L3: logins that fail or do not help, end to end.

use std::time::{Duration, SystemTime};

use futures::future::join_all;
use http::{Response, StatusCode};
use tokio::time::{Instant, advance};
use tower::{Layer, ServiceExt};
use tower_bearer::testing::Answer;
use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal, Session};

use super::{URI, api, form, living, settle};
use crate::support::{ScriptedSource, Server, auth_error, explanation, get, millis, secs, token};

/// R4, R6: where no login is allowed any more the caller gets the original response with the reason
/// in its extensions, or that reason as the error.
#[tokio::test(start_paused = true)]
async fn a_withheld_login_is_told() {
    for choice in [OnFailedRenewal::ReturnResponse, OnFailedRenewal::Error] {
        let desk = ScriptedSource::open();
        let client = BearerAuthLayer::new(desk.clone())
            .on_failed_renewal(choice)
            .layer(Server::accepting("none").service());
        for _ in 0..3 {
            let retried = client.clone().oneshot(get(URI)).await.unwrap();
            assert!(explanation(&retried).is_none());
        }
        let answered = client.clone().oneshot(get(URI)).await;
        let error = match choice {
            OnFailedRenewal::ReturnResponse => {
                let response = answered.unwrap();
                assert_eq!(*response.body(), "who are you?");
                explanation(&response).unwrap().clone()
            }
            _ => auth_error(answered.unwrap_err()),
        };
        assert!(error.is_throttled(), "{error}");
        assert_eq!(error.retry_after(), Some(secs(1)));
        assert_eq!(desk.logins(), 4);
        assert_eq!(client.session().stats().logins_throttled, 1);
        advance(secs(1)).await;
        client.oneshot(get(URI)).await.unwrap();
        assert_eq!(desk.logins(), 5);
    }
}

/// R6: neither another request's success nor `invalidate` opens what is closed.
#[tokio::test(start_paused = true)]
async fn nothing_opens_a_withheld_login() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("none"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    for _ in 0..4 {
        client.clone().oneshot(get(URI)).await.unwrap();
    }
    let session = client.session();
    let held = session.token().await.unwrap();
    assert!(session.invalidate(&held));
    server.accept(held.expose());
    assert_eq!(
        client.clone().oneshot(get(URI)).await.unwrap().status(),
        200
    );
    server.accept("none");
    // Where it was accepted a refusal would prove something.
    let elsewhere = get("https://api.example.com/elsewhere");
    let refused = client.clone().oneshot(elsewhere).await.unwrap();
    assert!(explanation(&refused).unwrap().is_throttled());
    assert_eq!(desk.logins(), 4);
}

/// T7, R6: an invalidated token is replaced before the next request, another one is left alone.
#[tokio::test]
async fn an_invalidated_token_is_replaced() {
    let (desk, server) = (ScriptedSource::open(), Server::new());
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    client.clone().oneshot(get(URI)).await.unwrap();
    let session = client.session().clone();
    assert!(!session.invalidate(&token("another")));
    client.clone().oneshot(get(URI)).await.unwrap();
    let held = session.token().await.unwrap();
    assert!(session.invalidate(&held));
    client.oneshot(get(URI)).await.unwrap();
    assert!(!session.invalidate(&held));
    assert_eq!(server.tokens(), ["Bearer t1", "Bearer t1", "Bearer t2"]);
    assert_eq!(desk.stale(), [None, Some("t1".to_owned())]);
    let stats = session.stats();
    let counted = (
        stats.logins,
        stats.logins_failed,
        stats.logins_throttled,
        stats.tokens_refused,
    );
    assert_eq!(counted, (2, 0, 0, 1));
}

/// L1: those who wait already fail with the one who asked, and so does whoever comes later; no
/// login is made for any of them.
#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_rejected_login_make_no_other() {
    let desk = ScriptedSource::closed().script([Err(AuthError::rejected("no"))]);
    let server = Server::new();
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let requests = (0..50).map(|_| tokio::spawn(client.clone().oneshot(get(URI))));
    let requests: Vec<_> = requests.collect();
    settle().await;
    desk.let_through(10);
    for answered in join_all(requests).await {
        let error = auth_error(answered.unwrap().unwrap_err());
        assert!(
            error.is_rejected() && error.retry_after() == Some(secs(60)),
            "{error:?}"
        );
    }
    advance(secs(59)).await;
    let error = auth_error(client.clone().oneshot(get(URI)).await.unwrap_err());
    assert_eq!(error.retry_after(), Some(secs(1)));
    assert_eq!((desk.logins(), server.seen().len()), (1, 0));
    assert_eq!(client.session().stats().logins_throttled, 1);
    advance(secs(1)).await;
    client.oneshot(get(URI)).await.unwrap();
    assert_eq!(desk.logins(), 2);
}

/// L1, R7: with a token in hand a request goes out with it while the latch is closed.
#[tokio::test(start_paused = true)]
async fn a_token_in_hand_serves_behind_a_closed_latch() {
    let script = [Ok(living("a", secs(30))), Err(AuthError::rejected("no"))];
    let (desk, server) = (
        ScriptedSource::open().script(script),
        Server::accepting("b"),
    );
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let refused = client.clone().oneshot(get(URI)).await.unwrap();
    assert!(explanation(&refused).unwrap().is_rejected());
    server.accept("a");
    for _ in 0..29 {
        let response = client.clone().oneshot(get(URI)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        advance(secs(1)).await;
    }
    advance(secs(1)).await;
    let error = auth_error(client.oneshot(get(URI)).await.unwrap_err());
    assert!(
        error.is_rejected() && error.retry_after() == Some(secs(30)),
        "{error:?}"
    );
    assert_eq!(desk.logins(), 2);
}

fn answer(status: u16) -> http::response::Builder {
    Response::builder().status(status)
}

/// L2: `Retry-After` in seconds and as a date is kept to, and no request waits for it.
#[tokio::test(start_paused = true)]
async fn both_forms_of_retry_after_are_kept_to() {
    let date = httpdate::fmt_http_date(SystemTime::now() + secs(100));
    for (value, least, most) in [
        ("100", secs(100), secs(100)),
        (&*date, secs(60), secs(101)),
        ("99999999", secs(3_600), secs(3_600)),
        ("0", millis(125), millis(250)),
        ("soon", millis(125), millis(250)),
    ] {
        for status in [429, 503] {
            let api = api();
            let answer = answer(status).header("retry-after", value).body("");
            api.script_login(answer.unwrap());
            let client = BearerAuthLayer::new(form(&api, "right")).layer(api.clone());
            let asked_at = Instant::now();
            let error = auth_error(client.clone().oneshot(get(URI)).await.unwrap_err());
            assert!(error.is_unavailable() && !error.is_timeout(), "{error}");
            let after = error.retry_after().unwrap();
            assert!(least <= after && after <= most, "{value}: {after:?}");
            advance(after - Duration::from_nanos(1)).await;
            let error = auth_error(client.clone().oneshot(get(URI)).await.unwrap_err());
            assert_eq!(error.retry_after(), Some(Duration::from_nanos(1)));
            assert_eq!(asked_at.elapsed(), after - Duration::from_nanos(1));
            advance(Duration::from_nanos(1)).await;
            assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
            assert_eq!(api.counts().logins, 2);
        }
    }
}

/// L1, L3: rejected credentials are latched for a minute, a login that is set up wrongly for a
/// second, and its kind is told.
#[tokio::test(start_paused = true)]
async fn what_will_not_pass_is_latched() {
    let ok = |body: &'static str| answer(200).body(body).unwrap();
    let to = "https://api.example.com/elsewhere";
    for (scripted, misconfigured) in [
        (
            answer(400).body(r#"{"error": "invalid_grant"}"#).unwrap(),
            false,
        ),
        (answer(401).body("").unwrap(), false),
        (answer(403).body("").unwrap(), false),
        (answer(422).body("").unwrap(), false),
        (answer(404).body("").unwrap(), true),
        (answer(405).body("").unwrap(), true),
        (answer(302).header("location", to).body("").unwrap(), true),
        (answer(307).header("location", to).body("").unwrap(), true),
        (ok(""), true),
        (ok(r#"{"access_token": "a", "token_type": "mac"}"#), true),
    ] {
        let what = format!("{} {}", scripted.status(), scripted.body());
        let api = api();
        api.script_login(scripted);
        let client = BearerAuthLayer::new(form(&api, "right")).layer(api.clone());
        for left in if misconfigured {
            [1_000, 500]
        } else {
            [60_000, 59_500]
        } {
            let error = auth_error(client.clone().oneshot(get(URI)).await.unwrap_err());
            assert_eq!(error.is_misconfigured(), misconfigured, "{what}");
            assert_eq!(error.is_rejected(), !misconfigured, "{what}");
            assert_eq!(error.retry_after(), Some(millis(left)), "{what}");
            advance(millis(500)).await;
        }
        assert_eq!(
            (api.counts().logins, api.counts().requests),
            (1, 0),
            "{what}"
        );
        advance(secs(59)).await;
        assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    }
}

/// L2: what may pass is tried again after a back-off, be it an answer, the network or a time-out.
#[tokio::test(start_paused = true)]
async fn what_may_pass_is_backed_off_from() {
    let refused = Answer::TransportError(std::io::ErrorKind::ConnectionRefused);
    let statuses = [408, 425, 429, 500, 502, 599];
    let answers = statuses.map(|status| Answer::from(StatusCode::from_u16(status).unwrap()));
    for scripted in answers.into_iter().chain([refused, Answer::Hang]) {
        let what = format!("{scripted:?}");
        let api = api();
        api.script_login(scripted);
        let session = Session::new(form(&api, "right"));
        let error = session.token().await.unwrap_err();
        assert!(error.is_unavailable(), "{what}: {error}");
        let after = error.retry_after().unwrap();
        assert!(
            millis(125) <= after && after <= millis(250),
            "{what}: {after:?}"
        );
        assert!(
            session.token().await.unwrap_err().is_unavailable(),
            "{what}"
        );
        advance(after).await;
        assert!(session.token().await.is_ok(), "{what}");
        assert_eq!(api.counts().logins, 2, "{what}");
    }
}

/// L1: a locked account is left alone for as long as the login asks, and no longer than the session
/// lets it ask.
#[tokio::test(start_paused = true)]
async fn a_locked_account_is_left_alone_for_as_long_as_it_asks() {
    for (status, asked, left) in [(401, 900, 900), (423, 900, 900), (423, 14_400, 3_600)] {
        let api = api();
        let locked = answer(status).header("retry-after", asked);
        api.script_login(locked.body("").unwrap());
        let client = BearerAuthLayer::new(form(&api, "right")).layer(api.clone());
        for second in 0..left {
            let error = auth_error(client.clone().oneshot(get(URI)).await.unwrap_err());
            assert!(error.is_rejected());
            assert_eq!(error.retry_after(), Some(secs(left - second)));
            advance(secs(1)).await;
        }
        assert_eq!(api.counts().logins, 1);
        assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    }
}
