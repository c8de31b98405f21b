//! What the two attempts share, and the hand-over between them.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http_body::{Body, SizeHint};
use tower::BoxError;

use super::buffer::Buffer;
use super::frames::{Abandoned, Polled, poll_source};

pub(super) struct Shared<B> {
    pub(super) hint: SizeHint,
    limit: usize,
    state: Mutex<State<B>>,
}

/// How a poll of the first attempt went.
pub(super) struct FirstPoll<B> {
    pub(super) polled: Polled,
    pub(super) at_end: bool,
    pub(super) becomes: Option<Next<B>>,
}

/// What an attempt becomes when it needs no [`Shared`] any more.
pub(super) enum Next<B> {
    /// It has the original to itself.
    Alone(B),
    Ended,
    Abandoned,
}

/// What follows on the kept part.
pub(super) enum Source<B> {
    Live(B),
    Ended,
    Failed(BoxError),
}

struct State<B> {
    stage: Stage,
    slot: Slot<B>,
    kept: Buffer,
    /// Of the first attempt, which must learn that it is taken over. After that, of the second one,
    /// which waits for the original to be back in its slot.
    waker: Option<Waker>,
}

enum Stage {
    Keeping,
    /// There will be no second attempt.
    LetGo,
    TakenOver,
}

enum Slot<B> {
    Leased,
    Here(Source<B>),
}

/// The original, out of its slot for one poll of the first attempt.
struct Lease<'a, B> {
    shared: &'a Shared<B>,
    /// `None` only once it is on its way back.
    source: Option<B>,
}

impl<B> Shared<B> {
    #[inline(always)]
    pub(super) fn new(source: B, hint: SizeHint, limit: usize) -> Self {
        let state = State {
            stage: Stage::Keeping,
            slot: Slot::Here(Source::Live(source)),
            kept: Buffer::default(),
            waker: None,
        };
        Self {
            hint,
            limit,
            state: Mutex::new(state),
        }
    }

