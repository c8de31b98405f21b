//! A name against a number: the status of the answer, or a code beside the name.

use std::time::Duration;

use http::HeaderValue;
use serde_json::json;
use tower_bearer::{TokenRequest, TokenSource};

use super::{ATTEMPTS, CREDENTIALS, LATER, kind_of, naming};
use crate::login::{answer, answering, form};

/// L1: too many attempts are a rejection also where the status is that of a rate limit, or a number
/// or another name says so: another attempt could lock the account for longer.
#[tokio::test]
async fn too_many_attempts_are_a_rejection_whatever_else_says_later() {
    for name in ATTEMPTS {
        for body in naming(name) {
            assert_eq!(kind_of(429, &body).await, "rejected", "{body}");
        }
        for body in [
            json!({"error": name, "code": 429}),
            json!({"error": "Too Many Requests", "code": name}),
            json!({"error": {"status": "RESOURCE_EXHAUSTED", "message": name}}),
        ] {
            for status in [200, 400, 403, 429] {
                assert_eq!(kind_of(status, &body).await, "rejected", "{status} {body}");
            }
        }
    }
    let mut auth0 = answer(429, r#"{"error": "too_many_attempts"}"#);
    let wait = HeaderValue::from_static("900");
    auth0.headers_mut().insert("retry-after", wait);
    let login = form(answering(auth0));
    let error = login.fetch(TokenRequest::first()).await.unwrap_err();
    assert!(error.is_rejected());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(900)));
}

/// L1, L2: a number in the error of a success counts as its status where that says "later", and one
/// in an answer of any other status does not. 500 is what many servers have for any failure.
#[tokio::test]
async fn a_code_is_a_status_where_the_status_says_nothing() {
    for code in [408, 425, 429, 502, 503, 504] {
        for code in [json!(code), json!(code.to_string())] {
            for body in [
                json!({"error": "no", "code": code}),
                json!({"error": code}),
                json!({"error": {"code": code}}),
                json!({"error": {"status": code, "message": "no"}}),
            ] {
                assert_eq!(kind_of(200, &body).await, "unavailable", "{body}");
                assert_eq!(kind_of(401, &body).await, "rejected", "{body}");
                assert_eq!(kind_of(404, &body).await, "misconfigured", "{body}");
            }
        }
    }
    for code in [
        200, 302, 400, 401, 404, 418, 500, 501, 505, 599, 600, 1_000_503,
    ] {
        for body in [
            json!({"error": "no", "code": code}),
            json!({"error": code}),
            json!({"error": {"code": code}}),
            json!({"error": {"status": code}}),
        ] {
            assert_eq!(kind_of(200, &body).await, "rejected", "{body}");
        }
    }
}

/// L1: a number makes no outage of what is called an error of the credentials.
#[tokio::test]
async fn a_name_counts_for_more_than_a_number() {
    for name in CREDENTIALS {
        for body in [
            json!({"error": name, "code": 503}),
            json!({"error": name, "code": "503"}),
            json!({"error": {"status": name, "code": 503}}),
            json!({"error": {"status": 503, "code": name}}),
            json!({"error": 503, "code": name}),
        ] {
            assert_eq!(kind_of(200, &body).await, "rejected", "{body}");
        }
    }
    for name in LATER {
        let body = json!({"error": name, "code": 401});
        assert_eq!(kind_of(200, &body).await, "unavailable", "{body}");
    }
}

/// L3: a redirect, a 404 of a router and what is no answer at all stay what they are.
#[tokio::test]
async fn an_error_does_not_change_what_the_url_is_wrong_for() {
    for name in LATER.into_iter().chain(CREDENTIALS).chain(ATTEMPTS) {
        for status in [100, 300, 302, 304, 307, 399, 600] {
            let kind = kind_of(status, &json!({"error": name})).await;
            assert_eq!(kind, "misconfigured", "{status} {name}");
        }
    }
    for status in [404, 405] {
        for body in [
            json!({"error": "Not Found", "message": "Cannot POST /auth/login", "code": 404}),
            json!({"error": "invalid_request"}),
            json!({"error": {"code": 404, "message": "Not found", "status": "NOT_FOUND"}}),
            json!({"detail": "invalid_grant"}),
        ] {
            assert_eq!(kind_of(status, &body).await, "misconfigured", "{body}");
        }
    }
}

/// L2: nor what the status says by itself, but for too many attempts in a 429.
#[tokio::test]
async fn an_error_does_not_reject_what_is_unavailable() {
    for name in CREDENTIALS.into_iter().chain(ATTEMPTS) {
        for status in [408, 425, 429, 500, 502, 503, 504] {
            let kind = kind_of(status, &json!({"error": name})).await;
            let is_locked = status == 429 && ATTEMPTS.contains(&name);
            let expected = if is_locked { "rejected" } else { "unavailable" };
            assert_eq!(kind, expected, "{status} {name}");
        }
    }
}
