//! L4, D1, D2: what an error shows of an answer.

use serde_json::json;
use tower_bearer::{TokenRequest, TokenSource};

use super::{answer, answering, datafiniti_answered, form, form_answered};

/// D2: FastAPI's `detail` may be a text.
#[tokio::test]
async fn fastapi_may_send_a_text() {
    let body = r#"{"detail": "Incorrect username or password"}"#;
    let error = form_answered(401, body).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "login rejected: 401 Unauthorized: Incorrect username or password"
    );
    assert_eq!(
        error.response().unwrap().message(),
        Some("Incorrect username or password")
    );
}

/// D2: FastAPI's `detail` may be a list, of which only `loc`, `msg` and `type` are read.
#[tokio::test]
async fn fastapi_may_send_a_list() {
    let body = json!({"detail": [
        {"type": "missing", "loc": ["body", "items", 0, "name"], "msg": "Field required",
         "input": {"b": "sent"}, "ctx": {"a": "sent"}, "url": "sent"},
        {"loc": [{"x": "sent"}], "msg": ["sent"], "type": {"x": "sent"}},
        "sent",
    ]});
    let error = form_answered(422, &body.to_string()).await.unwrap_err();
    assert!(error.is_rejected());
    let [detail] = error.response().unwrap().details() else {
        panic!("{error:?}");
    };
    assert_eq!(detail.field(), Some("body.items.0.name"));
    assert_eq!(detail.message(), Some("Field required"));
    assert_eq!(detail.kind(), Some("missing"));
    assert!(!format!("{error:?}").contains("sent"));
    assert_eq!(
        error.to_string(),
        "login rejected: 422 Unprocessable Entity: body.items.0.name: Field required"
    );
}

/// D2: OAuth's error is read.
#[tokio::test]
async fn oauth_sends_an_error_and_a_description() {
    let body = r#"{"error": "invalid_grant", "error_description": "User is disabled"}"#;
    let error = form_answered(400, body).await.unwrap_err();
    assert!(error.is_rejected());
    let response = error.response().unwrap();
    assert_eq!(response.error(), Some("invalid_grant"));
    assert_eq!(response.message(), Some("User is disabled"));
    assert_eq!(
        error.to_string(),
        "login rejected: 400 Bad Request: invalid_grant; User is disabled"
    );
}

/// D1: an error whose `error` and `message` are the same says it once.
#[tokio::test]
async fn nothing_is_said_twice() {
    for error in ["Locked out", "forbidden"] {
        let body = json!({"error": error, "message": "locked out"});
        let error = datafiniti_answered(403, &body.to_string())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "login rejected: 403 Forbidden: locked out"
        );
    }
}

/// L4: nothing of a body is shown that is not JSON, or has none of the documented fields.
#[tokio::test]
async fn nothing_else_of_a_body_is_shown() {
    for body in [
        "<html>Oops, a@b.example</html>",
        "",
        "\"Oops\"",
        r#"{"password": "Oops", "stack": ["Oops"]}"#,
        r#"{"message": {"Oops": "Oops"}, "error": ["Oops"], "details": "Oops", "code": true}"#,
        r#"{"message": "", "error": " "}"#,
    ] {
        let error = datafiniti_answered(401, body).await.unwrap_err();
        assert_eq!(error.to_string(), "login rejected: 401 Unauthorized");
        assert!(!format!("{error:?}").contains("Oops"));
        assert_eq!(error.response().unwrap().message(), None);
    }
}

/// L4: the password is masked wherever a validation error repeats it.
#[tokio::test]
async fn an_echoed_password_is_masked() {
    let body = json!({
        "error": "bad hunter2", "message": "'hunter2' is too short", "code": "hunter2",
        "details": [{"field": "hunter2", "message": "hunter2!"}],
        "detail": [{"loc": ["body", "hunter2"], "msg": "got hunter2", "type": "hunter2"}],
    });
    let error = datafiniti_answered(400, &body.to_string())
        .await
        .unwrap_err();
    let response = error.response().unwrap();
    assert_eq!(response.error(), Some("bad ***"));
    assert_eq!(response.message(), Some("'***' is too short"));
    assert_eq!(response.code(), Some("***"));
    assert_eq!(response.details()[0].field(), Some("***"));
    assert_eq!(response.details()[0].message(), Some("***!"));
    assert_eq!(response.details()[1].field(), Some("body.***"));
    assert_eq!(response.details()[1].kind(), Some("***"));
    assert!(!format!("{error} {error:?} {error:#?}").contains("hunter2"));
}

/// L4: a secret field of a form is masked as the password is, another field is not.
#[tokio::test]
async fn an_echoed_secret_field_is_masked() {
    let body = r#"{"error_description": "no s3cret for password of hunter2"}"#;
    let login = form(answering(answer(401, body)))
        .field("grant_type", "password")
        .unwrap()
        .secret_field("client_secret", "s3cret")
        .unwrap();
    let error = login.fetch(TokenRequest::first()).await.unwrap_err();
    assert_eq!(
        error.response().unwrap().message(),
        Some("no *** for password of ***")
    );
}

/// L4: so is a token that came in the same answer, and was of no use.
#[tokio::test]
async fn an_echoed_token_is_masked() {
    let body = r#"{"access_token": "abc.def", "token_type": "mac abc.def",
        "refresh_token": "r3fresh", "message": "abc.def for r3fresh"}"#;
    let error = form_answered(200, body).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "login misconfigured: 200 OK: *** for ***; unsupported token_type \"mac ***\": expected \"bearer\""
    );
    assert!(!format!("{error:?}").contains("abc"));
}

/// L4: a text is one line of a sane length, and there are at most 16 details.
#[tokio::test]
async fn texts_are_cut_to_a_sane_length() {
    let details: Vec<_> = (0..100).map(|n| json!({"field": n.to_string()})).collect();
    let message = format!("one\r\ntwo\u{1b}[0m\u{2028}{}", "ü".repeat(1000));
    let body = json!({"message": message, "details": details});
    let error = datafiniti_answered(400, &body.to_string())
        .await
        .unwrap_err();
    let response = error.response().unwrap();
    let message = response.message().unwrap();
    assert_eq!(message.chars().count(), 201);
    assert!(message.starts_with("one  two [0m üü") && message.ends_with("ü…"));
    assert_eq!(response.details().len(), 16);
    assert!(error.to_string().ends_with("…; 0; 1; 2; 13 more"));
}

/// S4, D1: `ErrorResponse` is an error that stands in its own text once, not as a source too.
#[tokio::test]
async fn the_response_is_the_errors_cause() {
    let error = datafiniti_answered(401, "").await.unwrap_err();
    assert!(std::error::Error::source(&error).is_none());
    assert_eq!(error.get_ref().to_string(), "401 Unauthorized");
}
