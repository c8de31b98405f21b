//! What it costs that a body may have to be sent again: [`ReplayBody`](tower_bearer::ReplayBody)
//! as the layer makes it, against the caller's body by itself.
//!
//! ```text
//! cargo bench --manifest-path benches/Cargo.toml --bench replay -- [--quick] [--record DIR]
//! ```

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod body;
mod memory;
mod sending;
mod throughput;

use harness::record::Bench;

fn main() {
    let bench = Bench::from_args("replay");
    throughput::run(&bench);
    memory::run(&bench);
}
