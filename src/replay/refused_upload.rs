//! What is still on its way when a response has been refused.

use super::body::{Replay, ReplayBody};

/// The body of a refused attempt, which may still be on its way.
///
/// Dropping it ends that upload: the response future is gone or failed, so nobody waits for an
/// answer to it.
pub(crate) struct RefusedUpload<B> {
    replay: Option<Replay<B>>,
}

impl<B> RefusedUpload<B> {
    pub(crate) fn new(replay: Replay<B>) -> Self {
        Self {
            replay: Some(replay),
        }
    }

    pub(crate) fn take_over(&mut self) -> Option<ReplayBody<B>> {
        self.replay.take().and_then(Replay::take)
    }

    /// Lets the upload go on: the caller gets the refused response.
    pub(crate) fn release(mut self) {
        self.replay = None;
    }
}

impl<B> Drop for RefusedUpload<B> {
    fn drop(&mut self) {
        drop(self.take_over());
    }
}
