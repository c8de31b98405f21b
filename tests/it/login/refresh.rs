//! D5: the refresh token grant, one fetch at a time.

use crate::support::replacing;
use tower_bearer::login::{ClientAuth, Form, Refresh};
use tower_bearer::{AuthError, Origins, Token, TokenRequest, TokenSource};

use super::token_endpoint::{INVALID_GRANT, TokenEndpoint, URL};
use super::{PASSWORD, answer};
use crate::support::ScriptedSource;

const TOKEN: (u16, &str) = (200, r#"{"access_token": "new", "token_type": "Bearer"}"#);
const ROTATED: (u16, &str) = (200, r#"{"access_token": "new", "refresh_token": "r2"}"#);

fn stale(refresh_token: &str) -> Token {
    Token::new("old").unwrap().refresh_token(refresh_token)
}

fn refresh(endpoint: &TokenEndpoint, login: &ScriptedSource) -> Refresh {
    Refresh::new(endpoint.client(), URL, login.clone()).unwrap()
}

fn auth_server() -> Origins {
    Origins::only("https://auth.example.com").unwrap()
}

fn alone(endpoint: &TokenEndpoint) -> Refresh {
    Refresh::from_token(endpoint.client(), URL, "r1", auth_server()).unwrap()
}

fn form(endpoint: &TokenEndpoint) -> Form {
    let form = Form::new(
        endpoint.client(),
        "https://auth.example.com",
        "me",
        PASSWORD,
    );
    form.unwrap().use_refresh_token()
}

fn refresh_form(refresh_token: &str) -> String {
    format!("grant_type=refresh_token&refresh_token={refresh_token}")
}

/// D5: without a token, or with one that came without a refresh token, the login is made, and
/// nothing asked of the token endpoint.
#[tokio::test]
async fn the_first_token_is_the_logins() {
    let (endpoint, login) = (TokenEndpoint::default(), ScriptedSource::open());
    let source = refresh(&endpoint, &login);
    source.fetch(TokenRequest::first()).await.unwrap();
    let without = Token::new("old").unwrap();
    source.fetch(replacing(&without)).await.unwrap();
    source.fetch(replacing(&stale(""))).await.unwrap();
    assert_eq!(login.stale(), [None, None, None]);
    assert!(endpoint.asked().is_empty());
}

/// D5: a new refresh token takes the place of the old one.
#[tokio::test]
async fn a_new_refresh_token_replaces_the_old_one() {
    let (endpoint, login) = (TokenEndpoint::new([ROTATED, TOKEN]), ScriptedSource::open());
    let source = refresh(&endpoint, &login);
    let token = source.fetch(replacing(&stale("r 1"))).await.unwrap();
    assert_eq!(token.expose(), "new");
    assert_eq!(token.expose_refresh_token(), Some("r2"));
    source.fetch(replacing(&token)).await.unwrap();
    assert_eq!(endpoint.forms(), [refresh_form("r+1"), refresh_form("r2")]);
    assert_eq!(login.logins(), 0);
}

/// D5: without a new one, or with one that is none, the old one stays.
#[tokio::test]
async fn without_a_new_refresh_token_the_old_one_stays() {
    for none in ["null", r#""""#, "1", "[]", r#"["r2"]"#, r#"{"a": "r2"}"#] {
        let endpoint = TokenEndpoint::new([TOKEN]);
        let body = format!(r#"{{"access_token": "new", "refresh_token": {none}}}"#);
        endpoint.then(answer(200, &body));
        let source = refresh(&endpoint, &ScriptedSource::open());
        let mut token = stale("r1");
        for _ in 0..2 {
            token = source.fetch(replacing(&token)).await.unwrap();
            assert_eq!(token.expose_refresh_token(), Some("r1"), "{none}");
        }
    }
}

/// D5: a refresh token is sent as it came, whatever it is made of, and however long it is.
#[tokio::test]
async fn any_refresh_token_is_sent_as_it_came() {
    for refresh_token in ["é\u{1F511}&=+%\"\\ \n".to_owned(), "r".repeat(60_000)] {
        let endpoint = TokenEndpoint::default();
        let body = serde_json::json!({"access_token": "new", "refresh_token": refresh_token});
        endpoint.then(answer(200, &body.to_string()));
        endpoint.then(answer(TOKEN.0, TOKEN.1));
        let source = refresh(&endpoint, &ScriptedSource::open());
        let token = source.fetch(replacing(&stale("r1"))).await.unwrap();
        let token = source.fetch(replacing(&token)).await.unwrap();
        assert_eq!(token.expose_refresh_token(), Some(&*refresh_token));
        let form = endpoint.forms().remove(1);
        let sent = form_urlencoded::parse(form.as_bytes()).last().unwrap().1;
        assert_eq!(sent, refresh_token);
    }
}

/// D5, L1: a login that fails as well is the error, after one login.
#[tokio::test]
async fn the_logins_error_is_the_error() {
    let endpoint = TokenEndpoint::new([INVALID_GRANT]);
    let login = ScriptedSource::open().script([Err(AuthError::unavailable("down"))]);
    let error = refresh(&endpoint, &login)
        .fetch(replacing(&stale("r1")))
        .await;
    assert!(error.unwrap_err().is_unavailable());
    assert_eq!(login.logins(), 1);
}

/// D5: the client, scopes and further fields go with the refresh token.
#[tokio::test]
async fn the_client_goes_with_the_refresh_token() {
    let endpoint = TokenEndpoint::new([TOKEN, TOKEN]);
    let source = || {
        let source = alone(&endpoint).scopes(["read", "write"]);
        source.field("resource", "urn:a").unwrap()
    };
    let auth = || ClientAuth::new("app", "cl13nt");
    let sources = [auth(), auth().in_body()].map(|auth| source().client_auth(auth));
    for source in sources {
        source.fetch(TokenRequest::first()).await.unwrap();
    }
    let [header, body] = &endpoint.asked()[..] else {
        panic!()
    };
    let form = format!("{}&scope=read+write&resource=urn%3Aa", refresh_form("r1"));
    assert_eq!(header.body, form);
    // `app:cl13nt`
    assert_eq!(
        header.authorization.as_ref().unwrap(),
        "Basic YXBwOmNsMTNudA=="
    );
    assert_eq!(
        body.body,
        format!("{form}&client_id=app&client_secret=cl13nt")
    );
    assert_eq!(body.authorization, None);
    for name in [
        "grant_type",
        "client_id",
        "client_secret",
        "scope",
        "refresh_token",
    ] {
        assert!(source().field(name, "x").is_err(), "{name}");
        assert!(source().secret_field(name, "x").is_err(), "{name}");
    }
}

/// S1, D5: the origins are the login's, or those that it was given.
#[test]
fn the_origins_are_those_of_the_login_or_given() {
    let endpoint = TokenEndpoint::default();
    let login = ScriptedSource::scoped("https://api.example.com");
    let api = Origins::only("https://api.example.com").unwrap();
    assert_eq!(refresh(&endpoint, &login).origins(), api);
    assert_eq!(alone(&endpoint).origins(), auth_server());
    assert_eq!(alone(&endpoint).or_login(login).origins(), auth_server());
}

/// S2, D5: a refresh token does not go over plain `http`, nor does the password instead of it.
#[tokio::test]
async fn nothing_goes_over_plain_http() {
    let (endpoint, login) = (TokenEndpoint::new([TOKEN]), ScriptedSource::open());
    let url = "http://auth.example.com/oauth/token";
    let source = || Refresh::new(endpoint.client(), url, login.clone()).unwrap();
    let error = source().fetch(replacing(&stale("r1"))).await.unwrap_err();
    assert!(error.is_insecure());
    assert!(error.to_string().contains("refresh token"), "{error}");
    assert_eq!((endpoint.asked().len(), login.logins()), (0, 0));
    let token = source()
        .allow_plain_http()
        .fetch(replacing(&stale("r1")))
        .await;
    assert_eq!(token.unwrap().expose(), "new");
}

/// L4, S4: neither the refresh token that was sent nor what came for it gets into an error.
#[tokio::test]
async fn echoed_refresh_tokens_are_masked() {
    let body = r#"{"error": "invalid_grant", "error_description": "s3nt is not r3ceived",
        "error_uri": "https://e.example/s3nt", "refresh_token": "r3ceived"}"#;
    let odd = r#"{"access_token": "n3w", "token_type": "mac", "refresh_token": "r3ceived",
        "message": "n3w and r3ceived for s3nt, of cl13nt"}"#;
    let endpoint = TokenEndpoint::new([(400, body), (200, odd)]);
    for _ in 0..2 {
        let source = Refresh::from_token(endpoint.client(), URL, "s3nt", auth_server()).unwrap();
        let source = source.client_auth(ClientAuth::new("app", "cl13nt"));
        let shown = format!("{source:?}");
        let error = source.fetch(TokenRequest::first()).await.unwrap_err();
        let text = format!("{error} {error:?} {error:#?} {shown}");
        for secret in ["s3nt", "r3ceived", "n3w", "cl13nt"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("***"), "{text}");
    }
}

/// D5, D2: a form login renews by its refresh token, and by the password if that is no good: once,
/// and in the same fetch.
#[tokio::test]
async fn a_form_login_renews_by_its_refresh_token() {
    let endpoint = TokenEndpoint::new([ROTATED, TOKEN, INVALID_GRANT, ROTATED]);
    let login = form(&endpoint).field("grant_type", "password").unwrap();
    let password = "username=me&password=hunter2&grant_type=password";
    let mut token = login.fetch(TokenRequest::first()).await.unwrap();
    for _ in 0..2 {
        token = login.fetch(replacing(&token)).await.unwrap();
        assert_eq!(token.expose_refresh_token(), Some("r2"));
    }
    let (first, second) = (refresh_form("r2"), refresh_form("r2"));
    assert_eq!(endpoint.forms(), [password, &first, &second, password]);

    let endpoint = TokenEndpoint::new([INVALID_GRANT; 2]);
    let error = form(&endpoint)
        .fetch(replacing(&stale("r1")))
        .await
        .unwrap_err();
    assert!(error.is_rejected());
    assert_eq!(endpoint.asked().len(), 2);
}

/// D2: a form login that was not told so knows nothing of refresh tokens.
#[tokio::test]
async fn a_form_login_asks_for_no_grant_by_itself() {
    let endpoint = TokenEndpoint::new([ROTATED; 2]);
    let login = super::form(endpoint.client());
    let token = login.fetch(TokenRequest::first()).await.unwrap();
    login.fetch(replacing(&token)).await.unwrap();
    assert_eq!(endpoint.forms(), ["username=me&password=hunter2"; 2]);
}

/// D5, D2: with the refresh token goes who the client is, and no other field.
#[tokio::test]
async fn a_form_login_tells_its_client() {
    let endpoint = TokenEndpoint::new([TOKEN; 4]);
    let login = || {
        let login = form(&endpoint)
            .field("scope", "all")
            .unwrap()
            .field("client_id", "a")
            .unwrap();
        login.secret_field("client_secret", "s1").unwrap()
    };
    login().fetch(replacing(&stale("r1"))).await.unwrap();
    let login = login().client_auth(ClientAuth::new("b", "s2"));
    login.fetch(replacing(&stale("r1"))).await.unwrap();
    login.fetch(TokenRequest::first()).await.unwrap();
    let login = login.client_auth(ClientAuth::public("c"));
    login.fetch(TokenRequest::first()).await.unwrap();
    let asked = endpoint.asked();
    let fields = format!("{}&client_id=a&client_secret=s1", refresh_form("r1"));
    assert_eq!(asked[0].body, fields);
    assert_eq!(asked[0].authorization, None);
    assert_eq!(asked[1].body, refresh_form("r1"));
    assert_eq!(asked[2].body, "username=me&password=hunter2&scope=all");
    for asked in &asked[1..3] {
        // `b:s2`
        assert_eq!(asked.authorization.as_ref().unwrap(), "Basic YjpzMg==");
    }
    let public = "username=me&password=hunter2&scope=all&client_id=c";
    assert_eq!(asked[3].body, public);
    assert_eq!(asked[3].authorization, None);
}
