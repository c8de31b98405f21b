//! Logins through the stack that they serve.

use std::sync::Mutex;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::time::timeout;
use tower::limit::ConcurrencyLimit;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_bearer::login::Form;
use tower_bearer::testing::Api;
use tower_bearer::{
    AuthError, BearerAuthLayer, Origins, ReplayBody, Session, TokenRequest, TokenSource, source_fn,
};

use crate::support::{Body, ScriptedSource, Sent, Server, answers_ten, get, token};

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
