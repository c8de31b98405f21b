//! Real connections to a service.

use std::future::pending;

use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tower::service_fn;

use super::super::serve;
use super::*;

/// For what comes at once, unless something is broken.
const PATIENCE: Duration = Duration::from_secs(10);

fn client(http2: bool) -> Client<HttpConnector, String> {
    Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .build_http()
}

#[tokio::test]
async fn it_serves_over_both_versions_of_http() {
    let api = api();
    let server = serve(api.clone()).await.unwrap();
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    for http2 in [false, true] {
        let request = with_token(&format!("{}/echo", server.url()), &token);
        let request = request.body("over the wire".to_owned()).unwrap();
        let response = client(http2).request(request).await.unwrap();
        assert_eq!(response.version() == http::Version::HTTP_2, http2);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-length"], "13");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "over the wire");
    }
    assert_eq!(api.counts().accepted, 2);
}

#[tokio::test]
async fn a_service_that_fails_hangs_up() {
    let api = api();
    let server = serve(api.clone()).await.unwrap();
    for http2 in [false, true] {
        api.script_request(Answer::TransportError(io::ErrorKind::ConnectionReset));
        let (client, uri) = (client(http2), format!("{}/users/me", server.url()));
        client.get(uri.parse().unwrap()).await.unwrap_err();
        let after = client.get(uri.parse().unwrap()).await.unwrap();
        assert_eq!(after.status(), 401);
    }
    assert_eq!(api.counts().requests, 4);
}

#[tokio::test]
async fn a_request_under_way_ends_when_the_server_is_dropped() {
    for http2 in [false, true] {
        let (arrived, mut arrivals) = mpsc::channel(1);
        let service = service_fn(move |_: Request<Incoming>| {
            let arrived = arrived.clone();
            async move {
                let (_under_way, ended) = oneshot::channel::<()>();
                arrived.send(ended).await.unwrap();
                pending::<Result<Response<String>, Infallible>>().await
            }
        });
        let server = serve(service).await.unwrap();
        let uri: http::Uri = server.url().parse().unwrap();
        let request = tokio::spawn(client(http2).get(uri.clone()));
        let ended = arrivals.recv().await.unwrap();

        drop(server);
        let ended = async { (request.await.unwrap(), ended.await) };
        let (response, service) = timeout(PATIENCE, ended).await.unwrap();
        response.unwrap_err();
        service.unwrap_err();
        let address = uri.authority().unwrap().as_str();
        TcpStream::connect(address).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_connection_that_is_kept_alive_is_cut_when_the_server_is_dropped() {
    let api = api();
    let server = serve(api.clone()).await.unwrap();
    let address = server.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /users/me HTTP/1.1\r\nhost: a.example\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");

    drop(server);
    stream.write_all(request).await.unwrap();
    // Cut off with or without a word: a read fails where the request comes to a closed socket.
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    assert!(!String::from_utf8(rest).unwrap().contains("HTTP/1.1"));
    assert_eq!(api.counts().requests, 1);
}

#[tokio::test]
async fn the_server_shows_its_url() {
    let server = serve(api()).await.unwrap();
    let debug = format!("{server:?}");
    assert_eq!(debug, format!("Server {{ url: {:?}, .. }}", server.url()));
    assert!(server.url().starts_with("http://127.0.0.1:"));
}
