//! Instructions of a request over a kept-alive loopback connection, HTTP/1.1, as a ratio to those
//! without the layer, where the caller sets the same header. Those of the kernel are not counted.
//!
//! `by_hand` clones the request, for one retry. `client`: the server is on a thread of its own, and
//! not counted. To be run as `instructions`, and it fails likewise.

#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::process::ExitCode;

use gungraun::{library_benchmark, library_benchmark_group};

use harness::loopback::{Authenticated, Loopback, Plain, Retrying, Threads};
use harness::ratios::Suite;

/// Each measurement is of so many requests.
const REQUESTS: u64 = 200;

#[library_benchmark]
#[bench::both_sides_0(Loopback::plain(Threads::One, 0))]
#[bench::both_sides_1024(Loopback::plain(Threads::One, 1024))]
#[bench::client_0(Loopback::plain(Threads::Two, 0))]
#[bench::client_1024(Loopback::plain(Threads::Two, 1024))]
fn plain(mut loopback: Loopback<Plain>) -> Loopback<Plain> {
    loopback.requests(black_box(REQUESTS));
    loopback
}

#[library_benchmark]
#[bench::both_sides_0(Loopback::by_hand(Threads::One, 0))]
#[bench::both_sides_1024(Loopback::by_hand(Threads::One, 1024))]
#[bench::client_0(Loopback::by_hand(Threads::Two, 0))]
#[bench::client_1024(Loopback::by_hand(Threads::Two, 1024))]
fn by_hand(mut loopback: Loopback<Retrying>) -> Loopback<Retrying> {
    loopback.requests(black_box(REQUESTS));
    loopback
}

#[library_benchmark]
#[bench::both_sides_0(Loopback::authenticated(Threads::One, 0))]
#[bench::both_sides_1024(Loopback::authenticated(Threads::One, 1024))]
#[bench::client_0(Loopback::authenticated(Threads::Two, 0))]
#[bench::client_1024(Loopback::authenticated(Threads::Two, 1024))]
fn authenticated(mut loopback: Loopback<Authenticated>) -> Loopback<Authenticated> {
    loopback.requests(black_box(REQUESTS));
    loopback
}

library_benchmark_group!(name = wire, benchmarks = [plain, by_hand, authenticated]);

mod measured {
    use gungraun::main;

    use super::wire;

    main!(library_benchmark_groups = wire);

    pub(crate) fn run() {
        main();
    }
}

fn main() -> ExitCode {
    measured::run();
    let suite = Suite {
        name: "wire_instructions",
        ours: "authenticated",
        baseline: "plain",
        requests: REQUESTS,
    };
    suite.check()
}
