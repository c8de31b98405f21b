//! L1, L2, L3: what an answer means.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};
use tower_bearer::{AuthError, TokenRequest, TokenSource};

use super::{answer, answering, datafiniti, datafiniti_answered, form_answered};

const NOT_JSON: &str =
    "the response is not JSON: check the login URL https://api.datafiniti.co/v4/auth";

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
        "login misconfigured: 404 Not Found: check the login URL https://api.datafiniti.co/v4/auth"
    );
}

/// L3, L4: a redirect's error says where it leads, without what may be secret in that.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let remark = async |to| {
        let error = with_header(302, "location", to).await;
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        let text = error.to_string();
        let remark =
            text.strip_prefix("login misconfigured: 302 Found: redirects are not followed");
        remark.unwrap().to_owned()
    };
    for (to, leads_to) in [
        (
            "https://me:pw@b.example:8443/hunter2?key=k3y",
            "https://b.example:8443/***",
        ),
        ("https://hunter2.example", "https://***.example/"),
        ("/sign-in?key=k3y", "https://api.datafiniti.co/sign-in"),
    ] {
        let expected = format!(", and this one leads to {leads_to}");
        assert_eq!(remark(to).await, expected);
    }
    for odd in ["sign-in", "//b.example/", ""] {
        assert_eq!(remark(odd).await, ": set the login's final URL");
    }
}

/// L3: the commonest redirect of all is called by its name.
#[tokio::test]
async fn a_redirect_that_adds_a_slash_says_so() {
    for to in ["/v4/auth/", "https://api.datafiniti.co/v4/auth/"] {
        assert_eq!(
            with_header(307, "location", to).await.to_string(),
            "login misconfigured: 307 Temporary Redirect: redirects are not followed, and this one \
             leads to https://api.datafiniti.co/v4/auth/, which differs from the login's URL by a \
             slash at the end"
        );
    }
}

/// L3: a success without a usable token is none, and says what the server said.
#[tokio::test]
async fn a_success_without_a_token_is_a_misconfiguration() {
    for (body, expected) in [
        ("{}", "the response has no \"token\""),
        (
            r#"{"token": null, "error": null, "message": "Ask us"}"#,
            "Ask us; the response has no \"token\"",
        ),
        (r#"{"token": 1}"#, "the response has no \"token\""),
        (r#"{"token": ""}"#, "the token is empty"),
        (r#"{"token": "a\nb"}"#, "the token is not visible ASCII"),
        (
            r#"{"token": "Bearer abc"}"#,
            "the token contains a space: does it begin with its scheme?",
        ),
        (
            r#"{"token": "abc "}"#,
            "the token begins or ends with a space",
        ),
        (r#"["token"]"#, "the response has no \"token\""),
        ("", NOT_JSON),
        ("<html>", NOT_JSON),
        (r#"{"token": "abc"#, NOT_JSON),
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

/// L1, L2: `Retry-After` in seconds is honoured, of a rejection too. A fraction is rounded up, and of
/// several values the first counts that can be read.
#[tokio::test]
async fn retry_after_may_be_seconds() {
    let seconds = |n| Some(Duration::from_secs(n));
    assert_eq!(wait_of(429, "7").await, seconds(7));
    assert_eq!(wait_of(503, " 0 ").await, seconds(0));
    assert_eq!(wait_of(503, "14400").await, seconds(14_400));
    assert_eq!(wait_of(503, "299.997").await, seconds(300));
    assert_eq!(wait_of(503, "300.0").await, seconds(300));
    assert_eq!(wait_of(503, "120, 60").await, seconds(120));
    assert_eq!(wait_of(503, "soon, 60").await, seconds(60));
    let endless = "99999999999999999999999999";
    assert_eq!(wait_of(503, endless).await, seconds(u64::MAX));
    for odd in ["", "-1", "1.", ".5", "1.5.5", "1e3", "soon", "+7"] {
        assert_eq!(wait_of(503, odd).await, None, "{odd}");
    }
    for several in [["60", "120"], ["soon", "60"], ["-1, 60", "120"]] {
        let mut response = answer(429, "");
        for value in several {
            let value = value.parse().unwrap();
            response.headers_mut().append(RETRY_AFTER, value);
        }
        let login = datafiniti(answering(response));
        let error = login.fetch(TokenRequest::first()).await.unwrap_err();
        assert_eq!(error.retry_after(), seconds(60), "{several:?}");
    }
    assert_eq!(wait_of(401, "900").await, seconds(900));
    assert_eq!(wait_of(423, "900").await, seconds(900));
    assert_eq!(wait_of(404, "7").await, None);
}

/// L2: `Retry-After` as a date is honoured; a date of the past is now.
#[tokio::test]
async fn retry_after_may_be_a_date() {
    let date = |secs| httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(secs));
    let wait = wait_of(503, &date(100)).await.unwrap();
    assert!(
        (Duration::from_secs(90)..=Duration::from_secs(100)).contains(&wait),
        "{wait:?}"
    );
    assert!(wait_of(503, &date(100_000)).await > Some(Duration::from_secs(99_000)));
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

/// L1, L2, L3: a source of one's own has the same verdict drawn of a status and its headers.
#[tokio::test]
async fn an_own_source_has_the_same_verdicts() {
    for status in (100..=199).chain(300..=999) {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().unwrap())]);
        let status = StatusCode::from_u16(status).unwrap();
        let own = AuthError::from_response(status, &headers);
        let ours = with_header(status.as_u16(), "retry-after", "7").await;
        // Only the login knows its URL.
        let text = ours
            .to_string()
            .replace("https://api.datafiniti.co/v4/auth", "and its path");
        assert_eq!(own.to_string(), text);
        assert_eq!(own.retry_after(), ours.retry_after(), "{status}");
        assert_eq!(own.response().unwrap().status(), status);
        assert_eq!(ours.response().unwrap().status(), status);
    }
    let empty = AuthError::from_response(StatusCode::OK, &HeaderMap::new());
    assert_eq!(
        empty.to_string(),
        "login misconfigured: 200 OK: the response has no usable token"
    );
}

/// L2, L4: of a body too, with its secrets masked.
#[test]
fn an_own_source_has_its_body_read() {
    let of = |status, body: &str, secrets: &[&str]| {
        let status = StatusCode::from_u16(status).unwrap();
        AuthError::from_response_body(status, &HeaderMap::new(), body.as_bytes(), secrets)
    };
    let body =
        r#"{"error": "slow_down", "message": "s3cret%20x", "access_token": "abc", "code": "abc"}"#;
    let error = of(400, body, &["s3cret x"]);
    assert!(error.is_unavailable());
    let response = error.response().unwrap();
    assert_eq!(response.error(), Some("slow_down"));
    assert_eq!(response.message(), Some("***"));
    assert_eq!(response.code(), Some("***"));

    let error = of(401, "<html>", &[]);
    assert_eq!(error.to_string(), "login rejected: 401 Unauthorized");
    let large = format!(r#"{{"message": "x"{}}}"#, " ".repeat(64 * 1024));
    assert_eq!(of(401, &large, &[]).response().unwrap().message(), None);
}
