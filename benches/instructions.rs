//! Instructions of a request with its token in hand, as a ratio to the hand-written floor's.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench instructions` fails when a ratio of ours
//! has grown by more than 3 % over the recorded one, and with `RECORD=1` before it records anew. It
//! needs valgrind, and gungraun-runner in the version of gungraun in benches/Cargo.toml.

#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::process::ExitCode;

use gungraun::{library_benchmark, library_benchmark_group};
use harness::ratios::Suite;
use harness::requests::Headers::{self, Made, Static};
use harness::requests::{empty, one_kib, request, streamed};
use harness::services;
use http::{Request, Response};
use tower::Service;

/// Each measurement is of so many requests.
const REQUESTS: u64 = 100;

/// A service that has run before, and the requests that it is given.
type Work = Box<dyn FnMut()>;

fn prepare<S, B>(mut service: S, headers: Headers, body: fn() -> B) -> Work
where
    S: Service<Request<B>, Response = Response<()>> + 'static,
    B: 'static,
{
    let batch = || (0..REQUESTS).map(|_| request(headers, body()));
    let requests: Vec<_> = batch().collect();
    for request in batch().collect::<Vec<_>>() {
        services::send(&mut service, request);
    }
    let mut requests = Some(requests);
    Box::new(move || {
        for request in requests.take().into_iter().flatten() {
            services::send(&mut service, request);
        }
    })
}

/// One benchmark of each service, with each number of headers.
macro_rules! compare {
    ($module:ident, $group:ident, $body:ident, $from:path: $($service:ident)+) => {
        mod $module {
            use $from as from;

            use super::*;

            $(
                #[library_benchmark]
                #[bench::made_0(prepare(from::$service(), Made(0), $body))]
                #[bench::made_4(prepare(from::$service(), Made(4), $body))]
                #[bench::made_12(prepare(from::$service(), Made(12), $body))]
                #[bench::static_4(prepare(from::$service(), Static(4), $body))]
                fn $service(mut work: Work) -> Work {
                    work();
                    black_box(work)
                }
            )+

            library_benchmark_group!(
                name = $group,
                benchmarks = [$($service),+]
            );
        }
    };
}

compare!(empty_body, empty, empty, services:
    bare static_header floor retry mutex_filter bearer_auth cloned);
compare!(one_kib_body, one_kib, one_kib, services:
    bare static_header floor retry mutex_filter bearer_auth cloned);
compare!(streamed_body, streamed, streamed, services:
    bare static_header floor mutex_filter bearer_auth cloned);
compare!(real_client, real, one_kib, services::real:
    bare bare_cloned floor floor_cloned bearer_auth cloned);

mod measured {
    use gungraun::main;

    use super::{
        empty_body::empty, one_kib_body::one_kib, real_client::real, streamed_body::streamed,
    };

    main!(library_benchmark_groups = [empty, one_kib, real, streamed]);

    pub(crate) fn run() {
        main();
    }
}

fn main() -> ExitCode {
    measured::run();
    let suite = Suite {
        name: "instructions",
        ours: "bearer_auth",
        baseline: "floor",
        requests: REQUESTS,
    };
    suite.check()
}
