//! The allocations of each peer, from the program that counts them to the one that tells of them.

use std::collections::HashMap;
use std::process::Command;

use crate::api::Scenario;

/// Allocations and bytes per request, by the name of the peer and the scenario.
pub type Allocations = HashMap<(String, String), [f64; 2]>;

/// Counts, and writes a line for each peer and scenario.
pub fn count_all(allocated: fn() -> [usize; 2]) {
    let runtime = crate::runtime();
    for mut peer in runtime.block_on(crate::all()) {
        let line = |scenario: Scenario, [count, bytes]: [f64; 2]| {
            println!("{}\t{scenario:?}\t{count}\t{bytes}", peer.about.name);
        };
        line(Scenario::Accepted, peer.accepted.count(&runtime, allocated));
        if let Some(bench) = &mut peer.refused_once {
            line(Scenario::RefusedOnce, bench.count(&runtime, allocated));
        }
    }
}

/// Runs the program that counts, which has to be beside this one.
pub fn ask() -> Allocations {
    let program = std::env::current_exe()
        .expect("this program is a file")
        .with_file_name("allocations");
    let output = Command::new(&program).output().unwrap_or_else(|error| {
        panic!(
            "{}: {error}; `cargo build --release` builds it",
            program.display()
        )
    });
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("the names are UTF-8");
    text.lines().map(entry).collect()
}

fn entry(line: &str) -> ((String, String), [f64; 2]) {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, scenario, count, bytes] = fields[..] else {
        panic!("four fields in {line:?}")
    };
    let number = |text: &str| text.parse().expect("a number");
    (
        (name.to_owned(), scenario.to_owned()),
        [number(count), number(bytes)],
    )
}
