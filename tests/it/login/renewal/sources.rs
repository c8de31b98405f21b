//! Logins as sources: in the stack that they serve, and by their names.

use std::sync::{Arc, OnceLock};

use http::{Request, Response, StatusCode};
use tokio::time::advance;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
use tower_bearer::login::{ClientAuth, ClientCredentials, Datafiniti, Form, Json, Refresh};
use tower_bearer::{BearerAuthLayer, Origins, ReplayBody, TokenSource};

use super::{MINUTE, api};
use crate::support::{Body, ScriptedSource, get};

/// W4, S3, D4: a login that tells its client in the header goes through the very stack that it
/// authenticates, with that header and no other.
#[tokio::test(start_paused = true)]
async fn a_client_may_log_in_through_its_own_stack() {
    type Stack = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;
    let api = api();
    let stack: Arc<OnceLock<Stack>> = Arc::default();
    let login_client = {
        let stack = stack.clone();
        service_fn(move |request| stack.get().unwrap().clone().oneshot(request))
    };
    let auth = ClientAuth::new("app", "s3cret");
    let url = "https://api.example.com/oauth/token";
    let login = ClientCredentials::new(login_client, url, auth, Origins::any()).unwrap();
    let client = ServiceBuilder::new()
        .buffer(1)
        .layer(BearerAuthLayer::new(login))
        .layer(BearerAuthLayer::new(ScriptedSource::open()))
        .service(service_fn(
            move |request: Request<ReplayBody<ReplayBody<Body>>>| api.clone().oneshot(request),
        ));
    assert!(stack.set(BoxCloneSyncService::new(client)).is_ok());
    for _ in 0..2 {
        let request = get("https://api.example.com/users/me");
        let response = stack.get().unwrap().clone().oneshot(request).await;
        assert_eq!(response.unwrap().status(), StatusCode::OK);
        advance(MINUTE).await;
    }
}

fn is_a_source<T: TokenSource>() {}

/// D1 to D5: a login is a source that a user can name, whatever client it is sent by.
#[test]
fn a_login_can_be_named() {
    is_a_source::<Datafiniti>();
    is_a_source::<Form>();
    is_a_source::<Json>();
    is_a_source::<ClientCredentials>();
    is_a_source::<Refresh>();
}
