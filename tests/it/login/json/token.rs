//! Where the token is, and what an answer without one means.

use serde_json::json;
use tower_bearer::login::Json;

use super::{answered, at};

/// D3: without further settings the token is at `/token`, sent as a bearer token, and of unknown
/// lifetime.
#[tokio::test]
async fn the_token_is_at_token() {
    let body = json!({"token": "t0k", "expires_in": 3600, "token_type": "mac"});
    let token = answered(200, body, |login| login).await.unwrap();
    assert_eq!(token.header_value(), "Bearer t0k");
    assert!(token.header_value().is_sensitive());
    assert_eq!(token.lifetime(), None);
    assert_eq!(token.expose_refresh_token(), None);
}

/// D3: the token may be nested, be the one text in a field, in a list, under an odd name, or the
/// whole document.
#[tokio::test]
async fn a_pointer_leads_to_the_token() {
    for (body, pointer) in [
        (json!({"data": {"token": "t0k"}}), "/data/token"),
        (json!({"data": "t0k"}), "/data"),
        (json!({"idToken": "t0k"}), "/idToken"),
        (json!({"tokens": [{}, {"value": "t0k"}]}), "/tokens/1/value"),
        (json!({"a/b": {"~": {"": "t0k"}}}), "/a~1b/~0/"),
        (json!("t0k"), ""),
    ] {
        let token = answered(200, &body, at(pointer)).await.unwrap();
        assert_eq!(token.header_value(), "Bearer t0k", "{body}");
    }
}

/// L1, L3, D3: a success without a text where the token should be is a misconfiguration, or with an
/// error a rejection, and says what the server said.
#[tokio::test]
async fn an_answer_without_a_token_says_what_the_server_said() {
    let body = json!({"token": null, "error": "Account locked"});
    let error = answered(200, body, |login| login).await.unwrap_err();
    assert!(error.is_rejected());
    assert_eq!(
        error.to_string(),
        "login rejected: 200 OK: Account locked; the response has no text at \"/token\""
    );
    assert_eq!(error.response().unwrap().error(), Some("Account locked"));

    for body in [
        json!({}),
        json!({"data": {}}),
        json!({"data": {"token": 12345}}),
        json!({"data": {"token": true}}),
        json!({"data": {"token": ["t0k"]}}),
        json!({"data": {"token": {"value": "t0k"}}}),
        json!({"data": "t0k"}),
        json!({"/data/token": "t0k"}),
        json!([]),
        json!("t0k"),
        json!(null),
    ] {
        let error = answered(200, body, at("/data/token")).await.unwrap_err();
        assert!(error.is_misconfigured());
        assert_eq!(
            error.to_string(),
            "login misconfigured: 200 OK: the response has no text at \"/data/token\""
        );
        assert!(!format!("{error:?}").contains("t0k"));
    }
}

/// L3, D3: a text that cannot be sent as a token is a misconfiguration.
#[tokio::test]
async fn a_text_that_is_no_token_is_a_misconfiguration() {
    for (text, reason) in [
        ("", "the token is empty"),
        ("\n", "the token is empty"),
        (
            "t0k t0k",
            "the token contains a space: does it begin with its scheme?",
        ),
        ("tök", "the token is not visible ASCII"),
        ("t0k\r\nx: y", "the token is not visible ASCII"),
    ] {
        let body = json!({"data": text});
        for bare in [true, false] {
            let set = |login: Json| if bare { login.no_scheme() } else { login };
            let error = answered(200, &body, |login| set(at("/data")(login))).await;
            let error = error.unwrap_err();
            assert!(error.is_misconfigured());
            let expected = format!("login misconfigured: 200 OK: {reason}");
            assert_eq!(error.to_string(), expected);
        }
    }
}

/// L1, L2, D3: an answer other than a success means what it does for the other logins.
#[tokio::test]
async fn an_error_is_judged_as_for_the_other_logins() {
    let body = json!({"token": "abc", "message": "no"});
    assert!(
        answered(401, &body, |login| login)
            .await
            .unwrap_err()
            .is_rejected()
    );
    assert!(
        answered(503, &body, |login| login)
            .await
            .unwrap_err()
            .is_unavailable()
    );
    assert!(
        answered(404, &body, |login| login)
            .await
            .unwrap_err()
            .is_misconfigured()
    );
}
