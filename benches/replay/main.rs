//! What it costs that a body may have to be sent again: [`ReplayBody`](tower_bearer::ReplayBody)
//! as the layer makes it, against the caller's body by itself.
//!
//! ```text
//! cargo bench --bench replay -- [--quick] [--record DIR]
//! ```

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod body;
mod memory;
#[path = "../common/record.rs"]
mod record;
#[path = "../common/rounds.rs"]
mod rounds;
mod sending;
mod throughput;

fn main() {
    let bench = record::Bench::from_args("replay");
    throughput::run(&bench);
    memory::run(&bench);
}
