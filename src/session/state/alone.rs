//! A session that shares no store.

use std::time::Duration;

use tokio::time::Instant;

use super::State;

impl<W> State<W> {
    pub(super) fn is_shared(&self) -> bool {
        false
    }

    pub(super) fn detour(&self) -> Duration {
        Duration::ZERO
    }

    pub(super) fn may_look(&self, _: Instant) -> bool {
        false
    }

    pub(super) fn note_look(&mut self, _: Instant) {}

    pub(super) fn part(&mut self, _: Instant) {}
}
