//! Where errors come from: of a login, and of the inner service.

use std::time::Duration;

use tokio::time::sleep;
use tokio_test::assert_ready_err;
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer};

use super::{URI, answer, mock};
use crate::support::{ScriptedSource, Server, auth_error, get};

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
