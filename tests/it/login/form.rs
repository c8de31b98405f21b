//! D2: the form login.

use std::time::Duration;

use proptest::prelude::*;
use tower_bearer::login::{ClientAuth, ClientCredentials, Form, Refresh};
use tower_bearer::{Origins, TokenRequest, TokenSource};

use super::{answer, answering, form, form_answered, unused, url_of};

/// D2: the documented answer gives the token, of which no lifetime is known.
#[tokio::test]
async fn the_documented_answer_gives_a_token() {
    let body = r#"{"access_token": "mF_9.B5f-4.1JqM", "token_type": "bearer"}"#;
    let token = form_answered(200, body).await.unwrap();
    assert_eq!(token.header_value(), "Bearer mF_9.B5f-4.1JqM");
    assert_eq!(token.lifetime(), None);
}

/// D2: OAuth's answer gives the token, its lifetime and the refresh token.
#[tokio::test]
async fn the_answer_of_oauth_is_read_whole() {
    let body = r#"{"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "example",
        "expires_in": 3600, "refresh_token": "tGzv3JOkF0XG5Qx2TlKWIA"}"#;
    let token = form_answered(200, &body.replace("example", "Bearer"))
        .await
        .unwrap();
    assert_eq!(token.header_value(), "Bearer 2YotnFZFEjr1zCsicMWpAA");
    assert_eq!(token.lifetime(), Some(Duration::from_secs(3600)));
    assert_eq!(token.expose_refresh_token(), Some("tGzv3JOkF0XG5Qx2TlKWIA"));
}

