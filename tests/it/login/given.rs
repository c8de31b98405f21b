//! D5: a refresh token from elsewhere, and when it is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::time::advance;
use tower::{ServiceExt, service_fn};
use tower_bearer::login::{LoginClient, Refresh};
use tower_bearer::{AuthError, Origins, Session, TokenRequest, TokenSource};

use super::answer;
use super::token_endpoint::{INVALID_GRANT, TokenEndpoint, URL};
use crate::support::{ScriptedSource, replacing, settle, token};

const KEPT: (u16, &str) = (200, r#"{"access_token": "new"}"#);
const SAME: (u16, &str) = (200, r#"{"access_token": "new", "refresh_token": "r1"}"#);
const ROTATED: (u16, &str) = (200, r#"{"access_token": "new", "refresh_token": "r2"}"#);

const GONE: &str = "login rejected: the server has replaced the given refresh token, and the new \
                    one was lost, by a sign-out or in an unusable answer: log in again elsewhere, \
                    and pass the refresh token of that login to `Session::replace_source`";

fn given(client: impl LoginClient) -> Refresh {
    Refresh::from_token(client, URL, "r1", Origins::any()).unwrap()
}

fn alone(endpoint: &TokenEndpoint) -> Refresh {
    given(endpoint.client())
}

fn refresh_form(refresh_token: &str) -> String {
    format!("grant_type=refresh_token&refresh_token={refresh_token}")
}

/// D5: a refresh token from elsewhere is good for the first token; from then on that of the token
/// counts.
#[tokio::test]
async fn a_given_refresh_token_is_for_the_first_token() {
    let endpoint = TokenEndpoint::new([KEPT, ROTATED, KEPT]);
    let source = Refresh::from_token(endpoint.client(), URL, "r1\r\n", Origins::any()).unwrap();
    let mut token = source.fetch(TokenRequest::first()).await.unwrap();
    assert_eq!(token.expose_refresh_token(), Some("r1"));
    for _ in 0..2 {
        token = source.fetch(replacing(&token)).await.unwrap();
        assert_eq!(token.expose_refresh_token(), Some("r2"));
    }
    assert_eq!(
        endpoint.forms(),
        [refresh_form("r1"), refresh_form("r1"), refresh_form("r2")]
    );
}

/// D5, L1: without a login a refresh token that is no good is a rejection.
#[tokio::test]
async fn without_a_login_invalid_grant_is_a_rejection() {
    let endpoint = TokenEndpoint::new([INVALID_GRANT; 2]);
    for request in [
        TokenRequest::first(),
        replacing(&token("old").refresh_token("r2")),
    ] {
        let error = alone(&endpoint).fetch(request).await.unwrap_err();
        assert!(error.is_rejected());
        assert_eq!(error.response().unwrap().error(), Some("invalid_grant"));
    }
    assert_eq!(endpoint.forms(), [refresh_form("r1"), refresh_form("r2")]);
}

/// D5: a given refresh token that is no good leads to the login, where there is one; it is not
/// tried again beside that login's token.
#[tokio::test]
async fn a_given_refresh_token_may_be_followed_by_a_login() {
    let (endpoint, login) = (TokenEndpoint::new([INVALID_GRANT]), ScriptedSource::open());
    let source = alone(&endpoint).or_login(login.clone());
    let token = source.fetch(TokenRequest::first()).await.unwrap();
    source.fetch(replacing(&token)).await.unwrap();
    assert_eq!(login.logins(), 2);
    assert_eq!(endpoint.forms(), [refresh_form("r1")]);
}

/// D5, T8: a known token that came without a refresh token is renewed by the given one, and what
/// replaces that counts from then on.
#[tokio::test(start_paused = true)]
async fn a_known_token_is_renewed_by_the_given_refresh_token() {
    for known in [token("known"), token("known").refresh_token("")] {
        let (endpoint, login) = (TokenEndpoint::new([ROTATED, KEPT]), ScriptedSource::open());
        let minute = Duration::from_secs(60);
        let session = Session::builder(alone(&endpoint).or_login(login.clone()))
            .token(known.expires_in(minute))
            .build();
        assert_eq!(session.token().await.unwrap().expose(), "known");
        assert!(endpoint.asked().is_empty());

        advance(minute).await;
        let renewed = session.token().await.unwrap();
        assert_eq!(renewed.expose_refresh_token(), Some("r2"));
        session.invalidate(&renewed);
        session.token().await.unwrap();
        assert_eq!(endpoint.forms(), ["r1", "r2"].map(refresh_form));
        assert_eq!(login.logins(), 0);
    }
}

/// D5, T8: a known token that has a refresh token of its own is renewed by that one.
#[tokio::test]
async fn a_known_refresh_token_counts_for_more_than_the_given_one() {
    let endpoint = TokenEndpoint::new([KEPT]);
    let known = token("known").refresh_token("r5");
    alone(&endpoint).fetch(replacing(&known)).await.unwrap();
    assert_eq!(endpoint.forms(), [refresh_form("r5")]);
}

/// D5: beside a known token without one, a given refresh token that was replaced is not sent, and
/// one that was refused is sent again only if there is no login to make instead.
#[tokio::test]
async fn a_known_token_brings_no_dead_refresh_token_back() {
    let endpoint = TokenEndpoint::new([ROTATED]);
    let source = alone(&endpoint);
    source.fetch(TokenRequest::first()).await.unwrap();
    let error = source.fetch(replacing(&token("known"))).await.unwrap_err();
    assert_eq!(error.to_string(), GONE);
    assert_eq!(endpoint.forms(), [refresh_form("r1")]);

    let (endpoint, login) = (TokenEndpoint::new([INVALID_GRANT]), ScriptedSource::open());
    let source = alone(&endpoint).or_login(login.clone());
    for logins in 1..4 {
        source.fetch(replacing(&token("known"))).await.unwrap();
        assert_eq!((endpoint.forms().len(), login.logins()), (1, logins));
    }

    let endpoint = TokenEndpoint::new([INVALID_GRANT, KEPT]);
    let source = alone(&endpoint);
    let error = source.fetch(replacing(&token("known"))).await.unwrap_err();
    assert!(error.is_rejected());
    source.fetch(replacing(&token("known"))).await.unwrap();
    assert_eq!(endpoint.forms(), ["r1", "r1"].map(refresh_form));
}

/// D5, L3: with nothing to go by nothing is sent, and the error says why.
#[tokio::test]
async fn an_empty_refresh_token_is_a_misconfiguration() {
    let endpoint = TokenEndpoint::default();
    let source = Refresh::from_token(endpoint.client(), URL, "\n", Origins::any()).unwrap();
    let error = source.fetch(TokenRequest::first()).await.unwrap_err();
    assert!(error.is_misconfigured());
    assert_eq!(
        error.to_string(),
        "login misconfigured: there is neither a refresh token nor a login"
    );
    assert!(endpoint.asked().is_empty());
}

/// D5, T7: where the server has not replaced it, a given refresh token is used again after a
/// sign-out.
#[tokio::test(start_paused = true)]
async fn a_given_refresh_token_is_used_again_after_a_sign_out() {
    for kept in [KEPT, SAME] {
        let endpoint = TokenEndpoint::new([kept; 3]);
        let session = Session::new(alone(&endpoint));
        for _ in 0..3 {
            session.token().await.unwrap();
            session.sign_out();
        }
        assert_eq!(endpoint.forms(), vec![refresh_form("r1"); 3]);
    }
}

/// D5, T7: where it has, the given one is never sent again: neither after one sign-out nor after
/// more, nor when time has passed. The error says why, and another source heals it.
#[tokio::test(start_paused = true)]
async fn a_given_refresh_token_that_was_replaced_is_never_sent_again() {
    // At the first refresh, or at a later one.
    for answers in [
        vec![ROTATED],
        vec![KEPT, ROTATED],
        vec![SAME, KEPT, ROTATED],
    ] {
        let endpoint = TokenEndpoint::new(answers.clone());
        let session = Session::new(alone(&endpoint));
        for _ in &answers {
            let token = session.token().await.unwrap();
            session.invalidate(&token);
        }
        let sent = endpoint.forms();
        assert_eq!(sent, vec![refresh_form("r1"); answers.len()]);
        for _ in 0..3 {
            session.sign_out();
            let error = session.token().await.unwrap_err();
            assert!(error.is_rejected());
            assert!(error.to_string().starts_with(GONE), "{error}");
            advance(Duration::from_secs(7200)).await;
        }
        assert_eq!(endpoint.forms(), sent);

        let other = TokenEndpoint::new([KEPT]);
        let next = Refresh::from_token(other.client(), URL, "r7", Origins::any()).unwrap();
        session.replace_source(next);
        session.token().await.unwrap();
        assert_eq!(other.forms(), [refresh_form("r7")]);
    }
}

/// D5, T7: where there is a login, that one is made instead.
#[tokio::test(start_paused = true)]
async fn a_replaced_refresh_token_is_followed_by_the_login() {
    let (endpoint, login) = (TokenEndpoint::new([ROTATED]), ScriptedSource::open());
    let session = Session::new(alone(&endpoint).or_login(login.clone()));
    session.token().await.unwrap();
    for logins in 1..4 {
        session.sign_out();
        session.token().await.unwrap();
        assert_eq!(login.logins(), logins);
    }
    assert_eq!(endpoint.forms(), [refresh_form("r1")]);
}

/// D5: beside a token that has it, a replaced refresh token is not sent either, as of another
/// session that shares the source.
#[tokio::test]
async fn a_replaced_refresh_token_is_not_sent_for_an_older_token() {
    let endpoint = TokenEndpoint::new([KEPT, ROTATED]);
    let source = alone(&endpoint);
    let first = source.fetch(TokenRequest::first()).await.unwrap();
    source.fetch(replacing(&first)).await.unwrap();
    let error = source.fetch(replacing(&first)).await.unwrap_err();
    assert_eq!(error.to_string(), GONE);
    // The refresh tokens of others are their own.
    endpoint.then(answer(KEPT.0, KEPT.1));
    let other = replacing(&token("old").refresh_token("r5"));
    source.fetch(other).await.unwrap();
    let forms = ["r1", "r1", "r5"].map(refresh_form);
    assert_eq!(endpoint.forms(), forms);
}

/// D5: another refresh token that is replaced is another one.
#[tokio::test]
async fn a_given_refresh_token_outlives_another_that_is_replaced() {
    let endpoint = TokenEndpoint::new([ROTATED, KEPT]);
    let source = alone(&endpoint);
    let other = replacing(&token("old").refresh_token("r5"));
    source.fetch(other).await.unwrap();
    source.fetch(TokenRequest::first()).await.unwrap();
    assert_eq!(endpoint.forms(), ["r5", "r1"].map(refresh_form));
}

/// D5, L3: an answer that replaces it has done so, though its token is of no use.
#[tokio::test]
async fn an_answer_without_a_usable_token_replaces_a_refresh_token_too() {
    for unusable in [
        r#"{"access_token": "a", "token_type": "mac", "refresh_token": "r2"}"#,
        r#"{"access_token": "a b", "refresh_token": "r2"}"#,
        r#"{"refresh_token": "r2"}"#,
    ] {
        let endpoint = TokenEndpoint::new([(200, unusable)]);
        let source = alone(&endpoint);
        let error = source.fetch(TokenRequest::first()).await.unwrap_err();
        assert!(error.is_misconfigured());
        let error = source.fetch(TokenRequest::first()).await.unwrap_err();
        assert_eq!(error.to_string(), GONE);
        assert_eq!(endpoint.forms(), [refresh_form("r1")]);
    }
}

/// D5: an answer that gives no token and no other refresh token replaces nothing: a server that was
/// down, or rejected it, may be asked again.
#[tokio::test]
async fn a_refresh_that_fails_replaces_nothing() {
    let failures = [
        (503, r#"{"refresh_token": "r2"}"#),
        (503, ""),
        INVALID_GRANT,
        (401, ""),
        (200, ""),
        (200, r#"{"error": "bad_refresh_token"}"#),
        (200, r#"{"refresh_token": "r1"}"#),
        (200, r#"{"refresh_token": ""}"#),
    ];
    let endpoint = TokenEndpoint::new(failures);
    endpoint.then(answer(KEPT.0, KEPT.1));
    let source = alone(&endpoint);
    for _ in failures {
        source.fetch(TokenRequest::first()).await.unwrap_err();
    }
    source.fetch(TokenRequest::first()).await.unwrap();
    assert_eq!(
        endpoint.forms(),
        vec![refresh_form("r1"); failures.len() + 1]
    );
}

/// D5, T7: a refresh that was dropped on its way may have replaced it or not: it is tried again, and
/// what the server says counts.
#[tokio::test(start_paused = true)]
async fn a_given_refresh_token_is_tried_again_after_a_dropped_refresh() {
    for (next, heals) in [(ROTATED, true), (INVALID_GRANT, false)] {
        let endpoint = TokenEndpoint::new([ROTATED, next]);
        let (client, hangs) = (endpoint.client(), Arc::new(AtomicBool::new(true)));
        let client = service_fn(move |request: Request<Full<Bytes>>| {
            let (answer, hangs) = (client.clone().oneshot(request), hangs.clone());
            async move {
                let answer: Result<Response<Full<Bytes>>, _> = answer.await;
                if hangs.swap(false, Ordering::Relaxed) {
                    // The server has answered, and nobody hears of it.
                    std::future::pending::<()>().await;
                }
                answer
            }
        });
        let session = Session::new(given(client));
        let waiting = tokio::spawn(session.token());
        settle().await;
        assert_eq!(endpoint.forms().len(), 1);
        session.sign_out();
        assert!(waiting.await.unwrap().unwrap_err().is_signed_out());

        let outcome = session.token().await;
        assert_eq!(outcome.is_ok(), heals);
        assert!(outcome.as_ref().err().is_none_or(AuthError::is_rejected));
        assert_eq!(endpoint.forms(), [refresh_form("r1"), refresh_form("r1")]);
    }
}
