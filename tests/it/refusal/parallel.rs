//! Refusals at once, one after the other and late: the logins that they make.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use http::{Request, Response, StatusCode};
use tokio::sync::Barrier;
use tokio::time::sleep;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody};

use super::URI;
use crate::support::{Body, ScriptedSource, Sent, explanation, get, secs, token};

/// R2: requests that were refused with an old token use the current one.
#[tokio::test(start_paused = true)]
async fn late_refusal_of_an_old_token_makes_no_login() {
    let desk = ScriptedSource::open();
    let client = BearerAuthLayer::new(desk.clone()).layer(service_fn(
        async |request: Request<ReplayBody<Body>>| {
            let old = request.headers()["authorization"] == "Bearer t1";
            if old && request.uri().path() == "/slow" {
                sleep(Duration::from_secs(10)).await;
            }
            let status = if old { 401 } else { 200 };
            Ok::<_, BoxError>(Response::builder().status(status).body(()).unwrap())
        },
    ));
    let slow = tokio::spawn(client.clone().oneshot(get("https://api.example.com/slow")));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    assert_eq!(desk.logins(), 2);
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    assert_eq!(desk.logins(), 2);
}

/// R2: 1,000 requests that are refused at once make one login, and each is retried once.
#[tokio::test(start_paused = true)]
async fn parallel_refusals_make_one_login() {
    let (desk, refused) = (ScriptedSource::open(), Arc::new(AtomicUsize::new(0)));
    let all_have_come = Arc::new(Barrier::new(1_000));
    let client = BearerAuthLayer::new(desk.clone()).layer(service_fn({
        let refused = refused.clone();
        move |request: Request<ReplayBody<Body>>| {
            let (refused, all_have_come) = (refused.clone(), all_have_come.clone());
            async move {
                if request.headers()["authorization"] != "Bearer t1" {
                    return Ok::<_, BoxError>(Response::new(()));
                }
                all_have_come.wait().await;
                refused.fetch_add(1, Ordering::SeqCst);
                Ok(Response::builder().status(401).body(()).unwrap())
            }
        }
    }));
    let requests = (0..1_000).map(|_| tokio::spawn(client.clone().oneshot(get(URI))));
    for answered in join_all(requests).await {
        assert_eq!(answered.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!((refused.load(Ordering::SeqCst), desk.logins()), (1_000, 2));
}

/// R2, R4: N requests refused one after the other make one login, also where it brings the same
/// token again: each gets its own refused response, with the reason.
#[tokio::test(start_paused = true)]
async fn staggered_refusals_make_one_login_that_brings_the_same_token() {
    let desk = ScriptedSource::open().script([Ok(token("a")), Ok(token("a"))]);
    let client = BearerAuthLayer::new(desk.clone()).layer(service_fn(
        async |request: Request<ReplayBody<Body>>| {
            let millis = request.uri().path()[1..].parse().unwrap();
            sleep(Duration::from_millis(millis)).await;
            Ok::<_, BoxError>(Response::builder().status(401).body(()).unwrap())
        },
    ));
    client.session().token().await.unwrap();
    let uris = (1..=20).map(|number| format!("https://api.example.com/{}", number * 50));
    let requests = uris.map(|uri| client.clone().oneshot(get(&uri)));
    for response in join_all(requests).await {
        let response = response.unwrap();
        assert_eq!(response.status(), 401);
        assert!(explanation(&response).unwrap().is_unchanged());
    }
    assert_eq!(desk.logins(), 2);
}

/// R2: a refusal while a login is under way joins it, whatever login its token's stamp is of.
#[tokio::test(start_paused = true)]
async fn a_refusal_with_an_older_stamp_joins_the_login_under_way() {
    let desk = ScriptedSource::closed().script([Ok(token("a")), Ok(token("a")), Ok(token("b"))]);
    let client = BearerAuthLayer::new(desk.clone()).layer(service_fn(async |request: Sent| {
        let old = request.headers()["authorization"] == "Bearer a";
        if old && request.uri().path() == "/slow" {
            sleep(secs(10)).await;
        }
        Ok::<_, BoxError>(
            Response::builder()
                .status(if old { 401 } else { 200 })
                .body("")
                .unwrap(),
        )
    }));
    desk.let_through(2);
    client.session().token().await.unwrap();
    let slow = tokio::spawn(client.clone().oneshot(get("https://api.example.com/slow")));
    sleep(secs(1)).await;
    let unchanged = client.clone().oneshot(get(URI)).await.unwrap();
    assert!(explanation(&unchanged).unwrap().is_unchanged());
    // The next one is refused too; its login, the third, is slow, and will help.
    let next = tokio::spawn(client.clone().oneshot(get(URI)));
    sleep(secs(15)).await;
    desk.let_through(1);
    assert_eq!(next.await.unwrap().unwrap().status(), 200);
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    assert_eq!(desk.logins(), 3);
}
