//! Renewals by the refresh token.

use std::time::Duration;

use http::StatusCode;
use tokio::time::advance;
use tower_bearer::Session;
use tower_bearer::login::Refresh;

use super::{MINUTE, api, layer, passwords_and_refreshes, status};
use crate::login::token_endpoint::{TokenEndpoint, URL};
use crate::support::ScriptedSource;

/// D5, T5: the password goes out once, however often the token expires.
#[tokio::test(start_paused = true)]
async fn the_password_goes_out_once() {
    let api = api();
    let layer = layer(&api);
    for _ in 0..10 {
        assert_eq!(status(&layer, &api).await, 200);
        advance(MINUTE).await;
    }
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 9));
    assert_eq!((api.counts().refused, api.counts().logins_rejected), (0, 0));
}

/// D5: so it is with a server that keeps refresh tokens, and tells of none at a renewal.
#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_stays_is_used_again() {
    let api = api().rotate_refresh_tokens(false);
    let layer = layer(&api);
    for _ in 0..10 {
        assert_eq!(status(&layer, &api).await, 200);
        advance(MINUTE).await;
    }
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 9));
}

/// D5, T6: a renewal ahead is one by the refresh token too.
#[tokio::test(start_paused = true)]
async fn a_renewal_ahead_takes_the_refresh_token() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    advance(Duration::from_secs(59)).await;
    assert_eq!(status(&layer, &api).await, 200);
    api.counts_when(|counts| counts.refreshes == 1).await;
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 1));
}

/// D5, R2, T2: however many requests are refused, one refresh renews the token for all of them.
#[tokio::test(start_paused = true)]
async fn parallel_refusals_make_one_refresh() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    api.revoke_all();
    let requests = (0..100).map(|_| status(&layer, &api));
    let answers = futures::future::join_all(requests).await;
    assert_eq!(answers, [StatusCode::OK; 100]);
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 1));
    assert_eq!(api.counts().peak_logins, 1);
}

/// D5, R4: a refresh that brings the refused token again renews nothing; what it says of the
/// refresh token counts all the same.
#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_rotated_beside_the_same_token() {
    let answers = ["r2", "r3"].map(|refresh_token| {
        let json = serde_json::json!({"access_token": "t1", "refresh_token": refresh_token});
        crate::login::answer(200, &json.to_string())
    });
    let endpoint = TokenEndpoint::default();
    answers.into_iter().for_each(|answer| endpoint.then(answer));
    let first = crate::support::token("t1").refresh_token("r1");
    let login = ScriptedSource::open().script([Ok(first)]);
    let session = Session::new(Refresh::new(endpoint.client(), URL, login.clone()).unwrap());
    for _ in 0..3 {
        let token = session.token().await.unwrap();
        session.invalidate(&token);
    }
    let form = |token| format!("grant_type=refresh_token&refresh_token={token}");
    assert_eq!(endpoint.forms(), [form("r1"), form("r2")]);
    assert_eq!(login.logins(), 1);
}
