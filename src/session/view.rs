//! [`View`]: what a clone of the service knows of its session.

use std::sync::Arc;

use tokio::time::Instant;

use crate::origins::Origins;
use crate::session::runner::Runner;
use crate::session::state::token::{Age, Issued};

/// One clone's own copy of what a request needs, good until the epoch moves on.
#[derive(Clone, Debug)]
pub(crate) struct View {
    epoch: u64,
    pub(crate) origins: Origins,
    issued: Option<Issued>,
}

impl View {
    pub(crate) fn new(runner: &Runner) -> Self {
        let inner = runner.lock();
        Self {
            epoch: runner.epoch(),
            origins: inner.origins.clone(),
            issued: inner.state.usable().cloned(),
        }
    }

    /// Takes the lock only when something changed since the view was last used, and says whether it
    /// did.
    pub(crate) fn refresh(&mut self, runner: &Runner) -> bool {
        let is_changed = self.epoch != runner.epoch();
        if is_changed {
            *self = Self::new(runner);
        }
        is_changed
    }

    /// The token that a request may go out with at once.
    pub(crate) fn usable(&self, runner: &Arc<Runner>) -> Option<&Issued> {
        let issued = self.issued.as_ref()?;
        match issued.age(Instant::now) {
            Age::Expired => return None,
            Age::Due => runner.renew_ahead(),
            Age::Good => {}
        }
        Some(issued)
    }

    /// From now on its token shares no reference count with others.
    pub(crate) fn detach(&mut self) {
        if let Some(issued) = &mut self.issued {
            issued.token.detach();
        }
    }
}
