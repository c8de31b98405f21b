//! Logins that are lost with their runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, advance, sleep, timeout};
use tower_bearer::{AuthError, BearerAuthLayer, Origins, Session, source_fn};
use tower_layer::Layer;

use super::table::Table;
use crate::support::{Server, get, millis, secs};

#[derive(Debug)]
struct Row {
    name: &'static str,
    calls: u64,
    /// From one call to the next, at least.
    pace: Duration,
    /// When the caller gives up.
    patience: Duration,
    most_logins: u64,
}

/// T3, L2: calls that have a runtime each, and give up before the login can end, make few logins:
/// the first loss is free, and from the second in a row on they are an outage.
#[test]
fn a_login_that_is_lost_with_each_runtime_is_not_made_by_each_call() {
    let row = |name, calls, pace, patience, most_logins| Row {
        name,
        calls,
        pace,
        patience,
        most_logins,
    };
    let rows = [
        row("40 calls in a row", 40, millis(0), millis(50), 3),
        row(
            "40 calls in a row, 99 ms each",
            40,
            millis(0),
            millis(99),
            3,
        ),
        // The pauses double: of 125 ms, 250 ms and 500 ms at least.
        row("40 calls, one each 50 ms", 40, millis(50), millis(50), 5),
        // The longest pause is half a minute, of which half is random.
        row(
            "a call each second for an hour",
            3_600,
            secs(1),
            millis(50),
            240,
        ),
    ];
    let mut table = Table::new("a login of 100 ms, a runtime for each call, given up after 50 ms");
    for row in rows {
        let logins = ask(&row);
        table.row(row.name, format!("{logins} logins"), row.most_logins);
        assert!(
            2 <= logins && logins <= row.most_logins,
            "{row:?}: {logins}"
        );
    }
}

/// How many logins were made.
fn ask(row: &Row) -> u64 {
    let logins = Arc::new(AtomicU64::new(0));
    let counted = logins.clone();
    let session = Session::new(source_fn(Origins::any(), move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async {
            sleep(millis(100)).await;
            Err(AuthError::rejected("wrong password"))
        }
    }));
    let client = BearerAuthLayer::from_session(session).layer(Server::new().service());
    let mut clock = Duration::ZERO;
    for _ in 0..row.calls {
        let runtime = runtime();
        let took = runtime.block_on(async {
            // Each runtime has a clock of its own, which begins anew.
            advance(clock).await;
            let start = Instant::now();
            let answer = timeout(row.patience, client.send(get("https://api.example.com/"))).await;
            assert!(!matches!(answer, Ok(Ok(_))), "it cannot be served");
            start.elapsed()
        });
        clock += took.max(row.pace);
    }
    logins.load(Ordering::SeqCst)
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}
