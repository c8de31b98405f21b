//! gRPC: tonic's generated client over a real channel, where the example has nothing to say, and
//! what a `grpc-timeout` bounds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use http::{Request, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::{Instant, advance, sleep};
use tokio_test::{assert_pending, assert_ready};
use tonic::body::Body;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal, ReplayBody, Session};

use crate::support::{Body as Bytes, ScriptedSource, auth_error, explanation, settle, token};

/// Refuses every call: a unary one by the headers, a stream by the trailers after a message.
#[derive(Default)]
struct Refusing {
    calls: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl Health for Refusing {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Err(Status::unauthenticated("who are you?"))
    }

    async fn watch(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let messages = [
            Ok(HealthCheckResponse::default()),
            Err(Status::unauthenticated("no longer")),
        ];
        Ok(Response::new(stream::iter(messages).boxed()))
    }
}

/// R1: a status that comes in the trailers, behind a message, is the caller's to see: no login is
/// made for it, and no retry. In the headers of the same service it is a refusal.
#[tokio::test]
async fn a_status_in_the_trailers_passes_as_it_is() {
    let refusing = Refusing::default();
    let calls = refusing.calls.clone();
    let calls = || calls.load(Ordering::Relaxed);
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let origin = format!("http://{}", incoming.local_addr().unwrap());
    let server = Server::builder().add_service(HealthServer::new(refusing));
    tokio::spawn(server.serve_with_incoming(incoming));

    let desk = ScriptedSource::open();
    let channel = Channel::from_shared(origin).unwrap().connect_lazy();
    let channel = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk.clone()))
        .map_request(|request: Request<ReplayBody<Body>>| request.map(Body::new))
        .service(channel);
    let mut client = HealthClient::new(channel);

    let watched = client.watch(HealthCheckRequest::default()).await.unwrap();
    let mut messages = watched.into_inner();
    assert!(messages.message().await.unwrap().is_some());
    let status = messages.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.message(), "no longer");
    assert_eq!((calls(), desk.logins()), (1, 1));

    let status = client.check(HealthCheckRequest::default()).await;
    assert_eq!(status.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!((calls(), desk.logins()), (3, 2));
}

/// W5: the login goes on, and serves the next request.
#[tokio::test(start_paused = true)]
async fn a_login_that_hangs_is_waited_for_until_the_grpc_timeout() {
    let source = ScriptedSource::closed();
    let server = Timed::default();
    let client = BearerAuthLayer::new(source.clone()).layer(server.service());
    for (timeout, millis) in [("300m", 300), ("1S", 1000), ("250000u", 250), ("0m", 0)] {
        let start = Instant::now();
        let error = client.clone().oneshot(call(timeout)).await.unwrap_err();
        assert_eq!(start.elapsed(), Duration::from_millis(millis), "{timeout}");
        assert_ran_out(&auth_error(error));
    }
    assert_eq!((server.seen(), source.logins()), (vec![], 1));

    source.let_through(1);
    let response = client.oneshot(call("300m")).await.unwrap();
    assert_eq!((response.status().as_u16(), source.logins()), (200, 1));
}

/// W5: the time begins with the call, not with the first poll. A request that is late at its first
/// poll waits for nothing, and its login is made for the next one.
#[tokio::test(start_paused = true)]
async fn the_grpc_timeout_is_measured_from_the_call() {
    let source = ScriptedSource::closed();
    let server = Timed::default();
    let mut client = BearerAuthLayer::new(source.clone()).layer(server.service());
    for (late, millis) in [(100, 300), (400, 400)] {
        let start = Instant::now();
        let response = client.ready().await.unwrap().call(call("300m"));
        sleep(Duration::from_millis(late)).await;
        assert_ran_out(&auth_error(response.await.unwrap_err()));
        assert_eq!(start.elapsed(), Duration::from_millis(millis));
    }
    assert_eq!((server.seen(), source.logins()), (vec![], 1));
}

/// W5: where the session's own limit is earlier, that ends the wait.
#[tokio::test(start_paused = true)]
async fn a_grpc_timeout_prolongs_no_wait() {
    let session = Session::builder(ScriptedSource::closed());
    let session = session.wait_timeout(Duration::from_millis(100)).build();
    let client = BearerAuthLayer::from_session(session).layer(Timed::default().service());
    let start = Instant::now();
    let error = auth_error(client.oneshot(call("300m")).await.unwrap_err());
    assert_eq!(start.elapsed(), Duration::from_millis(100));
    assert!(error.is_timeout() && !error.to_string().contains("grpc-timeout"));
}

