//! The hand-over in every order of two threads:
//! `RUSTFLAGS="--cfg tower_bearer_loom" cargo test --lib hand_over`

#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use loom::future::block_on;
use loom::sync::Arc;
use loom::{model, thread};

use super::{Next, Shared, Source};

const FRAMES: usize = 2;

/// So many frames of a byte each. Then it ends, or waits for ever.
struct Frames {
    left: usize,
    ends: bool,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left > 0 {
            self.left -= 1;
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))));
        }
        match self.ends {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ends && self.left == 0
    }
}

fn shared(ends: bool) -> Arc<Shared<Frames>> {
    let left = FRAMES;
    let hint = SizeHint::default();
    Arc::new(Shared::new(Frames { left, ends }, hint, 1_024))
}

/// Polls the first attempt until it becomes something else.
fn first(shared: &Shared<Frames>) -> Next<Frames> {
    block_on(poll_fn(|cx| {
        loop {
            match shared.poll_first(cx) {
                (_, Some(next)) => return Poll::Ready(next),
                (Poll::Ready(_), None) => {}
                (Poll::Pending, None) => return Poll::Pending,
            }
        }
    }))
}

/// What the second attempt has: the frames that were kept, and those that are left.
fn second(shared: &Shared<Frames>) -> (usize, usize) {
    let (mut kept, source) = block_on(poll_fn(|cx| shared.acquire(cx)));
    let kept = kept
        .next()
        .map_or(0, |frame| frame.into_data().unwrap().len());
    match source {
        Source::Live(frames) => (kept, frames.left),
        Source::Ended => (kept, 0),
        Source::Failed(error) => panic!("{error}"),
    }
}

/// B2: whenever a body is taken over, the second attempt has all of it, and a first attempt that
/// waits is woken.
#[test]
fn a_take_over_loses_no_frame_and_leaves_nobody_waiting() {
    for ends in [true, false] {
        model(move || {
            let shared = shared(ends);
            let other = shared.clone();
            let sending = thread::spawn(move || first(&other));
            assert!(shared.take_over());
            let (kept, left) = second(&shared);
            assert_eq!(kept + left, FRAMES);
            let is_abandoned = matches!(sending.join().unwrap(), Next::Abandoned);
            assert!(ends || is_abandoned);
        });
    }
}

/// B1: whenever it turns out that there will be no second attempt, nothing is kept for one.
#[test]
fn what_was_kept_is_dropped_when_it_is_let_go() {
    model(|| {
        let shared = shared(true);
        let other = shared.clone();
        let sending = thread::spawn(move || first(&other));
        shared.release();
        // The frames of one that goes on alone are not looked at here.
        let next = sending.join().unwrap();
        assert!(matches!(next, Next::Alone(_) | Next::Ended));
        assert!(shared.lock().kept.is_empty());
    });
}

/// B2: whenever the second attempt is dropped, the original is dropped too.
#[test]
fn a_second_attempt_that_is_dropped_leaves_nothing_behind() {
    model(|| {
        let shared = shared(false);
        let other = shared.clone();
        let sending = thread::spawn(move || first(&other));
        assert!(shared.take_over());
        shared.discard();
        assert!(matches!(sending.join().unwrap(), Next::Abandoned));
        let state = shared.lock();
        assert!(state.kept.is_empty() && matches!(state.source, Source::Ended));
        assert!(shared.second().is_none());
    });
}
