//! The token in hand: requests per second on two threads against those on one.

use std::future::{Ready, ready};
use std::hint::black_box;
use std::sync::{Arc, Barrier, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::Full;
use tokio::sync::Mutex;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_bearer::{BearerAuthLayer, Origins, Token, source_fn};

use crate::by_hand::{Locked, Mutexed};
use harness::record::{Bench, Table};
use harness::rounds::{Samples, in_turns};

type Body = Full<Bytes>;

const TOKEN: &str = "mF_9.B5f-4.1JqM";

pub(crate) fn run(bench: &Bench) {
    let rounds = bench.effort().pick(1, 21, 51);
    let slice = bench.effort().pick(1, 10, 25);
    let at = |threads| Measure {
        threads,
        slice: Duration::from_millis(slice),
    };
    let (one, two) = (at(1), at(2));

    let bare = service_fn(answer::<Body>);
    let layer = layer();
    let ours = layer.layer(service_fn(answer));
    let value = HeaderValue::try_from(format!("Bearer {TOKEN}")).unwrap();
    let locked = Locked {
        inner: bare,
        token: Arc::new(RwLock::new(Arc::new(value.clone()))),
    };
    let mutexed = Mutexed {
        inner: bare,
        token: Arc::new(Mutex::new(value)),
    };

    let [
        bare1,
        bare2,
        ours1,
        ours2,
        each1,
        each2,
        locked1,
        locked2,
        mutexed1,
        mutexed2,
    ] = in_turns(
        rounds,
        [
            &mut || one.throughput(&bare),
            &mut || two.throughput(&bare),
            &mut || one.throughput(&ours),
            &mut || two.throughput(&ours),
            &mut || one.throughput(&CloneEach(ours.clone())),
            &mut || two.throughput(&CloneEach(ours.clone())),
            &mut || one.throughput(&locked),
            &mut || two.throughput(&locked),
            &mut || one.throughput(&mutexed),
            &mut || two.throughput(&mutexed),
        ],
    )
    .map(Samples::from_iter);

    let mut table = Table::new(
        "scaling",
        &[
            "Token in hand, POST with 4 headers and 1 KiB, over a service that does nothing.",
            "Each thread has a clone of the client and a runtime of its own; no value of a request is shared.",
            "Medians of rounds in turns (10th - 90th percentile). Scaling: 2 threads over 1, in the same round. Where",
            "the threads share one core, it is less than 2 for any client, and contended cache lines hardly show.",
        ],
        [
            "client",
            "ns/request, 1 thread",
            "ns/request, 2 threads",
            "scaling",
            "over the baseline's",
        ],
    );
    let ceiling = bare2.over(&bare1);
    let mut row = |client: &str, one: &Samples, two: &Samples| {
        let scaling = two.over(one);
        table.row([
            client.to_owned(),
            format!("{:.0}", 1e9 / one.median()),
            // Of a thread's time, so that perfect scaling leaves it as it is.
            format!("{:.0}", 2e9 / two.median()),
            format!("{scaling:.2}"),
            format!("{:.2}", scaling.over(&ceiling)),
        ]);
    };
    row("baseline: the bare service, no token", &bare1, &bare2);
    row("tower-bearer", &ours1, &ours2);
    row("tower-bearer, cloned for each request", &each1, &each2);
    row("by hand: RwLock<Arc<HeaderValue>>", &locked1, &locked2);
    row("by hand: tokio Mutex<HeaderValue>", &mutexed1, &mutexed2);
    bench.show(&table);
}

struct Measure {
    threads: usize,
    slice: Duration,
}

impl Measure {
    /// Requests per second of all threads together.
    fn throughput<C>(&self, client: &C) -> f64
    where
        C: Service<Request<Body>, Response = Response<()>, Error = BoxError> + Clone + Send,
    {
        let start = Barrier::new(self.threads);
        let worker = |client: C| {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let requests = self.requests(client, &start);
            runtime.unwrap().block_on(requests)
        };
        thread::scope(|scope| {
            let clones = (0..self.threads).map(|_| client.clone());
            let workers: Vec<_> = clones
                .map(|client| scope.spawn(|| worker(client)))
                .collect();
            workers.into_iter().map(|it| it.join().unwrap()).sum()
        })
    }

    async fn requests<C>(&self, mut client: C, start: &Barrier) -> f64
    where
        C: Service<Request<Body>, Response = Response<()>, Error = BoxError>,
    {
        const BATCH: u32 = 256;
        start.wait();
        let begun = Instant::now();
        let mut done = 0;
        while begun.elapsed() < self.slice {
            for _ in 0..BATCH {
                let response = client.ready().await.unwrap().call(request()).await;
                black_box(response.unwrap());
            }
            done += BATCH;
        }
        f64::from(done) / begun.elapsed().as_secs_f64()
    }
}

/// The usual `client.clone().oneshot(request)`.
#[derive(Clone)]
struct CloneEach<S>(S);

impl<S: Service<Request<Body>> + Clone> Service<Request<Body>> for CloneEach<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = tower::util::Oneshot<S, Request<Body>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.0.clone().oneshot(request)
    }
}

fn layer() -> BearerAuthLayer {
    let source = source_fn(Origins::any(), |_| async { Ok(Token::new(TOKEN)?) });
    let layer = BearerAuthLayer::new(source);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let token = layer.session().token();
    runtime.unwrap().block_on(token).unwrap();
    layer
}

fn answer<B>(request: Request<B>) -> Ready<Result<Response<()>, BoxError>> {
    drop(black_box(request));
    ready(Ok(Response::new(())))
}

/// All of it static: no reference count is shared between the threads but the client's own.
fn request() -> Request<Body> {
    static BODY: [u8; 1024] = [b'x'; 1024];
    let mut request = Request::new(Full::new(Bytes::from_static(&BODY)));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = Uri::from_static("https://api.example.com/v4/properties/search");
    let headers = request.headers_mut();
    for (name, value) in [
        (header::ACCEPT, "application/json"),
        (header::CONTENT_TYPE, "application/json"),
        (header::USER_AGENT, "bench/1.0"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    request
}
