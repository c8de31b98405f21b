//! What the servers have seen of each request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::tally::{Count, Tally};

/// How many requests of one client are remembered: one that comes late is still known.
const REMEMBERED: u64 = 64;

pub(crate) struct Exchanges {
    tally: Arc<Tally>,
    seen: Mutex<HashMap<u64, Seen>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) attempts: u32,
    pub(crate) refusals: u32,
    token: Option<String>,
}

impl Exchanges {
    pub(crate) fn new(tally: Arc<Tally>) -> Self {
        Self {
            tally,
            seen: Mutex::default(),
        }
    }

    /// Before a client sends its request.
    pub(crate) fn begin(&self, id: u64) {
        self.lock().remove(&id.wrapping_sub(REMEMBERED));
    }

    /// A request comes. Returns which attempt at it this is.
    pub(crate) fn arrive(&self, id: u64, token: Option<&str>) -> u32 {
        let mut all = self.lock();
        let seen = all.entry(id).or_default();
        seen.attempts += 1;
        let Seen {
            attempts, refusals, ..
        } = *seen;
        let token = token.map(str::to_owned);
        let same = seen.token == token;
        seen.token = token;
        drop(all);

        if attempts > 1 {
            self.tally.count(Count::Replayed);
            let wrong = if attempts > 2 {
                Some("came more than twice")
            } else if refusals == 0 {
                Some("came again, and had not been refused")
            } else {
                same.then_some("came again with the refused token")
            };
            if let Some(wrong) = wrong {
                let wrong = format!("request {id} {wrong}");
                self.tally.violation(Count::OtherViolations, wrong);
            }
        }
        attempts
    }

    /// Before the refusal is sent.
    pub(crate) fn refuse(&self, id: u64) {
        self.lock().entry(id).or_default().refusals += 1;
    }

    pub(crate) fn seen(&self, id: u64) -> Seen {
        self.lock().get(&id).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
