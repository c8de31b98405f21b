//! Requests over a loopback connection, with the layer and without.
//!
//! ```text
//! cargo bench --manifest-path benches/Cargo.toml --bench wire -- [--quick] [--record DIR]
//! ```

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::time::Instant;

use harness::loopback::{Loopback, Threads};
use harness::record::{Bench, Table};
use harness::rounds::{Samples, in_turns};

fn main() {
    let bench = Bench::from_args("wire");
    let rounds = bench.effort().pick(1, 41, 201);
    let requests = bench.effort().pick(5, 200, 200);
    let mut table = Table::new(
        "time",
        &[
            "POST with 4 headers and the token to hyper's server over a kept-alive loopback connection, HTTP/1.1, by",
            "hyper-util's client; one request at a time. Baseline: the caller sets the same header, no layer. By hand:",
            "the request is cloned, for one retry.",
            "Medians of rounds in turns (10th - 90th percentile); the ratio is of the same round.",
        ],
        ["server", "body", "client", "us/request", "over baseline"],
    );
    for (server, threads) in [
        ("on the client's thread", Threads::One),
        ("on a thread of its own", Threads::Two),
    ] {
        for body in [0, 1024, 65_536] {
            let mut plain = Loopback::plain(threads, body);
            let mut retrying = Loopback::by_hand(threads, body);
            let mut authenticated = Loopback::authenticated(threads, body);
            let [baseline, by_hand, layered] = in_turns(
                rounds,
                [
                    &mut || micros(requests, || plain.requests(requests)),
                    &mut || micros(requests, || retrying.requests(requests)),
                    &mut || micros(requests, || authenticated.requests(requests)),
                ],
            )
            .map(Samples::from_iter);
            let mut row = |client: &str, micros: &Samples| {
                table.row([
                    server.to_owned(),
                    format!("{body} B"),
                    client.to_owned(),
                    format!("{micros:.1}"),
                    format!("{:.3}", micros.over(&baseline)),
                ]);
            };
            row("baseline: no layer", &baseline);
            row("by hand: a copy is kept", &by_hand);
            row("tower-bearer", &layered);
        }
    }
    bench.show(&table);
}

fn micros(requests: u64, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64() * 1e6 / requests as f64
}
