//! The feature `tracing`: each event once, with its level and its fields, in the right span.

mod capture;

use std::future::Future;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::future::join_all;
use futures::stream;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, channel::Channel};
use tokio::task::yield_now;
use tokio::time::sleep;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_bearer::login::Form;
use tower_bearer::testing::Api;
use tower_bearer::{
    AuthError, BearerAuth, BearerAuthLayer, NoAuth, Origins, ReplayBody, Session, source_fn,
};
use tracing::{Instrument, info_span};

use self::capture::Capture;
use crate::support::{Body, ScriptedSource, Server, explanation, get, post, token};

const URI: &str = "https://api.example.com/";

/// Runs in a span of the user's, as a server's request or a job would.
fn asked<F: Future>(work: F) -> impl Future<Output = F::Output> {
    work.instrument(info_span!("job"))
}

fn fingerprint(text: &str) -> String {
    token(text).fingerprint().to_string()
}

/// A layer whose token is `t1`, and a server that wants another one.
async fn refused(layer: &BearerAuthLayer) -> Server {
    let server = Server::accepting("t2");
    assert_eq!(layer.session().token().await.unwrap().expose(), "t1");
    server
}

fn send(
    layer: &BearerAuthLayer,
    server: &Server,
) -> impl Future<Output = Result<Response<&'static str>, BoxError>> + use<> {
    // All that are sent at once are under way before the first is answered.
    let server = server.service::<Body>().map_future(async |answer| {
        yield_now().await;
        answer.await
    });
    asked(layer.layer(server).oneshot(get(URI)))
}

/// A login runs in a span of its own, within that of the request that asked for it.
#[tokio::test(start_paused = true)]
async fn a_login_is_told_within_the_request_that_waits_for_it() {
    let (capture, _guard) = Capture::start();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    send(&layer, &Server::new()).await.unwrap();
    assert_eq!(
        capture.lines(),
        [
            "INFO job: (login) cause=\"first\"".to_owned(),
            format!(
                "INFO job login: logged in fingerprint={} generation=1 duration_ms=0",
                fingerprint("t1")
            ),
        ]
    );
}

/// What a source does is within the span of its login.
#[tokio::test]
async fn the_span_of_a_login_is_the_current_one_of_its_source() {
    let (_capture, _guard) = Capture::start();
    let source = source_fn(Origins::any(), |_| async {
        let current = tracing::Span::current();
        let name = current.metadata().map(|metadata| metadata.name());
        Ok(token(name.unwrap_or("none")))
    });
    let brought = asked(Session::new(source).token()).await.unwrap();
    assert_eq!(brought.expose(), "login");
}

/// With its token in hand a request tells nothing.
#[tokio::test]
async fn a_request_with_its_token_in_hand_tells_nothing() {
    let (capture, _guard) = Capture::start();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    send(&layer, &Server::new()).await.unwrap();
    assert_eq!(capture.lines().len(), 2);
    for _ in 0..3 {
        send(&layer, &Server::new()).await.unwrap();
    }
    assert_eq!(capture.lines(), [""; 0]);
}

/// R2: of many that are refused, the first tells of the token; each tells of its retry.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_once_and_each_retry_by_its_request() {
    let (capture, _guard) = Capture::start();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let server = refused(&layer).await;
    capture.lines();

    for response in join_all((0..3).map(|_| send(&layer, &server))).await {
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    }

    let (old, new) = (fingerprint("t1"), fingerprint("t2"));
    let again = format!(
        "DEBUG job: request retried fingerprint={new} generation=2 http.request.resend_count=1"
    );
    assert_eq!(
        capture.lines(),
        [
            format!("INFO job: token refused fingerprint={old} generation=1"),
            format!("INFO job: (login) cause=\"refused\" stale={old}"),
            format!("INFO job login: logged in fingerprint={new} generation=2 duration_ms=0"),
            again.clone(),
            again.clone(),
            again,
        ]
    );
}

