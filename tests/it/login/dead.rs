//! D5: when a refresh token is dead, and what follows.

use std::time::Duration;

use http::Response;
use tower_bearer::login::{Form, Refresh};
use tower_bearer::{AuthError, Session, TokenRequest, TokenSource};

use super::token_endpoint::{INVALID_GRANT, TokenEndpoint, URL};
use super::{PASSWORD, answer};
use crate::support::{ScriptedSource, replacing, token};

const REFRESH: &str = "grant_type=refresh_token&refresh_token=r1";
const BY_PASSWORD: &str = "username=me&password=hunter2";
const TOKEN: (u16, &str) = (200, r#"{"access_token": "new", "refresh_token": "r2"}"#);
const MINUTE: (u16, &str) = (
    200,
    r#"{"access_token": "new", "refresh_token": "r2", "expires_in": 60}"#,
);

fn refresh(endpoint: &TokenEndpoint, login: &ScriptedSource) -> Refresh {
    Refresh::new(endpoint.client(), URL, login.clone()).unwrap()
}

fn form(endpoint: &TokenEndpoint) -> Form {
    let base = "https://auth.example.com";
    let form = Form::new(endpoint.client(), base, "me", PASSWORD);
    form.unwrap().use_refresh_token()
}

fn stale() -> TokenRequest {
    replacing(&token("old").refresh_token("r1"))
}

fn with_retry_after((status, body): (u16, &str), seconds: &str) -> Response<String> {
    let mut response = answer(status, body);
    let header = seconds.parse().unwrap();
    response.headers_mut().insert("retry-after", header);
    response
}

fn kind(error: &AuthError) -> &'static str {
    match error {
        error if error.is_rejected() => "rejected",
        error if error.is_unavailable() => "unavailable",
        _ => "misconfigured",
    }
}

