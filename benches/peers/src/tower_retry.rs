//! `tower::retry` with a policy of twenty lines, and `map_request` below it: what one writes without a crate for tokens.
//!
//! It notices a 401, logs in, and retries the request once; `retry` clones every request for that, body and all, so the
//! body has to be `Clone`. It logs in once for each refused request, however many there are. It knows no clock and no
//! scope.
//!
//! What is timed: the response future of the layered service. The token is read through an `RwLock`.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tower::ServiceBuilder;
use tower::retry::Policy;

use crate::api::{Api, Inner};
use crate::client::Stack;
use crate::peer::{About, Login, Peer};

pub async fn peer() -> Peer {
    let about = About {
        name: "tower::retry, by hand",
        package: "tower",
        login: Login::InProcess,
        retries: true,
    };
    Peer::new(about, async |api| {
        let token = SharedToken {
            api,
            header: Arc::new(RwLock::new(header(&api.login().await))),
        };
        let policy = OnRefusal {
            token: token.clone(),
            retried: false,
        };
        let service = ServiceBuilder::new()
            .retry(policy)
            .map_request(move |mut request: Request<Full<Bytes>>| {
                request.headers_mut().insert(AUTHORIZATION, token.header());
                request
            })
            .service(Inner::<Infallible>::new(api));
        Stack(service)
    })
    .await
}

#[derive(Clone)]
struct SharedToken {
    api: &'static Api,
    header: Arc<RwLock<HeaderValue>>,
}

impl SharedToken {
    fn header(&self) -> HeaderValue {
        self.header
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn renew(self) {
        let new = header(&self.api.login().await);
        *self.header.write().unwrap_or_else(PoisonError::into_inner) = new;
    }
}

fn header(token: &str) -> HeaderValue {
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).expect("visible ASCII");
    header.set_sensitive(true);
    header
}

#[derive(Clone)]
struct OnRefusal {
    token: SharedToken,
    retried: bool,
}

impl Policy<Request<Full<Bytes>>, Response<Full<Bytes>>, Infallible> for OnRefusal {
    type Future = BoxFuture<'static, ()>;

    fn retry(
        &mut self,
        _request: &mut Request<Full<Bytes>>,
        result: &mut Result<Response<Full<Bytes>>, Infallible>,
    ) -> Option<Self::Future> {
        let Ok(response) = result else { return None };
        if self.retried || response.status() != StatusCode::UNAUTHORIZED {
            return None;
        }
        self.retried = true;
        Some(Box::pin(self.token.clone().renew()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}
