//! D4: the client credentials grant.

use std::time::Duration;

use http::HeaderValue;
use oauth2::basic::BasicClient;
use oauth2::{AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, TokenUrl};
use proptest::prelude::*;
use tower_bearer::login::{ClientAuth, ClientCredentials};
use tower_bearer::{Origins, Session, TokenRequest, TokenSource};

use super::token_endpoint::{Asked, TokenEndpoint, URL};
use super::{Client, answer, unused};

const SECRET: &str = "cl13nt s3cret+ü";
const TOKEN: (u16, &str) = (200, r#"{"access_token": "abc", "token_type": "Bearer"}"#);

fn api() -> Origins {
    Origins::only("https://api.example.com").unwrap()
}

fn login(endpoint: &TokenEndpoint) -> ClientCredentials {
    let auth = ClientAuth::new("my:app", SECRET);
    ClientCredentials::new(endpoint.client(), URL, auth, api()).unwrap()
}

async fn asked(login: impl FnOnce(Client) -> ClientCredentials) -> Asked {
    let endpoint = TokenEndpoint::new([TOKEN]);
    login(endpoint.client())
        .fetch(TokenRequest::first())
        .await
        .unwrap();
    endpoint.asked().remove(0)
}

/// D4, S4: id and secret go in the header, form-encoded and then in base64, and are marked as
/// sensitive; nothing else than the grant goes in the body.
#[tokio::test]
async fn the_secret_goes_in_the_header() {
    let endpoint = TokenEndpoint::new([TOKEN]);
    let token = login(&endpoint).fetch(TokenRequest::first()).await.unwrap();
    assert_eq!(token.header_value(), "Bearer abc");
    let asked = endpoint.asked().remove(0);
    assert_eq!(asked.body, "grant_type=client_credentials");
    let authorization = asked.authorization.unwrap();
    // `my%3Aapp:cl13nt+s3cret%2B%C3%BC`
    assert_eq!(
        authorization,
        "Basic bXklM0FhcHA6Y2wxM250K3MzY3JldCUyQiVDMyVCQw=="
    );
    assert!(authorization.is_sensitive());
}

/// D4: a server that does not take the header gets both as fields, and no header.
#[tokio::test]
async fn the_secret_may_go_in_the_body() {
    let auth = ClientAuth::new("my:app", SECRET).in_body();
    let asked = asked(|client| ClientCredentials::new(client, URL, auth, api()).unwrap()).await;
    assert_eq!(asked.authorization, None);
    assert_eq!(
        asked.body,
        "grant_type=client_credentials&client_id=my%3Aapp&client_secret=cl13nt+s3cret%2B%C3%BC"
    );
}

/// D4: a client that TLS tells sends its id alone.
#[tokio::test]
async fn a_client_without_a_secret_tells_its_id() {
    let auth = ClientAuth::public("my:app");
    let asked = asked(|client| ClientCredentials::new(client, URL, auth, api()).unwrap()).await;
    assert_eq!(asked.authorization, None);
    assert_eq!(
        asked.body,
        "grant_type=client_credentials&client_id=my%3Aapp"
    );
}

/// D4: scopes are one field with spaces, set anew each time; a further field may stand there twice.
#[tokio::test]
async fn scopes_audience_and_further_fields_are_sent() {
    let auth = || ClientAuth::new("a", "b");
    let asked = asked(|client| {
        let login = ClientCredentials::new(client, URL, auth(), api()).unwrap();
        let login = login.scopes(["lost"]).audience("lost");
        let login = login.scopes(["read", "write:all"]);
        let login = login.audience("https://api.example.com/");
        let login = login.field("resource", "urn:a").unwrap();
        login.field("resource", "urn:b").unwrap()
    });
    assert_eq!(
        asked.await.body,
        "grant_type=client_credentials&scope=read+write%3Aall\
         &audience=https%3A%2F%2Fapi.example.com%2F&resource=urn%3Aa&resource=urn%3Ab"
    );
    let none = self::asked(|client| {
        let login = ClientCredentials::new(client, URL, auth(), api()).unwrap();
        login.scopes(["lost"]).scopes([""; 0])
    });
    assert_eq!(none.await.body, "grant_type=client_credentials");
}

/// D4: what the login sets itself is not sent a second time.
#[test]
fn a_reserved_field_is_an_error() {
    for name in [
        "grant_type",
        "client_id",
        "client_secret",
        "scope",
        "audience",
        "refresh_token",
    ] {
        let error = login(&TokenEndpoint::default()).field(name, "x");
        let text = error.unwrap_err().to_string();
        assert_eq!(text, format!("the login sets the field {name} itself"));
        let secret = login(&TokenEndpoint::default()).secret_field(name, "x");
        assert!(secret.is_err(), "{name}");
    }
}

/// D4, S1: the token may go to the origin of the token endpoint, whose URL may have a query.
#[test]
fn the_scope_is_the_origin() {
    let new = |url| ClientCredentials::new(unused(), url, ClientAuth::public("a"), api());
    assert!(new("https://me:pw@auth.example.com/token").is_err());
    assert!(new("https://auth.example.com/token#x").is_err());
    let login = new("https://auth.example.com/token?p=b2c");
    assert_eq!(login.unwrap().origins(), api());
}

/// D4: each renewal is the same grant again, since no refresh token is to be expected.
#[tokio::test(start_paused = true)]
async fn an_expired_token_is_renewed_by_the_same_grant() {
    let short = r#"{"access_token": "abc", "token_type": "bearer", "expires_in": "60"}"#;
    let endpoint = TokenEndpoint::new([(200, short), TOKEN]);
    let session = Session::new(login(&endpoint));
    assert_eq!(session.token().await.unwrap().expose(), "abc");
    tokio::time::advance(Duration::from_secs(60)).await;
    session.token().await.unwrap();
    assert_eq!(endpoint.forms(), ["grant_type=client_credentials"; 2]);
}

/// S2, D4: a client secret does not go over plain `http`, and the error calls it by its name.
#[tokio::test]
async fn nothing_goes_over_plain_http() {
    let endpoint = TokenEndpoint::new([TOKEN]);
    let url = "http://auth.example.com/oauth/token";
    let login = || {
        let auth = ClientAuth::new("my-app", SECRET);
        ClientCredentials::new(endpoint.client(), url, auth, api()).unwrap()
    };
    let error = login().fetch(TokenRequest::first()).await.unwrap_err();
    assert!(error.is_insecure());
    assert!(error.to_string().contains("client secret"), "{error}");
    assert!(endpoint.asked().is_empty());
    assert!(
        login()
            .allow_plain_http()
            .fetch(TokenRequest::first())
            .await
            .is_ok()
    );
}

/// L1, D4: an unknown client is a rejection, with the fields of OAuth's errors.
#[tokio::test]
async fn the_errors_of_oauth_are_read() {
    let body = r#"{"error": "invalid_client", "error_description": "No such client",
        "error_uri": "https://auth.example.com/errors#invalid_client"}"#;
    let endpoint = TokenEndpoint::new([(401, body)]);
    let error = login(&endpoint)
        .fetch(TokenRequest::first())
        .await
        .unwrap_err();
    assert!(error.is_rejected());
    let response = error.response().unwrap();
    assert_eq!(response.error(), Some("invalid_client"));
    assert_eq!(response.message(), Some("No such client"));
    let uri = Some("https://auth.example.com/errors#invalid_client");
    assert_eq!(response.uri(), uri);
    assert_eq!(
        error.to_string(),
        "login rejected: 401 Unauthorized: invalid_client; No such client"
    );
}

