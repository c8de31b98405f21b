//! `middle`: OAuth client credentials, for reqwest and for tonic.
//!
//! It logs in when it is built, through its own reqwest client, and renews by the clock on a task of its own, which
//! makes it one login at a time. A token without `expires_in` is never renewed. The header is made once per token. It
//! does not look at responses: a 401 is the caller's. A header that is there is kept. There is no scope, and no tower
//! layer: an `HttpClient` around reqwest's, and an interceptor for tonic.
//!
//! What is timed: in the first row what `HttpClient::execute` does before it hands the request on
//! (`authorization_header`, a look for the header, the insertion), and the inner service instead of reqwest; in the
//! second the response future of tonic's `InterceptedService` with the interceptor in it.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::middle::{Authorizer, BasicClientCredentialAuthorizer};
use http::Request;
use http::header::AUTHORIZATION;
use tonic::service::interceptor::InterceptedService;
use tower::Service;

use crate::api::{Api, Inner};
use crate::client::Stack;
use crate::loopback;
use crate::peer::{About, Login, Peer};

/// As in front of reqwest.
pub async fn header() -> Peer {
    let about = About {
        name: "middle, header",
        package: "middle",
        login: Login::Loopback,
        retries: false,
    };
    Peer::new(about, async |api| {
        Stack(WithHeader {
            authorizer: authorizer(api).await,
            inner: Inner::<Infallible>::new(api),
        })
    })
    .await
}

/// As in front of tonic.
pub async fn interceptor() -> Peer {
    let about = About {
        name: "middle, tonic interceptor",
        package: "middle",
        login: Login::Loopback,
        retries: false,
    };
    Peer::new(about, async |api| {
        Stack(InterceptedService::new(
            Inner::<Infallible>::new(api),
            authorizer(api).await,
        ))
    })
    .await
}

async fn authorizer(api: &'static Api) -> BasicClientCredentialAuthorizer {
    let url = loopback::login(api).await.parse().expect("a URL");
    let authorizer = BasicClientCredentialAuthorizer::basic_builder("bench", "secret", url);
    authorizer.build().await.expect("the login works")
}

/// `middle::HttpClient::execute` over a tower service.
#[derive(Clone)]
struct WithHeader<S> {
    authorizer: BasicClientCredentialAuthorizer,
    inner: S,
}

impl<S, B> Service<Request<B>> for WithHeader<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let header = self
            .authorizer
            .authorization_header()
            .expect("the token is good");
        if !request.headers().contains_key(AUTHORIZATION) {
            request
                .headers_mut()
                .insert(AUTHORIZATION, Arc::unwrap_or_clone(header));
        }
        self.inner.call(request)
    }
}
