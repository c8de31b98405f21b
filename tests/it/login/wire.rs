//! D1 to D5: the bytes of a login, as a server sees them.

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_bearer::login::{ClientAuth, ClientCredentials, Datafiniti, Form, Json, Refresh};
use tower_bearer::{Origins, TokenRequest, TokenSource};

/// What a password may hold, and what either encoding has to escape.
const ODD: &str = "pä\u{1F511}&=+%\"\\ ;\n";

fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

/// A server that takes one request, gives this answer and closes. It hands back its own authority
/// and the request's bytes.
async fn server(answer: impl Into<String>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let answer = answer.into();
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !is_whole(&request) {
            assert_ne!(socket.read_buf(&mut request).await.unwrap(), 0);
        }
        socket.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    (host, task)
}

/// What this login, told the server's authority, sends to a server that answers with this JSON,
/// which has the token `abc`; and that authority.
async fn sent_by<L: TokenSource>(
    login: impl FnOnce(&str) -> L,
    answer: &'static str,
) -> (String, String) {
    let length = answer.len();
    let (host, request) = server(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{answer}"
    ))
    .await;
    let token = login(&host).fetch(TokenRequest::first()).await.unwrap();
    assert_eq!(token.expose(), "abc");
    (host, request.await.unwrap())
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.split_once("content-length: ").unwrap().1;
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    request.len() >= head.len() + 4 + length
}

