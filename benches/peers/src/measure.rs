//! [`measure`]: what is measured when.

use std::time::Duration;

use tokio::runtime::Runtime;

use crate::api::Scenario;
use crate::bench::{Bench, Storm};
use crate::peer::{About, Login, Peer};

/// How long it all takes.
#[derive(Clone, Copy)]
pub struct Plan {
    /// In each round every peer has one turn.
    pub rounds: usize,
    /// The length of a turn.
    pub slice: Duration,
    /// The rounds with one thread and with two.
    pub thread_rounds: usize,
    /// The length of a turn there, in batches.
    pub thread_batches: usize,
}

impl Plan {
    pub const FULL: Self = Self {
        rounds: 41,
        slice: Duration::from_millis(8),
        thread_rounds: 11,
        thread_batches: 40,
    };
    /// To see that it works.
    pub const QUICK: Self = Self {
        rounds: 5,
        slice: Duration::from_millis(1),
        thread_rounds: 3,
        thread_batches: 4,
    };
}

/// One peer in one scenario. Each list has an element for each round, in nanoseconds per request.
pub struct Row {
    pub about: About,
    pub scenario: Scenario,
    pub send: Vec<f64>,
    pub build: Vec<f64>,
    /// The throughput of two threads, by that of one.
    pub two_threads: Vec<f64>,
}

/// Measures all peers, in turns, so that a machine that gets slower does so for all.
pub fn measure(runtime: &Runtime, peers: &mut [Peer], plan: Plan) -> Vec<Row> {
    let mut rows: Vec<(Row, &mut dyn Bench)> = Vec::new();
    for peer in peers {
        rows.push((
            Row::new(peer.about, Scenario::Accepted),
            &mut *peer.accepted,
        ));
        if let Some(bench) = &mut peer.refused_once {
            rows.push((Row::new(peer.about, Scenario::RefusedOnce), &mut **bench));
        }
    }
    for round in 0..=plan.rounds {
        for (row, bench) in &mut rows {
            let time = bench.time(runtime, plan.slice);
            // The first one warms up.
            if round > 0 {
                row.send.push(time.send);
                row.build.push(time.build);
            }
        }
    }
    for _ in 0..plan.thread_rounds {
        for (row, bench) in rows
            .iter_mut()
            .filter(|(row, _)| row.scenario == Scenario::Accepted)
        {
            let one = bench.throughput(1, plan.thread_batches);
            row.two_threads
                .push(bench.throughput(2, plan.thread_batches) / one);
        }
    }
    rows.into_iter().map(|(row, _)| row).collect()
}

/// A storm for each peer that has a token.
pub fn storms(runtime: &Runtime, peers: &mut [Peer]) -> Vec<(About, Storm)> {
    let peers = peers
        .iter_mut()
        .filter(|peer| peer.about.login != Login::None);
    peers
        .map(|peer| (peer.about, peer.storm.storm(runtime)))
        .collect()
}

impl Row {
    fn new(about: About, scenario: Scenario) -> Self {
        Self {
            about,
            scenario,
            send: Vec::new(),
            build: Vec::new(),
            two_threads: Vec::new(),
        }
    }
}

/// The value below which so many hundredths of all are. None without any.
pub fn percentile(values: impl IntoIterator<Item = f64>, hundredths: usize) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
        .get(values.len().saturating_sub(1) * hundredths / 100)
        .copied()
}
