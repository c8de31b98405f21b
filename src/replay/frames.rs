//! Frames, size hints and polls of a source.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use tower::BoxError;

/// The error that ends a first attempt after the second one took the body over.
#[derive(Debug)]
pub(super) struct Abandoned;

pub(super) type Polled = Poll<Option<Item>>;

pub(super) type Item = Result<Frame<Bytes>, BoxError>;

impl Abandoned {
    pub(super) fn polled() -> Polled {
        Poll::Ready(Some(Err(Self.into())))
    }
}

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request body was taken over by the retry")
    }
}

impl std::error::Error for Abandoned {}

pub(super) fn poll_source<B>(source: &mut B, cx: &mut Context<'_>) -> Polled
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    Pin::new(source).poll_frame(cx).map(|frame| {
        frame.map(|frame| match frame {
            Ok(frame) => Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))),
            Err(error) => Err(error.into()),
        })
    })
}

pub(super) fn data_len(polled: &Polled) -> u64 {
    match polled {
        Poll::Ready(Some(Ok(frame))) => frame.data_ref().map_or(0, |data| data.len() as u64),
        _ => 0,
    }
}

pub(super) fn less(hint: &SizeHint, delivered: u64) -> SizeHint {
    let mut rest = SizeHint::new();
    rest.set_lower(hint.lower().saturating_sub(delivered));
    if let Some(upper) = hint.upper() {
        rest.set_upper(upper.saturating_sub(delivered));
    }
    rest
}
