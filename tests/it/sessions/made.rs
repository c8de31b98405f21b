//! How the session of a key is made, and removed by hand.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use tower_bearer::{AuthError, Origins, Session, Sessions, source_fn};

use super::{name, numbered, session};
use crate::support::{ScriptedSource, token};

/// M2: however many ask for a key at once, its session is made once, and all get it.
#[test]
fn the_session_of_a_key_is_made_once() {
    let (sessions, barrier) = (numbered(), Barrier::new(8));
    let names = || {
        barrier.wait();
        (0..100).map(|key| name(&sessions, key)).collect::<Vec<_>>()
    };
    let names = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(names)).collect();
        threads
            .into_iter()
            .map(|it| it.join().unwrap())
            .collect::<Vec<_>>()
    });
    let mut numbers: Vec<usize> = names[0]
        .iter()
        .map(|name| name.split_once(" as ").unwrap().1.parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..100));
    assert!(names.iter().all(|others| *others == names[0]));
    assert_eq!(sessions.len(), 100);
}

/// M2: what cannot be made is an error, and is made the next time.
#[test]
fn a_session_that_could_not_be_made_is_made_the_next_time() {
    let tries = AtomicUsize::new(0);
    let sessions = Sessions::new(move |_: &u32| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Err(AuthError::misconfigured("no such tenant").into()),
        1 => std::panic::resume_unwind(Box::new("on purpose")),
        _ => Ok(session("alice")),
    });
    assert!(sessions.get(&1).unwrap_err().is_misconfigured());
    assert_eq!(sessions.len(), 0);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sessions.get(&1)));
    assert!(panicked.is_err());
    sessions.get(&1).unwrap();
    assert_eq!(sessions.len(), 1);
}

/// M2: keys that nobody knows push no session out.
#[tokio::test(start_paused = true)]
async fn a_key_without_a_session_takes_no_room() {
    let made = AtomicUsize::new(0);
    let sessions = Sessions::new(move |key: &u32| match key {
        0 | 1 => {
            let name = made.fetch_add(1, Ordering::SeqCst).to_string();
            Ok(Session::builder(ScriptedSource::open()).name(name).build())
        }
        _ => Err("no such tenant".into()),
    });
    let sessions = sessions.capacity(2);
    assert_eq!(
        (name(&sessions, 0), name(&sessions, 1)),
        ("0".to_owned(), "1".to_owned())
    );
    for unknown in 2..100 {
        assert!(sessions.get(&unknown).unwrap_err().is_misconfigured());
    }
    assert_eq!(
        (name(&sessions, 0), name(&sessions, 1)),
        ("0".to_owned(), "1".to_owned())
    );
    assert_eq!(sessions.len(), 2);
}

/// M2: nor do keys whose session cannot be made because of a panic, and the next call tries again.
#[test]
fn a_key_whose_session_panics_takes_no_room() {
    let panics = AtomicBool::new(true);
    let sessions = Sessions::new(move |key: &u32| {
        let last_panics = *key == 99 && panics.swap(false, Ordering::SeqCst);
        assert!(*key >= 99 && !last_panics, "no such tenant");
        Ok(session("made"))
    });
    let sessions = sessions.capacity(2);
    for unknown in 0..100 {
        let outcome = catch_unwind(AssertUnwindSafe(|| sessions.get(&unknown).map(drop)));
        assert!(outcome.is_err(), "{unknown}");
    }
    assert_eq!(sessions.len(), 0);
    sessions.get(&99).unwrap();
    assert_eq!(sessions.len(), 1);
}

/// M2: a session that is removed is the caller's, and its key gets another one.
#[tokio::test(start_paused = true)]
async fn a_removed_session_is_returned() {
    let sessions = numbered();
    name(&sessions, 1);
    assert!(!sessions.is_empty());
    assert_eq!(sessions.remove(&1).unwrap().name(), Some("1 as 0"));
    assert!(sessions.remove(&1).is_none() && sessions.is_empty());
    assert_eq!(name(&sessions, 1), "1 as 1");
}

/// M2: who asks for a session while another removes it gets that one, or the one that all others
/// get from then on.
#[test]
fn a_key_has_no_second_session_when_it_is_removed_meanwhile() {
    /// What a session's source has, here to stop whoever forgets the session.
    struct Stop([Arc<Barrier>; 2]);

    impl Drop for Stop {
        fn drop(&mut self) {
            for barrier in &self.0 {
                barrier.wait();
            }
        }
    }

    let barriers = [(); 2].map(|()| Arc::new(Barrier::new(2)));
    let made = AtomicUsize::new(0);
    let sessions = Sessions::new({
        let barriers = barriers.clone();
        move |key: &u32| {
            let stop = (*key == 0).then(|| Stop(barriers.clone()));
            let login = move |_| {
                let _held = &stop;
                async { Ok(token("good")) }
            };
            let name = made.fetch_add(1, Ordering::SeqCst).to_string();
            let session = Session::builder(source_fn(Origins::any(), login));
            Ok(session.name(name).build())
        }
    });
    let sessions = sessions.idle_timeout(Duration::ZERO);
    let first = sessions.get(&1).unwrap();
    drop(sessions.get(&0).unwrap());
    let [begun, end] = barriers;
    let (second, removed) = thread::scope(|scope| {
        // Forgets the other session, after it has found the entry of its own.
        let asking = scope.spawn(|| sessions.get(&1).unwrap());
        begun.wait();
        let removed = sessions.remove(&1).unwrap();
        end.wait();
        (asking.join().unwrap(), removed)
    });
    assert_eq!(removed.name(), first.name());
    assert_ne!(second.name(), first.name());
    assert_eq!(sessions.get(&1).unwrap().name(), second.name());
    assert_eq!(sessions.len(), 1);
}
