//! Clones of the service, and of the one inside.

use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Response, StatusCode};
use tokio::time::sleep;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_bearer::BearerAuthLayer;

use super::URI;
use crate::support::{Body, ScriptedSource, Sent, Server, get};

/// T2, S4: clones that serve request after request go on sharing one session, and what they send
/// stays sensitive.
#[tokio::test]
async fn clones_that_stay_share_the_session_and_keep_its_secrets() {
    let desk = ScriptedSource::open();
    let (refused, sent) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(Mutex::new(vec![])),
    );
    let inner = service_fn({
        let (refused, sent) = (refused.clone(), sent.clone());
        move |request: Sent| {
            let token = request.headers()["authorization"].clone();
            let is_refused = refused.load(SeqCst) && token == "Bearer t1";
            sent.lock().unwrap().push(token);
            let status = if is_refused { 401 } else { 200 };
            ready(Ok::<_, BoxError>(
                Response::builder().status(status).body("").unwrap(),
            ))
        }
    });
    let mut one = BearerAuthLayer::new(desk.clone()).layer(inner);
    let mut other = one.clone();
    for round in 0..8 {
        refused.store(round >= 4, SeqCst);
        for client in [&mut one, &mut other] {
            let response = client.ready().await.unwrap().call(get(URI)).await.unwrap();
            assert_eq!(response.status(), 200);
        }
    }
    assert_eq!(desk.logins(), 2);
    assert_eq!(one.session().stats().logins, 2);
    assert_eq!(other.layer().session().stats().logins, 2);
    let sent = sent.lock().unwrap();
    assert!(sent.iter().all(HeaderValue::is_sensitive));
    let old = sent.iter().filter(|token| *token == "Bearer t1").count();
    assert_eq!((old, sent.len()), (9, 17));
}

/// An inner service with something of its own, which counts how many there are.
struct Named {
    name: &'static str,
    made: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<&'static str>>>,
    refuses: Arc<AtomicBool>,
}

impl Clone for Named {
    fn clone(&self) -> Self {
        self.made.fetch_add(1, SeqCst);
        Self {
            name: self.name,
            made: self.made.clone(),
            seen: self.seen.clone(),
            refuses: self.refuses.clone(),
        }
    }
}

impl Named {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            made: Arc::default(),
            seen: Arc::default(),
            refuses: Arc::default(),
        }
    }

    fn seen(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Service<Sent> for Named {
    type Response = Response<&'static str>;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Sent) -> Self::Future {
        self.seen.lock().unwrap().push(self.name);
        let status = if self.refuses.swap(false, SeqCst) {
            401
        } else {
            200
        };
        ready(Ok(Response::builder().status(status).body("").unwrap()))
    }
}

/// W1: the inner service is cloned once for all requests, and once more for each that is refused.
#[tokio::test]
async fn an_accepted_request_clones_no_inner_service() {
    let inner = Named::new("inner");
    let (made, refuses) = (inner.made.clone(), inner.refuses.clone());
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    layer.session().token().await.unwrap();
    let mut service = layer.layer(inner);
    for _ in 0..10 {
        service.ready().await.unwrap().call(get(URI)).await.unwrap();
    }
    assert_eq!(made.load(SeqCst), 1);
    refuses.store(true, SeqCst);
    let response = service.ready().await.unwrap().call(get(URI)).await.unwrap();
    assert_eq!((response.status(), made.load(SeqCst)), (StatusCode::OK, 2));
    // A clone of the whole service is one of the inner one.
    for made_before in 2..12 {
        let clone = service.clone();
        assert_eq!(clone.oneshot(get(URI)).await.unwrap().status(), 200);
        assert_eq!(made.load(SeqCst), made_before + 1);
    }
}

/// W1: what is changed by `get_mut` is seen by the retries of later requests, on this service and
/// on clones of it, and by nobody else.
#[tokio::test(start_paused = true)]
async fn a_retry_goes_through_the_inner_service_as_it_was_changed() {
    let inner = Named::new("first");
    let probe = inner.clone();
    let mut service = BearerAuthLayer::new(ScriptedSource::open()).layer(inner);
    let earlier = service.clone();
    let refuse = async || {
        // A token that served for a while is renewed without a strike.
        sleep(Duration::from_secs(60)).await;
        probe.refuses.store(true, SeqCst);
    };
    for name in ["first", "second", "third"] {
        service.get_mut().name = name;
        for _ in 0..2 {
            refuse().await;
            service.ready().await.unwrap().call(get(URI)).await.unwrap();
            assert_eq!(probe.seen(), [name, name]);
        }
        for _ in 0..6 {
            refuse().await;
            service.clone().oneshot(get(URI)).await.unwrap();
            assert_eq!(probe.seen(), [name, name], "a clone");
            refuse().await;
            service.send(get(URI)).await.unwrap();
            assert_eq!(probe.seen(), [name, name], "`send`");
        }
    }
    refuse().await;
    earlier.oneshot(get(URI)).await.unwrap();
    assert_eq!(probe.seen(), ["first", "first"]);
}

/// W1: nothing keeps the inner service alive when the services and futures are gone.
#[tokio::test]
async fn the_inner_service_goes_with_the_last_of_its_services() {
    let inner = Named::new("inner");
    let probe = inner.made.clone();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let service = layer.layer(inner);
    for _ in 0..10 {
        service.clone().oneshot(get(URI)).await.unwrap();
        service.send(get(URI)).await.unwrap();
    }
    let mut moved = service.clone();
    moved.ready().await.unwrap().call(get(URI)).await.unwrap();
    let response = moved.ready().await.unwrap().call(get(URI));
    drop(service);
    drop(moved);
    assert!(Arc::strong_count(&probe) > 1, "the response may need it");
    drop(response);
    assert_eq!(Arc::strong_count(&probe), 1);
}

/// T2: clones that are made, moved and used on many threads share one session and its newest token.
#[test]
fn clones_on_many_threads_go_out_with_the_newest_token() {
    let desk = ScriptedSource::open();
    let server = Server::accepting("t1");
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service::<Body>());
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let mut staying: Vec<_> = (0..20).map(|_| client.clone()).collect();
    let mut everybody = || {
        std::thread::scope(|scope| {
            for staying in &mut staying {
                let mut moved = client.clone();
                let client = &client;
                scope.spawn(move || {
                    runtime().block_on(async {
                        for _ in 0..4 {
                            let responses = [
                                client.clone().oneshot(get(URI)).await,
                                client.send(get(URI)).await,
                                moved.ready().await.unwrap().call(get(URI)).await,
                                staying.ready().await.unwrap().call(get(URI)).await,
                                staying.clone().oneshot(get(URI)).await,
                            ];
                            let is_ok = |it: Result<Response<_>, _>| it.unwrap().status() == 200;
                            assert!(responses.into_iter().all(is_ok));
                        }
                    });
                });
            }
        });
    };
    runtime().block_on(client.session().token()).unwrap();
    everybody();
    assert!(server.tokens().iter().all(|token| token == "Bearer t1"));
    let before = server.tokens().len();

    assert!(
        client
            .session()
            .invalidate(&runtime().block_on(client.session().token()).unwrap())
    );
    server.accept("t2");
    runtime().block_on(client.session().token()).unwrap();
    everybody();
    assert!(
        server.tokens()[before..]
            .iter()
            .all(|token| token == "Bearer t2")
    );
    assert_eq!(desk.logins(), 2);
}
