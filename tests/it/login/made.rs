//! D4: credentials that are made for each login.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{BoxError, service_fn};
use tower_bearer::login::{ClientAuth, ClientCredentials, Form, Json, Refresh};
use tower_bearer::{AuthError, Origins, TokenRequest, TokenSource};

use super::answer;
use super::token_endpoint::{TokenEndpoint, URL};

const TOKEN: (u16, &str) = (200, r#"{"access_token": "abc", "token": "abc"}"#);

fn api() -> Origins {
    Origins::only("https://api.example.com").unwrap()
}

/// `made1`, `made2`, …
fn counting() -> impl Fn() -> std::future::Ready<Result<String, BoxError>> + Send + Sync + 'static {
    let made = Arc::new(AtomicUsize::new(0));
    move || {
        std::future::ready(Ok(format!(
            "made{}",
            made.fetch_add(1, Ordering::SeqCst) + 1
        )))
    }
}

/// D4: an assertion is made for each login, and sent as RFC 7523 has it, without the newline of the
/// file that it may come from.
#[tokio::test]
async fn an_assertion_is_made_for_each_login() {
    let endpoint = TokenEndpoint::new([TOKEN, TOKEN]);
    let made = counting();
    let auth = ClientAuth::assertion("app", move || {
        let made = made();
        async move { Ok(made.await? + "\n") }
    });
    let login = ClientCredentials::new(endpoint.client(), URL, auth, api()).unwrap();
    login.fetch(TokenRequest::first()).await.unwrap();
    login.fetch(TokenRequest::first()).await.unwrap();
    for (asked, number) in endpoint.asked().iter().zip(1..) {
        assert_eq!(
            asked.body,
            format!(
                "grant_type=client_credentials&client_id=app&client_assertion_type=\
                 urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
                 &client_assertion=made{number}"
            )
        );
        assert_eq!(asked.authorization, None);
    }
}

/// D4: an assertion that cannot be made is the error of the login, and nothing is sent.
#[tokio::test]
async fn an_assertion_that_cannot_be_made_is_the_logins_error() {
    let endpoint = TokenEndpoint::new([TOKEN]);
    let login = |auth| ClientCredentials::new(endpoint.client(), URL, auth, api()).unwrap();
    let down = ClientAuth::assertion("app", || async { Err("the signer is down".into()) });
    let error = login(down).fetch(TokenRequest::first()).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    let none = || async { Err(AuthError::misconfigured("no key").into()) };
    let none = login(ClientAuth::assertion("app", none));
    let error = none.fetch(TokenRequest::first()).await.unwrap_err();
    assert!(error.is_misconfigured(), "{error}");
    assert!(endpoint.asked().is_empty());
}

/// D4, S4: an assertion that the server repeats is masked.
#[tokio::test]
async fn an_echoed_assertion_is_masked() {
    let endpoint = TokenEndpoint::new([(401, r#"{"error": "made1 is not good"}"#)]);
    let auth = ClientAuth::assertion("app", counting());
    let login = ClientCredentials::new(endpoint.client(), URL, auth, api()).unwrap();
    let error = login.fetch(TokenRequest::first()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "login rejected: 401 Unauthorized: *** is not good"
    );
}

/// D4: a server that leaves out the form-encoding of Basic gets id and secret as they are.
#[tokio::test]
async fn id_and_secret_may_go_unencoded() {
    let endpoint = TokenEndpoint::new([TOKEN]);
    let auth = ClientAuth::new("my app", "s+/ü").unencoded();
    let login = ClientCredentials::new(endpoint.client(), URL, auth, api()).unwrap();
    login.fetch(TokenRequest::first()).await.unwrap();
    // `my app:s+/ü`
    assert_eq!(
        endpoint.asked()[0].authorization.as_ref().unwrap(),
        "Basic bXkgYXBwOnMrL8O8"
    );
    let auth = ClientAuth::new("my:app", "secret").unencoded();
    let login = ClientCredentials::new(endpoint.client(), URL, auth, api()).unwrap();
    let error = login.fetch(TokenRequest::first()).await.unwrap_err();
    assert!(error.is_misconfigured(), "{error}");
    assert_eq!(endpoint.asked().len(), 1);
}

/// D2, D4, D5: a field whose value is made for each login is sent by each kind of login, and is a
/// secret.
#[tokio::test]
async fn a_field_is_made_for_each_login() {
    let endpoint = TokenEndpoint::default();
    let client = || endpoint.client();
    let form = Form::new(client(), "https://auth.example.com", "me", "pw").unwrap();
    let form = form.path("/oauth/token").unwrap();
    sends_made_fields(&endpoint, form.field_from("otp", counting()).unwrap()).await;
    let auth = ClientAuth::public("app");
    let login = ClientCredentials::new(client(), URL, auth, api()).unwrap();
    sends_made_fields(&endpoint, login.field_from("otp", counting()).unwrap()).await;
    let refresh = Refresh::from_token(client(), URL, "r0", api()).unwrap();
    sends_made_fields(&endpoint, refresh.field_from("otp", counting()).unwrap()).await;
}

async fn sends_made_fields(endpoint: &TokenEndpoint, login: impl TokenSource) {
    let asked_before = endpoint.asked().len();
    endpoint.then(answer(TOKEN.0, TOKEN.1));
    endpoint.then(answer(TOKEN.0, TOKEN.1));
    endpoint.then(answer(401, r#"{"error": "made3 is wrong"}"#));
    login.fetch(TokenRequest::first()).await.unwrap();
    login.fetch(TokenRequest::first()).await.unwrap();
    let error = login.fetch(TokenRequest::first()).await.unwrap_err();
    assert!(error.to_string().ends_with("*** is wrong"), "{error}");
    let forms = endpoint.forms();
    assert_eq!(forms.len() - asked_before, 3);
    for (form, made) in forms[asked_before..].iter().zip(1..) {
        assert!(form.contains(&format!("&otp=made{made}")), "{form}");
    }
}

/// D3: likewise in JSON.
#[tokio::test]
async fn a_field_of_json_is_made_for_each_login() {
    let client = service_fn(|request: Request<Full<Bytes>>| async move {
        let body = request.into_body().collect().await?.to_bytes();
        let sent: Value = serde_json::from_slice(&body)?;
        let body = json!({"token": sent["otp"]}).to_string();
        Ok::<_, BoxError>(Response::new(Full::new(Bytes::from(body))))
    });
    let login = Json::new(client, URL).unwrap();
    let login = login.field_from("otp", counting()).unwrap();
    for expected in ["made1", "made2"] {
        let token = login.fetch(TokenRequest::first()).await.unwrap();
        assert_eq!(token.expose(), expected);
    }
}

/// D2: a field that the login has by itself is none to make.
#[tokio::test]
async fn a_reserved_field_cannot_be_made() {
    let endpoint = TokenEndpoint::new([]);
    let login = Form::new(endpoint.client(), "https://auth.example.com", "me", "pw").unwrap();
    let error = login.field_from("password", counting()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the login sets the field password itself"
    );
}
