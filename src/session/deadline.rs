//! A deadline that reports a missing runtime or timer instead of panicking.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::time::{Instant, Sleep, sleep_until};

use super::policy::later;
use crate::AuthError;

#[derive(Debug)]
pub(crate) struct Deadline {
    at: Instant,
    runtime: runtime::Id,
    sleep: Pin<Box<Sleep>>,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Result<Self, AuthError> {
        Self::at(later(Instant::now(), limit))
    }

    /// Ends it at this instant, if that is earlier.
    pub(super) fn shorten(&mut self, at: Instant) -> Result<(), AuthError> {
        if at < self.at {
            *self = Self::at(at)?;
        }
        Ok(())
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AuthError>> {
        // The runtime of the timer may stand still when the future is polled on another one.
        if Handle::try_current().is_ok_and(|here| here.id() != self.runtime) {
            *self = Self::at(self.at)?;
        }
        // tokio panics when the runtime of the timer has shut down.
        let sleep = self.sleep.as_mut();
        match catch_unwind(AssertUnwindSafe(|| sleep.poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(no_runtime())),
        }
    }

    pub(super) fn at(at: Instant) -> Result<Self, AuthError> {
        let runtime = Handle::try_current().map_err(|_| no_runtime())?.id();
        // tokio reports a runtime without a timer only by a panic.
        catch_unwind(|| Box::pin(sleep_until(at)))
            .map(|sleep| Self { at, runtime, sleep })
            .map_err(|_| {
                AuthError::misconfigured(
                    "a login needs tokio's timer: call `enable_time` on the runtime's builder",
                )
            })
    }
}

pub(super) fn no_runtime() -> AuthError {
    AuthError::misconfigured("a login needs a tokio runtime: await the request inside one")
}
