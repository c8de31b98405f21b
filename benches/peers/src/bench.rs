//! [`Bench`]: how a client is measured.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use futures::future::join_all;
use http::StatusCode;
use tokio::runtime::{Builder, Runtime};

use crate::api::{Api, Scenario};
use crate::client::Client;

/// Requests that are built ahead, so that the clock runs while they are sent only: few enough to stay in the cache.
const BATCH: usize = 64;
/// The same for two threads, which start on a batch together.
const THREAD_BATCH: usize = 512;
/// Requests of which the allocations are counted.
const COUNTED: usize = 512;
/// Requests that are under way when the token is revoked.
pub const STORM: usize = 100;

/// A client in one [`Scenario`].
pub trait Bench {
    /// Sends requests for about as long as told. The runtime's timers are on, but none is waited for.
    fn time(&mut self, runtime: &Runtime, slice: Duration) -> Time;

    /// Counts what is allocated, and how many bytes, by a counter of all that was allocated so far.
    fn count(&mut self, runtime: &Runtime, allocated: fn() -> [usize; 2]) -> [f64; 2];

    /// Requests per nanosecond of so many threads together, each with a clone of its own.
    fn throughput(&self, threads: usize, batches: usize) -> f64;

    /// What becomes of [`STORM`] requests that are refused at once, by a login that takes a while.
    fn storm(&mut self, runtime: &Runtime) -> Storm;
}

/// Nanoseconds per request.
#[derive(Clone, Copy)]
pub struct Time {
    pub build: f64,
    pub send: f64,
}

/// What became of a storm.
pub struct Storm {
    pub logins: u64,
    /// How many requests the server saw, those that were refused included.
    pub requests: u64,
    /// How many of them were answered by a 200 in the end.
    pub succeeded: u64,
    /// Whether the request after the storm was.
    pub next_succeeded: bool,
}

/// A [`Client`] and the API that it is a client of.
pub struct Of<C> {
    pub client: C,
    pub api: &'static Api,
}

fn build<C: Client>(client: &C, count: usize) -> Vec<C::Request> {
    (0..count).map(|_| black_box(client.request())).collect()
}

async fn send_all<C: Client>(client: &mut C, api: &Api, requests: Vec<C::Request>) {
    for request in requests {
        if api.scenario == Scenario::RefusedOnce {
            api.revoke();
        }
        assert_eq!(client.send(request).await, StatusCode::OK);
    }
}

impl<C: Client> Bench for Of<C> {
    fn time(&mut self, runtime: &Runtime, slice: Duration) -> Time {
        let (mut building, mut sending, mut count) = (Duration::ZERO, Duration::ZERO, 0);
        while sending < slice {
            let start = Instant::now();
            let requests = build(&self.client, BATCH);
            let built = Instant::now();
            runtime.block_on(send_all(&mut self.client, self.api, requests));
            sending += built.elapsed();
            building += built - start;
            count += BATCH;
        }
        Time {
            build: per_request(building, count),
            send: per_request(sending, count),
        }
    }

    fn count(&mut self, runtime: &Runtime, allocated: fn() -> [usize; 2]) -> [f64; 2] {
        // The first requests may log in.
        self.time(runtime, Duration::from_nanos(1));
        let requests = build(&self.client, COUNTED);
        let before = allocated();
        runtime.block_on(send_all(&mut self.client, self.api, requests));
        let after = allocated();
        [0, 1].map(|i| (after[i] - before[i]) as f64 / COUNTED as f64)
    }

    fn throughput(&self, threads: usize, batches: usize) -> f64 {
        let (api, barrier) = (self.api, Barrier::new(threads));
        let thread = |mut client: C| {
            let runtime = Builder::new_current_thread()
                .build()
                .expect("a runtime needs nothing");
            let mut sending = Duration::ZERO;
            for _ in 0..batches {
                let requests = build(&client, THREAD_BATCH);
                barrier.wait();
                let start = Instant::now();
                runtime.block_on(send_all(&mut client, api, requests));
                sending += start.elapsed();
            }
            (batches * THREAD_BATCH) as f64 / sending.as_nanos() as f64
        };
        thread::scope(|scope| {
            let clients: Vec<C> = (0..threads).map(|_| self.client.clone()).collect();
            let thread = &thread;
            let running: Vec<_> = clients
                .into_iter()
                .map(|client| scope.spawn(move || thread(client)))
                .collect();
            running
                .into_iter()
                .map(|thread| thread.join().expect("no peer panics"))
                .sum()
        })
    }

    fn storm(&mut self, runtime: &Runtime) -> Storm {
        let api = self.api;
        runtime.block_on(async {
            let send = async || {
                let mut client = self.client.clone();
                client.send(client.request()).await == StatusCode::OK
            };
            assert!(send().await, "the token in hand is good");
            api.slow_down();
            api.revoke();
            let (logins, requests) = (api.logins(), api.requests());
            let answers = join_all((0..STORM).map(|_| send())).await;
            Storm {
                logins: api.logins() - logins,
                requests: api.requests() - requests,
                succeeded: answers.into_iter().map(u64::from).sum(),
                next_succeeded: send().await,
            }
        })
    }
}

fn per_request(time: Duration, count: usize) -> f64 {
    time.as_nanos() as f64 / count as f64
}
