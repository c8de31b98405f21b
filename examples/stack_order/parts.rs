//! A log, a policy and an upstream.

use std::future::{Ready, ready};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request as Incoming;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::BoxError;
use tower::retry::Policy;
use tower_bearer::testing::Api;
use tower_http::compression::CompressionLayer;
use tower_http::trace::OnResponse;
use tracing::Span;

type Body = Full<Bytes>;

/// In place of a log: the statuses that a trace saw.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<u16>>>);

impl Seen {
    pub(crate) fn take(&self) -> Vec<u16> {
        self.0
            .lock()
            .map(|mut seen| mem::take(&mut *seen))
            .unwrap_or_default()
    }
}

impl<B> OnResponse<B> for Seen {
    fn on_response(self, response: &Response<B>, _: Duration, _: &Span) {
        if let Ok(mut seen) = self.0.lock() {
            seen.push(response.status().as_u16());
        }
    }
}

/// Repeats what an overloaded server turned away. A real one needs a limit and a back-off.
#[derive(Clone)]
pub(crate) struct Overloaded;

impl<R> Policy<Request<Body>, Response<R>, BoxError> for Overloaded {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Body>,
        result: &mut Result<Response<R>, BoxError>,
    ) -> Option<Ready<()>> {
        let response = result.as_ref().ok()?;
        (response.status() == StatusCode::SERVICE_UNAVAILABLE).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Some(request.clone())
    }
}

/// `/old` is overloaded once, and redirects to `/new`. Responses are compressed.
pub(crate) fn upstream(api: Api) -> Router {
    let overloaded = Arc::new(AtomicBool::new(true));
    let old = async move |request: Incoming| {
        if overloaded.swap(false, Ordering::Relaxed) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        match api.accepts(request.headers()) {
            true => Redirect::to("/new").into_response(),
            false => StatusCode::UNAUTHORIZED.into_response(),
        }
    };
    let new = async || "welcome".repeat(100);
    Router::new()
        .route("/old", get(old))
        .route("/new", get(new))
        .layer(CompressionLayer::new())
}
