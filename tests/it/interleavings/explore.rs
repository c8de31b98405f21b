//! Depth first through every order of the steps: each schedule runs from a fresh start, on the
//! real code.

use tokio::runtime::Runtime;

use super::world::runtime;

/// What happens in an order.
pub(crate) trait Play {
    type Step: Copy;

    /// The steps that may be taken next, in an order that depends on nothing but those taken
    /// before.
    fn enabled(&self, steps: &mut Vec<Self::Step>);

    fn take(&mut self, step: Self::Step);

    /// Brings what is left to its end. The runtime that is left has no task.
    fn finish(self) -> Runtime;
}

/// Which of how many enabled steps was taken.
struct Choice {
    taken: usize,
    of: usize,
}

/// Runs every schedule, and returns how many there are.
pub(crate) fn every_order<P: Play>(depth: usize, start: impl Fn(Runtime) -> P) -> usize {
    let mut path = Vec::new();
    let mut schedules = 0;
    let mut runtime = runtime();
    loop {
        runtime = run(depth, start(runtime), &mut path);
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
fn run<P: Play>(depth: usize, mut play: P, path: &mut Vec<Choice>) -> Runtime {
    let mut enabled = Vec::new();
    for depth in 0..depth {
        play.enabled(&mut enabled);
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
        play.take(enabled[choice.taken]);
    }
    play.finish()
}
