//! Sessions that share a token through a [`Memory`], each as a process of a fleet.

mod accounts;
mod failures;
mod lease;
mod refresh;
mod rotation;
mod sign_out;
mod store;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{BoxError, Layer, ServiceExt};
use tower_bearer::login::Form;
use tower_bearer::store::{Key, TokenCache};
use tower_bearer::testing::{Api, Memory};
use tower_bearer::{
    AuthError, BearerAuth, BearerAuthLayer, Session, SessionBuilder, Stats, TokenSource,
};

const BASE: &str = "https://api.example.com";

const SECOND: Duration = Duration::from_secs(1);

/// An API, and a store that the processes share.
struct World {
    api: Api,
    store: Memory,
}

/// One of them.
#[derive(Clone)]
struct Process {
    client: BearerAuth<Api>,
}

impl World {
    /// Tokens live for an hour, and a login says so.
    fn new() -> Self {
        let api = Api::new().account("alice", "correct horse");
        let api = api.token_lifetime(3600 * SECOND).announce_lifetime(true);
        Self {
            api,
            store: Memory::new(),
        }
    }

    fn cache(&self) -> TokenCache {
        TokenCache::encrypted(self.store.clone(), Key::new([7; 32]))
    }

    fn form(&self, password: &str) -> Form {
        Form::new(self.api.clone(), BASE, "alice", password).unwrap()
    }

    /// Without jitter, so that a test knows when.
    fn builder(&self, source: impl TokenSource) -> SessionBuilder {
        let builder = Session::builder(source).token_cache(self.cache());
        builder.renew_jitter(0.0)
    }

    fn process(&self) -> Process {
        self.process_with("correct horse")
    }

    fn process_with(&self, password: &str) -> Process {
        self.start(self.builder(self.form(password)))
    }

    fn start(&self, builder: SessionBuilder) -> Process {
        let layer = BearerAuthLayer::from_session(builder.build());
        Process {
            client: layer.layer(self.api.clone()),
        }
    }

    fn fleet(&self, processes: usize) -> Vec<Process> {
        (0..processes).map(|_| self.process()).collect()
    }

    /// The logins that the API saw.
    fn logins(&self) -> u64 {
        self.api.counts().logins
    }

    /// The name of the account's record.
    fn name(&self) -> String {
        let names = self.store.names();
        assert_eq!(names.len(), 1, "{names:?}");
        names.into_iter().next().unwrap()
    }
}

impl Process {
    fn session(&self) -> &Session {
        self.client.session()
    }

    fn stats(&self) -> Stats {
        self.session().stats()
    }

    async fn send(&self) -> Result<Response<()>, AuthError> {
        let request = Request::get(format!("{BASE}/users/me"));
        let request = request.body(Full::<Bytes>::default()).unwrap();
        match self.client.clone().oneshot(request).await {
            Ok(response) => Ok(response.map(drop)),
            Err(error) => Err(auth_error(error)),
        }
    }

    async fn get(&self) -> Result<StatusCode, AuthError> {
        self.send().await.map(|response| response.status())
    }

    /// A request that has to be answered.
    async fn ok(&self) {
        assert_eq!(self.get().await.unwrap(), 200);
    }

    async fn fails(&self) -> AuthError {
        self.get().await.unwrap_err()
    }
}

fn auth_error(error: BoxError) -> AuthError {
    *error.downcast().unwrap()
}

/// All at once.
async fn each<T, F: Future<Output = T>>(fleet: &[Process], what: impl Fn(Process) -> F) -> Vec<T> {
    join_all(fleet.iter().cloned().map(what)).await
}

async fn all_ok(fleet: &[Process]) {
    for answer in each(fleet, async |process| process.get().await).await {
        assert_eq!(answer.unwrap(), 200);
    }
}

async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