/// R3: a refused retry tells of its token too.
#[tokio::test]
async fn a_refused_retry_is_told() {
    let (capture, _guard) = Capture::start();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let server = refused(&layer).await;
    server.accept("none of them");
    capture.lines();

    let response = send(&layer, &server).await.unwrap();

    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let last = capture.lines().pop();
    let new = fingerprint("t2");
    let line = format!("INFO job: token refused fingerprint={new} generation=2");
    assert_eq!(last, Some(line));
}

/// L1, L3: a login that will not succeed by itself is a warning, and says until when it is closed.
/// Each request that is throttled says so as well.
#[tokio::test(start_paused = true)]
async fn a_rejected_login_is_a_warning() {
    let (capture, _guard) = Capture::start();
    for (error, pause) in [
        (AuthError::rejected("wrong password"), 60),
        (AuthError::misconfigured("no such path"), 1),
    ] {
        let layer = BearerAuthLayer::new(ScriptedSource::open().script([Err(error.clone())]));
        send(&layer, &Server::new()).await.unwrap_err();
        sleep(Duration::from_millis(500)).await;
        send(&layer, &Server::new()).await.unwrap_err();
        let (closed, left) = (pause * 1_000, pause * 1_000 - 500);
        let next = if pause == 1 { "500ms" } else { "60s" };
        assert_eq!(
            capture.lines(),
            [
                "INFO job: (login) cause=\"first\"".to_owned(),
                format!("WARN job login: login failed error={error} retry_after_ms={closed}"),
                format!(
                    "DEBUG job: login throttled error={error} (remembered; next login in {next}) \
                     retry_after_ms={left}"
                ),
            ]
        );
    }
}

/// L2: an outage in which requests have no token is a warning as well, one in which they have is not.
#[tokio::test(start_paused = true)]
async fn an_outage_is_a_warning_only_if_requests_have_no_token() {
    let (capture, _guard) = Capture::start();
    let down = || Err(AuthError::unavailable("down").with_retry_after(Duration::from_secs(7)));
    let short = token("t1").expires_in(Duration::from_secs(100));
    let script = [down(), Ok(short), down(), down()];
    let layer = BearerAuthLayer::new(ScriptedSource::open().script(script));
    let failed = || {
        let mut lines = capture.lines();
        lines.retain(|line| line.contains("login failed"));
        lines
    };
    let told = |pause| format!("login failed error=login unavailable: down retry_after_ms={pause}");

    send(&layer, &Server::new()).await.unwrap_err();
    assert_eq!(failed(), [format!("WARN job login: {}", told(7_000))]);

    sleep(Duration::from_secs(7)).await;
    send(&layer, &Server::new()).await.unwrap();
    sleep(Duration::from_secs(99)).await;
    send(&layer, &Server::new()).await.unwrap();
    yield_now().await;
    assert_eq!(failed(), [format!("INFO login: {}", told(1_000))]);

    sleep(Duration::from_secs(7)).await;
    send(&layer, &Server::new()).await.unwrap_err();
    assert_eq!(failed(), [format!("WARN job login: {}", told(7_000))]);
}

/// L1, L3, T6: a renewal ahead that will not succeed by itself is a warning, although requests have
/// a token.
#[tokio::test(start_paused = true)]
async fn a_rejected_renewal_ahead_is_a_warning() {
    let (capture, _guard) = Capture::start();
    for error in [
        AuthError::rejected("wrong password"),
        AuthError::misconfigured("no such path"),
    ] {
        let short = token("t1").expires_in(Duration::from_secs(100));
        let script = [Ok(short), Err(error.clone())];
        let layer = BearerAuthLayer::new(ScriptedSource::open().script(script));
        send(&layer, &Server::new()).await.unwrap();
        sleep(Duration::from_secs(99)).await;
        send(&layer, &Server::new()).await.unwrap();
        yield_now().await;
        let mut lines = capture.lines();
        lines.retain(|line| line.contains("login failed"));
        let line = format!("WARN login: login failed error={error} retry_after_ms=1000");
        assert_eq!(lines, [line]);
    }
}

