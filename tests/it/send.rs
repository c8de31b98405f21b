//! `BearerAuth::send`: the client's own call, spawned, awaited and dropped.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use tokio::time::timeout;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok};
use tower::util::{BoxCloneService, BoxCloneSyncService};
use tower::{BoxError, Layer, Service, service_fn};
use tower_bearer::{AuthError, BearerAuth, BearerAuthLayer, ReplayBody, SendFuture};
use tower_test::mock;

use crate::support::{Body, ScriptedSource, Server, auth_error, get, post};

const URI: &str = "https://api.example.com/";

type Streamed = UnsyncBoxBody<Bytes, BoxError>;
type Inbound = Response<&'static str>;

fn layer() -> BearerAuthLayer {
    BearerAuthLayer::new(ScriptedSource::open())
}

/// A body whose error is a `BoxError`, as that of a streaming client.
fn streamed(body: &'static str) -> Request<Streamed> {
    post(body).map(|body| body.map_err(|never| match never {}).boxed_unsync())
}

/// W1: a task of its own may send, over a boxed service that is `Sync` and whose error is a
/// `BoxError`.
#[tokio::test]
async fn it_spawns_over_a_boxed_service() {
    let server = Server::new();
    let inner: BoxCloneSyncService<Request<ReplayBody<Body>>, Inbound, BoxError> =
        BoxCloneSyncService::new(server.service());
    let client = layer().layer(inner);
    let response = tokio::spawn(async move { client.send(get(URI)).await });
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
    assert_eq!(server.tokens(), ["Bearer t1"]);
}

/// W1: likewise over one that is not `Sync`, so no reference to the client is held.
#[tokio::test]
async fn it_spawns_over_a_boxed_service_that_is_not_sync() {
    let server = Server::new();
    let inner: BoxCloneService<Request<ReplayBody<Body>>, Inbound, BoxError> =
        BoxCloneService::new(server.service());
    let client = layer().layer(inner);
    let response = tokio::spawn(async move { client.send(get(URI)).await });
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
}

/// W1: a task of its own may send over a `service_fn` whose error is a `BoxError`.
#[tokio::test]
async fn it_spawns_over_a_service_fn() {
    let inner = service_fn(async |request: Request<ReplayBody<Body>>| {
        tokio::task::yield_now().await;
        Ok::<_, BoxError>(Response::new(request.headers().len()))
    });
    let client = layer().layer(inner);
    let response = tokio::spawn(async move { client.send(get(URI)).await });
    assert_eq!(*response.await.unwrap().unwrap().body(), 1);
}

/// W1, R3: a task of its own may send a body whose error is a `BoxError`, over a boxed service and
/// over a `service_fn`, through a retry.
#[tokio::test]
async fn it_spawns_with_a_body_whose_error_is_a_box_error() {
    let server = Server::accepting("t2");
    let inner: BoxCloneSyncService<Request<ReplayBody<Streamed>>, Inbound, BoxError> =
        BoxCloneSyncService::new(server.service());
    let client = layer().layer(inner);
    let response = tokio::spawn(async move { client.send(streamed("abc")).await });
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
    assert_eq!(server.tokens(), ["Bearer t1", "Bearer t2"]);

    let server = Server::accepting("t2");
    let inner = service_fn({
        let server = server.clone();
        move |request: Request<ReplayBody<Streamed>>| {
            let mut service = server.service();
            async move { service.call(request).await }
        }
    });
    let client = layer().layer(inner);
    let response = tokio::spawn(async move { client.send(streamed("abc")).await });
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
    assert!(server.seen().iter().all(|seen| seen.body == "abc"));
}

/// W1: many tasks may share one client by reference or in an `Arc`, and one login.
#[tokio::test]
async fn it_spawns_from_a_shared_client() {
    let desk = ScriptedSource::open();
    let server = Server::new();
    let inner = BoxCloneSyncService::new(server.service::<Streamed>());
    let client = Arc::new(BearerAuthLayer::new(desk.clone()).layer(inner));
    let requests = (0..10).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.send(streamed("abc")).await })
    });
    for response in futures::future::join_all(requests).await {
        assert_eq!(response.unwrap().unwrap().status(), 200);
    }
    assert_eq!(desk.logins(), 1);
}

