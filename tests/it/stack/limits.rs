//! Limits of time, of requests at once and in a time, and a buffer.

use http::Request;
use tokio::time::{Instant, sleep};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_bearer::{
    AuthError, BearerAuthLayer, NoAuth, Origins, ReplayBody, Session, TokenSource, source_fn,
};

use super::{Attempts, URI, server};
use crate::support::{Body, ScriptedSource, auth_error, get, secs, token};

/// T3: a `Timeout` around bounds login and attempts together; the login goes on behind it.
#[tokio::test(start_paused = true)]
async fn a_timeout_around_bounds_login_and_both_attempts() {
    let attempts = Attempts::default();
    let session = Session::builder(slow_login()).renewal_hold(secs(5));
    let client = ServiceBuilder::new()
        .timeout(secs(5))
        .layer(BearerAuthLayer::from_session(session.build()))
        .service(server(&attempts, secs(3), true));

    // Three seconds of login, and three of the first attempt.
    let started = Instant::now();
    let error = client.clone().oneshot(get(URI)).await.unwrap_err();
    assert!(error.is::<Elapsed>(), "{error}");
    assert_eq!((started.elapsed(), attempts.number()), (secs(5), 1));

    // Three seconds of the refused attempt, and three of the login.
    let error = client.clone().oneshot(get(URI)).await.unwrap_err();
    assert!(error.is::<Elapsed>(), "{error}");
    assert_eq!((started.elapsed(), attempts.number()), (secs(10), 2));

    // That login has ended all the same.
    let response = client.oneshot(get(URI)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        attempts.values("authorization"),
        ["Bearer t1", "Bearer t1", "Bearer t2"]
    );
}

/// W3: a `Timeout` inside bounds each attempt by itself, and no login; its error is no refusal.
#[tokio::test(start_paused = true)]
async fn a_timeout_inside_bounds_each_attempt() {
    let attempts = Attempts::default();
    let layer = BearerAuthLayer::new(slow_login());
    let client = layer.layer(ServiceBuilder::new().timeout(secs(5)).service(server(
        &attempts,
        secs(3),
        true,
    )));
    let started = Instant::now();
    let response = client.oneshot(get(URI)).await.unwrap();
    assert_eq!(response.status(), 200);
    // Two logins and two attempts.
    assert_eq!((started.elapsed(), attempts.number()), (secs(12), 2));

    let too_slow = server(&attempts, secs(6), false);
    let client = layer.layer(ServiceBuilder::new().timeout(secs(5)).service(too_slow));
    let error = client.oneshot(get(URI)).await.unwrap_err();
    assert!(error.is::<Elapsed>(), "{error}");
    assert_eq!((attempts.number(), layer.session().stats().logins), (3, 2));
}

/// W1: around, a permit is held by a request that waits for a login, and lacks to one that needs
/// none.
#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_around_counts_who_waits_for_a_login() {
    let attempts = Attempts::default();
    let client = ServiceBuilder::new()
        .concurrency_limit(1)
        .layer(BearerAuthLayer::new(slow_login()))
        .service(server(&attempts, secs(0), false));
    let started = Instant::now();
    let first = tokio::spawn(client.clone().oneshot(get(URI)));
    tokio::task::yield_now().await;
    client.oneshot(needs_no_token()).await.unwrap();
    assert_eq!(started.elapsed(), secs(3));
    first.await.unwrap().unwrap();
}

/// L4: around, and shared with the login, it keeps the login out until that is given up: the permit
/// is held by the one who waits. (W2 is about the limit inside.)
#[tokio::test(start_paused = true)]
async fn a_login_through_a_concurrency_limit_around_ends_at_its_time_limit() {
    let limit = GlobalConcurrencyLimitLayer::new(1);
    let login = limit.layer(server(&Attempts::default(), secs(0), false));
    let source = source_fn(Origins::any(), move |_| {
        let login = login.clone().oneshot(get(URI).map(ReplayBody::new));
        async move {
            login.await.map_err(AuthError::unavailable)?;
            Ok(token("t1"))
        }
    });
    let attempts = Attempts::default();
    let client = ServiceBuilder::new()
        .layer(limit)
        .layer(BearerAuthLayer::new(source))
        .service(server(&attempts, secs(0), false));
    let started = Instant::now();
    let error = auth_error(client.oneshot(get(URI)).await.unwrap_err());
    assert!(error.is_timeout(), "{error}");
    assert_eq!((started.elapsed(), attempts.number()), (secs(30), 0));
}

