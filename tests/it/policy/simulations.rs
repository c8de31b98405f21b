//! Hours and days of traffic, each shown as a table.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::{Instant, advance};
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_bearer::{AuthError, BearerAuthLayer, Origins, ReplayBody, Session, source_fn};

use super::{URI, living};
use crate::support::{Body, ScriptedSource, Server, auth_error, get, millis, secs};

/// The pauses that a rule gives: doubling, up to the longest.
fn doubling(first: Duration, max: Duration) -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(first), move |pause| Some((*pause * 2).min(max)))
}

/// How many logins fit into this time, where each is followed by the next of these pauses and then
/// waits for a request.
fn fitting(time: Duration, step: Duration, pauses: impl Iterator<Item = Duration>) -> u64 {
    let mut at = Duration::ZERO;
    let mut logins = 0;
    for pause in pauses {
        if at >= time {
            break;
        }
        logins += 1;
        let steps = (at + pause).as_nanos().div_ceil(step.as_nanos());
        at = step * u32::try_from(steps).unwrap();
    }
    logins
}

/// R6: an endpoint that always answers 401 makes some 25 logins an hour, whatever the size of the
/// bodies, and the one beside it is served all the while.
#[tokio::test(start_paused = true)]
async fn an_hour_of_an_endpoint_that_always_refuses_makes_some_25_logins() {
    let hour = secs(3_600);
    let desk = ScriptedSource::open();
    let judge = desk.clone();
    let inner = service_fn(move |request: Request<ReplayBody<Body>>| {
        let newest = format!("Bearer t{}", judge.logins());
        async move {
            let good = request.uri().path() == "/good"
                && request.headers()["authorization"] == newest.as_str();
            request.into_body().collect().await?;
            let status = if good { 200 } else { 401 };
            Ok::<_, BoxError>(Response::builder().status(status).body("").unwrap())
        }
    });
    let client = BearerAuthLayer::new(desk.clone()).layer(inner);
    let send = |path: &str, size: usize| {
        let request = Request::post(format!("https://api.example.com{path}"));
        let request = request.body(Body::from(vec![b'x'; size])).unwrap();
        client.clone().oneshot(request)
    };
    let session = client.session();
    println!("an hour of an endpoint that always refuses, beside one that works");
    println!(
        "{:>6} {:>7} {:>9} {:>9}",
        "minute", "logins", "withheld", "good: 200"
    );
    let mut served = 0;
    for second in 0..hour.as_secs() {
        for size in [10, 65_536, 65_537, 200_000] {
            let refused = send("/bad", size).await.unwrap();
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
            let good = send("/good", size).await.unwrap();
            assert_eq!(
                good.status(),
                StatusCode::OK,
                "second {second}, size {size}"
            );
            served += 1;
        }
        advance(secs(1)).await;
        if (second + 1) % 300 == 0 {
            let stats = session.stats();
            let minute = (second + 1) / 60;
            println!(
                "{minute:>6} {:>7} {:>9} {served:>9}",
                stats.logins, stats.logins_throttled
            );
        }
    }
    // The first login, three that cost nothing, and one at the end of each pause. Each of those
    // brings a token whose first refusal begins the next pause.
    let pauses = doubling(secs(1), secs(300));
    let allowed = 4 + fitting(hour, millis(1), pauses);
    let logins = session.stats().logins;
    println!("{logins} logins, of {allowed} that the rule allows");
    assert!(logins <= allowed && allowed <= 25, "{logins} of {allowed}");
    assert!(logins >= 20, "{logins}");
}

/// A source whose login is down from one moment to another, and brings tokens of an hour.
fn failing_between(
    from: Duration,
    to: Duration,
    attempts: Arc<AtomicU64>,
) -> impl tower_bearer::TokenSource {
    let start = Instant::now();
    source_fn(Origins::any(), move |_| {
        let number = attempts.fetch_add(1, Ordering::Relaxed) + 1;
        let down = (from..to).contains(&start.elapsed());
        std::future::ready(if down {
            Err(AuthError::unavailable("down"))
        } else {
            Ok(living(&format!("t{number}"), secs(3_600)))
        })
    })
}

