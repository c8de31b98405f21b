//! An API and the processes that use it.

use std::env;
use std::process::{Output, Stdio};

use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tower::BoxError;
use tower_bearer::testing::{Api, Counts, Server};

use super::{Fleet, SECOND};
use crate::server::{LastLogin, Tokens, serve};

pub(super) struct Scene<'a> {
    fleet: &'a Fleet,
    pub(super) name: &'static str,
    pub(super) password: &'static str,
    pub(super) refreshes: bool,
    /// Logins and leases have a second or two.
    pub(super) is_hasty: bool,
    /// A process cannot write any file.
    pub(super) writes_no_files: bool,
    pub(super) api: Api,
    server: Server,
    last_login: LastLogin,
    children: Vec<Child>,
}

/// How the requests of all processes ended.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) failed: u64,
    pub(super) logins_without_store: u64,
}

impl<'a> Scene<'a> {
    pub(super) async fn new(
        fleet: &'a Fleet,
        name: &'static str,
        api: Api,
        tokens: Tokens,
    ) -> Result<Self, BoxError> {
        let (server, last_login) = serve(api.clone(), tokens).await?;
        Ok(Self {
            fleet,
            name,
            password: "correct horse",
            refreshes: false,
            is_hasty: false,
            writes_no_files: false,
            api,
            server,
            last_login,
            children: vec![],
        })
    }

    pub(super) fn start(&mut self, processes: usize) -> Result<(), BoxError> {
        (0..processes).try_for_each(|_| {
            self.children.push(self.worker(self.children.len())?);
            Ok(())
        })
    }

    pub(super) fn start_one(&mut self, number: usize) -> Result<(), BoxError> {
        self.children[number] = self.worker(number)?;
        Ok(())
    }

    fn worker(&self, number: usize) -> Result<Child, BoxError> {
        let program = env::current_exe()?;
        let mut worker = match self.writes_no_files {
            false => Command::new(program),
            true => {
                let mut shell = Command::new("sh");
                let script = r#"trap "" XFSZ; ulimit -f 0; exec "$0" "$@""#;
                shell.args(["-c", script]).arg(program);
                shell
            }
        };
        worker.arg("worker").kill_on_drop(true);
        worker.stdin(Stdio::piped()).stdout(Stdio::piped());
        worker.stderr(Stdio::null());
        worker
            .env("FLEET_URL", self.server.url())
            .env("FLEET_SCENE", self.name);
        worker.env("FLEET_STORE", self.fleet.store.at(self.name));
        worker.env("FLEET_KEY", &self.fleet.key);
        worker.env("FLEET_PASSWORD", self.password);
        worker.env("FLEET_REFRESHES", self.refreshes.to_string());
        worker.env("FLEET_HASTY", self.is_hasty.to_string());
        worker.env("FLEET_WORKER", number.to_string());
        Ok(worker.spawn()?)
    }

    /// Which of them logs in next, or has since this was called last.
    pub(super) async fn next_login(&mut self) -> Result<usize, BoxError> {
        timeout(60 * SECOND, self.last_login.changed()).await??;
        let (_, worker) = *self.last_login.borrow_and_update();
        worker.ok_or_else(|| "a stranger has logged in".into())
    }

    /// Forgets the logins so far.
    pub(super) fn skip_logins(&mut self) {
        self.last_login.borrow_and_update();
    }

    /// The next one when it is half-way through its login: the API has to take longer.
    pub(super) async fn one_that_logs_in(&mut self) -> Result<usize, BoxError> {
        let worker = self.next_login().await?;
        sleep(SECOND / 20).await;
        Ok(worker)
    }

    pub(super) async fn kill(&mut self, worker: usize) -> Result<(), BoxError> {
        Ok(self.children[worker].kill().await?)
    }

    /// Sends it a signal, by its name.
    pub(super) async fn signal(&self, worker: usize, signal: &str) -> Result<(), BoxError> {
        let pid = self.children[worker].id().ok_or("it has ended")?;
        let mut kill = Command::new("kill");
        let sent = kill.args(["-s", signal, &pid.to_string()]).status();
        match sent.await?.success() {
            true => Ok(()),
            false => Err(format!("no {signal} was sent").into()),
        }
    }

    /// Ends all processes, and returns what they and the API saw.
    pub(super) async fn end(self) -> Result<(Requests, Counts), BoxError> {
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

    /// Each was answered.
    pub(super) fn are_served(&self) -> bool {
        self.accepted > 0 && self.refused + self.failed == 0
    }

    /// The store was there all the time, too.
    pub(super) fn are_clean(&self) -> bool {
        self.are_served() && self.logins_without_store == 0
    }
}