/// W2: a `Buffer` around hands requests on while others wait for a login.
#[tokio::test(start_paused = true)]
async fn a_buffer_around_is_not_held_up_by_a_login() {
    let attempts = Attempts::default();
    let client = ServiceBuilder::new()
        .buffer(1)
        .layer(BearerAuthLayer::new(slow_login()))
        .service(server(&attempts, secs(0), false));
    let started = Instant::now();
    let first = tokio::spawn(client.clone().oneshot(get(URI)));
    tokio::task::yield_now().await;
    client.oneshot(needs_no_token()).await.unwrap();
    assert_eq!((started.elapsed(), attempts.number()), (secs(0), 1));
    first.await.unwrap().unwrap();
}

/// W1: a service that cannot be cloned fits behind a `Buffer` inside. A rate limit is one: inside it
/// counts each attempt.
#[tokio::test(start_paused = true)]
async fn a_rate_limit_inside_fits_behind_a_buffer_and_counts_each_attempt() {
    let attempts = Attempts::default();
    let desk = ScriptedSource::open();
    let client = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .buffer(1)
        .rate_limit(2, secs(60))
        .service(server(&attempts, secs(0), true));
    let started = Instant::now();
    let response = client.clone().oneshot(get(URI)).await.unwrap();
    assert_eq!((response.status().as_u16(), attempts.number()), (200, 2));
    assert_eq!((started.elapsed(), desk.logins()), (secs(0), 2));
    client.oneshot(get(URI)).await.unwrap();
    assert_eq!(started.elapsed(), secs(60));
}

/// Around, it counts requests: a renewal costs nothing of it.
#[tokio::test(start_paused = true)]
async fn a_rate_limit_around_counts_requests() {
    let attempts = Attempts::default();
    let mut client = ServiceBuilder::new()
        .rate_limit(2, secs(60))
        .layer(BearerAuthLayer::new(ScriptedSource::open()))
        .service(server(&attempts, secs(0), true));
    let started = Instant::now();
    for _ in 0..2 {
        let response = client.ready().await.unwrap().call(get(URI)).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    assert_eq!((started.elapsed(), attempts.number()), (secs(0), 3));
    client.ready().await.unwrap();
    assert_eq!(started.elapsed(), secs(60));
}

/// W2: a `LoadShed` around judges a request as it comes. Those who have waited for a login wait for
/// the limit as well.
#[tokio::test(start_paused = true)]
async fn a_load_shed_around_spares_who_waited_for_a_login() {
    let attempts = Attempts::default();
    let client = ServiceBuilder::new()
        .load_shed()
        .layer(BearerAuthLayer::new(slow_login()))
        .concurrency_limit(1)
        .service(server(&attempts, secs(10), false));
    let waiting: Vec<_> = (0..3)
        .map(|_| tokio::spawn(client.clone().oneshot(get(URI))))
        .collect();
    sleep(secs(5)).await;
    // The limit is taken now.
    assert_eq!(attempts.number(), 1);
    let error = client.oneshot(get(URI)).await.unwrap_err();
    assert!(error.is::<Overloaded>(), "{error}");
    for response in waiting {
        assert_eq!(response.await.unwrap().unwrap().status(), 200);
    }
}

/// W3: inside it judges each attempt, and sheds most of those who go out when a login ends.
#[tokio::test(start_paused = true)]
async fn a_load_shed_inside_sheds_who_waited_for_a_login() {
    let attempts = Attempts::default();
    let client = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(slow_login()))
        .load_shed()
        .concurrency_limit(1)
        .service(server(&attempts, secs(10), false));
    let waiting = (0..3).map(|_| tokio::spawn(client.clone().oneshot(get(URI))));
    let (mut answered, mut shed) = (0, 0);
    for response in futures::future::join_all(waiting).await {
        match response.unwrap() {
            Ok(_) => answered += 1,
            Err(error) => shed += usize::from(error.is::<Overloaded>()),
        }
    }
    assert_eq!((answered, shed, attempts.number()), (1, 2, 1));
}

/// Logins of three seconds each, which bring `t1`, `t2`, …
fn slow_login() -> impl TokenSource {
    let desk = ScriptedSource::open();
    source_fn(Origins::any(), move |request| {
        let desk = desk.clone();
        async move {
            sleep(secs(3)).await;
            desk.fetch(request).await
        }
    })
}

fn needs_no_token() -> Request<Body> {
    let mut request = get(URI);
    request.extensions_mut().insert(NoAuth);
    request
}
