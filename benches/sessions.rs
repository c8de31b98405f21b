//! What many accounts cost: the memory of each session, and a request that carries its own one.
//!
//! ```text
//! cargo bench --manifest-path benches/Cargo.toml --bench sessions -- [--quick] [--record DIR]
//! ```

#![allow(clippy::unwrap_used)]

use std::alloc::System;
use std::time::Instant;

use harness::record::{Bench, Effort, Table};
use harness::requests::{Headers, empty, request};
use harness::rounds::{Samples, in_turns};
use harness::services::{self, Noop};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::runtime::{Builder, Runtime};
use tower::Layer;
use tower_bearer::{BearerAuthLayer, Origins, Session, Sessions, Token, source_fn};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Of the keys that are asked for one after the other: far apart, so that no cache helps.
const STRIDE: u64 = 61_803;

fn main() {
    let bench = Bench::from_args("sessions");
    memory(&bench);
    time(&bench);
}

/// How many sessions there are.
fn number(effort: Effort) -> u64 {
    effort.pick(1_000, 100_000, 100_000)
}

fn memory(bench: &Bench) {
    let number = number(bench.effort());
    let runtime = runtime();
    let mut table = Table::new(
        "memory",
        &[
            "What is in use for each session, its small source and its token of 15 bytes included. `Sessions` has a",
            "key of 8 bytes for each, and room for more, as hash tables have. Counted exactly.",
        ],
        ["sessions", "number", "bytes each", "allocations each"],
    );
    let mut held = Vec::with_capacity(usize::try_from(number).unwrap());
    let alone = in_use(|| held.extend((0..number).map(session)));
    let with_token = in_use(|| {
        for session in &held {
            runtime.block_on(session.token()).unwrap();
        }
    });
    drop(held);
    let sessions = sessions(number);
    let kept = in_use(|| {
        for key in 0..number {
            runtime
                .block_on(sessions.get(&key).unwrap().token())
                .unwrap();
        }
    });
    assert_eq!(sessions.len() as u64, number);

    for (what, (bytes, allocations)) in [
        ("made", alone),
        (
            "the same, logged in",
            (alone.0 + with_token.0, alone.1 + with_token.1),
        ),
        ("logged in, in `Sessions`", kept),
    ] {
        let each = |sum: i64| format!("{:.1}", sum as f64 / number as f64);
        table.row([
            what.into(),
            number.to_string(),
            each(bytes),
            each(allocations),
        ]);
    }
    bench.show(&table);
}

/// The bytes and the allocations that this leaves behind.
fn in_use(run: impl FnOnce()) -> (i64, i64) {
    let before = Region::new(ALLOCATOR);
    run();
    let change = before.change();
    let left = |made: usize, gone: usize| made as i64 - gone as i64;
    (
        left(change.bytes_allocated, change.bytes_deallocated),
        left(change.allocations, change.deallocations),
    )
}

fn time(bench: &Bench) {
    let number = number(bench.effort());
    let requests = bench.effort().pick(100, 20_000, 100_000);
    let rounds = bench.effort().pick(1, 11, 31);

    let runtime = runtime();
    let sessions = sessions(number);
    for key in 0..number {
        runtime
            .block_on(sessions.get(&key).unwrap().token())
            .unwrap();
    }
    let one = sessions.get(&0).unwrap();
    let mut bare = services::bare();
    let mut of_layer = BearerAuthLayer::from_session(one.clone()).layer(Noop);
    let mut per_request = BearerAuthLayer::per_request().layer(Noop);
    let (mut same, mut many) = (per_request.clone(), &mut per_request);
    let plain = || request(Headers::Made(4), empty());
    let with = |session: Session| {
        let mut request = plain();
        request.extensions_mut().insert(session);
        request
    };
    let mut key = 0;

    let [bare, of_layer, same, many] = in_turns(
        rounds,
        [
            &mut || each(requests, || services::send(&mut bare, plain())),
            &mut || each(requests, || services::send(&mut of_layer, plain())),
            &mut || each(requests, || services::send(&mut same, with(one.clone()))),
            &mut || {
                each(requests, || {
                    key = (key + STRIDE) % number;
                    services::send(&mut many, with(sessions.get(&key).unwrap()));
                })
            },
        ],
    );
    let mut table = Table::new(
        "request",
        &[
            "A request with 4 headers and its token in hand, over a service that answers at once, from when it is",
            "made. Ratios are to the bare service in the same round: median (10th - 90th percentile).",
        ],
        ["session", "ns", "to the bare service", "to the layer's own"],
    );
    let samples = |times: Vec<f64>| times.into_iter().collect::<Samples>();
    let (bare, of_layer) = (samples(bare), samples(of_layer));
    let mut row = |what: String, times: &Samples| {
        table.row([
            what,
            format!("{times:.0}"),
            times.over(&bare).to_string(),
            times.over(&of_layer).to_string(),
        ]);
    };
    row("none, bare".into(), &bare);
    row("the layer's own".into(), &of_layer);
    row("the request's".into(), &samples(same));
    row(format!("one of {number}, by its key"), &samples(many));
    bench.show(&table);
}

/// Nanoseconds for each.
fn each(requests: u32, mut send: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..requests {
        send();
    }
    start.elapsed().as_nanos() as f64 / f64::from(requests)
}

fn sessions(number: u64) -> Sessions<u64> {
    let capacity = usize::try_from(number).unwrap();
    Sessions::new(|key: &u64| Ok(session(*key))).capacity(capacity)
}

fn session(key: u64) -> Session {
    Session::new(source_fn(Origins::any(), move |_| async move {
        Ok(Token::new(format!("mF_9.B5f-{key:06}"))?)
    }))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}
