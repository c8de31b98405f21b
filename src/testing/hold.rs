//! Answers held back, so that a test can order what happens.

use std::fmt;
use std::sync::Arc;

use super::state::{Lane, Shared};

/// Holds an [`Api`](super::Api)'s answers back until it is dropped. Of several, the last one
/// dropped releases them.
#[must_use = "dropped at once, it holds nothing back"]
pub struct Hold {
    shared: Arc<Shared>,
    lane: Lane,
}

impl Hold {
    pub(super) fn new(shared: &Arc<Shared>, lane: Lane) -> Self {
        shared.hold(lane);
        Self {
            shared: Arc::clone(shared),
            lane,
        }
    }

    /// Releases the answers, as dropping it does.
    pub fn release(self) {}
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.release(self.lane);
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}