/// D5, L1: a refresh token that the server rejects, in whatever form, leads to the login in the
/// same fetch, which is told of no token before, and made once.
#[tokio::test]
async fn a_dead_refresh_token_is_followed_by_the_login() {
    let nested = r#"{"error": {"code": 400, "message": "TOKEN_EXPIRED",
        "status": "INVALID_ARGUMENT"}}"#;
    for dead in [
        INVALID_GRANT,
        (401, INVALID_GRANT.1),
        (403, INVALID_GRANT.1),
        (404, INVALID_GRANT.1),
        (423, INVALID_GRANT.1),
        (200, INVALID_GRANT.1),
        (200, r#"{"error": "bad_refresh_token", "error_uri": "x"}"#),
        (200, r#"{"error": "Unauthorized", "code": 401}"#),
        (400, r#"{"error": "invalid_request"}"#),
        (400, r#"{"error": "INVALID_GRANT"}"#),
        (400, r#"{"error": ["invalid_grant"]}"#),
        (400, r#"["invalid_grant"]"#),
        (400, "unknown refresh token"),
        (400, nested),
        (401, r#"{"error": "invalid_token"}"#),
        (401, ""),
        (403, "<html>Forbidden</html>"),
        (410, ""),
        (422, r#"{"detail": []}"#),
        (498, ""),
    ] {
        let (endpoint, login) = (TokenEndpoint::new([dead]), ScriptedSource::open());
        let token = refresh(&endpoint, &login).fetch(stale()).await;
        assert_eq!(token.unwrap().expose(), "t1", "{dead:?}");
        assert_eq!(endpoint.forms(), [REFRESH], "{dead:?}");
        assert_eq!(login.stale(), [None], "{dead:?}");

        let endpoint = TokenEndpoint::new([dead, TOKEN]);
        let token = form(&endpoint).fetch(stale()).await;
        assert_eq!(token.unwrap().expose(), "new", "{dead:?}");
        assert_eq!(endpoint.forms(), [REFRESH, BY_PASSWORD], "{dead:?}");
    }
    for (dead, seconds) in [(INVALID_GRANT, "900"), ((401, ""), "0")] {
        let endpoint = TokenEndpoint::default();
        endpoint.then(with_retry_after(dead, seconds));
        let login = ScriptedSource::open();
        assert!(refresh(&endpoint, &login).fetch(stale()).await.is_ok());
    }
}

/// D5: a rejection for another reason that is named, and every other failure, makes no login: it
/// would fail alike, or is not needed.
#[tokio::test]
async fn another_reason_makes_no_login() {
    let named = |name: &'static str| {
        let body = &*Box::leak(format!(r#"{{"error": "{name}"}}"#).into_boxed_str());
        [200, 400, 401, 403].map(|status| (answer(status, body), "rejected"))
    };
    let reasons = [
        "invalid_client",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_target",
        "incorrect_client_credentials",
        "bad_client_secret",
        "invalid_client_id",
        "too_many_attempts",
        "quota_exceeded",
    ];
    let mut failures: Vec<_> = reasons.into_iter().flat_map(named).collect();
    let locked = r#"{"error": {"code": 400, "message": "TOO_MANY_ATTEMPTS_TRY_LATER : no"}}"#;
    let others = [
        (400, locked, "rejected"),
        (407, "", "rejected"),
        (423, "", "rejected"),
        (200, r#"{"error": "rate_limited"}"#, "unavailable"),
        (400, r#"{"error": "slow_down"}"#, "unavailable"),
        (401, r#"{"error": "rate_limit_exceeded"}"#, "unavailable"),
        (429, INVALID_GRANT.1, "unavailable"),
        (503, INVALID_GRANT.1, "unavailable"),
        (408, "", "unavailable"),
        (404, "", "misconfigured"),
        (405, r#"{"error": "invalid_request"}"#, "misconfigured"),
        (302, INVALID_GRANT.1, "misconfigured"),
        (200, "", "misconfigured"),
        (200, r#"{"error": ""}"#, "misconfigured"),
    ];
    failures.extend(others.map(|(status, body, kind)| (answer(status, body), kind)));
    let locked = r#"{"error": "locked"}"#;
    let asked_to_wait = [(401, ""), (400, locked), (200, locked)];
    let asked_to_wait = asked_to_wait.map(|it| (with_retry_after(it, "900"), "rejected"));
    failures.extend(asked_to_wait);
    for (failure, expected) in failures {
        let what = format!("{failure:?}");
        let (endpoint, login) = (TokenEndpoint::default(), ScriptedSource::open());
        endpoint.then(failure.clone());
        let error = refresh(&endpoint, &login).fetch(stale()).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{what}");
        assert_eq!((endpoint.forms().len(), login.logins()), (1, 0), "{what}");

        let endpoint = TokenEndpoint::default();
        endpoint.then(failure);
        let error = form(&endpoint).fetch(stale()).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{what}");
        assert_eq!(endpoint.forms(), [REFRESH], "{what}");
    }
}

/// D5, L4: the reason is known by what the server said, although a secret hides a part of it.
#[tokio::test]
async fn a_secret_that_is_a_part_of_the_reason_hides_nothing() {
    for (secret, status, name, logins) in [
        ("grant", 423, "invalid_grant", 1),
        ("client", 401, "invalid_client", 0),
        ("limit", 401, "rate_limited", 0),
    ] {
        let endpoint = TokenEndpoint::default();
        endpoint.then(answer(status, &format!(r#"{{"error": "{name}"}}"#)));
        let login = ScriptedSource::open();
        let stale = replacing(&token("old").refresh_token(secret));
        let outcome = refresh(&endpoint, &login).fetch(stale).await;
        assert_eq!((outcome.is_ok() as usize, login.logins()), (logins, logins));
        if let Err(error) = outcome {
            let masked = name.replace(secret, "***");
            assert_eq!(error.response().unwrap().error(), Some(&*masked));
        }
    }
}

/// D5, L1: the login that heals it latches nothing and counts as no failure, however often; without
/// one that heals it, one rejection is remembered.
#[tokio::test(start_paused = true)]
async fn a_dead_refresh_token_that_the_login_heals_latches_nothing() {
    for dead in [
        (401, ""),
        (200, r#"{"error": "bad_refresh_token"}"#),
        (400, "no"),
    ] {
        let endpoint = TokenEndpoint::new([MINUTE, dead, MINUTE, dead, MINUTE, dead, dead]);
        let session = Session::new(form(&endpoint));
        for _ in 0..3 {
            session.token().await.unwrap();
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        let stats = session.stats();
        assert_eq!((stats.logins_succeeded, stats.logins_failed), (3, 0));
        assert_eq!(endpoint.forms().len(), 5);

        for _ in 0..3 {
            let error = session.token().await.unwrap_err();
            assert!(error.is_rejected(), "{error}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
        }
        // Once by each.
        assert_eq!(endpoint.forms().len(), 7);
    }
}
