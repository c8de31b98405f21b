//! Many requests on one session: how they scale with threads, what a revoked token costs when
//! thousands are under way, and who waits when tokens are rotated under load.
//!
//! ```text
//! cargo bench --bench contention -- [--quick] [--record DIR]
//! ```

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod api;
mod by_hand;
#[path = "../common/record.rs"]
mod record;
mod rotation;
#[path = "../common/rounds.rs"]
mod rounds;
mod scaling;
mod storm;

fn main() {
    let bench = record::Bench::from_args("contention");
    scaling::run(&bench);
    storm::run(&bench);
    rotation::run(&bench);
}
