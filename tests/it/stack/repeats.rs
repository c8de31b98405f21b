//! Another retry than ours.

use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use tower::retry::{Policy, RetryLayer};
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody};

use super::URI;
use crate::support::{Body, ScriptedSource, get};

/// Repeats what is answered by a 503, and notes what it has seen.
#[derive(Clone, Default)]
struct Unavailable {
    seen: Arc<Mutex<Vec<u16>>>,
}

impl Unavailable {
    fn judge(&self, result: &Result<Response<&'static str>, BoxError>) -> Option<Ready<()>> {
        let status = result.as_ref().unwrap().status();
        self.seen.lock().unwrap().push(status.as_u16());
        (status == StatusCode::SERVICE_UNAVAILABLE).then(|| ready(()))
    }
}

impl Policy<Request<Body>, Response<&'static str>, BoxError> for Unavailable {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Body>,
        result: &mut Result<Response<&'static str>, BoxError>,
    ) -> Option<Ready<()>> {
        self.judge(result)
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Some(request.clone())
    }
}

impl Policy<Request<ReplayBody<Body>>, Response<&'static str>, BoxError> for Unavailable {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<ReplayBody<Body>>,
        result: &mut Result<Response<&'static str>, BoxError>,
    ) -> Option<Ready<()>> {
        self.judge(result)
    }

    /// Our body cannot be cloned: a policy below can repeat what has none.
    fn clone_request(
        &mut self,
        request: &Request<ReplayBody<Body>>,
    ) -> Option<Request<ReplayBody<Body>>> {
        let mut copy = Request::new(ReplayBody::default());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        Some(copy)
    }
}

/// R3: a `Retry` around sees one answer for login, refusal and renewal, and each of its requests
/// takes the token that is in hand by then.
#[tokio::test]
async fn a_retry_around_repeats_with_the_newest_token() {
    let policy = Unavailable::default();
    let (layer, tokens) = (BearerAuthLayer::new(ScriptedSource::open()), Arc::default());
    let client = ServiceBuilder::new()
        .layer(RetryLayer::new(policy.clone()))
        .service(layer.layer(server(&layer, &tokens)));
    let response = client.oneshot(get(URI)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        *tokens.lock().unwrap(),
        ["Bearer t1", "Bearer t2", "Bearer t3"]
    );
    assert_eq!(*policy.seen.lock().unwrap(), [503, 200]);
}

/// R3: inside it repeats one attempt, with the same token, and sees the refusals too.
#[tokio::test]
async fn a_retry_inside_repeats_with_the_same_token() {
    let policy = Unavailable::default();
    let (layer, tokens) = (BearerAuthLayer::new(ScriptedSource::open()), Arc::default());
    let below = RetryLayer::new(policy.clone()).layer(server(&layer, &tokens));
    let response = layer.layer(below).oneshot(get(URI)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        *tokens.lock().unwrap(),
        ["Bearer t1", "Bearer t2", "Bearer t2"]
    );
    assert_eq!(*policy.seen.lock().unwrap(), [401, 503, 200]);
}

/// Refuses the first token; is overloaded at its second request, by the end of which the token is no
/// good any more; and accepts the third.
fn server(
    layer: &BearerAuthLayer,
    tokens: &Arc<Mutex<Vec<String>>>,
) -> impl tower::Service<
    Request<ReplayBody<Body>>,
    Response = Response<&'static str>,
    Error = BoxError,
    Future: Send,
> + Clone {
    let (session, tokens) = (layer.session().clone(), tokens.clone());
    service_fn(move |request: Request<ReplayBody<Body>>| {
        let (session, tokens) = (session.clone(), tokens.clone());
        async move {
            let token = request.headers()["authorization"].to_str()?.to_owned();
            let number = {
                let mut tokens = tokens.lock().unwrap();
                tokens.push(token);
                tokens.len()
            };
            let status = match number {
                1 => 401,
                2 => {
                    session.invalidate(&session.token().await?);
                    503
                }
                _ => 200,
            };
            Ok(Response::builder().status(status).body("")?)
        }
    })
}
