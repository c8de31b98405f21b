//! What is told of logins that fail or do not help.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::sleep;
use tower_bearer::{AuthError, BearerAuthLayer, Origins, Session, source_fn};

use super::capture::Capture;
use super::{asked, send};
use crate::support::{ScriptedSource, Server, explanation, token};

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
