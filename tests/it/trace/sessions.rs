//! All events of a session: they have its name, and are told without its lock.

use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use tokio::time::sleep;
use tower::{Layer, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer, NoAuth, Session};

use super::capture::Capture;
use super::{URI, send};
use crate::support::{Body, ScriptedSource, Server, get, post, token};

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
