//! What a request with its token in hand costs, over a service that answers at once.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench overhead`

#![allow(clippy::unwrap_used, missing_docs)]

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use harness::requests::Headers::{self, Made, Static};
use harness::requests::request;
use harness::{requests, services};
use http::{Request, Response};
use http_body::Body;
use tower::Service;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn overhead(c: &mut Criterion) {
    for headers in [Made(0), Static(4), Made(4), Made(12)] {
        let name = name(headers);
        let empty = || request(headers, requests::empty());
        let mut group = c.benchmark_group(format!("{name}, empty"));
        compare(&mut group, empty);
        measure(&mut group, "retry", services::retry(), empty);
        drop(group);

        let one_kib = || request(headers, requests::one_kib());
        let mut group = c.benchmark_group(format!("{name}, 1 KiB"));
        compare(&mut group, one_kib);
        measure(&mut group, "retry", services::retry(), one_kib);
        drop(group);

        // Whose inner service has a client to clone.
        let mut group = c.benchmark_group(format!("{name}, 1 KiB, real client"));
        measure(&mut group, "bare", services::real::bare(), one_kib);
        measure(
            &mut group,
            "bare, cloned",
            services::real::bare_cloned(),
            one_kib,
        );
        measure(&mut group, "floor", services::real::floor(), one_kib);
        measure(
            &mut group,
            "floor, cloned",
            services::real::floor_cloned(),
            one_kib,
        );
        measure(&mut group, "ours", services::real::bearer_auth(), one_kib);
        measure(
            &mut group,
            "ours, cloned",
            services::real::cloned(),
            one_kib,
        );
        drop(group);

        // `tower::retry` cannot repeat it.
        let mut group = c.benchmark_group(format!("{name}, stream"));
        compare(&mut group, || request(headers, requests::streamed()));
    }
}

fn name(headers: Headers) -> String {
    match headers {
        Made(0) | Static(0) => "0 headers".to_owned(),
        Made(number) => format!("{number} headers"),
        Static(number) => format!("{number} static headers"),
    }
}

/// The bare service is the baseline of each group.
fn compare<B>(group: &mut Group<'_>, request: impl Fn() -> Request<B> + Copy)
where
    B: Body + Unpin + Send + 'static,
{
    measure(group, "bare", services::bare(), request);
    measure(group, "static", services::static_header(), request);
    measure(group, "floor", services::floor(), request);
    measure(group, "mutex", services::mutex_filter(), request);
    measure(group, "ours", services::bearer_auth(), request);
    measure(group, "ours, cloned", services::cloned(), request);
}

fn measure<B, S>(
    group: &mut Group<'_>,
    name: &str,
    mut service: S,
    request: impl Fn() -> Request<B>,
) where
    S: Service<Request<B>, Response = Response<()>>,
{
    group.bench_function(name, |bencher| {
        bencher.iter_batched(
            &request,
            |request| services::send(&mut service, request),
            BatchSize::SmallInput,
        );
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(700));
    targets = overhead
}
criterion_main!(benches);
