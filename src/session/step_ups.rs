//! [`StepUps`]: what there is for each thing that a server asks for.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::refusal::challenge::Challenge;

/// The one used last is at the end.
pub(super) struct StepUps<S>(Mutex<Vec<(Arc<[Challenge]>, S)>>);

/// A server asks for few things, and one that asks for something else each time is not met.
const MOST: usize = 16;

impl<S> StepUps<S> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// What there is for these challenges, which is made if there is nothing.
    pub(super) fn get(&self, challenges: Arc<[Challenge]>, make: impl FnOnce() -> S) -> S
    where
        S: Clone,
    {
        // Dropped after the lock.
        let mut forgotten = None;
        let mut all = self.lock();
        let known = all.iter().position(|(its, _)| *its == challenges);
        let found = match known {
            Some(known) => all.remove(known),
            None => {
                if all.len() == MOST {
                    forgotten = Some(all.remove(0));
                }
                (challenges, make())
            }
        };
        let session = found.1.clone();
        all.push(found);
        drop(all);
        drop(forgotten);
        session
    }

    pub(super) fn take(&self) -> impl Iterator<Item = S> + use<S> {
        let all = mem::take(&mut *self.lock());
        all.into_iter().map(|(_, session)| session)
    }

    pub(super) fn any(&self, is_it: impl Fn(&S) -> bool) -> bool {
        self.lock().iter().any(|(_, session)| is_it(session))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<[Challenge]>, S)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
