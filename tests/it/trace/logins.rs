//! What is told of a login that succeeds, and where.

use std::time::Duration;

use tokio::time::sleep;
use tower_bearer::{BearerAuthLayer, Origins, Session, source_fn};

use super::capture::Capture;
use super::{asked, fingerprint, send};
use crate::support::{ScriptedSource, Server, token};

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
