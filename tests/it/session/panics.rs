//! Panics of a source, and of who waits.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use tokio::time::sleep;
use tokio_test::task::Spawn;
use tokio_test::{assert_pending, assert_ready};
use tower::{Layer, ServiceExt};
use tower_bearer::{BearerAuthLayer, Origins, Session, TokenFuture, source_fn};

use super::URI;
use crate::support::{ScriptedSource, Server, get, secs, settle, token};

/// T3, L2: a source that panics is an error for its waiters, with the panic's own words, and the
/// next request works.
#[tokio::test(start_paused = true)]
async fn a_source_that_panics_fails_its_waiters_and_not_the_next() {
    let panics: [fn(); 3] = [
        || resume_unwind(Box::new("on purpose")),
        || resume_unwind(Box::new(format!("on {}", "purpose"))),
        || resume_unwind(Box::new(7)),
    ];
    for (panic, text) in panics.into_iter().zip([": on purpose", ": on purpose", ""]) {
        for panic_at_once in [true, false] {
            let calls = Arc::new(AtomicUsize::new(0));
            let session = Session::new(source_fn(Origins::any(), move |_| {
                let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
                if first && panic_at_once {
                    panic();
                }
                async move {
                    tokio::task::yield_now().await;
                    if first {
                        panic();
                    }
                    Ok(token("t"))
                }
            }));
            let (first, second) = tokio::join!(session.token(), session.token());
            for error in [first.unwrap_err(), second.unwrap_err()] {
                assert!(error.is_unavailable(), "{error}");
                let said = error.get_ref().to_string();
                assert_eq!(said, format!("the token source panicked{text}"));
            }
            sleep(Duration::from_secs(1)).await;
            assert!(session.token().await.is_ok());
        }
    }
}

/// Some who wait for a token, among others who cannot be woken.
struct Waiters {
    good: [Spawn<TokenFuture>; 3],
    _poisonous: [Pin<Box<TokenFuture>>; 2],
}

impl Waiters {
    fn of(session: &Session) -> Self {
        struct Panics;

        impl Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("this task cannot be woken");
            }
        }

        let mut good = [(); 3].map(|()| tokio_test::task::spawn(session.token()));
        let mut poisonous = [(); 2].map(|()| Box::pin(session.token()));
        let waker = Waker::from(Arc::new(Panics));
        for (waiter, other) in good.iter_mut().zip(&mut poisonous) {
            let polled = other.as_mut().poll(&mut Context::from_waker(&waker));
            assert_pending!(polled);
            assert_pending!(waiter.poll());
        }
        assert_pending!(good[2].poll());
        Self {
            good,
            _poisonous: poisonous,
        }
    }

    fn all_get(self, token: &str) {
        for mut waiter in self.good {
            assert!(waiter.is_woken());
            assert_eq!(assert_ready!(waiter.poll()).unwrap().expose(), token);
        }
    }
}

/// T3, T4: a waiter whose waker panics keeps no other one asleep, nor the login from its end.
#[tokio::test(start_paused = true)]
async fn a_waker_that_panics_leaves_the_others_woken() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let waiters = Waiters::of(&session);
    desk.let_through(1);
    settle().await;
    waiters.all_get("t1");
    assert_eq!(session.token().await.unwrap().expose(), "t1");
}

/// T3, R7: nor at the end of the time for which a renewal holds them back.
#[tokio::test(start_paused = true)]
async fn a_waker_that_panics_at_the_end_of_a_hold_leaves_the_others_woken() {
    let (desk, server) = (ScriptedSource::closed_after(1), Server::accepting("t2"));
    let layer = BearerAuthLayer::new(desk.clone());
    layer.session().token().await.unwrap();
    let refused = tokio::spawn(layer.layer(server.service()).oneshot(get(URI)));
    settle().await;
    assert_eq!(desk.logins(), 2);
    let waiters = Waiters::of(layer.session());
    sleep(secs(3)).await;
    waiters.all_get("t1");
    desk.let_through(1);
    assert_eq!(refused.await.unwrap().unwrap().status(), 200);
}
