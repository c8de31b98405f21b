//! [`StepUps`]: what there is for each thing that a server asks an account for.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::AuthError;
use crate::refusal::challenge::Challenge;

/// The one used last is at the end.
pub(super) struct StepUps<S>(Mutex<Vec<(Wanted, S)>>);

/// Of which account, by its epoch, and what.
pub(super) type Wanted = (u64, Arc<[Challenge]>);

/// A server asks for few things, and one that asks for something else each time is not met.
const MOST: usize = 16;

impl<S> StepUps<S> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// What there is for this, which is made if there is nothing. If there are many, another one is
    /// forgotten for it, but none that still matters: its next login might come too early.
    pub(super) fn get(
        &self,
        wanted: Wanted,
        is_forgettable: impl Fn(&S) -> bool,
        make: impl FnOnce() -> Result<S, AuthError>,
    ) -> Result<S, AuthError>
    where
        S: Clone,
    {
        // Dropped after the lock.
        let mut forgotten = None;
        let mut all = self.lock();
        let known = all.iter().position(|(its, _)| *its == wanted);
        let found = match known {
            Some(known) => all.remove(known),
            None => {
                let made = make()?;
                if all.len() == MOST {
                    let oldest = all.iter().position(|(_, session)| is_forgettable(session));
                    forgotten = Some(all.remove(oldest.ok_or_else(too_many)?));
                }
                (wanted, made)
            }
        };
        let session = found.1.clone();
        all.push(found);
        drop(all);
        drop(forgotten);
        Ok(session)
    }

    pub(super) fn all(&self) -> Vec<S>
    where
        S: Clone,
    {
        self.lock()
            .iter()
            .map(|(_, session)| session.clone())
            .collect()
    }

    pub(super) fn take(&self) -> impl Iterator<Item = S> + use<S> {
        let all = mem::take(&mut *self.lock());
        all.into_iter().map(|(_, session)| session)
    }

    pub(super) fn any(&self, is_it: impl Fn(&S) -> bool) -> bool {
        self.lock().iter().any(|(_, session)| is_it(session))
    }

    pub(super) fn every(&self, is_it: impl Fn(&S) -> bool) -> bool {
        self.lock().iter().all(|(_, session)| is_it(session))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Wanted, S)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn too_many() -> AuthError {
    AuthError::unavailable(format!(
        "all {MOST} stronger tokens are in use or waiting for their next login"
    ))
}
