//! The second attempt: what was kept, then the rest of the original.

use std::mem;
use std::sync::Arc;

use http_body::{Frame, SizeHint};

use super::buffer::Buffer;
use super::frames::Item;
use super::shared::{Next, Shared, Source};

/// The second attempt's right to the original, until it has got it.
pub(super) struct Takeover<B> {
    pub(super) shared: Arc<Shared<B>>,
}

pub(super) struct Second<B> {
    kept: Buffer,
    source: Source<B>,
    pub(super) hint: SizeHint,
    pub(super) delivered: u64,
}

impl<B> Drop for Takeover<B> {
    fn drop(&mut self) {
        self.shared.discard();
    }
}

impl<B> Second<B> {
    pub(super) fn new(kept: Buffer, source: Source<B>, hint: SizeHint) -> Self {
        Self {
            kept,
            source,
            hint,
            delivered: 0,
        }
    }

    /// The next of what was kept, and what this attempt is from now on if that was the last.
    ///
    /// It goes on with the original in the same step: whether the stream is at its end can then
    /// be asked of the original.
    pub(super) fn next(&mut self) -> (Option<Item>, Option<Next<B>>) {
        let frame = self.kept.next();
        if let Some(data) = frame.as_ref().and_then(Frame::data_ref) {
            self.delivered += data.len() as u64;
        }
        if !self.kept.is_empty() {
            return (frame.map(Ok), None);
        }
        match mem::replace(&mut self.source, Source::Ended) {
            Source::Live(source) => (frame.map(Ok), Some(Next::Alone(source))),
            Source::Ended => (frame.map(Ok), Some(Next::Ended)),
            Source::Failed(error) if frame.is_none() => (Some(Err(error)), Some(Next::Ended)),
            failed => {
                self.source = failed;
                (frame.map(Ok), None)
            }
        }
    }
}
