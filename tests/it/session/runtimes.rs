//! Logins whose runtime shuts down, stands still or is not there.

use std::pin::pin;
use std::task::{Context, Waker};

use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready};
use tower::{ServiceBuilder, ServiceExt};
use tower_bearer::{BearerAuthLayer, Session};

use super::URI;
use crate::support::{ScriptedSource, Server, get, millis};

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

/// T3, L2: when the runtime of a login shuts down, a waiter elsewhere begins it anew, once. Two such
/// losses in a row are an outage.
#[test]
fn a_login_lost_with_its_runtime_is_begun_anew_once() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let (first, second, third) = (runtime(), runtime(), runtime());
    let mut waiter = tokio_test::task::spawn(session.token());
    first.block_on(async {
        assert_pending!(waiter.poll());
        tokio::task::yield_now().await;
    });
    assert_eq!(desk.logins(), 1);
    drop(first);
    assert!(waiter.is_woken());
    second.block_on(async {
        assert_pending!(waiter.poll());
        tokio::task::yield_now().await;
    });
    assert_eq!(desk.logins(), 2);
    drop(second);
    let error = third.block_on(async { assert_ready!(waiter.poll()).unwrap_err() });
    assert!(error.is_unavailable() && !error.is_timeout(), "{error}");
    assert!(error.to_string().contains("lost twice"), "{error}");
    third.block_on(async {
        let error = session.token().await.unwrap_err();
        assert!(error.is_unavailable() && !error.is_timeout(), "{error}");
        let pause = error.retry_after().unwrap();
        assert!((millis(125)..=millis(250)).contains(&pause), "{pause:?}");
        assert_eq!(desk.logins(), 2);
        advance(pause).await;
        desk.let_through(1);
        let brought = session.token().await.unwrap();
        assert_eq!((brought.expose(), desk.logins()), ("t3", 3));
    });
}

/// T3: a runtime that stands still hangs neither a waiter that moved on nor those who come later.
#[test]
fn a_login_on_a_runtime_that_stands_still_wedges_nobody() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let still = runtime();
    let mut moved = pin!(session.token());
    still.block_on(async {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(moved.as_mut().poll(&mut cx).is_pending());
        tokio::task::yield_now().await;
    });
    let live = runtime();
    let error = live.block_on(moved).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    desk.let_through(2);
    assert_eq!(live.block_on(session.token()).unwrap().expose(), "t2");
    // What the lost login brings when its runtime moves again is not kept.
    still.block_on(async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(live.block_on(session.token()).unwrap().expose(), "t2");
}

/// T3: without a runtime, or without a timer, there is an error that says so.
#[test]
fn without_runtime_or_timer_there_is_an_error() {
    let desk = ScriptedSource::open();
    let session = Session::new(desk.clone());
    let error = futures::executor::block_on(session.token()).unwrap_err();
    assert!(
        error.is_misconfigured() && error.to_string().contains("runtime"),
        "{error}"
    );

    let mut builder = tokio::runtime::Builder::new_current_thread();
    let timeless = builder.build().unwrap();
    let error = timeless.block_on(session.token()).unwrap_err();
    assert!(error.to_string().contains("enable_time"), "{error}");

    assert_eq!(desk.logins(), 0);
    assert!(runtime().block_on(session.token()).is_ok());
    // With a token in hand neither is needed.
    let service = ServiceBuilder::new()
        .layer(BearerAuthLayer::from_session(session))
        .service(Server::new().service());
    assert!(futures::executor::block_on(service.oneshot(get(URI))).is_ok());
}

/// T3: a login lost with its runtime closes nothing where it is the first in a row: the next one
/// begins at once.
#[test]
fn the_first_lost_login_closes_nothing() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    for lost in 1..=3 {
        let short_lived = runtime();
        short_lived.block_on(async {
            assert_pending!(tokio_test::task::spawn(session.token()).poll());
            tokio::task::yield_now().await;
        });
        drop(short_lived);
        // One that succeeds ends the row.
        desk.let_through(1);
        let brought = runtime().block_on(session.token()).unwrap();
        assert_eq!(brought.expose(), format!("t{}", 2 * lost));
        assert_eq!(desk.logins(), 2 * lost);
        assert!(session.invalidate(&brought));
    }
}
