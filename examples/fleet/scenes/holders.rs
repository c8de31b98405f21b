//! A process that logs in for all, and does not come to its end.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use tower::BoxError;

use super::{Fleet, SECOND, api, short_lived, step};
use crate::worker::HASTE;

/// How often a process is killed while it logs in.
const KILLS: u64 = 5;

impl Fleet {
    /// Each time that one logs in it is killed, and another one starts.
    pub(super) async fn killed(&self) -> Result<(), BoxError> {
        let api = short_lived().token_lifetime(3 * SECOND);
        api.login_delay(SECOND / 5);
        let mut scene = self.scene("killed", api).await?;
        scene.refreshes = true;
        scene.start(self.processes)?;
        let mut slowest = Duration::ZERO;
        for _ in 0..KILLS {
            scene.skip_logins();
            let holder = scene.one_that_logs_in().await?;
            scene.kill(holder).await?;
            let began = Instant::now();
            scene.next_login().await?;
            slowest = slowest.max(began.elapsed());
            scene.start_one(holder)?;
            sleep(SECOND).await;
        }
        sleep(2 * SECOND).await;
        let (requests, counts) = scene.end().await?;
        let reused = counts.logins_rejected;
        let what = format!("{reused} refresh tokens lost, the next login after {slowest:.1?}");
        // What the server gave to a process that died is lost: no client can prevent that.
        let holds = reused <= KILLS && requests.failed == 0 && requests.refused == 0;
        step("killed in 5 logins", what, holds)
    }

    /// One is stopped in its login for longer than its lease, and than a login may take. The others
    /// do without it, and when it goes on it overwrites nothing.
    pub(super) async fn stopped(&self) -> Result<(), BoxError> {
        let api = api();
        api.login_delay(SECOND / 2);
        let mut scene = self.scene("stopped", api).await?;
        scene.is_hasty = true;
        scene.start(self.processes)?;
        let holder = scene.one_that_logs_in().await?;
        scene.signal(holder, "STOP").await?;
        let began = Instant::now();
        scene.api.login_delay(SECOND / 20);
        scene.next_login().await?;
        let after = began.elapsed();
        sleep(2 * SECOND).await;
        let logins = scene.api.counts().logins;
        let before = self.store.record(scene.name)?;
        scene.signal(holder, "CONT").await?;
        sleep(2 * SECOND).await;
        let is_kept = self.store.record(scene.name)? == before;
        let (requests, counts) = scene.end().await?;
        let others = logins - 1;
        let more = counts.logins - logins;
        let what = format!(
            "{others} logins of others, the first after {after:.1?}; then {more}, \
             the record is the same: {is_kept}; {} failed",
            requests.failed
        );
        let is_in_time = after < HASTE.0 + HASTE.1 + SECOND;
        // Its own may have taken too long, and so the request that it was for.
        let is_served = requests.accepted > 0 && requests.refused == 0 && requests.failed <= 1;
        let holds = is_in_time && is_kept && more == 0 && is_served;
        step("stopped in a login", what, holds)
    }
}
