//! What a token store costs and saves: the start of a process, logins of a fleet, and what a store
//! has to do for it.
//!
//! ```text
//! cargo bench --manifest-path benches/Cargo.toml --features store --bench fleet -- [--quick] [--record DIR]
//! ```

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod dir;
mod login;
mod operations;
mod rotations;
mod startup;

use harness::record::Bench;

fn main() {
    let bench = Bench::from_args("fleet");
    startup::run(&bench);
    rotations::run(&bench);
    operations::run(&bench);
}
