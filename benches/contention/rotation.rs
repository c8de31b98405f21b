//! Tokens that live two seconds, under steady load: who waits when one ends and the next begins.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tower::{Layer, Service, ServiceExt};
use tower_bearer::{BearerAuth, BearerAuthLayer, Session, SessionBuilder};

use crate::api::{Api, Pace, Sent};
use harness::record::{Bench, Table};

/// Not in whole seconds: those are taken a second shorter, which leaves 2 s no time ahead.
const LIFETIME: Duration = Duration::from_millis(2_500);
const TASKS: usize = 64;

pub(crate) fn run(bench: &Bench) {
    let load = Duration::from_millis(bench.effort().pick(5, 4_500, 8_500));
    let runtime = Runtime::new().unwrap();
    let mut table = Table::new(
        "rotation",
        &[
            "64 tasks, each with a request under way or 1 ms before its next; 2 threads. A token lives 2.5 s, a login",
            "takes 50 ms, an answer 1 ms. Waited: not sent before a login was over. Sent twice: after a 401.",
        ],
        [
            "client",
            "logins",
            "requests",
            "waited",
            "sent twice",
            "p50 ms",
            "p99.9 ms",
            "max ms",
        ],
    );
    let mut row = |client: &str, ends, told, set: fn(SessionBuilder) -> SessionBuilder| {
        let seen = runtime.block_on(rotations(load, ends, told, set));
        let millis = |part| format!("{:.2}", seen.quantile(part).as_secs_f64() * 1e3);
        table.row([
            client.to_owned(),
            seen.logins.to_string(),
            seen.latencies.len().to_string(),
            seen.waited.to_string(),
            seen.sent_twice.to_string(),
            millis(0.5),
            millis(0.999),
            millis(1.0),
        ]);
    };
    let (lives, told) = (Some(LIFETIME), Some(LIFETIME));
    row("baseline: a token for ever", None, None, |it| it);
    row("renewed ahead, as by default", lives, told, |it| it);
    row("renewed once it has expired", lives, told, |it| {
        it.renew_ahead(0.0, Duration::ZERO)
    });
    row("expiry not told, renewed on a 401", lives, None, |it| {
        // In proportion to this lifetime, so that no refusal counts as that of a fresh token.
        it.fresh_token_age(LIFETIME / 2)
    });
    bench.show(&table);
}

#[derive(Default)]
struct Seen {
    logins: u64,
    latencies: Vec<Duration>,
    waited: u64,
    sent_twice: u64,
}

async fn rotations(
    load: Duration,
    lifetime: Option<Duration>,
    told: Option<Duration>,
    set: fn(SessionBuilder) -> SessionBuilder,
) -> Seen {
    let api = Api::new(Pace {
        login: Duration::from_millis(50),
        slowest_answer: 1,
        lifetime,
    });
    let session = set(Session::builder(api.source(told))).build();
    session.token().await.unwrap();

    let client = BearerAuthLayer::from_session(session).layer(api.clone());
    let end = Instant::now() + load;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        tasks.spawn(requests(client.clone(), end));
    }
    let mut seen = Seen::default();
    for of_a_task in tasks.join_all().await {
        seen.latencies.extend(of_a_task.latencies);
        seen.waited += of_a_task.waited;
        seen.sent_twice += of_a_task.sent_twice;
    }
    seen.latencies.sort();
    seen.logins = api.logins();
    seen
}

async fn requests(mut client: BearerAuth<Api>, end: Instant) -> Seen {
    let mut seen = Seen::default();
    // Once at least, also where the time is over before this task begins.
    loop {
        let sent = Sent::default();
        let request = Request::post("https://api.example.com/v4/properties/search")
            .extension(sent.clone())
            .body(Full::<Bytes>::from("{}"))
            .unwrap();

        let begun = Instant::now();
        // With a token in hand, the call itself sends.
        let ready = ServiceExt::<Request<Full<Bytes>>>::ready(&mut client).await;
        let response = ready.unwrap().call(request);
        seen.waited += u64::from(sent.times() == 0);
        assert_eq!(response.await.unwrap().status(), 200);
        seen.latencies.push(begun.elapsed());
        seen.sent_twice += u64::from(sent.times() == 2);

        tokio::time::sleep(Duration::from_millis(1)).await;
        if Instant::now() >= end {
            return seen;
        }
    }
}

impl Seen {
    fn quantile(&self, part: f64) -> Duration {
        let last = (self.latencies.len() - 1) as f64;
        self.latencies[(last * part) as usize]
    }
}
