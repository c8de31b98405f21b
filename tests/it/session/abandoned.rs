//! Logins that a sign-out abandons.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tower_bearer::{AuthError, Origins, Session, source_fn};

use crate::support::{ScriptedSource, secs, settle, token};

/// L2: sign-outs evade no pause. A login that they abandon may have tried the password, so the
/// second one in a row and each further one is an outage, whose pauses double up to 30 seconds.
#[tokio::test(start_paused = true)]
async fn abandoned_logins_in_a_row_are_an_outage() {
    let begun = Arc::new(Mutex::new(Vec::new()));
    let note = begun.clone();
    let session = Session::new(source_fn(Origins::any(), move |_| {
        note.lock().unwrap().push(Instant::now());
        async {
            sleep(Duration::from_millis(200)).await;
            Err(AuthError::rejected("wrong password"))
        }
    }));
    let started = Instant::now();
    while started.elapsed() < secs(3_600) {
        let before = begun.lock().unwrap().len();
        let waits = tokio::spawn(session.token());
        sleep(Duration::from_millis(100)).await;
        session.sign_out();
        let error = waits.await.unwrap().unwrap_err();
        if begun.lock().unwrap().len() > before {
            assert!(error.is_signed_out(), "{error}");
        } else {
            assert!(error.is_unavailable() && !error.is_timeout(), "{error}");
            assert!(error.retry_after().is_some());
        }
    }
    let begun = begun.lock().unwrap();
    let pauses: Vec<_> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // A request comes every 100 ms, and a login is abandoned after as long.
    let step = Duration::from_millis(100);
    assert_eq!(pauses[0], step, "the first loss closes nothing");
    for (row, pause) in pauses.iter().enumerate().skip(1) {
        let most = secs(30).min(Duration::from_millis(125) * 2_u32.pow(row.min(20) as u32));
        assert!(*pause >= step + most / 2, "after {row} in a row: {pause:?}");
        assert!(*pause <= 2 * step + most, "after {row} in a row: {pause:?}");
    }
    assert!(pauses.len() > 100, "only {} logins", pauses.len());
}

/// L2, T7: a login that ends takes the row of the abandoned ones back.
#[tokio::test(start_paused = true)]
async fn a_login_that_ends_clears_the_row_of_abandoned_ones() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    for logins in [1, 3, 5] {
        let waits = tokio::spawn(session.token());
        settle().await;
        assert_eq!(desk.logins(), logins);
        session.sign_out();
        assert!(waits.await.unwrap().unwrap_err().is_signed_out());
        // Each is the first in a row, and closes nothing.
        desk.let_through(1);
        session.token().await.unwrap();
        session.sign_out();
    }
}

/// T2: one login at a time, also around a sign-out, which drops the one under way.
#[tokio::test(start_paused = true)]
async fn one_login_at_a_time_around_sign_outs() {
    /// Counts those that are under way, and the most of them.
    struct UnderWay(Arc<AtomicUsize>);
    impl Drop for UnderWay {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let [now, most, begun] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
    let (n, m, b) = (now.clone(), most.clone(), begun.clone());
    let source = source_fn(Origins::any(), move |_| {
        b.fetch_add(1, Ordering::SeqCst);
        m.fetch_max(n.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let under_way = UnderWay(n.clone());
        async move {
            sleep(secs(20)).await;
            drop(under_way);
            Ok(token("t"))
        }
    });
    let session = Session::builder(source)
        .outage_backoff(Duration::ZERO, Duration::ZERO)
        .build();
    for _ in 0..50 {
        let waits = tokio::spawn(session.token());
        sleep(Duration::from_millis(10)).await;
        session.sign_out();
        assert!(waits.await.unwrap().unwrap_err().is_signed_out());
    }
    settle().await;
    let counts = [begun, most, now].map(|count| count.load(Ordering::SeqCst));
    assert_eq!(counts, [50, 1, 0]);
}