    /// Polls the original for the first attempt, if it has not been taken over.
    pub(super) fn poll_first(&self, cx: &mut Context<'_>) -> FirstPoll<B>
    where
        B: Body + Unpin,
        B::Error: Into<BoxError>,
    {
        match self.lease() {
            Some(lease) => lease.poll(cx),
            None => FirstPoll {
                polled: Abandoned::polled(),
                at_end: false,
                becomes: Some(Next::Abandoned),
            },
        }
    }

    pub(super) fn is_replayable(&self) -> bool {
        matches!(self.lock().stage, Stage::Keeping)
    }

    /// Ends the first attempt for the second one's sake, if that is still possible.
    pub(super) fn take_over(&self) -> bool {
        let waker = {
            let mut state = self.lock();
            if !matches!(state.stage, Stage::Keeping) {
                return false;
            }
            state.stage = Stage::TakenOver;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// There will be no second attempt.
    pub(super) fn release(&self) {
        // Bound outside the lock's scope, and so dropped outside: dropping data and wakers can
        // run a user's code. The same holds wherever a block below ends in what it took out.
        let _unneeded = {
            let mut state = self.lock();
            matches!(state.stage, Stage::Keeping).then(|| state.release())
        };
    }

    /// Everything that the second attempt needs, as soon as the first does not use it.
    pub(super) fn acquire(&self, cx: &mut Context<'_>) -> Poll<(Buffer, Source<B>)> {
        let mut waker = Some(cx.waker().clone());
        let mut state = self.lock();
        match mem::replace(&mut state.slot, Slot::Leased) {
            Slot::Here(source) => Poll::Ready((mem::take(&mut state.kept), source)),
            Slot::Leased => {
                mem::swap(&mut state.waker, &mut waker);
                Poll::Pending
            }
        }
    }

    /// The second attempt is gone, and the original with it. If that is leased just now, the
    /// first attempt is the only one left that knows this, and lets go of it when it comes back.
    pub(super) fn discard(&self) {
        let _unneeded = {
            let mut state = self.lock();
            let slot = match state.slot {
                Slot::Here(_) => Some(mem::replace(&mut state.slot, Slot::Leased)),
                Slot::Leased => None,
            };
            (slot, mem::take(&mut state.kept), state.waker.take())
        };
    }

    fn lease(&self) -> Option<Lease<'_, B>> {
        let mut state = self.lock();
        if matches!(state.stage, Stage::TakenOver) {
            return None;
        }
        match mem::replace(&mut state.slot, Slot::Leased) {
            Slot::Here(Source::Live(source)) => Some(Lease {
                shared: self,
                source: Some(source),
            }),
            other => {
                state.slot = other;
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        // Nothing of a user's runs under the lock, so a panic elsewhere left it consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> State<B> {
    #[must_use = "to be dropped outside the lock"]
    fn release(&mut self) -> (Buffer, Option<Waker>) {
        self.stage = Stage::LetGo;
        (mem::take(&mut self.kept), self.waker.take())
    }
}

impl<B> Lease<'_, B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    /// Polls the original and puts it back.
    fn poll(mut self, cx: &mut Context<'_>) -> FirstPoll<B> {
        let polled = match &mut self.source {
            Some(source) => poll_source(source, cx),
            None => Poll::Ready(None),
        };
        let at_end = self.source.as_ref().is_none_or(Body::is_end_stream);
        let waker = polled.is_pending().then(|| cx.waker().clone());
        let (polled, becomes) = self.settle(polled, waker);
        FirstPoll {
            polled,
            at_end,
            becomes,
        }
    }
}

impl<B> Lease<'_, B> {
    // What one poll comes to, by the stage that it ends in. The slot gets the original unless
    // another content is named, and then the first attempt shares on unless it becomes something.
    //
    // | outcome       | Keeping                 | LetGo   | TakenOver: wakes the second, Abandoned |
    // |---------------|-------------------------|---------|----------------------------------------|
    // | pending       | slot, keeps the waker   | Alone   | slot                                   |
    // | frame         | slot, keeps the frame   | Alone   | slot, keeps the frame without a limit  |
    // | frame, no fit | LetGo, Alone            | Alone   | slot: Failed                           |
    // | error         | LetGo, Ended            | Ended   | slot: Failed with that error           |
    // | end           | slot: Ended, Ended      | Ended   | slot: Ended                            |
    // | panic (drop)  | LetGo, slot             | slot    | slot: Failed                           |

    /// Puts the original where it belongs now, and returns how the poll ends for the first attempt.
    fn settle(mut self, mut polled: Polled, mut waker: Option<Waker>) -> (Polled, Option<Next<B>>) {
        let Some(source) = self.source.take() else {
            return (polled, None);
        };
        let limit = self.shared.limit;
        // Declared before the lock is taken, so that what ends up unused is dropped after it.
        let mut in_flight = Abandoned::polled();
        let mut unneeded = None;
        let mut second = None;

        let mut state = self.shared.lock();
        let becomes = match state.stage {
            Stage::Keeping => match &mut polled {
                Poll::Ready(Some(Ok(frame))) => {
                    if state.kept.add(frame, limit) {
                        state.slot = Slot::Here(Source::Live(source));
                        mem::swap(&mut state.waker, &mut waker);
                        None
                    } else {
                        unneeded = Some(state.release());
                        Some(Next::Alone(source))
                    }
                }
                Poll::Pending => {
                    state.slot = Slot::Here(Source::Live(source));
                    mem::swap(&mut state.waker, &mut waker);
                    None
                }
                Poll::Ready(Some(Err(_))) => {
                    unneeded = Some(state.release());
                    Some(Next::Ended)
                }
                Poll::Ready(None) => {
                    state.slot = Slot::Here(Source::Ended);
                    Some(Next::Ended)
                }
            },
            Stage::LetGo => match &polled {
                Poll::Ready(Some(Ok(_))) | Poll::Pending => Some(Next::Alone(source)),
                Poll::Ready(Some(Err(_)) | None) => Some(Next::Ended),
            },
            Stage::TakenOver => {
                mem::swap(&mut polled, &mut in_flight);
                state.slot = Slot::Here(match in_flight {
                    // No limit for this one frame: its promise is given, and nobody else has it.
                    Poll::Ready(Some(Ok(ref mut frame))) => {
                        if state.kept.add(frame, usize::MAX) {
                            Source::Live(source)
                        } else {
                            Source::Failed("a frame of the request body cannot be replayed".into())
                        }
                    }
                    Poll::Pending => Source::Live(source),
                    Poll::Ready(Some(Err(error))) => Source::Failed(error),
                    Poll::Ready(None) => Source::Ended,
                });
                second = state.waker.take();
                Some(Next::Abandoned)
            }
        };
        drop(state);
        drop(unneeded);

        if let Some(second) = second {
            second.wake();
        }
        (polled, becomes)
    }
}

/// Only a panic of the original leaves anything to do here.
impl<B> Drop for Lease<'_, B> {
    fn drop(&mut self) {
        let Some(source) = self.source.take() else {
            return;
        };
        // As in `settle`.
        let mut unneeded = None;
        let mut second = None;

        let mut state = self.shared.lock();
        match state.stage {
            Stage::Keeping => {
                // What it had read may be lost: a second attempt could be short of it.
                unneeded = Some(state.release());
                state.slot = Slot::Here(Source::Live(source));
            }
            Stage::LetGo => state.slot = Slot::Here(Source::Live(source)),
            Stage::TakenOver => {
                state.slot = Slot::Here(Source::Failed("the request body panicked".into()));
                second = state.waker.take();
            }
        }
        drop(state);
        drop(unneeded);

        if let Some(second) = second {
            second.wake();
        }
    }
}
