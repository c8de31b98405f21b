//! Panics of a source.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use tower_bearer::{Origins, Session, source_fn};

use crate::support::token;

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
