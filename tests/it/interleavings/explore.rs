//! Depth first through every order of the steps: each schedule runs from a fresh session, on the
//! real code.

use tokio::runtime::Runtime;

use super::world::{World, runtime};
use super::{Scenario, Step};

/// Which of how many enabled steps was taken.
struct Choice {
    taken: usize,
    of: usize,
}

/// Runs every schedule, and returns how many there are.
pub(crate) fn every_order(scenario: &Scenario) -> usize {
    let mut path = Vec::new();
    let mut schedules = 0;
    let mut runtime = runtime();
    loop {
        runtime = run(scenario, runtime, &mut path);
        schedules += 1;
        while path.last().is_some_and(|last| last.taken + 1 == last.of) {
            path.pop();
        }
        match path.last_mut() {
            Some(last) => last.taken += 1,
            None => return schedules,
        }
    }
}

/// Follows the path, and then the first enabled steps, which it notes.
fn run(scenario: &Scenario, runtime: Runtime, path: &mut Vec<Choice>) -> Runtime {
    let mut world = World::new(scenario, runtime);
    let mut enabled: Vec<Step> = Vec::new();
    for depth in 0..scenario.depth {
        world.enabled(&mut enabled);
        if enabled.is_empty() {
            break;
        }
        if depth == path.len() {
            path.push(Choice {
                taken: 0,
                of: enabled.len(),
            });
        }
        let choice = &path[depth];
        assert_eq!(choice.of, enabled.len(), "a replay went another way");
        world.take(enabled[choice.taken]);
    }
    world.finish()
}
