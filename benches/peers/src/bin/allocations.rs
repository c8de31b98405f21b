//! Counts what each peer allocates. A program of its own, as counting would slow down what `peers` times.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    peers::allocations::count_all(|| {
        let stats = ALLOCATOR.stats();
        [
            stats.allocations + stats.reallocations,
            stats.bytes_allocated,
        ]
    });
}
