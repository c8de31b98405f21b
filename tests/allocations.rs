//! What a request with its token in hand costs in allocations, counted exactly. In a binary of its
//! own and as its only test, for the allocator counts what all threads do.

#![allow(clippy::unwrap_used)]

use std::future::{Ready, ready};
use std::hint::black_box;

use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::{BoxError, Layer, Service, service_fn};
use tower_bearer::{BearerAuthLayer, Origins, Token, source_fn};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

fn allocations(work: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    work();
    let change = region.change();
    change.allocations + change.reallocations
}

fn request<B: Body>(headers: usize, body: B) -> Request<B> {
    const NAMES: [&str; 12] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "user-agent",
        "content-type",
        "cookie",
        "cache-control",
        "x-request-id",
        "x-tenant",
        "traceparent",
        "origin",
        "referer",
    ];
    let mut request = Request::post("https://api.example.com/v4/properties/search");
    for name in &NAMES[..headers] {
        request = request.header(*name, format!("value of {name}"));
    }
    request.body(body).unwrap()
}

/// The least that a layer can do which attaches a token.
fn by_hand<B: Body>(mut request: Request<B>, token: &HeaderValue) {
    request.headers_mut().insert("authorization", token.clone());
    drop(black_box(request));
}

fn answer<B>(request: Request<B>) -> Ready<Result<Response<()>, BoxError>> {
    drop(black_box(request));
    ready(Ok(Response::new(())))
}

fn by_the_layer<B: Body + Unpin>(client: &mut impl Client<B>, request: Request<B>) {
    let response = client.call(request).now_or_never().unwrap();
    assert_eq!(response.unwrap().status(), 200);
}

/// By its first requests, or clones, a service takes what it needs for more of them.
fn settle(mut send: impl FnMut()) {
    for _ in 0..4 {
        send();
    }
}

trait Client<B>: Service<Request<B>, Response = Response<()>, Error = BoxError> {}
impl<B, S: Service<Request<B>, Response = Response<()>, Error = BoxError>> Client<B> for S {}

/// Reads the body to its end, as a connection does, and then answers.
fn read_and_answer<B>(mut request: Request<B>) -> Ready<Result<Response<()>, BoxError>>
where
    B: Body<Error = BoxError> + Unpin,
{
    while let Some(frame) = request.body_mut().frame().now_or_never().unwrap() {
        drop(black_box(frame.unwrap()));
    }
    answer(request)
}

type MakeBody = fn() -> Bytes;

/// B1: with the token in hand, a request makes one allocation for the copy of its head and, if its
/// body is not empty, one for that and one for what is kept of it, beyond that of inserting the
/// header. A clone of the service makes none.
///
/// What is kept of one frame is a copy, or if it is large and has its buffer to itself, another
/// handle to it. `Bytes` allocates once for a second handle to what was a vector. Nothing is kept of
/// a request whose body is known to be too large.
#[test]
fn a_request_with_its_token_in_hand_allocates_once_for_its_head_and_twice_for_its_body() {
    let source = source_fn(Origins::any(), |_| async {
        Ok(Token::new("mF_9.B5f-4.1JqM")?)
    });
    let layer = BearerAuthLayer::new(source);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let token = runtime.unwrap().block_on(layer.session().token()).unwrap();
    let token = token.header_value();

    for headers in [0, 4, 12] {
        let attached = allocations({
            let request = request(headers, Empty::<Bytes>::new());
            move || by_hand(request, token)
        });
        // A map of four has room for one more.
        assert_eq!(attached > 0, headers != 4, "the counter is dead");
        let copy = 1;

        let mut empty = layer.layer(service_fn(read_and_answer));
        settle(|| by_the_layer(&mut empty, request(headers, Empty::<Bytes>::new())));
        let ours = allocations({
            let request = request(headers, Empty::<Bytes>::new());
            || by_the_layer(&mut empty, request)
        });
        assert_eq!(ours, attached + copy, "{headers} headers, empty body");

        let client = layer.layer(service_fn(read_and_answer));
        settle(|| by_the_layer(&mut client.clone(), request(headers, Empty::<Bytes>::new())));
        // What its clones share is made anew, once.
        layer.session().reset_backoff();
        by_the_layer(&mut client.clone(), request(headers, Empty::<Bytes>::new()));
        let cloned = allocations({
            let request = request(headers, Empty::<Bytes>::new());
            || by_the_layer(&mut client.clone(), request)
        });
        assert_eq!(cloned, ours, "{headers} headers, by a clone");
        let sent = allocations({
            let request = request(headers, Empty::<Bytes>::new());
            || drop(client.send(request).now_or_never().unwrap().unwrap())
        });
        assert_eq!(sent, ours, "{headers} headers, by `send`");

        let mut full = layer.layer(service_fn(read_and_answer));
        let bodies: [(&str, MakeBody); 4] = [
            ("1 KiB, static", || Bytes::from_static(&[b'x'; 1024])),
            ("1 KiB", || vec![b'x'; 1024].into()),
            ("16 KiB less 1", || vec![b'x'; (16 << 10) - 1].into()),
            ("64 KiB", || vec![b'x'; 64 << 10].into()),
        ];
        for (name, body) in bodies {
            settle(|| by_the_layer(&mut full, request(headers, Full::new(body()))));
            let ours = allocations({
                let request = request(headers, Full::new(body()));
                || by_the_layer(&mut full, request)
            });
            assert_eq!(ours, attached + copy + 2, "{headers} headers, {name}");
        }

        // One that is known to be too large is moved to a place of its own, and its head not copied.
        let mut too_large = layer.layer(service_fn(read_and_answer));
        let body = || Full::new(Bytes::from_static(&[b'x'; (64 << 10) + 1]));
        settle(|| by_the_layer(&mut too_large, request(headers, body())));
        let ours = allocations({
            let request = request(headers, body());
            || by_the_layer(&mut too_large, request)
        });
        assert_eq!(ours, attached + 1, "{headers} headers, too large");

        let mut unread = layer.layer(service_fn(answer));
        let body = || Full::new(Bytes::from_static(&[b'x'; 1024]));
        settle(|| by_the_layer(&mut unread, request(headers, body())));
        let ours = allocations({
            let request = request(headers, body());
            || by_the_layer(&mut unread, request)
        });
        assert_eq!(
            ours,
            attached + copy + 1,
            "{headers} headers, 1 KiB, unread"
        );
    }
}
