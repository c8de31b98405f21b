//! Both attempts look the same on the wire, and the connections are put to use again.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body::Frame;
use http_body_util::{Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt};
use tower_bearer::BearerAuthLayer;

use super::behavior::{Protocol, Refusal, ServerBehavior};
use super::client::{AnyBody, in_time, send, upload};
use super::log::{End, Framing};
use super::server::{Server, connected};
use crate::support::{Body, ScriptedSource};

/// Sends one request that is refused once, and checks that both attempts were alike.
async fn both_attempts(
    protocol: Protocol,
    request: impl FnOnce(&Server) -> Request<AnyBody>,
) -> (Framing, Vec<u8>, Option<HeaderMap>) {
    let (server, client) = connected(protocol, ServerBehavior::PATIENT).await;
    let (status, _) = send(&client, request(&server)).answer().await;
    assert_eq!(status, StatusCode::OK);
    server.is_left_alone_by(client).await;

    let log = server.log();
    let [first, second] = &log.requests[..] else {
        panic!("{log:#?}");
    };
    assert_eq!((&*first.token, &*second.token), ("Bearer t1", "Bearer t2"));
    assert_eq!(log.ends(), [End::Whole; 2]);
    assert_eq!(first.framing, second.framing);
    assert_eq!(first.body, second.body);
    assert_eq!(first.trailers, second.trailers);
    (
        second.framing.clone(),
        second.body.clone(),
        second.trailers.clone(),
    )
}

fn length(bytes: &str) -> Framing {
    Framing {
        content_length: Some(bytes.to_owned()),
        transfer_encoding: None,
    }
}

fn no_length(protocol: Protocol) -> Framing {
    Framing {
        content_length: None,
        transfer_encoding: (protocol == Protocol::Http1).then(|| "chunked".to_owned()),
    }
}

/// B2, B3: a body of known length has that Content-Length on both attempts, and the same bytes.
#[tokio::test]
async fn content_length_is_equal_on_both_attempts() {
    for protocol in Protocol::BOTH {
        let (framing, body, _) =
            both_attempts(protocol, |server| server.post(Full::from("hello"))).await;
        assert_eq!((framing, &*body), (length("5"), &b"hello"[..]));
    }
}

/// B3: an empty body is announced as empty on both attempts: over HTTP/1.1 by no header at all, over
/// HTTP/2 by Content-Length 0.
#[tokio::test]
async fn an_empty_body_is_empty_on_both_attempts() {
    for protocol in Protocol::BOTH {
        let (framing, body, _) = both_attempts(protocol, |server| server.post(Empty::new())).await;
        let announced = match protocol {
            Protocol::Http1 => Framing::default(),
            Protocol::Http2 => length("0"),
        };
        assert_eq!((framing, &*body), (announced, &b""[..]));
    }
}

/// B2, B3: a body of unknown length goes out without Content-Length both times, chunked over
/// HTTP/1.1, with the same bytes.
#[tokio::test]
async fn a_stream_has_no_content_length_on_either_attempt() {
    for protocol in Protocol::BOTH {
        let (framing, body, _) = both_attempts(protocol, |server| {
            let (upload, body) = upload();
            upload.data("hello, ");
            upload.data("world");
            server.post(body)
        })
        .await;
        assert_eq!(
            (framing, &*body),
            (no_length(protocol), &b"hello, world"[..])
        );
    }
}

/// B2, B3: a stream whose length the caller's own header tells keeps that header on both attempts.
#[tokio::test]
async fn the_callers_content_length_is_kept_on_both_attempts() {
    for protocol in Protocol::BOTH {
        let (framing, body, _) = both_attempts(protocol, |server| {
            let (upload, body) = upload();
            upload.data("hello, ");
            upload.data("world");
            let mut request = server.post(body);
            request
                .headers_mut()
                .insert("content-length", HeaderValue::from_static("12"));
            request
        })
        .await;
        assert_eq!((framing, &*body), (length("12"), &b"hello, world"[..]));
    }
}

