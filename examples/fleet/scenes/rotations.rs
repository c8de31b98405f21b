//! A token that is replaced: one login for all.

use std::time::Duration;

use tokio::time::sleep;
use tower::BoxError;

use super::scene::Scene;
use super::{Fleet, SECOND, api, short_lived, step};
use crate::server::Tokens;

/// How long a scene plays.
const SCENE: Duration = Duration::from_secs(8);

impl Fleet {
    pub(super) async fn logins_per_rotation(&self) -> Result<(), BoxError> {
        let alone = self.rotations("alone", 1).await?;
        let shared = self.rotations("rotation", self.processes).await?;
        let per_rotation = shared as f64 / alone as f64;
        let what = format!("{per_rotation:.2}");
        step("logins per rotation", what, per_rotation < 1.3)
    }

    /// Returns how many logins it took.
    async fn rotations(&self, name: &'static str, processes: usize) -> Result<u64, BoxError> {
        let mut scene = self.scene(name, short_lived()).await?;
        scene.start(processes)?;
        sleep(SCENE).await;
        let (requests, counts) = scene.end().await?;
        let what = format!("{} logins, {requests:?}", counts.logins);
        step(name, what, counts.refused == 0 && requests.are_clean())?;
        Ok(counts.logins)
    }

    /// Refresh tokens are good once: a second use is a rejected login.
    pub(super) async fn refresh_tokens(&self) -> Result<(), BoxError> {
        let mut scene = self.scene("refresh tokens", short_lived()).await?;
        scene.refreshes = true;
        scene.start(self.processes)?;
        sleep(SCENE).await;
        let (requests, counts) = scene.end().await?;
        let first = counts.logins - counts.refreshes;
        let reused = counts.logins_rejected;
        let what = format!(
            "{first} login, {} refreshes, {reused} reused",
            counts.refreshes
        );
        let holds = first == 1 && counts.refreshes > 2 && reused == 0;
        step("refresh tokens", what, holds && requests.are_clean())
    }

    /// Each login ends the token before it, and the processes log each other out; unless they share
    /// the token.
    pub(super) async fn one_live_token(&self) -> Result<(), BoxError> {
        let mut scene = Scene::new(self, "one token", short_lived(), Tokens::one()).await?;
        scene.start(self.processes)?;
        sleep(SCENE / 2).await;
        let (requests, counts) = scene.end().await?;
        let (logins, refused) = (counts.logins, counts.refused);
        let what = format!("{logins} logins, {refused} met its end, {requests:?}");
        // A second for each, and those that were under way when it ended.
        let holds = logins <= 7 && refused <= logins * self.processes as u64;
        step("one live token", what, holds && requests.are_clean())
    }

    pub(super) async fn revoked(&self) -> Result<(), BoxError> {
        let mut scene = self.scene("revoked", api()).await?;
        scene.start(self.processes)?;
        for _ in 0..5 {
            sleep(SECOND).await;
            scene.api.revoke_all();
        }
        sleep(SECOND).await;
        let (requests, counts) = scene.end().await?;
        let what = format!("{} logins, {requests:?}", counts.logins);
        step(
            "all tokens revoked 5 times",
            what,
            counts.logins == 6 && requests.are_clean(),
        )
    }

    pub(super) async fn wrong_password(&self) -> Result<(), BoxError> {
        let mut scene = self.scene("wrong password", api()).await?;
        scene.password = "wrong horse";
        scene.start(self.processes)?;
        sleep(3 * SECOND).await;
        let (requests, counts) = scene.end().await?;
        let holds = counts.logins == 1 && requests.accepted == 0;
        let what = format!("{} login, {} failed", counts.logins, requests.failed);
        step("a wrong password", what, holds)
    }
}
