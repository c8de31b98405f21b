//! What the caller gets when the login fails.

use tower::{Layer, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal};

use super::URI;
use crate::support::{ScriptedSource, Server, auth_error, explanation, get, post, token};

/// R4: when the login fails, the caller gets the refused response and the error; the token stays.
#[tokio::test]
async fn a_failed_renewal_gives_the_original_response() {
    let desk =
        ScriptedSource::open().script([Ok(token("a")), Err(AuthError::unavailable("maintenance"))]);
    let server = Server::accepting("b");
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let response = client.clone().oneshot(get(URI)).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), *response.body()),
        (401, "who are you?")
    );
    let error = explanation(&response).unwrap();
    assert!(
        error.is_unavailable() && error.to_string().contains("maintenance"),
        "{error}"
    );
    server.accept("a");
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    assert_eq!(desk.logins(), 2);
    assert_eq!(server.tokens(), ["Bearer a", "Bearer a"]);
}

/// R4: the error itself, where the user asks for it.
#[tokio::test]
async fn a_failed_renewal_can_be_an_error() {
    let desk = ScriptedSource::open().script([Ok(token("a")), Ok(token("a"))]);
    let client = BearerAuthLayer::new(desk.clone())
        .on_failed_renewal(OnFailedRenewal::Error)
        .layer(Server::accepting("b").service());
    let error = auth_error(client.oneshot(get(URI)).await.unwrap_err());
    assert!(error.is_unchanged(), "{error}");
}

/// R4: nothing goes out without a token because a login failed.
#[tokio::test]
async fn nothing_is_sent_when_the_first_login_fails() {
    let desk = ScriptedSource::open().script([Err(AuthError::rejected("wrong password"))]);
    let server = Server::new();
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let error = auth_error(client.oneshot(post("secret plans")).await.unwrap_err());
    assert!(error.is_rejected());
    assert!(server.seen().is_empty());
}

/// R4: a login that is not allowed now is explained, also where the body was too large to replay.
#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_is_told_why_there_was_no_login() {
    for choice in [OnFailedRenewal::ReturnResponse, OnFailedRenewal::Error] {
        let desk =
            ScriptedSource::open().script([Ok(token("a")), Err(AuthError::rejected("locked"))]);
        let client = BearerAuthLayer::new(desk.clone())
            .replay_limit(3)
            .on_failed_renewal(choice)
            .layer(Server::accepting("b").service());
        // The first refusal makes the login that fails, the second is refused one.
        let _ = client.clone().oneshot(get(URI)).await;
        match client.clone().oneshot(post("payload")).await {
            Ok(response) => {
                assert_eq!(
                    choice,
                    OnFailedRenewal::ReturnResponse,
                    "asked for the error, got {}",
                    response.status()
                );
                assert!(explanation(&response).is_some(), "{choice:?}: no AuthError");
            }
            Err(error) => assert!(auth_error(error).is_rejected()),
        }
    }
}
