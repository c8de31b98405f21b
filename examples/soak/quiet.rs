//! What has to hold once all faults are over: every client gets through, one refusal of all makes
//! one login, and nothing is left behind.

use std::time::Duration;

use futures::future::join_all;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::api::Api;
use crate::rules::{FRESH_FOR, STRIKE};
use crate::tally::{Count, Tally};
use crate::worker::Worker;

/// The longest pause of the gate, and time to spare.
const RECOVERY: Duration = Duration::from_secs(6);

pub(crate) async fn check(api: &Api, workers: &mut [Worker]) {
    join_all(workers.iter_mut().map(recover)).await;

    // A token without end, which is fresh no more, and whose refusal may cause a login.
    for _ in 0..2 {
        sleep(STRIKE.max + FRESH_FOR).await;
        let before = api.tally.get(Count::Logins);
        api.tokens.revoke_all();
        let fates = join_all(workers.iter_mut().map(Worker::plain)).await;
        let answered = fates.iter().filter(|fate| matches!(fate, Count::Answered));
        let (answered, all) = (answered.count(), workers.len());
        let logins = api.tally.get(Count::Logins) - before;
        if (answered, logins) != (all, 1) {
            let what = format!("in quiet {answered} of {all} were answered, with {logins} logins");
            api.tally.violation(Count::OtherViolations, what);
        }
    }
}

/// To be called when the clients are gone.
pub(crate) async fn check_drained(tally: &Tally) {
    let alive = || (tally.alive(), Handle::current().metrics().num_alive_tasks());
    let end = Instant::now() + Duration::from_secs(5);
    while alive() != (0, 0) && Instant::now() < end {
        sleep(Duration::from_millis(20)).await;
    }
    if alive() != (0, 0) {
        let (alive, tasks) = alive();
        let what = format!("{alive} bodies or connections and {tasks} tasks are left");
        tally.violation(Count::OtherViolations, what);
    }
}

async fn recover(worker: &mut Worker) {
    let end = Instant::now() + RECOVERY;
    loop {
        match worker.plain().await {
            Count::Answered => return,
            _ if Instant::now() < end => sleep(Duration::from_millis(50)).await,
            fate => {
                let what = format!("in quiet a client did not recover: {fate:?}");
                return worker.tally.violation(Count::OtherViolations, what);
            }
        }
    }
}