/// T3, L2: a source that panics is told within its login too, with what it said.
#[tokio::test(start_paused = true)]
async fn a_panic_of_the_source_is_told() {
    let (capture, _guard) = Capture::start();
    let source = source_fn(Origins::any(), |_| async {
        std::panic::resume_unwind(Box::new("on purpose"))
    });
    let session = Session::builder(source).outage_backoff(Duration::ZERO, Duration::ZERO);
    asked(session.build().token()).await.unwrap_err();
    let failed = "WARN job login: login failed error=login unavailable: \
                  the token source panicked: on purpose retry_after_ms=0";
    assert_eq!(capture.lines()[1..], [failed]);
}

/// R6: that fresh tokens are refused again and again is a warning, once for each time that this
/// closes logins.
#[tokio::test(start_paused = true)]
async fn logins_that_do_not_help_are_a_warning() {
    let (capture, _guard) = Capture::start();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let server = Server::accepting("none of them");
    for _ in 0..3 {
        let retried = send(&layer, &server).await.unwrap();
        assert!(explanation(&retried).is_none());
    }
    let throttled = send(&layer, &server).await.unwrap();
    let error = explanation(&throttled).unwrap();
    assert!(error.is_throttled(), "{error}");
    let mut lines = capture.lines();
    lines.retain(|line| !line.starts_with("INFO") && !line.contains("request retried"));
    assert_eq!(
        lines,
        [
            "WARN job: logins do not help: new tokens keep being refused retry_after_ms=1000"
                .to_owned(),
            format!("DEBUG job: login throttled error={error} retry_after_ms=1000"),
        ]
    );
}

/// T6: a renewal ahead is no part of the request that came upon it, and follows from it.
#[tokio::test(start_paused = true)]
async fn a_renewal_ahead_follows_from_the_request_that_came_upon_it() {
    let (capture, _guard) = Capture::start();
    let short = token("t1").expires_in(Duration::from_secs(100));
    let layer = BearerAuthLayer::new(ScriptedSource::open().script([Ok(short)]));
    send(&layer, &Server::new()).await.unwrap();
    sleep(Duration::from_secs(99)).await;
    capture.lines();

    send(&layer, &Server::new()).await.unwrap();
    sleep(Duration::from_secs(10)).await;

    let (old, new) = (fingerprint("t1"), fingerprint("t2"));
    assert_eq!(
        capture.lines(),
        [
            format!("DEBUG job: token about to expire fingerprint={old} generation=1"),
            format!("INFO : (login) cause=\"ahead\" stale={old}"),
            "(login) follows from (job)".to_owned(),
            format!("INFO login: logged in fingerprint={new} generation=2 duration_ms=0"),
        ]
    );
}

/// B1: that a body was too large to be kept is told, be it known before or found on the way.
#[tokio::test]
async fn a_body_over_the_limit_is_told() {
    let (capture, _guard) = Capture::start();
    let line = "DEBUG job: request not retried: its body was not kept limit=3";
    let layer = BearerAuthLayer::new(ScriptedSource::open()).replay_limit(3);
    let server = refused(&layer).await;
    let known = layer.layer(server.service::<Body>()).oneshot(post("long"));
    let response = asked(known).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(not_retried(&capture), [line]);

    layer.session().token().await.unwrap();
    server.accept("t3");
    let streamed = stream::iter([Ok::<_, BoxError>(Frame::data(Bytes::from("long")))]);
    let found = post("").map(|_| StreamBody::new(streamed));
    let client = layer.layer(server.service());
    let response = asked(client.oneshot(found)).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(not_retried(&capture), [line]);
}

/// B1: likewise while the upload goes on and the login is under way.
#[tokio::test(start_paused = true)]
async fn a_body_that_grows_over_the_limit_during_the_login_is_told() {
    let (capture, _guard) = Capture::start();
    let desk = ScriptedSource::closed_after(1);
    let layer = BearerAuthLayer::new(desk.clone()).replay_limit(3);
    layer.session().token().await.unwrap();
    let (mut upload, body) = Channel::<Bytes>::new(1);
    let uploading = service_fn(async |request: Request<ReplayBody<Channel<Bytes>>>| {
        tokio::spawn(request.into_body().collect());
        let refused = Response::builder().status(401).body("");
        Ok::<_, BoxError>(refused.unwrap())
    });
    let client = layer.layer(uploading);

    let response = tokio::spawn(asked(client.oneshot(post("").map(|_| body))));
    sleep(Duration::from_millis(900)).await;
    assert_eq!(desk.logins(), 2);
    upload.send_data(Bytes::from("long")).await.unwrap();
    sleep(Duration::from_millis(900)).await;
    assert_eq!(not_retried(&capture), [""; 0]);
    desk.let_through(1);
    let response = response.await.unwrap().unwrap();

    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let line = "DEBUG job: request not retried: its body was not kept limit=3";
    assert_eq!(not_retried(&capture), [line]);
}

