//! The refresh token of an account that is left.

use tokio::time::advance;
use tower_bearer::login::Form;

use super::{BASE, MINUTE, api, layer, passwords_and_refreshes, status};
use crate::login::token_endpoint::TokenEndpoint;
use crate::support::settle;

/// D5, T7: a sign-out forgets the refresh token, and drops a refresh under way: the next login is
/// made with the password.
#[tokio::test(start_paused = true)]
async fn a_sign_out_forgets_the_refresh_token() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    layer.session().sign_out();
    assert_eq!(status(&layer, &api).await, 200);
    assert_eq!(passwords_and_refreshes(api.counts()), (2, 0));

    advance(MINUTE).await;
    let hold = api.hold_logins();
    let waiting = layer.session().token();
    let waiting = tokio::spawn(waiting);
    api.counts_when(|counts| counts.logins == 3).await;
    layer.session().sign_out();
    hold.release();
    assert!(waiting.await.unwrap().unwrap_err().is_signed_out());
    assert_eq!(status(&layer, &api).await, 200);
    assert_eq!(passwords_and_refreshes(api.counts()), (3, 0));
    assert_eq!(api.counts().logins, 4);
}

/// D5, T7: another account's source is never given the refresh token of the one before, whether
/// its token has expired, was refused, or is being renewed.
#[tokio::test(start_paused = true)]
async fn another_account_gets_no_refresh_token() {
    const ANSWER: &str = r#"{"access_token": "b", "expires_in": 60}"#;
    for renewing in [false, true] {
        let api = api();
        let layer = layer(&api);
        let session = layer.session();
        session.token().await.unwrap();
        advance(MINUTE).await;
        let hold = api.hold_logins();
        let waiting = renewing.then(|| tokio::spawn(session.token()));
        if renewing {
            api.counts_when(|counts| counts.logins == 2).await;
        }
        let other = TokenEndpoint::new([(200, ANSWER), (200, ANSWER)]);
        let form = Form::new(other.client(), BASE, "bob", "b0b").unwrap();
        session.replace_source(form.use_refresh_token());
        session.token().await.unwrap();
        hold.release();
        if let Some(waiting) = waiting {
            assert_eq!(waiting.await.unwrap().unwrap().expose(), "b");
            settle().await;
            let counts = api.counts();
            assert_eq!((counts.logins, counts.logins_ok), (2, 1), "it is dropped");
        }
        advance(MINUTE).await;
        assert_eq!(session.token().await.unwrap().expose(), "b");
        assert_eq!(other.forms(), ["username=bob&password=b0b"; 2]);
    }
}