/// The most and the least tries that back-off allows in this time, at one request a second.
fn tries(time: Duration) -> (u64, u64) {
    let longest = || doubling(millis(250), secs(30));
    let most = fitting(time, millis(1), longest().map(|pause| pause / 2));
    let least = fitting(time, secs(1), longest());
    (least, most)
}

/// T6, L2: the login is down for ten minutes at the end of a token's life: no request fails, and
/// renewals ahead are tried at the back-off's pace.
#[tokio::test(start_paused = true)]
async fn an_outage_costs_nothing_while_the_token_in_hand_is_good() {
    let attempts = Arc::new(AtomicU64::new(0));
    let (from, to) = (secs(2_960), secs(3_560));
    let session = Session::new(failing_between(from, to, attempts.clone()));
    let server = Server::new();
    let client = BearerAuthLayer::from_session(session).layer(server.service());
    println!("ten minutes without a login, the token in hand is good until 3600 s");
    println!("{:>6} {:>9} {:>7}", "second", "tries", "failed");
    for second in 0..3_900 {
        let response = client.clone().oneshot(get(URI)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        advance(secs(1)).await;
        if second >= 3_000 && second % 60 == 0 {
            let tries = attempts.load(Ordering::Relaxed) - 1;
            println!("{second:>6} {tries:>9} {:>7}", 0);
        }
    }
    // Renewals ahead begin 4 to 5 minutes before the end.
    let tried = attempts.load(Ordering::Relaxed) - 2;
    let ((least, _), (_, most)) = (tries(secs(200)), tries(secs(260)));
    println!("{tried} tries that failed, of {least} to {most} that the rule allows");
    assert!(
        least <= tried && tried <= most,
        "{tried} of {least} to {most}"
    );
    let last = server.tokens().pop().unwrap();
    assert_eq!(last, format!("Bearer t{}", tried + 2));
}

/// L2: the login is down for ten minutes when there is no token: each request fails at once, and
/// says for how long; the login is tried at the back-off's pace, and soon after it is up again.
#[tokio::test(start_paused = true)]
async fn an_outage_without_a_token_is_met_at_the_pace_of_the_backoff() {
    let attempts = Arc::new(AtomicU64::new(0));
    let outage = secs(600);
    let source = failing_between(Duration::ZERO, outage, attempts.clone());
    let client = BearerAuthLayer::new(source).layer(Server::new().service());
    println!("ten minutes without a login and without a token");
    println!("{:>6} {:>7} {:>15}", "second", "tries", "failed requests");
    let start = Instant::now();
    let mut failed = 0_u64;
    loop {
        let asked_at = Instant::now();
        let answered = client.clone().oneshot(get(URI)).await;
        assert_eq!(asked_at.elapsed(), Duration::ZERO, "at once");
        let Err(error) = answered else { break };
        let error = auth_error(error);
        assert!(error.is_unavailable(), "{error}");
        let after = error.retry_after().unwrap();
        assert!(!after.is_zero() && after <= secs(30), "{after:?}");
        if failed % 60 == 0 {
            println!(
                "{failed:>6} {:>7} {:>15}",
                attempts.load(Ordering::Relaxed),
                failed + 1
            );
        }
        failed += 1;
        advance(secs(1)).await;
    }
    let up_after = start.elapsed() - outage;
    let tried = attempts.load(Ordering::Relaxed) - 1;
    let (least, most) = tries(outage);
    println!("{tried} tries that failed, of {least} to {most} that the rule allows");
    println!("served {up_after:?} after the login was up again");
    assert!(
        least <= tried && tried <= most,
        "{tried} of {least} to {most}"
    );
    assert!(up_after <= secs(31), "{up_after:?}");
}
