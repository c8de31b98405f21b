//! Readiness, reservations and errors: the layer as a good citizen of a tower stack.

use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode};
use tokio::time::{sleep, timeout};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok};
use tower::limit::ConcurrencyLimit;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_bearer::login::Form;
use tower_bearer::testing::Api;
use tower_bearer::{
    AuthError, BearerAuthLayer, Origins, ReplayBody, Session, TokenRequest, TokenSource, source_fn,
};
use tower_test::mock::{self, Handle, Mock};

use crate::support::{Body, ScriptedSource, Server, answers_ten, auth_error, get, token};

const URI: &str = "https://api.example.com/";

type Sent = Request<ReplayBody<Body>>;
type Inner = Mock<Sent, Response<&'static str>>;

/// A mock panics when it is called without having been ready.
fn mock() -> (Inner, Handle<Sent, Response<&'static str>>) {
    mock::pair()
}

async fn answer(handle: &mut Handle<Sent, Response<&'static str>>, status: u16) -> Sent {
    let (request, send) = handle.next_request().await.unwrap();
    let response = Response::builder().status(status).body("").unwrap();
    send.send_response(response);
    request
}

/// W1: readiness is the inner service's, before and after.
#[tokio::test]
async fn poll_ready_asks_the_inner_service() {
    let (inner, mut handle) = mock();
    handle.allow(0);
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let mut service = tokio_test::task::spawn(layer.layer(inner));
    assert_pending!(service.enter(|cx, mut service| service.poll_ready(cx)));
    handle.allow(1);
    assert!(service.is_woken());
    assert_ready_ok!(service.enter(|cx, mut service| service.poll_ready(cx)));
}

/// W1: with a token in hand `call` uses the instance that was polled ready, within `call` itself.
#[tokio::test]
async fn the_ready_instance_is_called_at_once() {
    let (inner, mut handle) = mock();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    layer.session().token().await.unwrap();
    let mut service = layer.layer(inner);
    handle.allow(1);
    service.ready().await.unwrap();
    let response = service.call(get(URI));
    let mut next = tokio_test::task::spawn(handle.next_request());
    assert!(next.poll().is_ready(), "sent before the future was polled");
    drop(response);
}

