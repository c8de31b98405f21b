//! Many requests on one session: how they scale with threads, what a revoked token costs when
//! thousands are under way, and who waits when tokens are rotated under load.
//!
//! ```text
//! cargo bench --manifest-path benches/Cargo.toml --bench contention -- [--quick] [--record DIR]
//! ```

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod api;
mod by_hand;
mod rotation;
mod scaling;
mod storm;

use harness::record::Bench;

fn main() {
    let bench = Bench::from_args("contention");
    scaling::run(&bench);
    storm::run(&bench);
    rotation::run(&bench);
}