/// W5: with the token in hand the header passes as it is, whatever it says. What is no timeout
/// bounds nothing.
#[tokio::test(start_paused = true)]
async fn a_grpc_timeout_passes_unchanged_where_nothing_was_waited_for() {
    let source = ScriptedSource::closed();
    let server = Timed::default();
    let client = BearerAuthLayer::new(source.clone()).layer(server.service());
    let waiting = tokio::spawn(client.clone().oneshot(call("300ms")));
    sleep(Duration::from_secs(20)).await;
    source.let_through(1);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);

    for timeout in ["0300000u", "0m", "soon"] {
        let response = client.clone().oneshot(call(timeout)).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let timeouts: Vec<_> = server.seen().into_iter().map(|(_, it)| it).collect();
    assert_eq!(timeouts, ["300ms", "0300000u", "0m", "soon"]);
}

/// W5: what the wait for the first login took is taken off, and so is the rest for the retry.
#[tokio::test(start_paused = true)]
async fn each_attempt_is_sent_with_what_is_left_of_the_grpc_timeout() {
    let source = ScriptedSource::closed();
    let server = Timed::taking(Duration::from_millis(50)).accepting("t2");
    let client = BearerAuthLayer::new(source.clone()).layer(server.service());
    for millis in [100, 300] {
        let source = source.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(millis)).await;
            source.let_through(1);
        });
    }

    let response = client.clone().oneshot(call("1S")).await.unwrap();

    assert_eq!(response.status(), 200);
    let seen = [("Bearer t1", "900m"), ("Bearer t2", "700m")];
    assert_eq!(
        server.seen(),
        seen.map(|it| (it.0.to_owned(), it.1.to_owned()))
    );
}

/// W5: also where the first attempt went out at once, and where the retry does without a login.
#[tokio::test(start_paused = true)]
async fn the_retry_is_sent_with_what_is_left_of_the_grpc_timeout() {
    let source = ScriptedSource::open();
    let server = Timed::taking(Duration::from_millis(50));
    let client = BearerAuthLayer::new(source.clone()).layer(server.service());
    client.clone().oneshot(call("1S")).await.unwrap();
    let server = server.accepting("t2");

    let both = || client.clone().oneshot(call("300m"));
    let (one, two) = tokio::join!(both(), both());

    assert_eq!(
        (one.unwrap().status(), two.unwrap().status()),
        (StatusCode::OK, StatusCode::OK)
    );
    let timeouts: Vec<_> = server.seen().into_iter().map(|(_, it)| it).collect();
    assert_eq!(timeouts, ["1S", "300m", "300m", "250m", "250m"]);
    assert_eq!(source.logins(), 2);
}

/// W5: a login that failed in time is told as it was, however late the request is polled again.
#[tokio::test(start_paused = true)]
async fn a_failure_before_the_grpc_timeout_is_told_after_it() {
    let source = ScriptedSource::closed().script([Err(AuthError::unavailable("down"))]);
    let client = BearerAuthLayer::new(source.clone()).layer(Timed::default().service());
    let mut late = tokio_test::task::spawn(client.oneshot(call("300m")));
    assert_pending!(late.poll());
    source.let_through(1);
    settle().await;
    advance(Duration::from_millis(400)).await;
    let error = auth_error(assert_ready!(late.poll()).unwrap_err());
    assert!(error.is_unavailable() && !error.is_timeout(), "{error}");
}

/// W5: after a refusal the caller gets the refused response, or the error, when the time is over.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_is_waited_for_until_the_grpc_timeout() {
    for (takes, ends) in [(100, 300), (300, 300), (400, 400)] {
        for choice in [OnFailedRenewal::ReturnResponse, OnFailedRenewal::Error] {
            let source = ScriptedSource::closed_after(1);
            let server = Timed::taking(Duration::from_millis(takes)).accepting("t2");
            let layer = BearerAuthLayer::new(source.clone()).on_failed_renewal(choice);
            layer.session().token().await.unwrap();
            let client = layer.layer(server.service());

            let start = Instant::now();
            let result = client.clone().oneshot(call("300m")).await;

            assert_eq!(start.elapsed(), Duration::from_millis(ends));
            match result {
                Ok(response) => {
                    assert_eq!(choice, OnFailedRenewal::ReturnResponse);
                    assert_eq!(response.status(), 401);
                    assert_ran_out(explanation(&response).unwrap());
                }
                Err(error) => {
                    assert_eq!(choice, OnFailedRenewal::Error);
                    assert_ran_out(&auth_error(error));
                }
            }
            // The refusal was heard: one login is under way, which the next request waits for.
            source.let_through(1);
            let response = client.oneshot(call("5S")).await.unwrap();
            assert_eq!((response.status().as_u16(), source.logins()), (200, 2));
            assert_eq!(server.seen().len(), 2);
        }
    }
}

