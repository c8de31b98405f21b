//! What becomes of a refused response while its renewal is under way.

use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tower::buffer::Buffer;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal, ReplayBody, Token};

use crate::support::{Body, ScriptedSource, auth_error, explanation, get, token};

const URI: &str = "https://api.example.com/";

/// A request that was refused, and whose renewal is under way.
struct Refused {
    desk: ScriptedSource,
    page: Weak<()>,
    response: JoinHandle<Result<Response<Arc<()>>, BoxError>>,
}

impl Refused {
    async fn new(mode: OnFailedRenewal, renewal: Result<Token, AuthError>) -> Self {
        let desk = ScriptedSource::closed_after(1).script([Ok(token("t1")), renewal]);
        let layer = BearerAuthLayer::new(desk.clone()).on_failed_renewal(mode);
        layer.session().token().await.unwrap();
        let body = Arc::new(());
        let page = Arc::downgrade(&body);
        let mut body = Some(body);
        let server = move |request: Request<ReplayBody<Body>>| {
            let mut response = Response::new(body.take().unwrap_or_default());
            if request.headers()["authorization"] == "Bearer t1" {
                *response.status_mut() = StatusCode::UNAUTHORIZED;
            }
            async { Ok::<_, Infallible>(response) }
        };
        // A service is cloned before it is called, and its clone would have a page of its own.
        let server = Buffer::new(service_fn(server), 1);
        let response = tokio::spawn(layer.layer(server).oneshot(get(URI)));
        sleep(Duration::from_millis(1)).await;
        assert_eq!(desk.logins(), 2, "its renewal is under way");
        Self {
            desk,
            page,
            response,
        }
    }

    fn is_held(&self) -> bool {
        self.page.strong_count() > 0
    }

    async fn concluded(self) -> Result<Response<Arc<()>>, BoxError> {
        self.desk.let_through(1);
        self.response.await.unwrap()
    }
}

fn down<T>() -> Result<T, AuthError> {
    Err(AuthError::unavailable("down"))
}

/// R4: a renewal that fails within 2 seconds gives the caller the refused response as it came.
#[tokio::test(start_paused = true)]
async fn a_refused_response_is_held_for_two_seconds() {
    let refused = Refused::new(OnFailedRenewal::ReturnResponse, down()).await;
    sleep(Duration::from_millis(1_990)).await;
    assert!(refused.is_held());
    let page = refused.page.clone();
    let response = refused.concluded().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(explanation(&response).unwrap().is_unavailable());
    assert!(page.ptr_eq(&Arc::downgrade(response.body())), "unread");
}

/// R4: after that it is dropped, however long the login takes, and its failure is the error.
#[tokio::test(start_paused = true)]
async fn a_refused_response_is_dropped_before_a_slow_renewal_ends() {
    let refused = Refused::new(OnFailedRenewal::ReturnResponse, down()).await;
    sleep(Duration::from_millis(2_010)).await;
    assert!(!refused.is_held());
    let error = auth_error(refused.concluded().await.unwrap_err());
    assert!(error.is_unavailable(), "{error}");
}

/// R4: so it is where the login brings the refused token again.
#[tokio::test(start_paused = true)]
async fn a_slow_renewal_that_changes_nothing_is_the_error() {
    let refused = Refused::new(OnFailedRenewal::ReturnResponse, Ok(token("t1"))).await;
    sleep(Duration::from_secs(3)).await;
    let error = auth_error(refused.concluded().await.unwrap_err());
    assert!(error.is_unchanged(), "{error}");
}

/// R2, R4: a slow renewal that succeeds is followed by the retry all the same.
#[tokio::test(start_paused = true)]
async fn a_request_whose_refused_response_was_dropped_is_retried() {
    let refused = Refused::new(OnFailedRenewal::ReturnResponse, Ok(token("t2"))).await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(refused.concluded().await.unwrap().status(), StatusCode::OK);
}

/// R4: who gets the error in any case keeps nothing of the response while the login is under way.
#[tokio::test(start_paused = true)]
async fn a_refused_response_that_nobody_gets_is_dropped_before_the_login() {
    let refused = Refused::new(OnFailedRenewal::Error, down()).await;
    assert!(!refused.is_held());
    let error = auth_error(refused.concluded().await.unwrap_err());
    assert!(error.is_unavailable(), "{error}");
}