fn not_retried(capture: &Capture) -> Vec<String> {
    let mut lines = capture.lines();
    lines.retain(|line| line.contains("not retried"));
    lines
}

/// A login tells how long it took, and how long its token lives, where that is known.
#[tokio::test(start_paused = true)]
async fn a_login_tells_its_duration_and_the_lifetime_of_its_token() {
    let (capture, _guard) = Capture::start();
    let session = Session::new(source_fn(Origins::any(), |_| async {
        sleep(Duration::from_millis(3_250)).await;
        Ok(token("t1").expires_in(Duration::from_secs(90)))
    }));
    session.token().await.unwrap();
    let line = format!(
        "INFO login: logged in fingerprint={} generation=1 lifetime_ms=90000 duration_ms=3250",
        fingerprint("t1")
    );
    assert_eq!(capture.lines()[1..], [line]);
}

/// S3: a request that passes untouched says why; a login of the session's own is no such request.
#[tokio::test]
async fn a_request_that_is_left_alone_tells_the_reason() {
    let (capture, _guard) = Capture::start();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let client = layer.layer(Server::new().service::<Body>());
    let mut own = get(URI);
    let value = HeaderValue::from_static("Bearer own");
    own.headers_mut().insert("authorization", value);
    asked(client.clone().oneshot(own)).await.unwrap();
    let mut without = get(URI);
    without.extensions_mut().insert(NoAuth);
    asked(client.oneshot(without)).await.unwrap();
    let told = "DEBUG job: request left alone reason=";
    assert_eq!(
        capture.lines(),
        [
            format!("{told}\"it has the header already\""),
            format!("{told}\"it has the extension `NoAuth`\""),
        ]
    );

    // A login that goes through the stack that it authenticates.
    let api = Api::new().account("me", "right");
    let stack = Arc::new(OnceLock::new());
    let through = stack.clone();
    let login = service_fn(move |request: Request<Full<Bytes>>| {
        let stack: &BearerAuth<_> = through.get().unwrap();
        stack.clone().oneshot(request)
    });
    let form = Form::new(login, "https://api.example.com", "me", "right").unwrap();
    let inner = service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
        let answer: BoxFuture<'static, _> = Box::pin(api.clone().oneshot(request));
        answer
    });
    let client = stack.get_or_init(|| BearerAuthLayer::new(form).layer(inner));
    let request = get("https://api.example.com/users/me");
    let response = client.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let lines = capture.lines();
    assert!(lines.iter().any(|line| line.contains("logged in")));
    assert!(!lines.iter().any(|line| line.contains("left alone")));
}

/// S1: that a request goes to a foreign origin is a warning for the first one of a session.
#[tokio::test]
async fn the_first_request_to_a_foreign_origin_is_a_warning() {
    let (capture, _guard) = Capture::start();
    let server = Server::new();
    for _ in 0..2 {
        let layer = BearerAuthLayer::new(ScriptedSource::scoped("https://api.example.com"));
        for level in ["WARN", "DEBUG", "DEBUG"] {
            // Each service is one of its own, and the session is the same.
            let client = layer.layer(server.service::<Body>());
            let request = asked(client.oneshot(get("https://cdn.example.com/file")));
            let response = request.await.unwrap();
            let error = explanation(&response).unwrap();
            let line = format!("{level} job: request sent without a token error={error}");
            assert_eq!(capture.lines(), [line]);
        }
    }
}

