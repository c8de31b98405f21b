//! Which sessions are forgotten, and which never are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use tokio::time::sleep;
use tokio_test::{assert_pending, task};
use tower_bearer::{AuthError, Origins, Session, Sessions, source_fn};

use super::{name, numbered, session};
use crate::support::{ScriptedSource, secs, token};

/// M2: there are never more sessions than there may be, and the least recently used one goes.
#[tokio::test(start_paused = true)]
async fn the_least_recently_used_session_makes_room() {
    let sessions = numbered().capacity(2);
    assert_eq!(name(&sessions, 1), "1 as 0");
    assert_eq!(name(&sessions, 2), "2 as 1");
    assert_eq!(name(&sessions, 1), "1 as 0");
    assert_eq!(name(&sessions, 3), "3 as 2");
    assert_eq!(sessions.len(), 2);
    assert_eq!(name(&sessions, 1), "1 as 0");
    assert_eq!(name(&sessions, 2), "2 as 3");
}

/// M2: a session that somebody holds stays, so that its key has never two. Without room for another
/// one there is an error.
#[tokio::test(start_paused = true)]
async fn a_session_in_use_is_not_forgotten() {
    let sessions = numbered().capacity(2);
    let held = [sessions.get(&1).unwrap(), sessions.get(&2).unwrap()];
    let error = sessions.get(&3).unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(
        error.to_string().contains("all 2 sessions are in use"),
        "{error}"
    );
    sleep(secs(7_200)).await;
    assert_eq!(name(&sessions, 1), held[0].name().unwrap());
    drop(held);
    assert_eq!(name(&sessions, 3), "3 as 3");
}

/// M2: a session that was not used for an hour is forgotten at the next use of any.
#[tokio::test(start_paused = true)]
async fn an_idle_session_is_forgotten() {
    let sessions = numbered();
    name(&sessions, 1);
    sleep(secs(1_800)).await;
    name(&sessions, 2);
    sleep(secs(1_800) - Duration::from_millis(1)).await;
    assert_eq!(
        (name(&sessions, 2), sessions.len()),
        ("2 as 1".to_owned(), 2)
    );
    sleep(Duration::from_millis(1)).await;
    assert_eq!(
        (name(&sessions, 2), sessions.len()),
        ("2 as 1".to_owned(), 1)
    );
    assert_eq!(name(&sessions, 1), "1 as 2");
}

/// M2: nobody holds the session, but its login does.
#[tokio::test(start_paused = true)]
async fn a_session_with_a_login_under_way_is_not_forgotten() {
    let source = ScriptedSource::closed();
    let sessions = Sessions::new({
        let source = source.clone();
        move |_: &u32| Ok(Session::new(source.clone()))
    });
    let sessions = sessions.capacity(1);
    let mut waiting = task::spawn(sessions.get(&1).unwrap().token());
    assert_pending!(waiting.poll());
    drop(waiting);
    tokio::task::yield_now().await;
    assert_eq!(source.logins(), 1);
    assert!(sessions.get(&2).unwrap_err().is_unavailable());
    source.let_through(1);
    tokio::task::yield_now().await;
    sessions.get(&2).unwrap();
}

/// M2, L1: a wrong password is tried as often as if all sessions were kept, however many other keys
/// ask for room.
#[tokio::test(start_paused = true)]
async fn a_latched_session_is_not_forgotten() {
    let tries = Arc::new(AtomicUsize::new(0));
    let sessions = Sessions::new({
        let tries = tries.clone();
        move |key: &u32| {
            let (key, tries) = (*key, tries.clone());
            let login = move |_| {
                let is_wrong = key == 0;
                tries.fetch_add(usize::from(is_wrong), Ordering::SeqCst);
                let outcome = match is_wrong {
                    true => Err(AuthError::rejected("wrong password")),
                    false => Ok(token("good")),
                };
                async move { outcome }
            };
            Ok(Session::new(source_fn(Origins::any(), login)))
        }
    });
    let sessions = sessions.capacity(3).idle_timeout(secs(5));
    // What one session makes of it in an hour: at 0, 1, 3, 7, 15 and 31 minutes.
    for second in 0..3_600 {
        let wrong = sessions.get(&0).unwrap().token().await.unwrap_err();
        assert!(wrong.is_rejected(), "{wrong}");
        let other = sessions.get(&(1 + second)).unwrap();
        other.token().await.unwrap();
        sleep(secs(1)).await;
    }
    assert_eq!(tries.load(Ordering::SeqCst), 6);
    assert!(sessions.len() <= 3);
    // Asked for more rarely than its latch lasts, and less than that again.
    let before = tries.load(Ordering::SeqCst);
    for _ in 0..10 {
        sleep(secs(600)).await;
        sessions.get(&0).unwrap().token().await.unwrap_err();
    }
    assert_eq!(tries.load(Ordering::SeqCst) - before, 2);
}

/// M2: where all that could go are latched there is no room, until a latch has ended.
#[tokio::test(start_paused = true)]
async fn a_latch_that_has_ended_makes_room() {
    let wrong = || Err(AuthError::rejected("wrong password"));
    let sessions =
        Sessions::new(move |_: &u32| Ok(Session::new(ScriptedSource::open().script([wrong()]))));
    let sessions = sessions.capacity(1);
    sessions.get(&1).unwrap().token().await.unwrap_err();
    assert!(sessions.get(&2).unwrap_err().is_unavailable());
    sleep(secs(60)).await;
    sessions.get(&2).unwrap();
    assert_eq!(sessions.len(), 1);
}

/// M2: nor is one forgotten that is being made.
#[test]
fn a_session_that_is_being_made_is_not_forgotten() {
    let (begun, end) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let sessions = Sessions::new({
        let (begun, end) = (begun.clone(), end.clone());
        move |key: &u32| {
            if *key == 1 {
                begun.wait();
                end.wait();
            }
            Ok(session("made"))
        }
    });
    let sessions = sessions.capacity(1);
    thread::scope(|scope| {
        let making = scope.spawn(|| sessions.get(&1).map(drop));
        begun.wait();
        let other = sessions.get(&2);
        end.wait();
        assert!(other.unwrap_err().is_unavailable());
        making.join().unwrap().unwrap();
    });
    sessions.get(&2).unwrap();
}
