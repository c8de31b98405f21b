//! L1, L2, L3: what an answer means.

use std::time::{Duration, SystemTime};

use http::Response;
use tower_bearer::{AuthError, TokenRequest, TokenSource};

use super::{answer, answering, datafiniti, datafiniti_answered, form_answered};

async fn with_header(status: u16, name: &str, value: &str) -> AuthError {
    let response = Response::builder().status(status).header(name, value);
    let login = datafiniti(answering(response.body("").unwrap()));
    login.fetch(TokenRequest::first()).await.unwrap_err()
}

async fn wait_of(status: u16, retry_after: &str) -> Option<Duration> {
    with_header(status, "retry-after", retry_after)
        .await
        .retry_after()
}

/// L1: these say that the credentials are not good.
#[tokio::test]
async fn these_are_rejections() {
    for status in [
        400, 401, 402, 403, 406, 407, 409, 410, 418, 422, 423, 451, 499,
    ] {
        let error = datafiniti_answered(status, "{}").await.unwrap_err();
        assert!(error.is_rejected(), "{status}");
        assert_eq!(error.response().unwrap().status(), status);
    }
    for kind in [
        "invalid_grant",
        "invalid_client",
        "unsupported_grant_type",
        "whatever",
    ] {
        for status in [400, 401] {
            let body = format!(r#"{{"error": "{kind}"}}"#);
            let error = form_answered(status, &body).await.unwrap_err();
            assert!(error.is_rejected(), "{kind}");
        }
    }
}

/// L2: these may pass.
#[tokio::test]
async fn these_are_unavailable() {
    for status in [408, 425, 429, 500, 501, 502, 503, 504, 529, 599] {
        let error = datafiniti_answered(status, "{}").await.unwrap_err();
        assert!(error.is_unavailable() && !error.is_timeout(), "{status}");
        assert_eq!(error.response().unwrap().status(), status);
        assert_eq!(error.retry_after(), None);
    }
    for kind in ["temporarily_unavailable", "server_error", "slow_down"] {
        let body = format!(r#"{{"error": "{kind}"}}"#);
        let error = form_answered(400, &body).await.unwrap_err();
        assert!(error.is_unavailable(), "{kind}");
    }
}

/// L3: these will stay as they are until the set-up is changed; nothing is followed.
#[tokio::test]
async fn these_are_misconfigurations() {
    for status in [
        100, 101, 300, 301, 302, 303, 304, 307, 308, 404, 405, 600, 999,
    ] {
        let error = datafiniti_answered(status, "{}").await.unwrap_err();
        assert!(error.is_misconfigured(), "{status}");
        assert_eq!(error.response().unwrap().status(), status);
    }
    assert_eq!(
        datafiniti_answered(404, "").await.unwrap_err().to_string(),
        "login misconfigured: 404 Not Found: check the login URL and its path"
    );
}

/// L3, L4: a redirect's error says where it leads, without what may be secret in that.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let to = "https://me:pw@b.example:8443/hunter2?key=k3y";
    assert_eq!(
        with_header(302, "location", to).await.to_string(),
        "login misconfigured: 302 Found: redirects are not followed, and this one leads to \
         https://b.example:8443"
    );
    let local = with_header(307, "location", "/hunter2?key=k3y").await;
    assert_eq!(
        local.to_string(),
        "login misconfigured: 307 Temporary Redirect: redirects are not followed: set the login's \
         final URL"
    );
    let masked = with_header(302, "location", "https://hunter2.example").await;
    assert!(!format!("{masked} {masked:?}").contains("hunter2"));
}

/// L3: a success without a usable token is none, and says what the server said.
#[tokio::test]
async fn a_success_without_a_token_is_a_misconfiguration() {
    for (body, expected) in [
        ("{}", "the response has no \"token\""),
        (
            r#"{"token": null, "error": "account_locked", "message": "Ask us"}"#,
            "account_locked; Ask us; the response has no \"token\"",
        ),
        (r#"{"token": 1}"#, "the response has no \"token\""),
        (r#"{"token": ""}"#, "the token is empty"),
        (r#"{"token": "a\nb"}"#, "the token is not visible ASCII"),
        (r#"["token"]"#, "the response has no \"token\""),
        ("", "the response is not JSON: check the login URL"),
        ("<html>", "the response is not JSON: check the login URL"),
        (
            r#"{"token": "abc"#,
            "the response is not JSON: check the login URL",
        ),
    ] {
        let error = datafiniti_answered(200, body).await.unwrap_err();
        assert!(error.is_misconfigured(), "{body}");
        assert_eq!(
            error.to_string(),
            format!("login misconfigured: 200 OK: {expected}")
        );
        assert_eq!(error.response().unwrap().status(), 200);
    }
    assert!(
        datafiniti_answered(204, "")
            .await
            .unwrap_err()
            .is_misconfigured()
    );
    assert!(
        datafiniti_answered(201, r#"{"token": "abc"}"#)
            .await
            .is_ok()
    );
}

/// L4: more than 64 KiB is not read; of an error the status is enough.
#[tokio::test]
async fn an_oversized_answer_is_not_read() {
    let body = |len: usize| {
        let json = r#"{"token": "abc", "message": "a"}"#;
        format!("{json}{}", " ".repeat(len - json.len()))
    };
    let most = 64 * 1024;
    assert!(datafiniti_answered(200, &body(most)).await.is_ok());
    let error = datafiniti_answered(200, &body(most + 1)).await.unwrap_err();
    assert!(error.is_misconfigured());
    assert_eq!(
        error.to_string(),
        "login misconfigured: 200 OK: the login response is larger than 64 KiB"
    );

    let message = |error: AuthError| error.response().unwrap().message().map(str::to_owned);
    let error = datafiniti_answered(401, &body(most)).await.unwrap_err();
    assert_eq!(message(error).as_deref(), Some("a"));
    let error = datafiniti_answered(401, &body(most + 1)).await.unwrap_err();
    assert!(error.is_rejected());
    assert_eq!(message(error), None);
}

/// L2: `Retry-After` in seconds is honoured, up to an hour.
#[tokio::test]
async fn retry_after_may_be_seconds() {
    let seconds = |n| Some(Duration::from_secs(n));
    assert_eq!(wait_of(429, "7").await, seconds(7));
    assert_eq!(wait_of(503, " 0 ").await, seconds(0));
    assert_eq!(wait_of(503, "3601").await, seconds(3600));
    assert_eq!(
        wait_of(503, "99999999999999999999999999").await,
        seconds(3600)
    );
    for odd in ["", "-1", "1.5", "soon", "+7"] {
        assert_eq!(wait_of(503, odd).await, None, "{odd}");
    }
    // A rejected login is not to be tried again at all.
    assert_eq!(wait_of(401, "7").await, None);
    assert_eq!(wait_of(404, "7").await, None);
}

/// L2: `Retry-After` as a date is honoured, up to an hour; a date of the past is now.
#[tokio::test]
async fn retry_after_may_be_a_date() {
    let date = |secs| httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(secs));
    let wait = wait_of(503, &date(100)).await.unwrap();
    assert!(
        (Duration::from_secs(90)..=Duration::from_secs(100)).contains(&wait),
        "{wait:?}"
    );
    assert_eq!(
        wait_of(503, &date(100_000)).await,
        Some(Duration::from_secs(3600))
    );
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(wait_of(503, past).await, Some(Duration::ZERO));
}

/// L2: OAuth's way to say "later" takes `Retry-After` as well.
#[tokio::test]
async fn a_slow_down_takes_retry_after() {
    let mut response = answer(400, r#"{"error": "slow_down"}"#);
    response
        .headers_mut()
        .insert("retry-after", "5".parse().unwrap());
    let error = datafiniti(answering(response))
        .fetch(TokenRequest::first())
        .await
        .unwrap_err();
    assert!(error.is_unavailable());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(5)));
}
