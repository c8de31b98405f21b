//! What the fleet goes through, and what has to come of it.

use std::env;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tower::BoxError;
use tower_bearer::testing::{Api, Counts};

use super::common::step;
use super::server::{LastLogin, serve};

const SECOND: Duration = Duration::from_secs(1);

/// How long a scene plays.
const SCENE: Duration = Duration::from_secs(8);

/// How often a process is killed while it logs in.
const KILLS: u64 = 5;

pub(crate) struct Fleet {
    processes: usize,
    store: String,
    key: String,
}

/// An API and the processes that use it.
struct Scene<'a> {
    fleet: &'a Fleet,
    name: &'static str,
    password: &'static str,
    refreshes: bool,
    api: Api,
    base: String,
    last_login: LastLogin,
    children: Vec<Child>,
}

/// How the requests of all processes ended.
#[derive(Debug, Default)]
struct Requests {
    accepted: u64,
    refused: u64,
    failed: u64,
    logins_without_store: u64,
}

impl Fleet {
    pub(crate) fn new(processes: usize, store: String) -> Self {
        let seed = format!("{:064x}", std::process::id());
        Self {
            processes,
            store,
            key: seed,
        }
    }

    pub(crate) async fn run(&self) -> Result<(), BoxError> {
        println!("{} processes over {}", self.processes, self.store);
        let alone = self.rotations("alone", 1).await?;
        let shared = self.rotations("rotation", self.processes).await?;
        let per_rotation = shared as f64 / alone as f64;
        let holds = per_rotation < 1.3;
        step("logins per rotation", format!("{per_rotation:.2}"), holds)?;
        self.refresh_tokens().await?;
        self.revoked().await?;
        self.killed().await?;
        self.wrong_password().await
    }

    /// Tokens of 2 seconds: returns how many logins that takes.
    async fn rotations(&self, name: &'static str, processes: usize) -> Result<u64, BoxError> {
        let api = api().token_lifetime(2 * SECOND).announce_lifetime(true);
        let mut scene = self.scene(name, api).await?;
        scene.start(processes)?;
        sleep(SCENE).await;
        let (requests, counts) = scene.end().await?;
        let what = format!("{} logins, {requests:?}", counts.logins);
        step(name, what, counts.refused == 0 && requests.is_clean())?;
        Ok(counts.logins)
    }

    /// Refresh tokens are good once: a second use is a rejected login.
    async fn refresh_tokens(&self) -> Result<(), BoxError> {
        let api = api().token_lifetime(2 * SECOND).announce_lifetime(true);
        let mut scene = self.scene("refresh tokens", api).await?;
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
        step("refresh tokens", what, holds && requests.is_clean())
    }

    async fn revoked(&self) -> Result<(), BoxError> {
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
            counts.logins == 6 && requests.is_clean(),
        )
    }

    /// Each time that one logs in it is killed, and another one starts.
    async fn killed(&self) -> Result<(), BoxError> {
        let api = api().token_lifetime(3 * SECOND).announce_lifetime(true);
        api.login_delay(SECOND / 5);
        let mut scene = self.scene("killed", api).await?;
        scene.refreshes = true;
        scene.start(self.processes)?;
        let mut slowest = Duration::ZERO;
        for _ in 0..KILLS {
            let killed = scene.kill_one_that_logs_in().await?;
            let began = Instant::now();
            scene.next_login().await?;
            slowest = slowest.max(began.elapsed());
            scene.start_one(killed)?;
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

    async fn wrong_password(&self) -> Result<(), BoxError> {
        let mut scene = self.scene("wrong password", api()).await?;
        scene.password = "wrong horse";
        scene.start(self.processes)?;
        sleep(3 * SECOND).await;
        let (requests, counts) = scene.end().await?;
        let holds = counts.logins == 1 && requests.accepted == 0;
        let what = format!("{} login, {} failed", counts.logins, requests.failed);
        step("a wrong password", what, holds)
    }

    async fn scene(&self, name: &'static str, api: Api) -> Result<Scene<'_>, BoxError> {
        let (base, last_login) = serve(api.clone()).await?;
        Ok(Scene {
            fleet: self,
            name,
            password: "correct horse",
            refreshes: false,
            api,
            base,
            last_login,
            children: vec![],
        })
    }
}

impl Scene<'_> {
    fn start(&mut self, processes: usize) -> Result<(), BoxError> {
        (0..processes).try_for_each(|_| {
            self.children.push(self.worker(self.children.len())?);
            Ok(())
        })
    }

    fn start_one(&mut self, number: usize) -> Result<(), BoxError> {
        self.children[number] = self.worker(number)?;
        Ok(())
    }

    fn worker(&self, number: usize) -> Result<Child, BoxError> {
        let mut worker = Command::new(env::current_exe()?);
        worker.arg("worker").kill_on_drop(true);
        worker.stdin(Stdio::piped()).stdout(Stdio::piped());
        worker.stderr(Stdio::null());
        worker
            .env("FLEET_URL", &self.base)
            .env("FLEET_SCENE", self.name);
        worker.env("FLEET_STORE", &self.fleet.store);
        worker.env("FLEET_KEY", &self.fleet.key);
        worker.env("FLEET_PASSWORD", self.password);
        worker.env("FLEET_REFRESHES", self.refreshes.to_string());
        worker.env("FLEET_WORKER", number.to_string());
        Ok(worker.spawn()?)
    }

    async fn next_login(&mut self) -> Result<Option<usize>, BoxError> {
        timeout(60 * SECOND, self.last_login.changed()).await??;
        Ok(self.last_login.borrow_and_update().1)
    }

    async fn kill_one_that_logs_in(&mut self) -> Result<usize, BoxError> {
        self.last_login.borrow_and_update();
        loop {
            if let Some(worker) = self.next_login().await? {
                // Half-way: the API takes longer.
                sleep(SECOND / 20).await;
                self.children[worker].kill().await?;
                return Ok(worker);
            }
        }
    }

    /// Ends all processes, and returns what they and the API saw.
    async fn end(self) -> Result<(Requests, Counts), BoxError> {
        let mut requests = Requests::default();
        for mut child in self.children {
            drop(child.stdin.take());
            requests.add(&child.wait_with_output().await?)?;
        }
        Ok((requests, self.api.counts()))
    }
}

impl Requests {
    fn add(&mut self, output: &Output) -> Result<(), BoxError> {
        let text = std::str::from_utf8(&output.stdout)?;
        let counts: Vec<u64> = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let [accepted, refused, failed, without_store] = counts[..] else {
            return Err(format!("a process did not end as it should: {output:?}").into());
        };
        self.accepted += accepted;
        self.refused += refused;
        self.failed += failed;
        self.logins_without_store += without_store;
        Ok(())
    }

    fn is_clean(&self) -> bool {
        self.accepted > 0 && self.refused + self.failed + self.logins_without_store == 0
    }
}

fn api() -> Api {
    let api = Api::new().account("alice", "correct horse");
    api.login_delay(SECOND / 20);
    api
}
