//! Refreshes that fail or do not help, and when the password goes out again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Request;
use tokio::time::advance;
use tower::util::BoxCloneService;
use tower::{ServiceExt, service_fn};
use tower_bearer::testing::Answer;
use tower_bearer::{AuthError, BearerAuthLayer};

use super::{MINUTE, api, ask, layer, login, passwords_and_refreshes, status};
use crate::support::{Body, auth_error, explanation};

/// D5, L1: a refused refresh token that the password heals is no failed login: nobody sees it, and
/// no login after it has to wait.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_the_login_heals_latches_nothing() {
    let api = api();
    let layer = layer(&api);
    for round in 0..5 {
        assert_eq!(status(&layer, &api).await, 200, "{round}");
        assert_eq!(layer.session().stats().logins_failed, 0);
        api.revoke_refresh_tokens();
        advance(MINUTE).await;
    }
    assert_eq!(passwords_and_refreshes(api.counts()), (5, 0));
    assert_eq!(api.counts().logins_rejected, 4);
}

/// D5, L1: where the password is no good either, it goes out once, and then not for a minute,
/// whatever is asked for.
#[tokio::test(start_paused = true)]
async fn a_password_that_is_no_good_goes_out_once() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    api.revoke_refresh_tokens();
    api.change_password("alice", "another");
    advance(MINUTE).await;
    for _ in 0..50 {
        let error = auth_error(ask(&layer, &api).await.unwrap_err());
        assert!(error.is_rejected());
    }
    // The refresh and the password, beside the first login.
    assert_eq!((api.counts().logins, api.counts().logins_rejected), (3, 2));
    advance(MINUTE).await;
    assert!(ask(&layer, &api).await.is_err());
    assert_eq!(api.counts().logins, 5);
}

/// D5, L2: a refresh that finds the server down is tried again by the same refresh token, and the
/// password stays where it is.
#[tokio::test(start_paused = true)]
async fn the_refresh_token_outlives_an_outage() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    for answer in [
        Answer::unavailable(7),
        Answer::TransportError(io::ErrorKind::ConnectionReset),
        Answer::Hang,
    ] {
        advance(MINUTE).await;
        api.script_login(answer);
        let error = auth_error(ask(&layer, &api).await.unwrap_err());
        assert!(error.is_unavailable());
        advance(error.retry_after().unwrap()).await;
        assert_eq!(status(&layer, &api).await, 200);
    }
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 3));
    assert_eq!(api.counts().logins_rejected, 0);
}

/// D5: a refresh whose answer got lost has spent the refresh token; the next renewal is by the
/// password.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_costs_one_login_by_password() {
    let api = api();
    let loses = Arc::new(AtomicBool::new(false));
    let client = {
        let (api, loses) = (api.clone(), loses.clone());
        service_fn(move |request: Request<Body>| {
            let (answer, loses) = (api.clone().oneshot(request), loses.clone());
            async move {
                let answer = answer.await?;
                match loses.swap(false, Ordering::Relaxed) {
                    true => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
                    false => Ok(answer),
                }
            }
        })
    };
    let layer = BearerAuthLayer::new(login(BoxCloneService::new(client)));
    assert_eq!(status(&layer, &api).await, 200);
    advance(MINUTE).await;
    loses.store(true, Ordering::Relaxed);
    let error = auth_error(ask(&layer, &api).await.unwrap_err());
    assert!(error.is_unavailable());
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 1));

    advance(error.retry_after().unwrap()).await;
    assert_eq!(status(&layer, &api).await, 200);
    assert_eq!(passwords_and_refreshes(api.counts()), (2, 1));
    advance(MINUTE).await;
    assert_eq!(status(&layer, &api).await, 200);
    assert_eq!(passwords_and_refreshes(api.counts()), (2, 2));
}

/// D5, R6: refreshes whose tokens are refused at once are closed as other logins are, and never
/// lead to the password.
#[tokio::test(start_paused = true)]
async fn fresh_tokens_that_are_refused_end_the_refreshes() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    let mut withheld = 0;
    for _ in 0..50 {
        api.revoke_all();
        api.script_request(Answer::Refuse);
        api.script_request(Answer::Refuse);
        let response = ask(&layer, &api).await.unwrap();
        let withhold = explanation(&response).is_some_and(AuthError::is_throttled);
        withheld += usize::from(withhold);
    }
    assert!(withheld > 40, "{withheld}");
    let (passwords, refreshes) = passwords_and_refreshes(api.counts());
    assert!(passwords == 1 && refreshes <= 4, "{refreshes}");
    // Signed out, the session has no refresh token any more.
    layer.session().sign_out();
    layer.session().token().await.unwrap();
    assert_eq!(passwords_and_refreshes(api.counts()), (2, refreshes));
}
