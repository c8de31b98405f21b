//! The body of a request, as a caller makes it: whole, or piece by piece with pauses.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::content::{Claim, SUM};
use crate::rng::Rng;
use crate::tally::Live;

const LARGEST_PIECE: usize = 24 * 1024;

pub(crate) struct Upload {
    claim: Claim,
    at: usize,
    ended: bool,
    whole: bool,
    /// So slow that it is still on its way when a login has ended.
    slow: bool,
    /// The caller's own body fails there.
    fails_at: Option<usize>,
    rng: Rng,
    pause: Pause,
    /// Whoever forgets a body is found out at the end.
    _live: Live,
}

enum Pause {
    None,
    /// To be polled again at once.
    Turn,
    Sleep(Pin<Box<Sleep>>),
}

impl Upload {
    pub(crate) fn new(
        claim: Claim,
        whole: bool,
        fails_at: Option<usize>,
        mut rng: Rng,
        live: Live,
    ) -> Self {
        let slow = rng.permille(250);
        Self {
            claim,
            at: 0,
            ended: false,
            whole,
            slow,
            fails_at,
            rng,
            pause: Pause::None,
            _live: live,
        }
    }

    fn rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.pause {
            Pause::None => {}
            Pause::Turn => {
                self.pause = Pause::None;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Pause::Sleep(sleep) => {
                ready!(sleep.as_mut().poll(cx));
                self.pause = Pause::None;
            }
        }
        Poll::Ready(())
    }

    fn piece(&mut self) -> Frame<Bytes> {
        let left = self.claim.len - self.at;
        let len = match self.whole {
            true => left,
            false => {
                let most = (self.claim.len / 4).clamp(1, LARGEST_PIECE);
                left.min(self.rng.between(1, most))
            }
        };
        if self.rng.permille(60) {
            // As one that reads a file: the other attempt may want it in the middle of a poll.
            thread::sleep(Duration::from_micros(300));
        }
        let data = self.claim.bytes(self.at, len);
        self.at += len;
        if !self.whole {
            self.pause = match self.rng.below(10) {
                0..=3 => Pause::Turn,
                4 | 5 => {
                    let most = if self.slow { 120 } else { 6 };
                    Pause::Sleep(Box::pin(sleep(self.rng.millis(1, most))))
                }
                _ => Pause::None,
            };
        }
        Frame::data(data)
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        ready!(this.rest(cx));
        Poll::Ready(if this.fails_at.is_some_and(|at| this.at >= at) {
            Some(Err(io::Error::other("the caller's own body failed")))
        } else if this.at < this.claim.len {
            Some(Ok(this.piece()))
        } else if this.claim.trailers && !this.ended {
            this.ended = true;
            let value = HeaderValue::from(this.claim.id);
            let trailers = HeaderMap::from_iter([(http::HeaderName::from_static(SUM), value)]);
            Some(Ok(Frame::trailers(trailers)))
        } else {
            None
        })
    }

    fn is_end_stream(&self) -> bool {
        // One that comes in pieces does not know: the end is a poll of its own.
        self.whole && self.at == self.claim.len
    }

    fn size_hint(&self) -> SizeHint {
        match self.claim.sized {
            true => SizeHint::with_exact((self.claim.len - self.at) as u64),
            false => SizeHint::default(),
        }
    }
}
