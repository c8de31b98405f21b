//! Real threads: one sends requests, one logs in, one signs out, replaces the source and revokes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use http::{Request, StatusCode};
use tokio::runtime::Builder;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_bearer::{
    AuthError, BearerAuthLayer, Origins, ReplayBody, Session, TokenSource, source_fn,
};

use crate::support::{Body, explanation, get, token};

const ROUNDS: usize = 2_000;

/// Tokens are numbers, in the order of the logins that bring them.
#[derive(Default)]
struct Shared {
    logins: AtomicUsize,
    /// No request that is made from now on may carry this one or an older one.
    fenced: AtomicUsize,
    /// The server refuses this one and the older ones.
    revoked: AtomicUsize,
    /// Which source brought each token, and each token that one request was sent with.
    sources: Mutex<Vec<usize>>,
    sent: Mutex<Vec<usize>>,
    requests: AtomicUsize,
}

/// T2, T7, R2: whoever has seen `sign_out` or `replace_source` return never sends an old token, and
/// no request is repeated with the token of another source.
#[test]
fn on_real_threads_no_old_token_is_sent_and_no_request_changes_its_account() {
    let shared = Arc::new(Shared::default());
    let session = Session::builder(source(0, &shared))
        .refusal_backoff(u32::MAX, Duration::ZERO, Duration::ZERO)
        .build();
    let owner = thread::spawn({
        let (shared, session) = (shared.clone(), session.clone());
        move || (0..ROUNDS).for_each(|round| disturb(round, &shared, &session))
    });
    // The logins run on a thread of their own.
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_time().build().unwrap();
    runtime.block_on(async {
        let layer = BearerAuthLayer::from_session(session);
        let mut services = [(); 2].map(|()| layer.layer(server(&shared)));
        while !owner.is_finished() {
            for service in &mut services {
                request(&shared, service).await;
            }
        }
    });
    owner.join().unwrap();
    assert!(shared.requests.load(Ordering::Relaxed) >= ROUNDS);
}

fn disturb(round: usize, shared: &Arc<Shared>, session: &Session) {
    // So that requests come in between; should they have failed, this comes to an end as well.
    let before = shared.requests.load(Ordering::Relaxed);
    for _ in 0..100_000 {
        if shared.requests.load(Ordering::Relaxed) != before {
            break;
        }
        thread::yield_now();
    }
    let logins = shared.logins.load(Ordering::SeqCst);
    match round % 4 {
        0 => drop(session.sign_out()),
        1 | 2 => session.replace_source(source(round, shared)),
        _ => return shared.revoked.store(logins, Ordering::SeqCst),
    }
    // What happens before this store happens before what follows on a load that reads it.
    shared.fenced.store(logins, Ordering::Release);
}

async fn request<S, R>(shared: &Shared, service: &mut S)
where
    S: Service<Request<Body>, Response = http::Response<R>, Error = BoxError>,
{
    shared.requests.fetch_add(1, Ordering::Relaxed);
    shared.sent.lock().unwrap().clear();
    let fenced = shared.fenced.load(Ordering::Acquire);
    let service = service.ready().await.unwrap();
    let outcome = service.call(get("https://api.example.com/")).await;
    let sent = shared.sent.lock().unwrap().clone();
    assert!(sent.iter().all(|token| *token > fenced), "an old token");
    let sources = shared.sources.lock().unwrap();
    let sources: Vec<_> = sent.iter().map(|token| sources[*token - 1]).collect();
    assert!(sources.windows(2).all(|it| it[0] == it[1]), "{sources:?}");
    assert!(sent.len() <= 2, "R3: {sent:?}");
    assert!(sent.windows(2).all(|it| it[0] != it[1]), "R2: {sent:?}");
    match outcome {
        Ok(response) if response.status() == StatusCode::OK => {}
        Ok(response) if sent.len() == 1 => {
            let error = explanation(&response).expect("R4: an explanation");
            assert!(error.is_signed_out(), "{error}");
        }
        Ok(_) => {}
        Err(error) => {
            let error = error.downcast::<AuthError>().unwrap();
            assert!(error.is_signed_out(), "{error}");
        }
    }
}

fn source(number: usize, shared: &Arc<Shared>) -> impl TokenSource + use<> {
    let shared = shared.clone();
    source_fn(Origins::any(), move |_| {
        let mut sources = shared.sources.lock().unwrap();
        sources.push(number);
        let login = sources.len();
        shared.logins.store(login, Ordering::SeqCst);
        async move { Ok(token(&login.to_string())) }
    })
}

fn server(
    shared: &Arc<Shared>,
) -> impl Service<
    Request<ReplayBody<Body>>,
    Response = http::Response<()>,
    Error = BoxError,
    Future = std::future::Ready<Result<http::Response<()>, BoxError>>,
> + Clone
+ use<> {
    let shared = shared.clone();
    service_fn(move |request: Request<ReplayBody<Body>>| {
        let value = request.headers()["authorization"].to_str().unwrap();
        let token: usize = value.strip_prefix("Bearer ").unwrap().parse().unwrap();
        shared.sent.lock().unwrap().push(token);
        let mut response = http::Response::new(());
        if token <= shared.revoked.load(Ordering::SeqCst) {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        std::future::ready(Ok(response))
    })
}