/// W1: the clone left behind is polled ready before it is called again, with and without a token.
#[tokio::test]
async fn one_service_serves_one_request_after_another() {
    let (inner, mut handle) = mock();
    let mut service = BearerAuthLayer::new(ScriptedSource::open()).layer(inner);
    let server = tokio::spawn(async move {
        for status in [401, 200, 200] {
            answer(&mut handle, status).await;
        }
    });
    for _ in 0..2 {
        let response = service.ready().await.unwrap().call(get(URI)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    server.await.unwrap();
}

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

/// W1: readiness is polled before the retry too, and the token is read after it.
#[tokio::test]
async fn the_retry_waits_for_readiness_and_takes_the_newest_token() {
    let (inner, mut handle) = mock();
    let desk = ScriptedSource::open();
    let layer = BearerAuthLayer::new(desk.clone());
    layer.session().token().await.unwrap();
    handle.allow(1);
    let mut service = layer.layer(inner);
    let mut response = tokio_test::task::spawn(service.ready().await.unwrap().call(get(URI)));
    answer(&mut handle, 401).await;
    while desk.logins() < 2 {
        assert_pending!(response.poll());
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    assert_pending!(response.poll());
    // While the retry waits for readiness, the token that it was granted is refused elsewhere.
    let elsewhere = layer.layer(service_fn(async |request: Sent| {
        let refused = request.headers()["authorization"] == "Bearer t2";
        let status = if refused { 401 } else { 200 };
        Ok::<_, BoxError>(Response::builder().status(status).body("").unwrap())
    }));
    assert_eq!(elsewhere.oneshot(get(URI)).await.unwrap().status(), 200);
    handle.allow(1);
    assert_pending!(response.poll());
    let retried = answer(&mut handle, 200).await;
    assert_eq!(retried.headers()["authorization"], "Bearer t3");
    assert_eq!(assert_ready_ok!(response.poll()).status(), 200);
}

/// W1, W2: a request that needs a login gives its reservation back until it has a token.
#[tokio::test]
async fn no_reservation_is_held_during_a_login() {
    let desk = ScriptedSource::closed();
    let limited = ConcurrencyLimit::new(Server::new().service::<Body>(), 1);
    let mut service = BearerAuthLayer::new(desk.clone()).layer(limited.clone());
    let mut waiting = tokio_test::task::spawn(service.ready().await.unwrap().call(get(URI)));
    assert_pending!(waiting.poll());
    // The only permit is free for others.
    let other = get(URI).map(ReplayBody::new);
    let other = timeout(Duration::from_secs(5), limited.oneshot(other));
    assert!(other.await.unwrap().is_ok());
    desk.let_through(1);
    assert!(waiting.await.is_ok());
}

/// Logs in through this service. The first token is `first`, and then it is `second`.
fn logs_in_through<S>(service: S) -> impl TokenSource
where
    S: Service<Sent, Error: Into<BoxError>, Future: Send> + Clone + Send + Sync + 'static,
{
    source_fn(Origins::any(), move |request: TokenRequest| {
        let login = Request::post("https://api.example.com/login");
        let login = login.body(ReplayBody::new(Body::from("login"))).unwrap();
        let answer = service.clone().oneshot(login);
        async move {
            answer.await.map_err(AuthError::unavailable)?;
            Ok(token(match request.stale() {
                Some(_) => "second",
                None => "first",
            }))
        }
    })
}

/// W2: a login through the same `ConcurrencyLimit(1)` as the requests deadlocks neither the first
/// request nor a refused one.
#[tokio::test(start_paused = true)]
async fn a_login_through_the_same_concurrency_limit_is_no_deadlock() {
    let server = Server::accepting("second");
    let limited = ConcurrencyLimit::new(server.service::<Body>(), 1);
    let source = logs_in_through(limited.clone());
    answers_ten(BearerAuthLayer::new(source).layer(limited)).await;
    let logins = server
        .seen()
        .into_iter()
        .filter(|seen| seen.body == "login");
    assert_eq!(logins.count(), 2);
}

/// W2: a `Buffer` below that is full of waiting requests takes the login all the same.
#[tokio::test(start_paused = true)]
async fn a_login_through_a_buffer_full_of_waiters_is_no_deadlock() {
    let server = Server::accepting("second");
    let buffered = ServiceBuilder::new()
        .buffer::<Sent>(1)
        .concurrency_limit(1)
        .service(server.service::<Body>());
    let source = logs_in_through(buffered.clone());
    answers_ten(BearerAuthLayer::new(source).layer(buffered)).await;
}

/// W3: a failed login comes from the response, never from readiness.
#[tokio::test(start_paused = true)]
async fn a_failed_login_leaves_the_service_ready() {
    let desk = ScriptedSource::open().script([Err(AuthError::rejected("wrong password"))]);
    let mut service = BearerAuthLayer::new(desk.clone()).layer(Server::new().service());
    for _ in 0..2 {
        let failed = service.ready().await.unwrap().call(get(URI)).await;
        assert!(auth_error(failed.unwrap_err()).is_rejected());
    }
    assert_eq!(desk.logins(), 1);
    sleep(Duration::from_secs(60)).await;
    assert!(service.ready().await.unwrap().call(get(URI)).await.is_ok());
}

/// W3: errors of the inner service pass as they were: from readiness, first attempt and retry.
#[tokio::test]
async fn inner_errors_pass_as_they_were() {
    fn is_io(error: BoxError) -> bool {
        error.downcast_ref::<std::io::Error>().is_some()
    }
    let broken = || std::io::Error::other("broken");
    let layer = BearerAuthLayer::new(ScriptedSource::open());

    let (inner, mut handle) = mock();
    handle.send_error(broken());
    let mut service = tokio_test::task::spawn(layer.layer(inner));
    let error = assert_ready_err!(service.enter(|cx, mut service| service.poll_ready(cx)));
    assert!(is_io(error));

    let (inner, mut handle) = mock();
    let request = tokio::spawn(layer.layer(inner).oneshot(get(URI)));
    let (_, send) = handle.next_request().await.unwrap();
    send.send_error(broken());
    assert!(is_io(request.await.unwrap().unwrap_err()));

    let (inner, mut handle) = mock();
    let request = tokio::spawn(layer.layer(inner).oneshot(get(URI)));
    answer(&mut handle, 401).await;
    let (_, send) = handle.next_request().await.unwrap();
    send.send_error(broken());
    assert!(is_io(request.await.unwrap().unwrap_err()));
}

/// W4: a built-in login may go through the very stack that it authenticates, also behind a
/// `Buffer`; another session's layer in that stack gives the login its own token.
#[tokio::test(start_paused = true)]
async fn a_built_in_login_may_go_through_its_own_stack() {
    use std::sync::{Arc, OnceLock};
    type Stack = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;
    let api = Api::new().account("alice", "secret");
    let stack: Arc<OnceLock<Stack>> = Arc::default();
    let login_client = {
        let stack = stack.clone();
        service_fn(move |request| stack.get().unwrap().clone().oneshot(request))
    };
    let login = Form::new(login_client, "https://api.example.com", "alice", "secret").unwrap();
    let proxy = ScriptedSource::open();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let inner = {
        let (api, seen) = (api.clone(), seen.clone());
        service_fn(move |request: Request<ReplayBody<ReplayBody<Body>>>| {
            let header = |name| request.headers().get(name).map(|it| it.to_str().unwrap());
            let seems = header("authorization").map_or("no token", |it| &it[..7]);
            let proxied = header("x-proxy").unwrap_or("none");
            seen.lock()
                .unwrap()
                .push(format!("{} {seems} {proxied}", request.uri().path()));
            api.clone().oneshot(request)
        })
    };
    let x_proxy = http::HeaderName::from_static("x-proxy");
    let client = ServiceBuilder::new()
        .buffer(1)
        .layer(BearerAuthLayer::new(login))
        .layer(BearerAuthLayer::new(proxy).header(x_proxy))
        .service(inner);
    assert!(stack.set(BoxCloneSyncService::new(client)).is_ok());
    let me = || get("https://api.example.com/users/me");
    for revoked in [false, true] {
        if revoked {
            api.revoke_all();
        }
        let requests = (0..10).map(|_| tokio::spawn(stack.get().unwrap().clone().oneshot(me())));
        for answered in futures::future::join_all(requests).await {
            assert_eq!(answered.unwrap().unwrap().status(), StatusCode::OK);
        }
    }
    assert_eq!(api.counts().logins, 2);
    assert_eq!(seen.lock().unwrap()[0], "/auth/login no token Bearer t1");
    assert_eq!(seen.lock().unwrap()[1], "/users/me Bearer  Bearer t1");
}

/// W4, L4: a source that waits for its own session gets an error that says so, at once.
#[tokio::test(start_paused = true)]
async fn a_source_that_waits_for_its_own_session_is_told() {
    use std::sync::{Arc, OnceLock};
    let own: Arc<OnceLock<Session>> = Arc::default();
    let source = {
        let own = own.clone();
        source_fn(Origins::any(), move |_| own.get().unwrap().token())
    };
    let session = own.get_or_init(|| Session::new(source));
    let error = timeout(Duration::from_secs(1), session.token())
        .await
        .unwrap();
    let error = error.unwrap_err();
    assert!(error.to_string().contains("its own session"), "{error}");
}

/// W4, L4: one that hides it behind a task of its own ends at the time limit.
#[tokio::test(start_paused = true)]
async fn a_source_that_waits_for_its_own_session_elsewhere_ends_at_the_limit() {
    use std::sync::{Arc, OnceLock};
    let own: Arc<OnceLock<Session>> = Arc::default();
    let source = {
        let own = own.clone();
        source_fn(Origins::any(), move |_| {
            let token = tokio::spawn(own.get().unwrap().token());
            async move { token.await.map_err(AuthError::unavailable)? }
        })
    };
    let session = own.get_or_init(|| Session::new(source));
    let started = tokio::time::Instant::now();
    let error = session.token().await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(30));
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "login timed out after 30s");
}
