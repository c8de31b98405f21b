//! The retry: that there is one, and what it repeats.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody, TokenRequest};

use super::URI;
use crate::support::{Body, ScriptedSource, Seen, Server, explanation, get, post, token};

/// R3, R5: the request goes out again with the new token, and the caller sees one response.
#[tokio::test]
async fn a_refused_request_is_retried_with_a_new_token() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("t2"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let response = client.oneshot(post("payload")).await.unwrap();
    assert_eq!(*response.body(), "welcome");
    let seen = |token: &str| Seen {
        authorization: vec![token.to_owned()],
        body: "payload".into(),
    };
    assert_eq!(server.seen(), [seen("Bearer t1"), seen("Bearer t2")]);
    assert_eq!(desk.stale(), [None, Some("t1".to_owned())]);
}

/// R3: a second refusal is the caller's answer.
#[tokio::test]
async fn a_second_refusal_is_final() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("never"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let response = client.oneshot(post("payload")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(explanation(&response).is_none());
    assert_eq!((server.seen().len(), desk.logins()), (2, 2));
}

/// R5: the retry repeats method, URI, version, headers and extensions, and has one Authorization.
#[tokio::test]
async fn the_retry_repeats_the_whole_head() {
    #[derive(Clone, Debug, PartialEq)]
    struct Mark(u8);
    let (sender, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let client = BearerAuthLayer::new(ScriptedSource::open()).layer(service_fn(
        move |request: Request<ReplayBody<Body>>| {
            let (head, _) = request.into_parts();
            let status = if head.headers["authorization"] == "Bearer t1" {
                401
            } else {
                200
            };
            sender.send(head).unwrap();
            let response = Response::builder().status(status).body(()).unwrap();
            std::future::ready(Ok::<_, BoxError>(response))
        },
    ));
    let request = Request::builder()
        .method(Method::PATCH)
        .uri("https://api.example.com/things/1?full=yes")
        .version(Version::HTTP_2)
        .header("x-twice", "one")
        .header("x-twice", "two")
        .header("accept", "*/*")
        .extension(Mark(7))
        .body(Body::from("payload"))
        .unwrap();
    assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
    let (mut first, mut second) = (sent.recv().await.unwrap(), sent.recv().await.unwrap());
    assert_eq!(first.headers.remove("authorization").unwrap(), "Bearer t1");
    let values: Vec<_> = second.headers.get_all("authorization").iter().collect();
    assert_eq!(values, ["Bearer t2"]);
    assert!(values[0].is_sensitive());
    second.headers.remove("authorization");
    assert_eq!(first.headers, second.headers);
    assert_eq!(second.headers.get_all("x-twice").iter().count(), 2);
    assert_eq!(
        (&first.method, &second.method),
        (&Method::PATCH, &Method::PATCH)
    );
    assert_eq!(first.uri, second.uri);
    assert_eq!(
        (first.version, second.version),
        (Version::HTTP_2, Version::HTTP_2)
    );
    assert_eq!(second.extensions.get(), Some(&Mark(7)));
}

/// R5: HTTP/2 lets names through that `HeaderName::from_bytes` does not take: a peer of a gateway
/// may send one.
#[tokio::test]
async fn the_retry_repeats_a_name_that_only_http2_has() {
    let name = HeaderName::from_lowercase(b"x-\"quoted\"").unwrap();
    let (sender, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let client = BearerAuthLayer::new(ScriptedSource::open()).layer(service_fn(
        move |request: Request<ReplayBody<Body>>| {
            let is_old = request.headers()["authorization"] == "Bearer t1";
            sender.send(request.into_parts().0.headers).unwrap();
            let status = if is_old { 401 } else { 200 };
            let response = Response::builder().status(status).body(()).unwrap();
            std::future::ready(Ok::<_, BoxError>(response))
        },
    ));
    let mut request = get(URI);
    request
        .headers_mut()
        .insert(&name, HeaderValue::from_static("1"));
    assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
    for _attempt in 0..2 {
        assert_eq!(sent.recv().await.unwrap()[&name], "1");
    }
}

/// R5: the first attempt is gone before the login begins, its response before the retry.
#[tokio::test]
async fn what_the_first_attempt_holds_is_free_in_time() {
    use std::sync::{Mutex, Weak};
    let held: Arc<Mutex<Vec<Weak<()>>>> = Arc::default();
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let living = {
        let held = held.clone();
        move || {
            held.lock()
                .unwrap()
                .iter()
                .map(|it| it.strong_count())
                .sum::<usize>()
        }
    };
    let source = {
        let (log, living) = (log.clone(), living.clone());
        tower_bearer::source_fn(
            tower_bearer::Origins::any(),
            move |request: TokenRequest| {
                log.lock().unwrap().push(format!("login {}", living()));
                let next = if request.stale().is_some() { "b" } else { "a" };
                std::future::ready(Ok(token(next)))
            },
        )
    };
    let inner = {
        let log = log.clone();
        service_fn(move |request: Request<ReplayBody<Body>>| {
            log.lock().unwrap().push(format!("call {}", living()));
            let (in_future, in_response) = (Arc::new(()), Arc::new(()));
            let both = [&in_future, &in_response].map(Arc::downgrade);
            held.lock().unwrap().extend(both);
            let status = if request.headers()["authorization"] == "Bearer a" {
                401
            } else {
                200
            };
            async move {
                let _in_future = in_future;
                tokio::task::yield_now().await;
                Ok::<_, BoxError>(
                    Response::builder()
                        .status(status)
                        .body(in_response)
                        .unwrap(),
                )
            }
        })
    };
    let client = BearerAuthLayer::new(source).layer(inner);
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    // During the second login only the response lives, which the caller gets should it fail.
    let log = log.lock().unwrap();
    assert_eq!(*log, ["login 0", "call 0", "login 1", "call 0"]);
}