/// D2: `token_type` is bearer in any case, or missing.
#[tokio::test]
async fn a_bearer_token_is_one_in_any_case() {
    for kind in [
        r#""bearer""#,
        r#""Bearer""#,
        r#""BEARER""#,
        r#"" bearer ""#,
        "null",
    ] {
        let body = format!(r#"{{"access_token": "abc", "token_type": {kind}}}"#);
        assert!(form_answered(200, &body).await.is_ok(), "{kind}");
    }
    assert!(
        form_answered(200, r#"{"access_token": "abc"}"#)
            .await
            .is_ok()
    );
}

/// L3, D2: a token of another type is not sent as a bearer token.
#[tokio::test]
async fn another_type_of_token_is_a_misconfiguration() {
    for kind in [r#""mac""#, r#""DPoP""#, r#""""#, "1", r#"{"a": "abc"}"#] {
        let body = format!(r#"{{"access_token": "abc", "token_type": {kind}}}"#);
        let error = form_answered(200, &body).await.unwrap_err();
        assert!(error.is_misconfigured(), "{kind}");
        assert!(!error.to_string().contains("abc"), "{error}");
    }
    let body = r#"{"access_token": "abc", "token_type": "mac"}"#;
    assert_eq!(
        form_answered(200, body).await.unwrap_err().to_string(),
        "login misconfigured: 200 OK: unsupported token_type \"mac\": expected \"bearer\""
    );
}

/// D2, D4, D5: unless any type is accepted. The token is sent as a bearer token all the same.
#[tokio::test]
async fn any_type_of_token_can_be_accepted() {
    let url = "https://auth.example.com/oauth/token";
    for kind in [r#""jwt""#, r#""Token""#, r#""mac""#, r#""""#, "1", "null"] {
        let body = format!(r#"{{"access_token": "abc", "token_type": {kind}}}"#);
        let client = || answering(answer(200, &body));
        let form = form(client()).accept_any_token_type();
        let auth = ClientAuth::new("app", "s3cret");
        let credentials = ClientCredentials::new(client(), url, auth, Origins::any()).unwrap();
        let credentials = credentials.accept_any_token_type();
        let refresh = Refresh::from_token(client(), url, "r1", Origins::any()).unwrap();
        let refresh = refresh.accept_any_token_type();
        for token in [
            form.fetch(TokenRequest::first()).await,
            credentials.fetch(TokenRequest::first()).await,
            refresh.fetch(TokenRequest::first()).await,
        ] {
            assert_eq!(token.unwrap().header_value(), "Bearer abc", "{kind}");
        }
    }
}

/// T5, D2: `expires_in` is a number or a text with one; what is neither tells nothing.
#[tokio::test]
async fn expires_in_is_a_number_or_a_numeric_text() {
    let seconds = Duration::from_secs;
    for (expires_in, expected) in [
        ("3600", Some(seconds(3600))),
        (r#""3600""#, Some(seconds(3600))),
        (r#"" 3600 ""#, Some(seconds(3600))),
        ("1.5", Some(Duration::from_millis(1500))),
        (r#""1.5""#, Some(Duration::from_millis(1500))),
        ("0", None),
        ("-1", None),
        (r#""-1""#, None),
        ("1e300", None),
        (r#""inf""#, None),
        (r#""NaN""#, None),
        (r#""an hour""#, None),
        (r#""""#, None),
        ("null", None),
        ("true", None),
        ("[3600]", None),
    ] {
        let body = format!(r#"{{"access_token": "abc", "expires_in": {expires_in}}}"#);
        let token = form_answered(200, &body).await.unwrap();
        assert_eq!(token.lifetime(), expected, "{expires_in}");
    }
}

/// T5, D2: the JWT's own lifetime counts where `expires_in` tells none, and only there.
#[tokio::test]
async fn expires_in_goes_before_the_jwt() {
    let jwt = super::jwt::jwt(r#"{"iat": 100, "exp": 160}"#);
    for (expires_in, expected) in [("30", 30), ("null", 60), (r#""soon""#, 60)] {
        let body = format!(r#"{{"access_token": "{jwt}", "expires_in": {expires_in}}}"#);
        let token = form_answered(200, &body).await.unwrap();
        assert_eq!(token.lifetime(), Some(Duration::from_secs(expected)));
    }
}

/// D2, S1: the path can be set, with a query if need be; a path of the base URL is kept, and the
/// token may go to the origin.
#[tokio::test]
async fn the_path_can_be_set() {
    let form = |client, base, path| Form::new(client, base, "me", "x").unwrap().path(path);
    assert_eq!(
        url_of(super::form).await,
        "https://api.example.com/auth/login"
    );
    for (base, path, expected) in [
        (
            "https://a.example/",
            "/oauth/token",
            "https://a.example/oauth/token",
        ),
        (
            "https://a.example/api/",
            "/token?t=1",
            "https://a.example/api/token?t=1",
        ),
        (
            "https://a.example",
            "//b.example/",
            "https://a.example//b.example/",
        ),
    ] {
        let url = url_of(|client| form(client, base, path).unwrap()).await;
        assert_eq!(url, expected);
        let login = form(answering(answer(200, "")), base, path).unwrap();
        assert_eq!(login.origins(), Origins::only("https://a.example").unwrap());
    }
    for path in ["", "token", "@b.example/", ":1/", "/a b", "/#x"] {
        let login = form(answering(answer(200, "")), "https://a.example", path);
        assert!(login.is_err(), "{path}");
    }
}

/// D2: a field that the login sets itself is an error when it is set, and not a login that no server
/// understands; another one may come more than once.
#[test]
fn a_field_of_the_logins_own_is_an_error() {
    for name in ["username", "password", "refresh_token"] {
        let error = form(unused()).field(name, "x").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the login sets the field {name} itself")
        );
        assert!(form(unused()).secret_field(name, "x").is_err(), "{name}");
    }
    let login = form(unused()).field("resource", "a").unwrap();
    assert!(login.field("resource", "b").is_ok());
}

/// S4: `Debug` shows where it logs in, without the query, and nothing else.
#[test]
fn debug_shows_the_url_alone() {
    let login = form(unused())
        .path("/token?key=k3y")
        .unwrap()
        .secret_field("client_secret", "s3cret")
        .unwrap();
    assert_eq!(
        format!("{login:?}"),
        "Form { url: https://api.example.com/token, .. }"
    );
}

proptest! {
    /// D2, L4: no bytes of an answer, whatever its status, make the login panic or show the
    /// password.
    #[test]
    fn no_answer_makes_it_panic(
        status in 100_u16..1000,
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "[\\[\\]{}\":, a-z0-9]{0,60}".prop_map(String::into_bytes),
            "(hunter2|.){0,8}".prop_map(|text| {
                serde_json::to_vec(&serde_json::json!({
                    "detail": [{"loc": [text, 1], "msg": text, "type": text, "input": text}],
                    "message": text, "code": text, "error": text, "token_type": text,
                    "access_token": text, "expires_in": text,
                })).unwrap()
            }),
        ],
        retry_after in proptest::option::of("[ -~]{0,30}"),
    ) {
        let mut response = answer(status, "").map(|_| bytes);
        if let Some(value) = retry_after {
            response.headers_mut().insert("retry-after", value.parse().unwrap());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let result = runtime.block_on(form(answering(response)).fetch(TokenRequest::first()));
        if let Err(error) = result {
            let text = format!("{error} {error:?}");
            prop_assert!(!text.contains(super::PASSWORD), "{}", text);
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
