//! When the session logs in, and who shares the outcome.

use std::time::Duration;

use futures::future::join_all;
use http::StatusCode;
use tokio::time::sleep;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer, Session};

use super::URI;
use crate::support::{Body, ScriptedSource, Server, auth_error, get};

/// T1: nothing that is only built logs in, and none of it needs a runtime.
#[test]
fn building_layers_services_and_clones_logs_in_zero_times() {
    let desk = ScriptedSource::open();
    let layer = BearerAuthLayer::new(desk.clone());
    let mut service = ServiceBuilder::new()
        .layer(layer.clone())
        .service(Server::new().service::<Body>());
    let _clones = (service.clone(), layer.clone(), layer.session().clone());
    let _never_polled = service.call(get(URI));
    let _neither = layer.session().token();
    assert_eq!(desk.logins(), 0);
}

/// T1: the first request that needs a token logs in, and the next one uses the same token.
#[tokio::test]
async fn the_first_request_logs_in_and_the_next_does_not() {
    let (desk, server) = (ScriptedSource::open(), Server::new());
    let mut service = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .service(server.service());
    for _ in 0..3 {
        let response = service.ready().await.unwrap().call(get(URI)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(desk.logins(), 1);
    assert_eq!(server.tokens(), ["Bearer t1"; 3]);
}

/// T2: 10,000 first requests at once, from as many clones, make one login.
#[tokio::test(start_paused = true)]
async fn ten_thousand_first_requests_make_one_login() {
    let (desk, server) = (ScriptedSource::closed(), Server::new());
    let service = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .service(server.service());
    let requests = (0..10_000).map(|_| tokio::spawn(service.clone().oneshot(get(URI))));
    let requests: Vec<_> = requests.collect();
    sleep(Duration::from_secs(1)).await;
    assert_eq!((desk.logins(), server.seen().len()), (1, 0));
    desk.let_through(1);
    for answered in join_all(requests).await {
        assert_eq!(answered.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!((desk.logins(), server.seen().len()), (1, 10_000));
}

/// T2: so they do from several threads, where the refusal of its token makes one more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_threads_share_one_login() {
    let (desk, server) = (ScriptedSource::open(), Server::new());
    let service = BearerAuthLayer::new(desk.clone()).layer(server.service());
    for logins in 1..=4 {
        let requests: Vec<_> = (0..2_000)
            .map(|_| tokio::spawn(service.clone().oneshot(get(URI))))
            .collect();
        for answered in join_all(requests).await {
            assert_eq!(answered.unwrap().unwrap().status(), StatusCode::OK);
        }
        assert_eq!(desk.logins(), logins);
        server.accept(&format!("t{}", logins + 1));
    }
}

/// T2: layers of one session share its token; two `new` calls do not.
#[tokio::test]
async fn a_token_is_shared_within_a_session_alone() {
    let desk = ScriptedSource::open();
    let session = Session::new(desk.clone());
    for _ in 0..2 {
        let layer = BearerAuthLayer::from_session(session.clone());
        let service = ServiceBuilder::new().layer(layer);
        let service = service.service(Server::new().service());
        service.oneshot(get(URI)).await.unwrap();
    }
    assert_eq!(desk.logins(), 1);
    let other = BearerAuthLayer::new(desk.clone());
    other.session().token().await.unwrap();
    assert_eq!(desk.logins(), 2);
}

/// T4: all waiters of a failed login get that same error, from one login.
#[tokio::test]
async fn all_waiters_get_the_same_error() {
    let desk = ScriptedSource::closed().script([Err(AuthError::rejected("wrong password"))]);
    let service = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .service(Server::new().service());
    let requests: Vec<_> = (0..100)
        .map(|_| tokio::spawn(service.clone().oneshot(get(URI))))
        .collect();
    while desk.logins() == 0 {
        tokio::task::yield_now().await;
    }
    desk.let_through(1);
    let errors: Vec<_> = join_all(requests).await;
    let errors: Vec<_> = errors
        .into_iter()
        .map(|answered| auth_error(answered.unwrap().unwrap_err()))
        .collect();
    assert_eq!(desk.logins(), 1);
    let cause: *const _ = errors[0].get_ref();
    for error in &errors {
        assert!(error.is_rejected());
        assert!(std::ptr::addr_eq(cause, error.get_ref()), "another error");
    }
}
