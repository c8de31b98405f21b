//! What is in a name, wherever it stands.

use http::{HeaderMap, StatusCode};
use serde_json::json;
use tower_bearer::AuthError;

use super::{ATTEMPTS, CREDENTIALS, LATER, kind, kind_of, naming};
use crate::login::form_answered;

/// L2: a server that says "later" in words is unavailable, whether it calls that a success or an
/// error of the client.
#[tokio::test]
async fn a_server_that_says_later_is_unavailable() {
    for name in LATER {
        for body in naming(name) {
            for status in [200, 202, 400, 401, 403, 404, 405, 422, 423] {
                let kind = kind_of(status, &body).await;
                assert_eq!(kind, "unavailable", "{status} {body}");
            }
        }
    }
}

/// L1: an error about the credentials is a rejection, also of a success and where no such path is
/// said to be.
#[tokio::test]
async fn an_error_about_the_credentials_is_a_rejection() {
    for name in CREDENTIALS.into_iter().chain(ATTEMPTS) {
        for body in naming(name) {
            for status in [200, 201, 400, 401, 403, 404, 405, 422] {
                let kind = kind_of(status, &body).await;
                assert_eq!(kind, "rejected", "{status} {body}");
            }
        }
    }
}

/// L4: the fields of an error that is an object are read, through the mask.
#[tokio::test]
async fn an_error_may_be_an_object() {
    let google = json!({"error": {
        "code": 400, "message": "INVALID_LOGIN_CREDENTIALS", "status": "INVALID_ARGUMENT",
        "errors": [{"message": "hidden"}], "details": [{"message": "hidden"}],
    }});
    let error = form_answered(400, &google.to_string()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "login rejected: 400 Bad Request: INVALID_ARGUMENT; INVALID_LOGIN_CREDENTIALS"
    );
    let response = error.response().unwrap();
    assert_eq!(response.error(), Some("INVALID_ARGUMENT"));
    assert_eq!(response.message(), Some("INVALID_LOGIN_CREDENTIALS"));
    assert_eq!(response.code(), Some("400"));
    assert!(response.details().is_empty() && !format!("{error:?}").contains("hidden"));

    let microsoft = json!({"error": {"code": "for hunter2", "message": "no hunter2"}});
    let error = form_answered(401, &microsoft.to_string())
        .await
        .unwrap_err();
    let response = error.response().unwrap();
    assert_eq!(response.error(), Some("for ***"));
    assert_eq!(response.code(), Some("for ***"));
    assert_eq!(response.message(), Some("no ***"));

    let both = json!({"error": {"message": "inner", "code": 1}, "message": "outer", "code": 2});
    let error = form_answered(401, &both.to_string()).await.unwrap_err();
    let response = error.response().unwrap();
    assert_eq!(
        (response.message(), response.code()),
        (Some("outer"), Some("2"))
    );

    for body in [json!({"error": 503}), json!({"error": {"status": 503}})] {
        let error = form_answered(200, &body.to_string()).await.unwrap_err();
        let response = error.response().unwrap();
        assert_eq!((response.error(), response.code()), (None, Some("503")));
    }
}

/// L1, L2, L3: a source of one's own has the same verdict drawn of a status and its body.
#[tokio::test]
async fn an_own_source_has_the_same_verdicts() {
    let mut bodies = vec![json!({}), json!({"error": ""}), json!({"error": "no"})];
    bodies.extend([json!({"error": 503}), json!({"error": "ok"})]);
    bodies.push(json!({"error": "no", "code": 503}));
    bodies.extend(naming("too_many_attempts"));
    bodies.extend(naming("rate_limited"));
    bodies.extend(naming("bad_refresh_token"));
    for body in bodies {
        let body = body.to_string();
        for status in [200, 204, 302, 400, 401, 404, 405, 423, 429, 503, 600] {
            let ours = form_answered(status, &body).await.unwrap_err();
            let own = AuthError::from_response_body(
                StatusCode::from_u16(status).unwrap(),
                &HeaderMap::new(),
                body.as_bytes(),
                &["hunter2"],
            );
            assert_eq!(kind(&own), kind(&ours), "{status} {body}");
            let texts = |error: &AuthError| {
                let response = error.response().unwrap();
                let texts = [response.error(), response.message(), response.code()];
                texts.map(|text| text.map(str::to_owned))
            };
            assert_eq!(texts(&own), texts(&ours), "{status} {body}");
        }
    }
}
