//! [`View`]: what the services know of their session, as of one epoch.

use tokio::time::Instant;

use crate::origins::Origins;
use crate::session::runner::Runner;
use crate::session::state::token::{Age, Issued};

/// A copy of what a request needs, good until the epoch moves on.
pub(crate) struct View {
    epoch: u64,
    pub(crate) origins: Origins,
    issued: Option<Issued>,
}

impl View {
    /// For many requests. Its token shares no reference count with others: those are contended.
    pub(crate) fn new(runner: &Runner) -> Self {
        let mut view = Self::of_one_request(runner);
        if let Some(issued) = &mut view.issued {
            issued.token.detach();
        }
        view
    }

    pub(crate) fn of_one_request(runner: &Runner) -> Self {
        let inner = runner.lock();
        Self {
            epoch: runner.epoch(),
            origins: inner.origins.clone(),
            issued: inner.state.usable().cloned(),
        }
    }

    /// Whether nothing has changed since.
    #[inline]
    pub(crate) fn is_current(&self, runner: &Runner) -> bool {
        self.epoch == runner.epoch()
    }

    /// The token that a request may go out with at once, and whether it is to be renewed ahead.
    #[inline]
    pub(crate) fn usable(&self) -> Option<(&Issued, bool)> {
        let issued = self.issued.as_ref()?;
        match issued.age(Instant::now) {
            Age::Expired => None,
            age => Some((issued, age == Age::Due)),
        }
    }
}
