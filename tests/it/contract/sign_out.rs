//! T7: a sign-out takes effect at the call, and drops the login under way.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio_test::assert_pending;
use tower::{Layer, ServiceExt};
use tower_bearer::{BearerAuthLayer, Cause, Origins, Session, source_fn};

use super::URI;
use crate::support::{ScriptedSource, Server, auth_error, get, settle, token};

/// T7: a sign-out takes effect at the call: its future may be dropped, or awaited for the token that
/// was given up.
#[tokio::test(start_paused = true)]
async fn a_sign_out_takes_effect_whether_its_future_is_dropped_or_awaited() {
    for awaits in [true, false] {
        let (desk, server) = (ScriptedSource::open(), Server::new());
        let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
        client.clone().oneshot(get(URI)).await.unwrap();
        let session = client.session();
        let signing_out = session.sign_out();
        assert!(session.status().token().is_none(), "awaits: {awaits}");
        if awaits {
            assert_eq!(signing_out.await.unwrap().expose(), "t1");
        } else {
            drop(signing_out);
        }
        assert!(session.sign_out().await.is_none(), "it is given up once");
        client.clone().oneshot(get(URI)).await.unwrap();
        assert_eq!(server.tokens(), ["Bearer t1", "Bearer t2"]);
        assert_eq!(desk.causes(), [Cause::First, Cause::SignedOut]);
    }
}

/// T7: the future gives the token of its own sign-out, however late it is awaited.
#[tokio::test]
async fn a_late_sign_out_takes_no_newer_token_away() {
    let session = Session::new(ScriptedSource::open());
    session.token().await.unwrap();
    let signing_out = session.sign_out();
    assert_eq!(session.token().await.unwrap().expose(), "t2");
    assert_eq!(signing_out.await.unwrap().expose(), "t1");
    assert_eq!(session.token().await.unwrap().expose(), "t2");
}

/// T7: a request after a sign-out logs in at once, although the first login never ends.
#[tokio::test(start_paused = true)]
async fn a_request_after_a_sign_out_does_not_wait_for_the_abandoned_login() {
    let logins = Arc::new(AtomicUsize::new(0));
    let count = logins.clone();
    let layer = BearerAuthLayer::new(source_fn(Origins::any(), move |_| {
        let login = count.fetch_add(1, Ordering::SeqCst);
        async move {
            if login == 0 {
                pending::<()>().await;
            }
            Ok(token("second"))
        }
    }));
    let server = Server::new();
    let client = layer.layer(server.service());
    let before = tokio::spawn(client.clone().oneshot(get(URI)));
    settle().await;
    assert_eq!(logins.load(Ordering::SeqCst), 1);
    client.session().sign_out();
    // Without a pause of the clock: the limits of time have no part in it.
    let mut after = tokio_test::task::spawn(client.clone().oneshot(get(URI)));
    assert_pending!(after.poll());
    settle().await;
    assert!(after.is_woken(), "it waits for the abandoned login");
    assert_eq!(after.await.unwrap().status(), 200);
    assert_eq!(server.tokens(), ["Bearer second"]);
    assert!(auth_error(before.await.unwrap().unwrap_err()).is_signed_out());
}

/// T7: a sign-out and another source drop the fetch of the login under way, and not under the lock:
/// what is dropped with it may ask the session.
#[tokio::test(start_paused = true)]
async fn the_fetch_of_an_abandoned_login_is_dropped() {
    struct AsksWhenDropped(Session, Arc<AtomicUsize>);
    impl Drop for AsksWhenDropped {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::SeqCst);
            assert_eq!(self.0.stats().logins, 1);
        }
    }
    for signs_out in [true, false] {
        let own = Arc::new(OnceLock::<Session>::new());
        let dropped = Arc::new(AtomicUsize::new(0));
        let (asked, count) = (own.clone(), dropped.clone());
        let session = own.get_or_init(|| {
            Session::new(source_fn(Origins::any(), move |_| {
                let guard = AsksWhenDropped(asked.get().unwrap().clone(), count.clone());
                async move {
                    pending::<()>().await;
                    drop(guard);
                    Ok(token("never"))
                }
            }))
        });
        let mut waits = tokio_test::task::spawn(session.token());
        assert_pending!(waits.poll());
        settle().await;
        assert_eq!(dropped.load(Ordering::SeqCst), 0);
        if signs_out {
            session.sign_out();
        } else {
            session.replace_source(ScriptedSource::open());
        }
        settle().await;
        assert_eq!(dropped.load(Ordering::SeqCst), 1, "signs out: {signs_out}");
    }
}

/// T7: nor does one that was abandoned before its task ran ask its source.
#[tokio::test(start_paused = true)]
async fn a_login_that_is_abandoned_at_once_does_not_ask_its_source() {
    for signs_out in [true, false] {
        let desk = ScriptedSource::open();
        let session = Session::new(desk.clone());
        let mut waits = tokio_test::task::spawn(session.token());
        assert_pending!(waits.poll());
        assert_eq!(session.stats().logins, 1);
        if signs_out {
            session.sign_out();
        } else {
            session.replace_source(ScriptedSource::open());
        }
        settle().await;
        assert_eq!(desk.logins(), 0, "signs out: {signs_out}");
    }
}

/// T7, L2: sign-outs of a session without a login under way lose nothing, and close nothing.
#[tokio::test(start_paused = true)]
async fn sign_outs_between_logins_close_nothing() {
    let desk = ScriptedSource::open();
    let session = Session::new(desk.clone());
    for login in 1..=10 {
        assert_eq!(session.token().await.unwrap().expose(), format!("t{login}"));
        session.sign_out();
        session.sign_out();
        assert_eq!(session.status().next_login_in(), None);
    }
    assert_eq!(desk.logins(), 10);
}
