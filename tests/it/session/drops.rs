//! The user's values, which the session drops without its lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::sleep;
use tower_bearer::{AuthError, Origins, Session, source_fn};

use crate::support::{ScriptedSource, secs, settle, token};

/// T7, D6: what came with a token is a user's, and is dropped without a deadlock however the session
/// lets go of the token.
#[test]
fn what_came_with_a_token_is_not_dropped_under_the_lock() {
    struct LooksAtTheSession(Session);
    impl Drop for LooksAtTheSession {
        fn drop(&mut self) {
            self.0.stats();
        }
    }
    async fn run() {
        let own: Arc<std::sync::OnceLock<Session>> = Arc::default();
        let source = || {
            let (own, number) = (own.clone(), AtomicUsize::new(0));
            source_fn(Origins::any(), move |_| {
                let number = number.fetch_add(1, Ordering::SeqCst);
                let looks = LooksAtTheSession(own.get().unwrap().clone());
                async move {
                    sleep(secs(1)).await;
                    Ok(token(&format!("t{number}")).with_extension(looks))
                }
            })
        };
        let session = own.get_or_init(|| Session::new(source()));
        for _ in 0..3 {
            // Renewed, and then two before it are gone.
            let token = session.token().await.unwrap();
            session.invalidate(&token);
        }
        drop(session.sign_out());
        session.token().await.unwrap();
        session.replace_source(source());
        let late = tokio::spawn(session.token());
        settle().await;
        session.replace_source(ScriptedSource::open());
        late.await.unwrap().unwrap();
        sleep(secs(2)).await;
    }
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build();
        runtime.unwrap().block_on(run());
        done.send(()).unwrap();
    });
    // A deadlock would last for ever.
    is_done.recv_timeout(secs(60)).unwrap();
}

/// T7: the error of a login that counts no more may be dropped by whoever holds it last, with code
/// of the user's in it, without a deadlock.
#[tokio::test(start_paused = true)]
async fn a_late_error_is_not_dropped_under_the_lock() {
    #[derive(Debug)]
    struct LooksAtTheSession(Session);
    impl Drop for LooksAtTheSession {
        fn drop(&mut self) {
            assert_eq!(self.0.stats().logins_failed, 0);
        }
    }
    impl std::fmt::Display for LooksAtTheSession {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("late")
        }
    }
    impl std::error::Error for LooksAtTheSession {}

    let own: Arc<std::sync::OnceLock<Session>> = Arc::default();
    let source = {
        let own = own.clone();
        source_fn(Origins::any(), move |_| {
            let session = own.get().unwrap().clone();
            async move {
                sleep(secs(1)).await;
                Err(AuthError::unavailable(LooksAtTheSession(session)))
            }
        })
    };
    let session = own.get_or_init(|| Session::new(source));
    let waiting = tokio::spawn(session.token());
    settle().await;
    session.replace_source(ScriptedSource::open());
    assert_eq!(waiting.await.unwrap().unwrap().expose(), "t1");
    sleep(secs(2)).await;
    assert_eq!(session.stats().logins, 2);
}
