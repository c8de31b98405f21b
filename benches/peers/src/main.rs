//! What a request costs through `tower-bearer`, and through the crates that one could use instead.

use std::path::PathBuf;

use clap::Parser;
use peers::measure::{self, Plan};
use peers::report::{self, Report};

/// Measures what a request costs through tower-bearer, and through the crates that one could use instead.
#[derive(Parser)]
struct Arguments {
    /// A short run, to see that it works: its figures are no good.
    #[arg(long)]
    quick: bool,
    /// Also write what was measured to this file, as CSV.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    for line in report::provenance() {
        println!("{line}");
    }
    let allocations = peers::allocations::ask();
    let runtime = peers::runtime();
    let mut peers = runtime.block_on(peers::all());
    let plan = if arguments.quick {
        Plan::QUICK
    } else {
        Plan::FULL
    };
    let rows = measure::measure(&runtime, &mut peers, plan);
    let storms = measure::storms(&runtime, &mut peers);
    let report = Report {
        rows,
        storms,
        allocations,
    };
    report.print();
    arguments.record.map_or(Ok(()), |file| report.record(&file))
}
