//! An error in what is called a success.

use http::HeaderValue;
use serde_json::json;
use tower_bearer::{TokenRequest, TokenSource};

use super::kind_of;
use crate::login::{answer, answering, datafiniti_answered, form, form_answered};

/// L1: of a success with any other error, or one without a name, too: asking again could lock the
/// account.
#[tokio::test]
async fn a_success_with_an_error_and_without_a_token_is_a_rejection() {
    for body in [
        json!({"error": "access_denied"}),
        json!({"error": "invalid_request", "access_token": null}),
        json!({"error": "Wrong password", "access_token": ""}),
        json!({"error": "Wrong password", "access_token": " "}),
        json!({"error": true, "message": "Wrong password"}),
        json!({"error": 1}),
        json!({"error": ["Wrong password"]}),
        json!({"error": {"code": 401, "message": "Wrong password"}}),
        json!({"error": "Unauthorized", "message": "Wrong password", "code": 401}),
        json!({"error": "Not Found", "message": "User not found", "code": "404"}),
    ] {
        assert_eq!(kind_of(200, &body).await, "rejected", "{body}");
    }
    let github = r#"{"error": "bad_refresh_token", "error_uri": "https://docs.github.com/",
        "error_description": "The refresh token passed is incorrect or expired."}"#;
    let error = form_answered(200, github).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "login rejected: 200 OK: bad_refresh_token; The refresh token passed is incorrect or \
         expired.; the response has no \"access_token\""
    );
    let body = r#"{"token": null, "error": "account_locked", "message": "Ask us"}"#;
    assert_eq!(
        datafiniti_answered(200, body)
            .await
            .unwrap_err()
            .to_string(),
        "login rejected: 200 OK: account_locked; Ask us; the response has no \"token\""
    );
}

/// L3: a success that tells of no error is one that is set up wrongly, whatever else is in it.
#[tokio::test]
async fn a_success_without_an_error_is_a_misconfiguration() {
    for body in [
        json!({}),
        json!({"error": null}),
        json!({"error": ""}),
        json!({"error": " "}),
        json!({"error": false}),
        json!({"error": 0}),
        json!({"error": []}),
        json!({"error": {}}),
        json!({"error": 0.0}),
        json!({"message": "rate_limited", "code": 429}),
        json!({"error_description": "invalid_grant"}),
        json!({"detail": "Wrong password"}),
        json!(["invalid_grant"]),
        json!("invalid_grant"),
    ] {
        assert_eq!(kind_of(200, &body).await, "misconfigured", "{body}");
    }
}

/// L3: an error that is called a success is none, so the token is looked for in the wrong place.
#[tokio::test]
async fn an_error_that_says_success_says_nothing() {
    for name in [
        "ok", "OK", " Ok ", "success", "SUCCESS", "none", "None", "0",
    ] {
        for body in [
            json!({"error": name, "data": {"token": "abc"}}),
            json!({"error": {"code": name, "message": ""}, "data": {"token": "abc"}}),
            json!({"error": {"code": 0, "message": name}}),
        ] {
            assert_eq!(kind_of(200, &body).await, "misconfigured", "{body}");
        }
    }
    for body in [
        json!({"error": "not ok"}),
        json!({"error": "none of these"}),
        json!({"error": {"code": 1, "message": "ok"}}),
        json!({"error": {"message": "Wrong password"}}),
        json!({"error": "Wrong password", "code": 0}),
    ] {
        assert_eq!(kind_of(200, &body).await, "rejected", "{body}");
    }
    // Of an error it is no excuse.
    assert_eq!(kind_of(401, &json!({"error": "ok"})).await, "rejected");
}

/// D1, D2: a token is a token, with whatever error beside it; one that cannot be used is no
/// rejection.
#[tokio::test]
async fn a_token_is_taken_whatever_error_is_beside_it() {
    for error in [json!(null), json!(""), json!("invalid_grant"), json!({})] {
        let body = json!({"token": "abc", "access_token": "abc", "error": error}).to_string();
        assert_eq!(form_answered(200, &body).await.unwrap().expose(), "abc");
        let token = datafiniti_answered(200, &body).await.unwrap();
        assert_eq!(token.expose(), "abc");
    }
    for token in ["a b", "ü"] {
        let body = json!({"access_token": token, "error": "invalid_grant"});
        assert_eq!(kind_of(200, &body).await, "misconfigured");
    }
    let body = json!({"access_token": "abc", "token_type": "mac", "error": "invalid_grant"});
    assert_eq!(kind_of(200, &body).await, "misconfigured");
}

/// L1, L2: `Retry-After` is honoured of a success as well, and a misconfiguration has none.
#[tokio::test]
async fn a_success_with_an_error_takes_retry_after() {
    for (body, expected) in [
        (r#"{"error": "bad_refresh_token"}"#, Some(7)),
        (r#"{"error": "rate_limited"}"#, Some(7)),
        ("{}", None),
    ] {
        let mut response = answer(200, body);
        let seven = HeaderValue::from_static("7");
        response.headers_mut().insert("retry-after", seven);
        let login = form(answering(response));
        let error = login.fetch(TokenRequest::first()).await.unwrap_err();
        let seconds = error.retry_after().map(|after| after.as_secs());
        assert_eq!(seconds, expected, "{body}");
    }
}
