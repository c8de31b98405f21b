//! A refused response that is held while its renewal is under way.

use std::task::Context;
use std::time::Duration;

use http::Response;

use crate::session::{Deadline, contained};

/// A refused response that the caller gets if no new token is had soon.
///
/// Unread, it keeps its connection, or room in the connection's window, and what else it holds. The
/// login may need just that, so it is not held for long.
pub(crate) struct HeldResponse<R> {
    response: Option<Response<R>>,
    limit: Duration,
    release: Option<Deadline>,
}

impl<R> HeldResponse<R> {
    /// Counts the limit from the first poll.
    pub(crate) fn new(response: Response<R>, limit: Duration) -> Self {
        Self {
            response: Some(response),
            limit,
            release: None,
        }
    }

    /// Of a response that the caller has no use for.
    pub(crate) fn dropped() -> Self {
        Self {
            response: None,
            limit: Duration::ZERO,
            release: None,
        }
    }

    /// Drops the response once the limit is over. Wakes the task for that.
    pub(crate) fn poll_release(&mut self, cx: &mut Context<'_>) {
        if self.response.is_none() {
            return;
        }
        let release = match &mut self.release {
            Some(release) => Ok(release),
            none => Deadline::after(self.limit).map(|release| none.insert(release)),
        };
        let waker = contained(cx);
        let mut cx = Context::from_waker(&waker);
        // Where there is no timer nothing is awaited for long: the wait for the login fails too.
        if release.is_ok_and(|release| release.poll(&mut cx).is_ready()) {
            self.response = None;
            self.release = None;
        }
    }

    pub(crate) fn into_inner(self) -> Option<Response<R>> {
        self.response
    }
}
