//! Fleets of any size with tokens of an hour, simulated: how often the store is asked.

use std::time::Duration;

use harness::record::{Bench, Table};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{pause, sleep};
use tower_bearer::Session;
use tower_bearer::store::TokenCache;
use tower_bearer::testing::{Memory, StoreCounts};

use crate::login::LoginServer;

const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) fn run(bench: &Bench) {
    let most = bench.effort().pick(10, 1_000, 10_000);
    let mut table = Table::new(
        "operations",
        &[
            "Sessions over one store in memory, on a simulated clock: two hours, tokens of an hour, each session asks",
            "for a token each minute. An operation takes 1 ms. A rotation is one login.",
        ],
        [
            "sessions",
            "logins",
            "operations",
            "per session and rotation",
        ],
    );
    for sessions in [1, 1_000, 10_000].into_iter().filter(|it| *it <= most) {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let (logins, counts) = runtime.block_on(simulated(sessions));
        let operations = counts.loads + counts.sets + counts.leases + counts.releases;
        let each = operations as f64 / sessions as f64 / logins as f64;
        table.row([
            sessions.to_string(),
            logins.to_string(),
            operations.to_string(),
            format!("{each:.2}"),
        ]);
    }
    bench.show(&table);
}

async fn simulated(sessions: u64) -> (u64, StoreCounts) {
    pause();
    let store = Memory::new();
    store.latency(Duration::from_millis(1));
    let server = LoginServer::new(Duration::from_millis(300), HOUR);
    let mut tasks = JoinSet::new();
    for number in 0..sessions {
        let cache = TokenCache::plain_text(store.clone()).account("bench");
        let session = Session::builder(server.source()).token_cache(cache).build();
        tasks.spawn(async move {
            // They ask at different times of the minute.
            sleep(Duration::from_millis(number % 60_000)).await;
            for _ in 0..120 {
                session.token().await.unwrap();
                sleep(Duration::from_secs(60)).await;
            }
        });
    }
    tasks.join_all().await;
    (server.logins(), store.counts())
}
