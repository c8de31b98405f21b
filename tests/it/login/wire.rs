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
async fn server(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
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
    let (host, request) =
        server("HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"token\":\"abc\"}").await;
    let login = Datafiniti::new(client(), "me+x@example.com", ODD)
        .base_url(&format!("http://{host}/df/"))
        .unwrap();
    assert_eq!(
        login.fetch(TokenRequest::first()).await.unwrap().expose(),
        "abc"
    );
    assert_eq!(
        request.await.unwrap(),
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
    let (host, request) =
        server("HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"access_token\":\"abc\"}").await;
    let login = Form::new(client(), &format!("http://{host}"), "me@example.com", ODD)
        .unwrap()
        .path("/oauth/token?tenant=a")
        .unwrap()
        .field("grant_type", "password")
        .unwrap()
        .field("scope", "read write")
        .unwrap()
        .field("a&b", "")
        .unwrap();
    assert_eq!(
        login.fetch(TokenRequest::first()).await.unwrap().expose(),
        "abc"
    );
    assert_eq!(
        request.await.unwrap(),
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
    const ANSWER: &str =
        "HTTP/1.1 200 OK\r\ncontent-length: 24\r\n\r\n{\"data\":{\"token\":\"abc\"}}";
    let (host, request) = server(ANSWER).await;
    let login = Json::new(client(), &format!("http://{host}/v1/session/?tenant=a"))
        .unwrap()
        .field("user \"name\"", "")
        .unwrap()
        .field("email", "me+x@example.com")
        .unwrap()
        .secret_field("password", ODD)
        .unwrap()
        .token("/data/token")
        .unwrap();
    assert_eq!(
        login.fetch(TokenRequest::first()).await.unwrap().expose(),
        "abc"
    );
    assert_eq!(
        request.await.unwrap(),
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
    let (host, request) =
        server("HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"token\":\"abc\"}").await;
    let login = Json::new(client(), &format!("http://{host}")).unwrap();
    assert_eq!(
        login.fetch(TokenRequest::first()).await.unwrap().expose(),
        "abc"
    );
    let request = request.await.unwrap();
    assert!(request.starts_with("POST / HTTP/1.1\r\n"), "{request}");
    assert!(
        request.ends_with("content-length: 2\r\n\r\n{}"),
        "{request}"
    );
}

/// D4: this is a login by client credentials, byte by byte.
#[tokio::test]
async fn client_credentials_on_the_wire() {
    let (host, request) =
        server("HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"access_token\":\"abc\"}").await;
    let auth = ClientAuth::new("my app", ODD);
    let login = ClientCredentials::new(
        client(),
        &format!("http://{host}/token?p=b2c"),
        auth,
        Origins::any(),
    );
    let login = login.unwrap().scopes(["read", "write"]).audience("api");
    assert_eq!(
        login.fetch(TokenRequest::first()).await.unwrap().expose(),
        "abc"
    );
    // `my+app:p%C3%A4%F0%9F%94%91%26%3D%2B%25%22%5C+%3B%0A`
    assert_eq!(
        request.await.unwrap(),
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
    let (host, request) =
        server("HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"access_token\":\"abc\"}").await;
    let source = Refresh::from_token(
        client(),
        &format!("http://{host}/token"),
        ODD,
        Origins::any(),
    );
    let source = source.unwrap().client_auth(ClientAuth::public("my app"));
    assert_eq!(
        source.fetch(TokenRequest::first()).await.unwrap().expose(),
        "abc"
    );
    assert_eq!(
        request.await.unwrap(),
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
    let (host, request) = server(answer.leak()).await;
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
