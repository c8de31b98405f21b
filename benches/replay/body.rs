//! The bodies that are sent.

use std::convert::Infallible;
use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// So many bytes, in frames of a size, all ready at once.
pub(crate) struct Frames {
    kind: Kind,
    sent: usize,
    make: fn(Range<usize>) -> Bytes,
}

#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) size: usize,
    /// `None`: one frame.
    pub(crate) frame: Option<usize>,
    /// Whether its length is known before it is read.
    pub(crate) tells_length: bool,
}

impl Kind {
    /// A body whose frames `make` makes, each told which part of the body it is.
    pub(crate) fn body(self, make: fn(Range<usize>) -> Bytes) -> Frames {
        let (kind, sent) = (self, 0);
        Frames { kind, sent, make }
    }

    pub(crate) fn frame_size(self) -> usize {
        self.frame.unwrap_or(self.size)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = bytes(self.size);
        let length = if self.tells_length {
            ""
        } else {
            ", length not told"
        };
        match self.frame {
            Some(frame) => write!(f, "{size} in frames of {}{length}", bytes(frame)),
            None => write!(f, "{size} in one frame{length}"),
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let start = self.sent;
        if start == self.kind.size {
            return Poll::Ready(None);
        }
        self.sent = self.kind.size.min(start + self.kind.frame_size());
        let data = (self.make)(start..self.sent);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.sent == self.kind.size && self.kind.tells_length
    }

    fn size_hint(&self) -> SizeHint {
        match self.kind.tells_length {
            true => SizeHint::with_exact((self.kind.size - self.sent) as u64),
            false => SizeHint::default(),
        }
    }
}

/// As people say it.
pub(crate) fn bytes(number: usize) -> String {
    match number {
        0..1024 => format!("{number} B"),
        1024..1_048_576 => format!("{} KiB", number >> 10),
        _ => format!("{} MiB", number >> 20),
    }
}