/// B2: both attempts carry the same trailers.
#[tokio::test]
async fn trailers_are_sent_on_both_attempts() {
    for protocol in Protocol::BOTH {
        let trailers = HeaderMap::from_iter([(
            "checksum".parse().unwrap(),
            HeaderValue::from_static("5d41402a"),
        )]);
        let (framing, body, received) = both_attempts(protocol, |server| {
            let (upload, body) = upload();
            upload.data("hello");
            upload.frame(Frame::trailers(trailers.clone()));
            let mut request = server.post(body);
            // Without these, HTTP/1.1 has no trailers.
            let headers = request.headers_mut();
            headers.insert("te", HeaderValue::from_static("trailers"));
            headers.insert("trailer", HeaderValue::from_static("checksum"));
            request
        })
        .await;
        assert_eq!((framing, &*body), (no_length(protocol), &b"hello"[..]));
        assert_eq!(received, Some(trailers));
    }
}

/// R5, B3: byte for byte the two attempts differ in nothing but the token. HTTP/1.1 without a
/// server's view in between.
#[tokio::test]
async fn the_attempts_differ_in_the_token_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/a/b?c=d", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let refused = exchange(&mut stream, "401 Unauthorized").await;
        let accepted = exchange(&mut stream, "200 OK").await;
        (refused, accepted)
    });
    let client = Client::builder(TokioExecutor::new()).build_http();
    let client = BearerAuthLayer::new(ScriptedSource::open()).layer(client);
    let request = Request::put(uri)
        .header("x-first", "1")
        .header("accept", "text/plain")
        .header("x-last", "2")
        .header("x-last", "3")
        .body(Body::from("hello"))
        .unwrap();
    let response = in_time(client.oneshot(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);

    let (refused, accepted) = in_time(server).await.unwrap();
    assert!(
        refused.starts_with("PUT /a/b?c=d HTTP/1.1\r\n"),
        "{refused}"
    );
    assert_eq!(
        refused.matches("\r\nauthorization: Bearer t1\r\n").count(),
        1
    );
    assert!(refused.contains("\r\ncontent-length: 5\r\n"), "{refused}");
    assert!(refused.ends_with("\r\n\r\nhello"), "{refused}");
    assert_eq!(refused.replace("Bearer t1", "Bearer t2"), accepted);
}

/// Reads a request with a body of five bytes, and answers it.
async fn exchange(stream: &mut TcpStream, status: &str) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    let mut body = [0; 5];
    stream.read_exact(&mut body).await.unwrap();
    request.extend(body);
    let response = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(response.as_bytes()).await.unwrap();
    String::from_utf8(request).unwrap()
}

/// R5: after a 401 with a small body the retry goes over the same connection, and so does the next
/// request.
///
/// The body has a Content-Length and comes in one piece, and hyper reads such a one to its end while
/// the login is under way. After a chunked one HTTP/1.1 takes another connection: hyper does not see
/// its end before the body is read or dropped.
#[tokio::test]
async fn the_connection_is_reused_after_a_small_refusal() {
    for protocol in Protocol::BOTH {
        let (server, client) = connected(protocol, ServerBehavior::PATIENT).await;
        for _ in 0..2 {
            let (status, _) = send(&client, server.post(Full::from("hello")))
                .answer()
                .await;
            assert_eq!(status, StatusCode::OK);
        }
        assert_eq!(server.log().requests.len(), 3);
        assert_eq!(server.log().accepted, 1);
        server.is_left_alone_by(client).await;
    }
}

/// R5: a 401 whose body never ends hangs nothing. It is dropped, and with it goes its stream; over
/// HTTP/1.1 its connection, so that the retry takes another one.
#[tokio::test]
async fn a_refusal_whose_body_never_ends_hangs_nothing() {
    for protocol in Protocol::BOTH {
        let behavior = ServerBehavior {
            refusal: Refusal::Endless,
            ..ServerBehavior::PATIENT
        };
        let (server, client) = connected(protocol, behavior).await;
        let answer = send(&client, server.post(Full::from("hello")))
            .answer()
            .await;
        assert_eq!(answer, (StatusCode::OK, Bytes::from("hello")));
        server
            .until(|log| log.exchanges == 0 && log.connections == 1)
            .await;
        let accepted = if protocol == Protocol::Http1 { 2 } else { 1 };
        assert_eq!(server.log().accepted, accepted);
        server.is_left_alone_by(client).await;
    }
}
