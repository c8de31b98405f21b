//! D1: Datafiniti's login.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::Layer;
use tower_bearer::login::{Datafiniti, InvalidUrl};
use tower_bearer::testing::Api;
use tower_bearer::{AuthError, BearerAuth, BearerAuthLayer, Origins, Session, TokenSource};

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

/// D1, L1: an account that is not known is a rejection, whatever the status; any other 404 is about
/// the URL.
#[tokio::test]
async fn an_unknown_user_is_a_rejection() {
    for text in ["User not found", "user not found."] {
        let body = format!(r#"{{"error": "Not Found", "message": "{text}", "code": 404}}"#);
        let error = datafiniti_answered(404, &body).await.unwrap_err();
        assert!(error.is_rejected(), "{error}");
        let shown = format!("login rejected: 404 Not Found: {text}");
        assert_eq!(error.to_string(), shown);
        assert_eq!(error.response().unwrap().code(), Some("404"));
    }
    for body in [
        r#"{"error": "Not Found", "message": "Cannot POST /v4/auth", "code": 404}"#,
        r#"{"error": "Not Found", "message": "User not found here", "code": 404}"#,
        "User not found",
    ] {
        let error = datafiniti_answered(404, body).await.unwrap_err();
        assert!(error.is_misconfigured(), "{error}");
    }
    let body = r#"{"error": "Service Unavailable", "message": "User not found", "code": 503}"#;
    let error = datafiniti_answered(503, body).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
}

/// D1, S4: the request's id is kept, masked, and is no part of the text.
#[tokio::test]
async fn the_request_id_is_kept() {
    for (id, kept) in [("2f1c0a9e-66", "2f1c0a9e-66"), ("of hunter2", "of ***")] {
        let body = format!(
            r#"{{"error": "Unauthorized", "message": "No", "code": 401, "requestId": "{id}"}}"#
        );
        let error = datafiniti_answered(401, &body).await.unwrap_err();
        assert_eq!(error.response().unwrap().request_id(), Some(kept));
        assert_eq!(error.to_string(), "login rejected: 401 Unauthorized: No");
    }
    let error = datafiniti_answered(401, "{}").await.unwrap_err();
    assert_eq!(error.response().unwrap().request_id(), None);
}

/// D1, T7, L1: a new password ends the token too: a 401, a rejected login, and no other one until
/// the source is replaced.
#[tokio::test(start_paused = true)]
async fn a_new_password_heals_by_a_new_source() {
    let api = Api::new().account("me@example.com", "old");
    let login = |password| Datafiniti::new(api.clone(), "me@example.com", password);
    let session = Session::new(login("old"));
    let client = BearerAuthLayer::from_session(session.clone()).layer(api.clone());
    assert_eq!(search(&client).await.status(), 200);

    api.change_password("me@example.com", "new");
    for _ in 0..5 {
        let response = search(&client).await;
        assert_eq!(response.status(), 401);
        assert!(AuthError::of(&response).unwrap().is_rejected());
    }
    assert_eq!((api.counts().logins, api.counts().logins_rejected), (2, 1));

    session.replace_source(login("new"));
    assert_eq!(search(&client).await.status(), 200);
    assert_eq!((api.counts().logins_ok, api.counts().refused), (2, 5));
}

/// D1, T8: the portal's token is used before any login, and its refusal makes the first one.
#[tokio::test(start_paused = true)]
async fn a_session_can_begin_with_the_portals_token() {
    let api = Api::new().account("me@example.com", "secret");
    let login = Datafiniti::new(api.clone(), "me@example.com", "secret");
    let token = api.issue("me@example.com").unwrap();
    let session = Session::builder(login).token(token).build();
    let client = BearerAuthLayer::from_session(session).layer(api.clone());
    assert_eq!(search(&client).await.status(), 200);
    assert_eq!((api.counts().logins, api.counts().refused), (0, 0));
    api.revoke_all();
    assert_eq!(search(&client).await.status(), 200);
    assert_eq!((api.counts().logins, api.counts().refused), (1, 1));
}

async fn search(client: &BearerAuth<Api>) -> Response<Full<Bytes>> {
    let request = Request::post("https://api.datafiniti.co/v4/properties/search");
    let request = request.body(Full::<Bytes>::default()).unwrap();
    client.send(request).await.unwrap()
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
