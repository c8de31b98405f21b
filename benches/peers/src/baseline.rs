//! What the peers are compared with, beside each other.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_http::auth::AddAuthorizationLayer;

use crate::api::{Answer, Api, Inner};
use crate::client::Stack;
use crate::peer::{About, Login, Peer};

/// The service below every peer, without any of them: no token.
pub async fn noop() -> Peer {
    let about = About {
        name: NOOP,
        package: "",
        login: Login::None,
        retries: false,
    };
    Peer::new(about, async |api| Stack(Inner::<Infallible>::new(api))).await
}

/// The name of [`noop`].
pub const NOOP: &str = "no-op service";

/// `tower-http`'s layer for a token that never changes: clones a header value into the request, and that is all.
///
/// What is timed: the response future of the layered service.
pub async fn tower_http() -> Peer {
    let about = About {
        name: "tower-http AddAuthorization",
        package: "tower-http",
        login: Login::Given,
        retries: false,
    };
    Peer::new(about, async |api| {
        let layer = AddAuthorizationLayer::bearer(&api.token()).as_sensitive(true);
        Stack(layer.layer(Inner::<Infallible>::new(api)))
    })
    .await
}

/// The least that a layer can do which may have to repeat a request: clones the request, keeps the copy until there is
/// a response, and inserts a header value that is ready. It looks at no clock and takes no lock, and it cannot renew.
///
/// What is timed: the response future of the layered service.
pub async fn floor() -> Peer {
    let about = About {
        name: "hand-written floor",
        package: "",
        login: Login::Given,
        retries: false,
    };
    Peer::new(about, async |api| Stack(Floor::new(api))).await
}

#[derive(Clone)]
struct Floor {
    inner: Inner,
    header: HeaderValue,
}

impl Floor {
    fn new(api: &'static Api) -> Self {
        let mut header =
            HeaderValue::try_from(format!("Bearer {}", api.token())).expect("visible ASCII");
        header.set_sensitive(true);
        Self {
            inner: Inner::new(api),
            header,
        }
    }
}

impl Service<Request<Full<Bytes>>> for Floor {
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Kept;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<Full<Bytes>>>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, mut request: Request<Full<Bytes>>) -> Kept {
        let kept = Some(request.clone());
        request
            .headers_mut()
            .insert(AUTHORIZATION, self.header.clone());
        Kept {
            kept,
            answer: self.inner.call(request),
        }
    }
}

/// The future of [`Floor`].
struct Kept {
    kept: Option<Request<Full<Bytes>>>,
    answer: Answer<Full<Bytes>, Infallible>,
}

impl Future for Kept {
    type Output = <Answer<Full<Bytes>, Infallible> as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(Pin::new(&mut self.answer).poll(cx));
        // Whoever could retry would look at the status here.
        black_box(self.kept.take());
        Poll::Ready(response)
    }
}