/// L4, S4: the secret is masked in each spelling that was sent, and so is the header, with its
/// padding or without.
#[tokio::test]
async fn an_echoed_secret_is_masked() {
    let basic = "bXklM0FhcHA6Y2wxM250K3MzY3JldCUyQiVDMyVCQw";
    let json = serde_json::json!({
        "error": format!("{SECRET}!"),
        "error_description": format!("Basic {basic}== or {basic}, cl13nt+s3cret%2B%C3%BC"),
        "error_uri": format!("https://e.example/?{SECRET}"),
    });
    let endpoint = TokenEndpoint::default();
    endpoint.then(answer(400, &json.to_string()));
    let error = login(&endpoint)
        .fetch(TokenRequest::first())
        .await
        .unwrap_err();
    let response = error.response().unwrap();
    assert_eq!(response.error(), Some("***!"));
    assert_eq!(response.message(), Some("Basic ***== or ***, ***"));
    assert_eq!(response.uri(), Some("https://e.example/?***"));
    let text = format!("{error} {error:?}");
    assert!(!text.contains("s3cret") && !text.contains(basic), "{text}");
}

/// L4: what the server says of a refused field is masked only where that is a secret.
#[tokio::test]
async fn a_secret_field_is_masked() {
    let endpoint = TokenEndpoint::new([(400, r#"{"error_description": "s1gned and urn:a"}"#)]);
    let login = login(&endpoint)
        .secret_field("client_assertion", "s1gned")
        .unwrap()
        .field("resource", "urn:a")
        .unwrap();
    let error = login.fetch(TokenRequest::first()).await.unwrap_err();
    let message = error.response().unwrap().message();
    assert_eq!(message, Some("*** and urn:a"));
}

/// S4: `Debug` shows no secret, and of the URL no query.
#[test]
fn debug_shows_no_secret() {
    let auth = ClientAuth::new("my-app", SECRET);
    let shown = r#"ClientAuth { client_id: "my-app", .. }"#;
    assert_eq!(format!("{auth:?}"), shown);
    let login = ClientCredentials::new(unused(), &format!("{URL}?key=k3y"), auth, api()).unwrap();
    assert_eq!(
        format!("{login:?}"),
        "ClientCredentials { url: https://auth.example.com/oauth/token, .. }"
    );
}

/// What the `oauth2` crate sends for this grant.
fn by_oauth2(id: &str, secret: &str, scopes: &[String], auth_type: AuthType) -> Asked {
    let client = BasicClient::new(ClientId::new(id.to_owned()))
        .set_client_secret(ClientSecret::new(secret.to_owned()))
        .set_token_uri(TokenUrl::new(URL.to_owned()).unwrap())
        .set_auth_type(auth_type);
    let scopes = scopes.iter().cloned().map(oauth2::Scope::new);
    let (sender, receiver) = std::sync::mpsc::channel();
    let http_client = |request: HttpRequest| {
        sender.send(request).unwrap();
        Ok::<_, std::io::Error>(HttpResponse::new(TOKEN.1.into()))
    };
    let grant = client.exchange_client_credentials().add_scopes(scopes);
    grant.request(&http_client).unwrap();
    let (head, body) = receiver.recv().unwrap().into_parts();
    Asked {
        authorization: head.headers.get("authorization").cloned(),
        body: String::from_utf8(body).unwrap(),
    }
}

fn sorted(form: &str) -> Vec<(String, String)> {
    let mut fields: Vec<_> = form_urlencoded::parse(form.as_bytes())
        .into_owned()
        .collect();
    fields.sort();
    fields
}

proptest! {
    /// D4: whatever id, secret and scopes there are, the `oauth2` crate says the same by its own
    /// means.
    #[test]
    fn the_oauth2_crate_sends_the_same(
        id in ".{0,20}",
        secret in ".{1,20}",
        scopes in proptest::collection::vec("[!#-\\[\\]-~]{1,8}", 0..4),
        in_body: bool,
    ) {
        let auth = ClientAuth::new(&id, &secret);
        let (auth, auth_type) = match in_body {
            true => (auth.in_body(), AuthType::RequestBody),
            false => (auth, AuthType::BasicAuth),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ours = runtime.block_on(asked(|client| {
            ClientCredentials::new(client, URL, auth, api()).unwrap().scopes(&scopes)
        }));
        let theirs = by_oauth2(&id, &secret, &scopes, auth_type);
        let text = |value: &Option<HeaderValue>| {
            value.as_ref().map(|value| value.to_str().unwrap().to_owned())
        };
        prop_assert_eq!(text(&ours.authorization), text(&theirs.authorization));
        prop_assert_eq!(sorted(&ours.body), sorted(&theirs.body));
    }
}
