//! A token that is revoked while requests are under way: the logins that follow, and how long it
//! takes until the last of them is answered.

use std::future::Future;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tower::{Layer, Service, ServiceExt};
use tower_bearer::{BearerAuth, BearerAuthLayer};

use crate::api::{Api, Pace};
use harness::record::{Bench, Table};
use harness::rounds::{Samples, in_turns};

const PACE: Pace = Pace {
    login: Duration::from_millis(50),
    slowest_answer: 20,
    lifetime: None,
};

pub(crate) fn run(bench: &Bench) {
    let rounds = bench.effort().pick(1, 3, 5);
    let runtime = Runtime::new().unwrap();
    let mut table = Table::new(
        "storm",
        &[
            "Requests under way with a token that was just revoked; 2 threads. A login takes 50 ms, however many",
            "there are, and an answer from 1 to 20 ms. Medians of rounds in turns (10th - 90th percentile).",
        ],
        ["requests", "client", "logins", "ms until the last answer"],
    );
    for number in [1, 100, 10_000] {
        let [naive, slot, ours] = in_turns(
            rounds,
            [
                &mut || runtime.block_on(storm(number, |api| EachLogsIn::new(api.clone()))),
                &mut || runtime.block_on(storm(number, |api| MutexSlot::new(api.clone()))),
                &mut || runtime.block_on(storm(number, ours)),
            ],
        );
        let mut row = |client: &str, stormed: Vec<Stormed>| {
            let of = |part: fn(&Stormed) -> f64| stormed.iter().map(part).collect::<Samples>();
            table.row([
                number.to_string(),
                client.to_owned(),
                format!("{:.0}", of(|it| it.logins as f64)),
                format!("{:.0}", of(|it| it.took.as_secs_f64() * 1e3)),
            ]);
        };
        row("baseline: every 401 logs in", naive);
        row("by hand: Mutex<Option<Token>>", slot);
        row("tower-bearer", ours);
    }
    bench.show(&table);
}

struct Stormed {
    logins: u64,
    took: Duration,
}

async fn storm<C: Client>(number: usize, client: impl Fn(&Api) -> C) -> Stormed {
    let api = Api::new(PACE);
    let client = client(&api);
    assert_eq!(client.clone().send().await, 200);
    api.revoke_all();

    let logins = api.logins();
    let begun = Instant::now();
    let mut requests = JoinSet::new();
    for _ in 0..number {
        requests.spawn(client.clone().send());
    }
    let statuses = requests.join_all().await;
    let took = begun.elapsed();
    assert!(statuses.iter().all(|status| *status == 200));
    Stormed {
        logins: api.logins() - logins,
        took,
    }
}

trait Client: Clone + 'static {
    fn send(self) -> impl Future<Output = StatusCode> + Send + 'static;
}

fn ours(api: &Api) -> BearerAuth<Api> {
    BearerAuthLayer::new(api.source(None)).layer(api.clone())
}

impl Client for BearerAuth<Api> {
    async fn send(self) -> StatusCode {
        self.oneshot(request()).await.unwrap().status()
    }
}

/// Whoever gets a 401 logs in.
#[derive(Clone)]
struct EachLogsIn {
    api: Api,
    token: Arc<RwLock<Option<HeaderValue>>>,
}

impl EachLogsIn {
    fn new(api: Api) -> Self {
        let token = Arc::default();
        Self { api, token }
    }

    async fn login(&self) -> HeaderValue {
        let token = bearer(&self.api.login().await);
        *self.token.write().unwrap() = Some(token.clone());
        token
    }
}

impl Client for EachLogsIn {
    async fn send(self) -> StatusCode {
        let token = self.token.read().unwrap().clone();
        let token = match token {
            Some(token) => token,
            None => self.login().await,
        };
        match attempt(&self.api, token).await {
            StatusCode::UNAUTHORIZED => attempt(&self.api, self.login().await).await,
            status => status,
        }
    }
}

/// A mutex that is held across the login. Whoever gets a 401 forgets the token.
#[derive(Clone)]
struct MutexSlot {
    api: Api,
    token: Arc<Mutex<Option<HeaderValue>>>,
}

impl MutexSlot {
    fn new(api: Api) -> Self {
        let token = Arc::default();
        Self { api, token }
    }

    async fn token(&self) -> HeaderValue {
        let mut token = self.token.lock().await;
        match &*token {
            Some(token) => token.clone(),
            None => token.insert(bearer(&self.api.login().await)).clone(),
        }
    }
}

impl Client for MutexSlot {
    async fn send(self) -> StatusCode {
        match attempt(&self.api, self.token().await).await {
            StatusCode::UNAUTHORIZED => {
                *self.token.lock().await = None;
                attempt(&self.api, self.token().await).await
            }
            status => status,
        }
    }
}

async fn attempt(api: &Api, token: HeaderValue) -> StatusCode {
    let mut request = request();
    request.headers_mut().insert(header::AUTHORIZATION, token);
    api.clone().call(request).await.unwrap().status()
}

fn bearer(token: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {token}")).unwrap()
}

fn request() -> Request<Full<Bytes>> {
    Request::post("https://api.example.com/v4/properties/search")
        .body(Full::from("{}"))
        .unwrap()
}
