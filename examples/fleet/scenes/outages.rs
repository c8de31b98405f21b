//! A store that fails while it is used, and one that loses what it had.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::time::sleep;
use tower::BoxError;

use super::{Fleet, SECOND, short_lived, step};
#[cfg(feature = "store-redis")]
use crate::redis::RedisServer;
use crate::store::Directory;

/// A file system of its own, so small that it is full at once. It takes root to have one.
struct SmallDisk {
    at: PathBuf,
}

impl Fleet {
    pub(super) async fn outages_of_a_directory(
        &self,
        directory: &Directory,
    ) -> Result<(), BoxError> {
        let removed = directory.of("removed");
        let gone = directory.of("gone");
        let remove = || {
            // In one step: whoever writes meanwhile makes it anew.
            fs::rename(&removed, &gone)?;
            Ok(fs::remove_dir_all(&gone)?)
        };
        self.lost("removed", remove).await?;
        let disk = SmallDisk::mount(directory.of("disk full"))?;
        let Some(disk) = disk else {
            return self.no_files().await;
        };
        self.outage("disk full", || disk.fill(), || disk.free())
            .await
    }

    #[cfg(feature = "store-redis")]
    pub(super) async fn outages_of_a_server(&self, server: &RedisServer) -> Result<(), BoxError> {
        self.lost("flushed", || server.flush()).await?;
        let pause = || server.pause(3 * SECOND);
        self.outage("paused", pause, || Ok(())).await?;
        let fill = || server.set_full(true);
        self.outage("full", fill, || server.set_full(false)).await?;
        self.outage("down", || server.kill(), || server.restart())
            .await
    }

    /// What is in the store is lost, again and again. No refresh token is used twice for that.
    async fn lost(
        &self,
        name: &'static str,
        lose: impl Fn() -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let mut scene = self.scene(name, short_lived()).await?;
        scene.refreshes = true;
        scene.start(self.processes)?;
        for _ in 0..4 {
            sleep(SECOND).await;
            lose()?;
        }
        sleep(SECOND).await;
        let (requests, counts) = scene.end().await?;
        let (logins, reused) = (counts.logins, counts.logins_rejected);
        let what = format!("{logins} logins, {reused} reused, {requests:?}");
        let holds = reused == 0 && requests.are_served();
        step(&format!("{name} 4 times"), what, holds)
    }

    /// For 3 seconds each process logs in by itself, and then one for all again.
    async fn outage(
        &self,
        name: &'static str,
        begin: impl Fn() -> Result<(), BoxError>,
        end: impl Fn() -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let mut scene = self.scene(name, short_lived()).await?;
        scene.start(self.processes)?;
        sleep(2 * SECOND).await;
        let logins = || scene.api.counts().logins;
        let before = logins();
        begin()?;
        sleep(3 * SECOND).await;
        end()?;
        let meanwhile = logins() - before;
        // Who has a token of its own renews it.
        sleep(2 * SECOND).await;
        let settled = logins();
        sleep(3 * SECOND).await;
        let after = logins() - settled;
        let (requests, _) = scene.end().await?;
        let what = format!(
            "{before} logins before, {meanwhile} meanwhile, {after} in 3 s after; {requests:?}"
        );
        // Of a second each.
        let holds = requests.are_served() && meanwhile >= self.processes as u64 && after <= 4;
        step(&format!("{name} for 3 s"), what, holds)
    }

    /// As on a disk that is full, for whom the system lets write no file.
    async fn no_files(&self) -> Result<(), BoxError> {
        let mut scene = self.scene("no files", short_lived()).await?;
        scene.writes_no_files = true;
        scene.start(self.processes)?;
        sleep(3 * SECOND).await;
        let (requests, counts) = scene.end().await?;
        let what = format!("{} logins, {requests:?}", counts.logins);
        let holds = requests.are_served() && counts.logins >= self.processes as u64;
        step("no file can be written", what, holds)
    }
}

impl SmallDisk {
    /// `None`: this user may not.
    fn mount(at: PathBuf) -> Result<Option<Self>, BoxError> {
        fs::create_dir_all(&at)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"]);
        let mounted = mount.arg(&at).stderr(Stdio::null()).status();
        let is_mounted = mounted.is_ok_and(|status| status.success());
        Ok(is_mounted.then(|| Self { at }))
    }

    fn fill(&self) -> Result<(), BoxError> {
        match fs::write(self.filler(), vec![0; 64 * 1024]) {
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
            written => Err(format!("the disk is not full: {written:?}").into()),
        }
    }

    fn free(&self) -> Result<(), BoxError> {
        Ok(fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.at.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let at: &Path = &self.at;
        // Lazily: a process that was killed may have a file open yet.
        let _ = Command::new("umount").arg("-l").arg(at).status();
    }
}