/// W1: what awaits several requests, and holds their responses meanwhile, can be spawned as well.
#[tokio::test]
async fn it_spawns_within_a_combinator_of_futures() {
    let inner = BoxCloneSyncService::new(Server::new().service::<Streamed>());
    let client = layer().layer(inner);
    let responses = tokio::spawn(async move {
        let (one, other) = futures::join!(
            client.send(streamed("one")),
            timeout(Duration::from_secs(5), client.send(streamed("other"))),
        );
        let mut responses = vec![one?, other??];
        let more = (0..4).map(|_| client.send(streamed("more")));
        responses.extend(futures::future::try_join_all(more).await?);
        tokio::select! {
            response = client.send(streamed("this")) => responses.push(response?),
            response = client.send(streamed("or that")) => responses.push(response?),
        }
        Ok::<_, BoxError>(responses)
    });
    let responses = responses.await.unwrap().unwrap();
    assert_eq!(responses.len(), 7);
    assert!(responses.iter().all(|response| response.status() == 200));
}

/// W1: the future can be named, and needs no box to be polled again and again.
#[tokio::test]
async fn the_future_can_be_named() {
    type Inner = BoxCloneSyncService<Request<ReplayBody<Body>>, Inbound, BoxError>;
    type Answer = BoxFuture<'static, Result<Inbound, BoxError>>;
    struct Holder(SendFuture<Inner, Answer, Body, &'static str>);
    let client: BearerAuth<Inner> = layer().layer(Inner::new(Server::new().service()));
    let Holder(response) = Holder(client.send(get(URI)));
    assert!(format!("{response:?}").starts_with("SendFuture"));
    assert_eq!(response.await.unwrap().status(), 200);
}

/// W1: the clone that was polled ready is the one that is called: the mock panics when another is.
/// Readiness that is pending is awaited, and wakes the request.
#[tokio::test]
async fn readiness_is_awaited_and_the_ready_clone_is_called() {
    let (inner, mut handle) = mock::pair::<Request<ReplayBody<Body>>, Inbound>();
    handle.allow(0);
    let layer = layer();
    layer.session().token().await.unwrap();
    let client = layer.layer(inner);
    let mut response = tokio_test::task::spawn(client.send(get(URI)));
    let mut next = tokio_test::task::spawn(handle.next_request());
    assert_pending!(response.poll());
    assert_pending!(next.poll());
    drop(next);

    handle.allow(1);
    assert!(response.is_woken());
    assert_pending!(response.poll());
    let (request, send) = handle.next_request().await.unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer t1");
    send.send_response(Response::new("welcome"));
    assert!(response.is_woken());
    assert_eq!(*assert_ready_ok!(response.poll()).body(), "welcome");
}

/// W1, W3: readiness that fails ends the request with the inner service's own error.
#[tokio::test]
async fn an_error_of_readiness_passes_as_it_was() {
    let (inner, mut handle) = mock::pair::<Request<ReplayBody<Body>>, Inbound>();
    handle.send_error(std::io::Error::other("broken"));
    let client = layer().layer(inner);
    let mut response = tokio_test::task::spawn(client.send(get(URI)));
    let error = assert_ready_err!(response.poll());
    assert!(error.downcast_ref::<std::io::Error>().is_some());
}

/// W3: a failed login is the future's error.
#[tokio::test]
async fn a_failed_login_is_the_error() {
    let desk = ScriptedSource::open().script([Err(AuthError::rejected("wrong password"))]);
    let client = BearerAuthLayer::new(desk).layer(Server::new().service());
    let error = client.send(get(URI)).await.unwrap_err();
    assert!(auth_error(error).is_rejected());
}

/// R2, R3: a refused request is retried once, with its body and a new token, and clones of the
/// client go on with that one.
#[tokio::test]
async fn a_refused_request_is_retried() {
    let desk = ScriptedSource::open();
    let server = Server::accepting("t2");
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    assert_eq!(client.send(post("abc")).await.unwrap().status(), 200);
    assert_eq!(
        client.clone().send(post("abc")).await.unwrap().status(),
        200
    );
    assert_eq!(server.tokens(), ["Bearer t1", "Bearer t2", "Bearer t2"]);
    assert!(server.seen().iter().all(|seen| seen.body == "abc"));
    assert_eq!(desk.logins(), 2);
}

/// T3: dropping the future cancels the request; the login that it started goes on.
#[tokio::test]
async fn dropping_it_cancels_the_request_and_not_the_login() {
    let desk = ScriptedSource::closed();
    let server = Server::new();
    let layer = BearerAuthLayer::new(desk.clone());
    let client = layer.layer(server.service());
    let mut response = tokio_test::task::spawn(client.send(get(URI)));
    assert_pending!(response.poll());
    drop(response);
    desk.let_through(1);
    layer.session().token().await.unwrap();
    assert_eq!((desk.logins(), server.seen().len()), (1, 0));
}

/// W1: dropping the future drops the inner service's, or the reservation if it was not called yet.
#[tokio::test]
async fn dropping_it_drops_what_it_holds_of_the_inner_service() {
    struct Call(Arc<AtomicUsize>);
    impl Drop for Call {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let inner = service_fn({
        let dropped = dropped.clone();
        move |_: Request<ReplayBody<Body>>| {
            let call = Call(dropped.clone());
            async move {
                let _call = call;
                pending::<Result<Inbound, BoxError>>().await
            }
        }
    });
    let layer = layer();
    layer.session().token().await.unwrap();
    let client = layer.layer(inner);
    let mut response = tokio_test::task::spawn(client.send(get(URI)));
    assert_pending!(response.poll());
    assert_eq!(dropped.load(SeqCst), 0);
    drop(response);
    assert_eq!(dropped.load(SeqCst), 1);

    let limited = tower::limit::ConcurrencyLimit::new(Server::new().service(), 1);
    let client = layer.layer(limited.clone());
    // It is not polled, so it has reserved nothing; and what was polled has given it back.
    drop(client.send(get(URI)));
    assert_eq!(client.send(get(URI)).await.unwrap().status(), 200);
    let mut limited = tokio_test::task::spawn(limited);
    assert_ready_ok!(limited.enter(|cx, mut inner| {
        Service::<Request<ReplayBody<Body>>>::poll_ready(&mut *inner, cx)
    }));
}

/// W2: no reservation is held while the login that it waits for is under way.
#[tokio::test]
async fn no_reservation_is_held_during_a_login() {
    let desk = ScriptedSource::closed();
    let inner = service_fn(|_: Request<ReplayBody<Body>>| {
        ready(Ok::<_, BoxError>(Response::new("welcome")))
    });
    let limited = tower::limit::ConcurrencyLimit::new(inner, 1);
    let client = BearerAuthLayer::new(desk.clone()).layer(limited.clone());
    let mut waiting = tokio_test::task::spawn(client.send(get(URI)));
    assert_pending!(waiting.poll());
    let mut limited = tokio_test::task::spawn(limited);
    assert_ready_ok!(limited.enter(|cx, mut inner| inner.poll_ready(cx)));
    drop(limited);
    desk.let_through(1);
    assert_eq!(waiting.await.unwrap().status(), 200);
}

/// W1: polled again after its end it panics, as futures do; it does not call again.
#[tokio::test]
#[should_panic(expected = "polled after completion")]
async fn polled_again_after_an_error_of_readiness_it_panics() {
    let client = layer().layer(NeverReady);
    let mut response = tokio_test::task::spawn(client.send(get(URI)));
    assert_ready_err!(response.poll());
    let _ = response.poll();
}

/// A service whose readiness fails, each time that it is asked.
#[derive(Clone)]
struct NeverReady;

impl Service<Request<ReplayBody<Body>>> for NeverReady {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = std::future::Pending<Result<Self::Response, BoxError>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), BoxError>> {
        std::task::Poll::Ready(Err("broken".into()))
    }

    fn call(&mut self, _: Request<ReplayBody<Body>>) -> Self::Future {
        pending()
    }
}
