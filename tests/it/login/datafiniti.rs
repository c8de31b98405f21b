//! D1: Datafiniti's login.

use std::time::Duration;

use tower_bearer::login::InvalidUrl;
use tower_bearer::{Origins, TokenSource};

use super::{answer, answering, datafiniti, datafiniti_answered, unused, url_of};

/// D1: the documented answer gives the token, of which no lifetime is known.
#[tokio::test]
async fn the_documented_answer_gives_a_token() {
    let token = datafiniti_answered(200, r#"{"token": "mF_9.B5f-4.1JqM"}"#)
        .await
        .unwrap();
    assert_eq!(token.header_value(), "Bearer mF_9.B5f-4.1JqM");
    assert!(token.header_value().is_sensitive());
    assert_eq!(token.lifetime(), None);
    assert_eq!(token.expose_refresh_token(), None);
}

/// D1, T5: a token that is a JWT with `exp` and `iat` lives that long.
#[tokio::test]
async fn a_jwt_tells_its_lifetime() {
    let jwt = super::jwt::jwt(r#"{"iat": 1700000000, "exp": 1700086400}"#);
    let token = datafiniti_answered(200, &format!(r#"{{"token": "{jwt}"}}"#))
        .await
        .unwrap();
    assert_eq!(token.lifetime(), Some(Duration::from_secs(86_400)));
}

/// D1: the error body reaches the caller as typed fields, with `code` a number and with details.
#[tokio::test]
async fn the_documented_error_is_typed() {
    let body = r#"{"error": "Bad Request", "message": "Validation failed", "code": 400,
        "details": [{"field": "email", "message": "must be an email"}, {"field": "password"}]}"#;
    let error = datafiniti_answered(400, body).await.unwrap_err();
    assert!(error.is_rejected());
    let response = error.response().unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.error(), Some("Bad Request"));
    assert_eq!(response.message(), Some("Validation failed"));
    assert_eq!(response.code(), Some("400"));
    let [first, second] = response.details() else {
        panic!("{response:?}");
    };
    assert_eq!(first.field(), Some("email"));
    assert_eq!(first.message(), Some("must be an email"));
    assert_eq!(first.kind(), None);
    assert_eq!((second.field(), second.message()), (Some("password"), None));
    assert_eq!(
        error.to_string(),
        "login rejected: 400 Bad Request: Validation failed; email: must be an email; password"
    );
}

/// D1: `details` may be missing and `code` may be a text.
#[tokio::test]
async fn an_error_without_details_and_with_a_code_in_letters_is_typed() {
    let body = r#"{"error": "Unauthorized", "message": "Incorrect username or password",
        "code": "AUTH_001"}"#;
    let error = datafiniti_answered(401, body).await.unwrap_err();
    let response = error.response().unwrap();
    assert_eq!(response.code(), Some("AUTH_001"));
    assert!(response.details().is_empty());
    assert_eq!(
        error.to_string(),
        "login rejected: 401 Unauthorized: Incorrect username or password"
    );
}

/// D1: without a base URL it logs in at Datafiniti; a path of a base URL is kept, with or without
/// a slash at its end.
#[tokio::test]
async fn a_base_url_may_have_a_path() {
    assert_eq!(
        url_of(datafiniti).await,
        "https://api.datafiniti.co/v4/auth"
    );
    for (base, expected) in [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v4/auth"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v4/auth"),
        (
            "https://proxy.example/df",
            "https://proxy.example/df/v4/auth",
        ),
        (
            "https://proxy.example/df/",
            "https://proxy.example/df/v4/auth",
        ),
        ("https://[::1]:1/", "https://[::1]:1/v4/auth"),
    ] {
        let url = url_of(|client| datafiniti(client).base_url(base).unwrap()).await;
        assert_eq!(url, expected);
    }
}

/// S1: the origin is the one that it logs in at.
#[test]
fn the_scope_is_the_origin_of_the_login() {
    let login = datafiniti(answering(answer(200, "")));
    let of = |origin| Origins::only(origin).unwrap();
    assert_eq!(login.origins(), of("https://api.datafiniti.co"));
    let login = login.base_url("https://Proxy.Example:443/df").unwrap();
    assert_eq!(login.origins(), of("https://proxy.example"));
}

/// S1: user information in a login URL is an error, and so is whatever else is no base URL. The
/// error does not repeat the URL, which may hold a secret.
#[test]
fn a_bad_base_url_is_an_error() {
    let of = |url| -> InvalidUrl { datafiniti(unused()).base_url(url).unwrap_err() };
    assert_eq!(
        of("https://me:hunter2@api.example.com").to_string(),
        "not a login URL like https://api.example.com: it has user information"
    );
    for url in [
        "",
        "/",
        "api.example.com",
        "//api.example.com",
        "https://",
        "https:///path",
        "ftp://api.example.com",
        "https://api.example.com?key=hunter2",
        "https://api.example.com/#hunter2",
        "https://api.example.com/a b",
        "https://api.example.com\n",
        "https://@api.example.com",
        "https://api.example.com:99999",
        "https://api.example.com:x",
        "https://[::1]x",
    ] {
        let error = of(url);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

/// S4: `Debug` shows where it logs in and nothing else, also for a client that has no `Debug`.
#[test]
fn debug_shows_the_url_alone() {
    let login = datafiniti(unused());
    assert_eq!(
        format!("{login:?}"),
        "Datafiniti { url: https://api.datafiniti.co/v4/auth, .. }"
    );
}
