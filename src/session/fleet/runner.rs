//! What a login through a store asks of its session.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Fleet;
use crate::session::runner::Runner;
use crate::session::state::shared::StoreUse;
use crate::session::state::token::LoginId;
use crate::session::stats::Stats;
use crate::store::error::StoreError;

impl Runner {
    pub(in crate::session) fn fleet(&self) -> Option<Arc<Fleet>> {
        self.lock().fleet.clone()
    }

    /// Notes whether the shared store works.
    pub(in crate::session) fn note_store(&self, of: StoreUse, error: Option<&StoreError>) {
        self.lock().state.note_store(of, error);
    }

    /// Now it comes to a real login.
    pub(super) fn note_fetch(&self, login: LoginId) {
        self.lock().state.note_fetch(login, Instant::now());
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Stats)) {
        count(&mut self.lock().state.stats);
    }

    /// Half to one and a half times as long.
    pub(super) fn jittered(&self, pause: Duration) -> Duration {
        pause.mul_f64(0.5 + self.lock().state.random())
    }
}