/// Each event and each span has the name of its session, if it has one.
#[tokio::test(start_paused = true)]
async fn every_event_and_span_has_the_name_of_its_session() {
    for name in [Some("reports"), None] {
        let (capture, _guard) = Capture::start();
        everything(name).await;
        let lines = capture.lines();
        for told in [
            "(login)",
            "logged in",
            "login failed",
            "login throttled",
            "logins do not help",
            "request left alone",
            "request not retried",
            "request retried",
            "request sent without a token",
            "token about to expire",
            "token refused",
        ] {
            let told: Vec<_> = lines.iter().filter(|line| line.contains(told)).collect();
            assert!(!told.is_empty(), "{lines:#?}");
            for line in told.iter().filter(|line| !line.contains("follows from")) {
                match name {
                    Some(_) => assert!(line.contains(" session=\"reports\""), "{line}"),
                    None => assert!(!line.contains("session="), "{line}"),
                }
            }
        }
    }
}

/// Makes each event of this crate at least once.
async fn everything(name: Option<&str>) {
    let short = || Ok(token("short").expires_in(Duration::from_secs(100)));
    let script = [Err(AuthError::unavailable("down")), short(), short()];
    let source = ScriptedSource::scoped("https://api.example.com").script(script);
    let builder = Session::builder(source);
    let session = match name {
        Some(name) => builder.name(name).build(),
        None => builder.build(),
    };
    assert_eq!(session.name(), name);
    let layer = BearerAuthLayer::from_session(session).replay_limit(3);
    let server = Server::new();
    fails_and_renews_ahead(&layer, &server).await;
    let client = layer.layer(server.service::<Body>());
    let foreign = get("https://cdn.example.com/file");
    client.clone().oneshot(foreign).await.unwrap();
    let mut left_alone = get(URI);
    left_alone.extensions_mut().insert(NoAuth);
    client.clone().oneshot(left_alone).await.unwrap();
    server.accept("none of them");
    client.oneshot(post("long")).await.unwrap();
    // Until logins are seen not to help.
    for _ in 0..10 {
        send(&layer, &server).await.unwrap();
    }
}

/// A login that fails, one that brings a token for 100 seconds, and one ahead of its expiry.
async fn fails_and_renews_ahead(layer: &BearerAuthLayer, server: &Server) {
    send(layer, server).await.unwrap_err();
    send(layer, server).await.unwrap_err();
    sleep(Duration::from_secs(1)).await;
    send(layer, server).await.unwrap();
    sleep(Duration::from_secs(99)).await;
    send(layer, server).await.unwrap();
    sleep(Duration::from_secs(1)).await;
}

/// A subscriber may ask the session: nothing is told while its lock is held.
#[tokio::test(start_paused = true)]
async fn a_subscriber_may_ask_the_session() {
    let session = Arc::new(OnceLock::<Session>::new());
    let asked_of = session.clone();
    let (capture, _guard) = Capture::doing(move || {
        let session = asked_of.get().unwrap().clone();
        let (sender, answer) = mpsc::channel();
        // On a thread of its own, lest the test hangs where it should fail.
        thread::spawn(move || sender.send(session.stats().logins));
        let logins = answer.recv_timeout(Duration::from_secs(20));
        assert!(logins.is_ok(), "the session is locked");
    });
    let short = token("t1").expires_in(Duration::from_secs(100));
    let failing = AuthError::unavailable("down");
    let desk = ScriptedSource::open().script([Err(failing), Ok(short), Ok(token("t2"))]);
    let layer = BearerAuthLayer::new(desk);
    session.set(layer.session().clone()).unwrap();
    let server = Server::new();

    fails_and_renews_ahead(&layer, &server).await;
    server.accept("none of them");
    for _ in 0..4 {
        send(&layer, &server).await.unwrap();
    }
    let issued = layer.session().token().await.unwrap();
    layer.session().invalidate(&issued);

    let lines = capture.lines().join("\n");
    for told in [
        "(login)",
        "login failed",
        "login throttled",
        "logged in",
        "token about to expire",
        "token refused",
        "request retried",
        "do not help",
    ] {
        assert!(lines.contains(told), "nothing told of `{told}`:\n{lines}");
    }
}