/// D1: this is a Datafiniti login, byte by byte.
#[tokio::test]
async fn a_datafiniti_login_on_the_wire() {
    let login = |host: &str| {
        Datafiniti::new(client(), "me+x@example.com", ODD)
            .base_url(&format!("http://{host}/df/"))
            .unwrap()
    };
    let (host, request) = sent_by(login, r#"{"token":"abc"}"#).await;
    assert_eq!(
        request,
        format!(
            "POST /df/v4/auth HTTP/1.1\r\n\
             content-type: application/json\r\n\
             accept: application/json\r\n\
             host: {host}\r\n\
             content-length: 61\r\n\
             \r\n\
             {{\"email\":\"me+x@example.com\",\"password\":\"pä\u{1F511}&=+%\\\"\\\\ ;\\n\"}}"
        )
    );
}

/// D2: this is a form login, byte by byte.
#[tokio::test]
async fn a_form_login_on_the_wire() {
    let login = |host: &str| {
        Form::new(client(), &format!("http://{host}"), "me@example.com", ODD)
            .unwrap()
            .path("/oauth/token?tenant=a")
            .unwrap()
            .field("grant_type", "password")
            .unwrap()
            .field("scope", "read write")
            .unwrap()
            .field("a&b", "")
            .unwrap()
    };
    let (host, request) = sent_by(login, r#"{"access_token":"abc"}"#).await;
    assert_eq!(
        request,
        format!(
            "POST /oauth/token?tenant=a HTTP/1.1\r\n\
             content-type: application/x-www-form-urlencoded\r\n\
             accept: application/json\r\n\
             host: {host}\r\n\
             content-length: 123\r\n\
             \r\n\
             username=me%40example.com&password=p%C3%A4%F0%9F%94%91%26%3D%2B%25%22%5C+%3B%0A\
             &grant_type=password&scope=read+write&a%26b="
        )
    );
}

/// D3: this is a JSON login, byte by byte: the fields in the order in which they were set.
#[tokio::test]
async fn a_json_login_on_the_wire() {
    let login = |host: &str| {
        Json::new(client(), &format!("http://{host}/v1/session/?tenant=a"))
            .unwrap()
            .field("user \"name\"", "")
            .unwrap()
            .field("email", "me+x@example.com")
            .unwrap()
            .secret_field("password", ODD)
            .unwrap()
            .token("/data/token")
            .unwrap()
    };
    let (host, request) = sent_by(login, r#"{"data":{"token":"abc"}}"#).await;
    assert_eq!(
        request,
        format!(
            "POST /v1/session/?tenant=a HTTP/1.1\r\n\
             content-type: application/json\r\n\
             accept: application/json\r\n\
             host: {host}\r\n\
             content-length: 80\r\n\
             \r\n\
             {{\"user \\\"name\\\"\":\"\",\"email\":\"me+x@example.com\",\
             \"password\":\"pä\u{1F511}&=+%\\\"\\\\ ;\\n\"}}"
        )
    );
}

/// D3: a login without fields sends an empty object.
#[tokio::test]
async fn a_json_login_without_fields_on_the_wire() {
    let login = |host: &str| Json::new(client(), &format!("http://{host}")).unwrap();
    let (_, request) = sent_by(login, r#"{"token":"abc"}"#).await;
    assert!(request.starts_with("POST / HTTP/1.1\r\n"), "{request}");
    assert!(
        request.ends_with("content-length: 2\r\n\r\n{}"),
        "{request}"
    );
}

/// D4: this is a login by client credentials, byte by byte.
#[tokio::test]
async fn client_credentials_on_the_wire() {
    let login = |host: &str| {
        let auth = ClientAuth::new("my app", ODD);
        let url = format!("http://{host}/token?p=b2c");
        ClientCredentials::new(client(), &url, auth, Origins::any())
            .unwrap()
            .scopes(["read", "write"])
            .audience("api")
    };
    let (host, request) = sent_by(login, r#"{"access_token":"abc"}"#).await;
    // `my+app:p%C3%A4%F0%9F%94%91%26%3D%2B%25%22%5C+%3B%0A`
    assert_eq!(
        request,
        format!(
            "POST /token?p=b2c HTTP/1.1\r\n\
             content-type: application/x-www-form-urlencoded\r\n\
             accept: application/json\r\n\
             authorization: Basic \
             bXkrYXBwOnAlQzMlQTQlRjAlOUYlOTQlOTElMjYlM0QlMkIlMjUlMjIlNUMrJTNCJTBB\r\n\
             host: {host}\r\n\
             content-length: 59\r\n\
             \r\n\
             grant_type=client_credentials&scope=read+write&audience=api"
        )
    );
}

/// D5: this is a refresh, byte by byte.
#[tokio::test]
async fn a_refresh_on_the_wire() {
    let source = |host: &str| {
        let url = format!("http://{host}/token");
        Refresh::from_token(client(), &url, ODD, Origins::any())
            .unwrap()
            .client_auth(ClientAuth::public("my app"))
    };
    let (host, request) = sent_by(source, r#"{"access_token":"abc"}"#).await;
    assert_eq!(
        request,
        format!(
            "POST /token HTTP/1.1\r\n\
             content-type: application/x-www-form-urlencoded\r\n\
             accept: application/json\r\n\
             host: {host}\r\n\
             content-length: 97\r\n\
             \r\n\
             grant_type=refresh_token\
             &refresh_token=p%C3%A4%F0%9F%94%91%26%3D%2B%25%22%5C+%3B&client_id=my+app"
        )
    );
}

/// L2: an answer that is cut off on its way is unavailable, with hyper's error inside.
#[tokio::test]
async fn an_answer_that_is_cut_off_is_unavailable() {
    let (host, _) =
        server("HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"token\":\"abc\"}").await;
    let login = Datafiniti::new(client(), "me", ODD)
        .base_url(&format!("http://{host}"))
        .unwrap();
    let error = login.fetch(TokenRequest::first()).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(error.get_ref().is::<hyper::Error>());
}

/// L3: a redirect is an error, and its target sees nothing of the password.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let location = target.local_addr().unwrap();
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{location}/\r\ncontent-length: 0\r\n\r\n"
    );
    let (host, request) = server(answer).await;
    let login = Datafiniti::new(client(), "me", ODD)
        .base_url(&format!("http://{host}"))
        .unwrap();
    let error = login.fetch(TokenRequest::first()).await.unwrap_err();
    assert!(error.is_misconfigured(), "{error}");
    request.await.unwrap();
    tokio::select! {
        biased;
        _ = target.accept() => panic!("the redirect was followed"),
        () = tokio::task::yield_now() => {}
    }
}
