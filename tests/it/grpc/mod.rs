//! gRPC: tonic's generated client over a real channel, where the example has nothing to say, and
//! what a `grpc-timeout` bounds.

mod client;
mod retry;
mod waits;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Request;
use tokio::time::sleep;
use tower::{BoxError, Service, service_fn};
use tower_bearer::{AuthError, ReplayBody};

use crate::support::Body as Bytes;

/// A server that takes its time, and notes the token and the `grpc-timeout` of each request.
#[derive(Clone, Default)]
struct Timed {
    takes: Duration,
    inner: Arc<Mutex<TimedInner>>,
}

#[derive(Default)]
struct TimedInner {
    accepted: Option<String>,
    seen: Vec<(String, String)>,
}

impl Timed {
    fn taking(takes: Duration) -> Self {
        let inner = Arc::default();
        Self { takes, inner }
    }

    /// Refuses all tokens but this one from now on.
    fn accepting(self, token: &str) -> Self {
        self.inner.lock().unwrap().accepted = Some(format!("Bearer {token}"));
        self
    }

    fn seen(&self) -> Vec<(String, String)> {
        self.inner.lock().unwrap().seen.clone()
    }

    fn service(
        &self,
    ) -> impl Service<
        Request<ReplayBody<Bytes>>,
        Response = http::Response<()>,
        Error = BoxError,
        Future = BoxFuture<'static, Result<http::Response<()>, BoxError>>,
    > + Clone
    + use<> {
        let server = self.clone();
        service_fn(move |request: Request<ReplayBody<Bytes>>| {
            let value = |name| request.headers()[name].to_str().unwrap().to_owned();
            let seen = (value("authorization"), value("grpc-timeout"));
            assert_eq!(request.headers().get_all("grpc-timeout").iter().count(), 1);
            let is_accepted = {
                let mut inner = server.inner.lock().unwrap();
                inner.seen.push(seen.clone());
                inner
                    .accepted
                    .as_ref()
                    .is_none_or(|accepted| *accepted == seen.0)
            };
            let status = if is_accepted { 200 } else { 401 };
            let takes = server.takes;
            Box::pin(async move {
                sleep(takes).await;
                Ok(http::Response::builder().status(status).body(())?)
            }) as BoxFuture<'static, _>
        })
    }
}

fn call(timeout: &str) -> Request<Bytes> {
    Request::post("https://api.example.com/health.Health/Check")
        .header("grpc-timeout", timeout)
        .body(Bytes::from("a message"))
        .unwrap()
}

fn assert_ran_out(error: &AuthError) {
    assert!(error.is_timeout(), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("the request's grpc-timeout ran out"),
        "{error}"
    );
}
