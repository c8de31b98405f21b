//! What the fleet goes through, and what has to come of it.

mod holders;
mod outages;
mod rotations;
mod scene;

use std::time::Duration;

use tower::BoxError;
use tower_bearer::testing::Api;

use super::server::Tokens;
use super::store::Store;
use scene::Scene;

const SECOND: Duration = Duration::from_secs(1);

pub(crate) struct Fleet {
    processes: usize,
    store: Store,
    key: String,
}

impl Fleet {
    pub(crate) fn new(processes: usize, store: Store) -> Self {
        let seed = format!("{:064x}", std::process::id());
        Self {
            processes,
            store,
            key: seed,
        }
    }

    pub(crate) async fn run(&self) -> Result<(), BoxError> {
        println!("{} processes over {}", self.processes, self.store.at(""));
        self.logins_per_rotation().await?;
        self.refresh_tokens().await?;
        self.one_live_token().await?;
        self.revoked().await?;
        self.wrong_password().await?;
        self.killed().await?;
        self.stopped().await?;
        match &self.store {
            Store::File(directory) => self.outages_of_a_directory(directory).await,
            #[cfg(feature = "store-redis")]
            Store::Redis(server) => self.outages_of_a_server(server).await,
            Store::Url(_) => Ok(()),
        }
    }

    async fn scene(&self, name: &'static str, api: Api) -> Result<Scene<'_>, BoxError> {
        Scene::new(self, name, api, Tokens::default()).await
    }
}

fn api() -> Api {
    let api = Api::new().account("alice", "correct horse");
    api.login_delay(SECOND / 20);
    api
}

/// Its tokens live for 2 seconds, and it says so.
fn short_lived() -> Api {
    api().token_lifetime(2 * SECOND).announce_lifetime(true)
}

/// Prints what was seen, and fails the program if it is not what had to come of it.
fn step(what: &str, seen: String, holds: bool) -> Result<(), BoxError> {
    println!("{what:<34} {seen}");
    match holds {
        true => Ok(()),
        false => Err(format!("`{what}` went wrong").into()),
    }
}
