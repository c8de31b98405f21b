//! The instructions of 200 requests over a loopback connection, with the layer and without, under
//! Valgrind. Instructions of the kernel are not counted.
//!
//! ```text
//! cargo install gungraun-runner --version 0.20.0
//! cargo bench --bench wire_instructions
//! ```
//!
//! `by_hand` clones the request, for one retry. The ratio of `authenticated` to `plain` of the same id is what the layer costs: the bytes on the
//! wire are the same. With the server on a thread of its own, only the client's are counted.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/loopback.rs"]
mod loopback;

use std::hint::black_box;

use gungraun::prelude::*;

use crate::loopback::{Authenticated, Loopback, Plain, Retrying, Threads};

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

main!(library_benchmark_groups = wire);
