//! Instructions of a request with its token in hand, as a ratio to the hand-written floor's.
//!
//! `cargo bench --bench instructions` fails when a ratio of ours has grown by more than 3 % over the
//! recorded one, and with `RECORD=1` before it records anew. It needs valgrind, and gungraun-runner
//! in the version of gungraun in Cargo.toml.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/ratios.rs"]
mod ratios;
#[path = "common/requests.rs"]
mod requests;
#[path = "common/services.rs"]
mod services;

use std::hint::black_box;
use std::process::ExitCode;

use gungraun::{library_benchmark, library_benchmark_group};
use http::{Request, Response};
use tower::Service;

use ratios::Suite;
use requests::Headers::{self, Made, Static};
use requests::{empty, one_kib, request, streamed};
use services::{bare, bearer_auth, cloned, floor, mutex_filter, retry, static_header};

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
    ($module:ident, $body:ident: $($service:ident)+) => {
        mod $module {
            use super::*;

            $(
                #[library_benchmark]
                #[bench::made_0(prepare($service(), Made(0), $body))]
                #[bench::made_4(prepare($service(), Made(4), $body))]
                #[bench::made_12(prepare($service(), Made(12), $body))]
                #[bench::static_4(prepare($service(), Static(4), $body))]
                fn $service(mut work: Work) -> Work {
                    work();
                    black_box(work)
                }
            )+

            library_benchmark_group!(
                name = $body,
                benchmarks = [$($service),+]
            );
        }
    };
}

compare!(empty_body, empty: bare static_header floor retry mutex_filter bearer_auth cloned);
compare!(one_kib_body, one_kib: bare static_header floor retry mutex_filter bearer_auth cloned);
compare!(streamed_body, streamed: bare static_header floor mutex_filter bearer_auth cloned);

mod measured {
    use gungraun::main;

    use super::{empty_body::empty, one_kib_body::one_kib, streamed_body::streamed};

    main!(library_benchmark_groups = [empty, one_kib, streamed]);

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