/// W5: a token that is there at once does not help either when nothing is left.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_nothing_is_left_of_the_grpc_timeout() {
    let source = ScriptedSource::open();
    let server = Timed::taking(Duration::from_millis(300)).accepting("t2");
    let layer = BearerAuthLayer::new(source.clone());
    layer.session().token().await.unwrap();
    let client = layer.layer(server.service());
    let slow = client.clone().oneshot(call("300m"));
    let renewed = async {
        sleep(Duration::from_millis(200)).await;
        layer.session().invalidate(&token("t1"));
        layer.session().token().await.unwrap()
    };

    let (response, renewed) = tokio::join!(slow, renewed);

    assert_eq!(renewed.expose(), "t2");
    let response = response.unwrap();
    assert_eq!(response.status(), 401);
    assert_ran_out(explanation(&response).unwrap());
    assert_eq!((server.seen().len(), source.logins()), (1, 2));
}

/// W5: likewise when the service was not ready in time, which gives its reservation back.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_the_service_is_ready_too_late_for_the_grpc_timeout() {
    let source = ScriptedSource::closed();
    let server = Timed::default();
    let permits = Arc::new(Semaphore::new(1));
    let limit = GlobalConcurrencyLimitLayer::with_semaphore(permits.clone());
    let client = BearerAuthLayer::new(source.clone()).layer(limit.layer(server.service()));
    let late = tokio::spawn(client.clone().oneshot(call("300m")));
    sleep(Duration::from_millis(100)).await;
    let permit = permits.clone().acquire_owned().await.unwrap();
    source.let_through(1);
    sleep(Duration::from_millis(300)).await;
    drop(permit);

    assert_ran_out(&auth_error(late.await.unwrap().unwrap_err()));
    assert_eq!((server.seen(), permits.available_permits()), (vec![], 1));
}

/// W5: a token that expires before the service is ready is waited for again, within the same time.
#[tokio::test(start_paused = true)]
async fn one_grpc_timeout_bounds_both_waits() {
    let short = token("short").expires_in(Duration::from_millis(50));
    let source = ScriptedSource::closed().script([Ok(short)]);
    let server = Timed::default();
    let permits = Arc::new(Semaphore::new(1));
    let limit = GlobalConcurrencyLimitLayer::with_semaphore(permits.clone());
    let client = BearerAuthLayer::new(source.clone()).layer(limit.layer(server.service()));
    let start = Instant::now();
    let twice = tokio::spawn(client.oneshot(call("3S")));
    sleep(Duration::from_millis(100)).await;
    let permit = permits.clone().acquire_owned().await.unwrap();
    source.let_through(1);
    // A session logs in no more than once a second for expired tokens.
    sleep(Duration::from_millis(1100)).await;
    drop(permit);

    assert_ran_out(&auth_error(twice.await.unwrap().unwrap_err()));
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    assert_eq!((server.seen(), source.logins()), (vec![], 2));
}

/// W5: a client made by tonic gets the code that its caller expects, if the error is given one.
#[tokio::test(start_paused = true)]
async fn a_tonic_client_whose_deadline_passes_during_the_login_gets_deadline_exceeded() {
    let channel = service_fn(async |_: Request<ReplayBody<Body>>| {
        Err::<http::Response<Body>, BoxError>("sent without a token".into())
    });
    let status = |error: BoxError| -> BoxError {
        match error.downcast_ref::<AuthError>() {
            Some(error) if error.is_timeout() => {
                Status::deadline_exceeded(error.to_string()).into()
            }
            _ => error,
        }
    };
    let layer = BearerAuthLayer::new(ScriptedSource::closed());
    let plain = layer.layer(channel);
    let mapped = ServiceBuilder::new().map_err(status).service(plain.clone());
    let request = || {
        let mut request = tonic::Request::new(HealthCheckRequest::default());
        request.set_timeout(Duration::from_millis(300));
        request
    };

    let start = Instant::now();
    let status = HealthClient::new(mapped)
        .check(request())
        .await
        .unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_millis(300));
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("grpc-timeout"), "{status}");

    let status = HealthClient::new(plain).check(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unknown);
}

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
