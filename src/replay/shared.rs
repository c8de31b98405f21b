//! What the two attempts share, and the hand-over between them.
//!
//! The first attempt polls the original where it lies, with the state locked. Its other end, first
//! the handle and then the second attempt, never waits for that lock: it says by the `stage` what
//! is to become of the state, and tries the lock. If that is taken, the first attempt is polling,
//! and does it in its place: it looks at the stage once more when the lock is free again.
//!
//! Both read and change the stage by operations that are ordered among each other. So if the first
//! attempt's last look came too early to see a change, the lock was free before that change, and
//! whoever made it gets it.

#[cfg(all(test, tower_bearer_loom))]
mod hand_over;

use std::mem;
#[cfg(not(all(test, tower_bearer_loom)))]
use std::sync::atomic::{AtomicU8, Ordering};
#[cfg(not(all(test, tower_bearer_loom)))]
use std::sync::{Mutex, MutexGuard};
use std::sync::{PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};

use http_body::{Body, SizeHint};
#[cfg(all(test, tower_bearer_loom))]
use loom::sync::atomic::{AtomicU8, Ordering};
#[cfg(all(test, tower_bearer_loom))]
use loom::sync::{Mutex, MutexGuard};
use tower::BoxError;

use super::buffer::Buffer;
use super::frames::{Abandoned, Polled, poll_source};

pub(super) struct Shared<B> {
    pub(super) hint: SizeHint,
    limit: usize,
    stage: AtomicU8,
    state: Mutex<State<B>>,
    /// The second attempt, which waits for the first one's poll to end.
    second: Mutex<Option<Waker>>,
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
    source: Source<B>,
    kept: Buffer,
    /// The first attempt, which must learn that it is taken over.
    first: Option<Waker>,
}

/// One poll of the first attempt, which has the state to itself meanwhile.
struct Turn<'a, B> {
    shared: &'a Shared<B>,
    /// `None` only once it has ended.
    state: Option<MutexGuard<'a, State<B>>>,
}

/// What becomes of the state. It only ever grows.
type Stage = u8;

const KEEPING: Stage = 0;
/// There will be no second attempt.
const LET_GO: Stage = 1;
const TAKEN_OVER: Stage = 2;
/// The second attempt is gone as well.
const DISCARDED: Stage = 3;

impl<B> Shared<B> {
    pub(super) fn new(source: B, hint: SizeHint, limit: usize) -> Self {
        let state = State {
            source: Source::Live(source),
            kept: Buffer::default(),
            first: None,
        };
        Self {
            hint,
            limit,
            stage: AtomicU8::new(KEEPING),
            state: Mutex::new(state),
            second: Mutex::new(None),
        }
    }

    /// Polls the original for the first attempt, if it has not been taken over. Also says what that
    /// attempt becomes, if anything.
    pub(super) fn poll_first(&self, cx: &mut Context<'_>) -> (Polled, Option<Next<B>>)
    where
        B: Body + Unpin,
        B::Error: Into<BoxError>,
    {
        let mut turn = Turn {
            shared: self,
            state: Some(self.lock()),
        };
        let first = turn.poll(cx);
        match turn.end() {
            TAKEN_OVER | DISCARDED => abandoned(),
            _ => first,
        }
    }

    pub(super) fn is_replayable(&self) -> bool {
        self.stage() == KEEPING
    }

    /// Ends the first attempt for the second one's sake, if that is still possible.
    pub(super) fn take_over(&self) -> bool {
        if !self.advance(KEEPING, TAKEN_OVER) {
            return false;
        }
        let first = self.try_lock().and_then(|mut state| state.first.take());
        if let Some(first) = first {
            first.wake();
        }
        true
    }

    /// There will be no second attempt.
    pub(super) fn release(&self) {
        if self.advance(KEEPING, LET_GO) {
            // Bound outside the lock's scope, and so dropped outside: dropping data and wakers can
            // run a user's code. The same holds wherever a block below ends in what it took out.
            let _unneeded = self.try_lock().map(|mut state| state.forget());
        }
    }

    /// Everything that the second attempt needs, as soon as the first does not use it.
    pub(super) fn acquire(&self, cx: &mut Context<'_>) -> Poll<(Buffer, Source<B>)> {
        // The first attempt looks for it after it has given the lock up.
        let _earlier = self.second().replace(cx.waker().clone());
        match self.try_lock() {
            Some(mut state) => Poll::Ready(state.take()),
            None => Poll::Pending,
        }
    }

    /// The second attempt is gone, and the original with it.
    pub(super) fn discard(&self) {
        self.stage.swap(DISCARDED, Ordering::AcqRel);
        let _unneeded = self
            .try_lock()
            .map(|mut state| (state.take(), state.first.take()));
        let _waker = self.second().take();
    }

    fn stage(&self) -> Stage {
        self.stage.load(Ordering::Acquire)
    }

    /// As [`stage`](Self::stage), and ordered among all changes: see above.
    fn stage_now(&self) -> Stage {
        let mut stage = self.stage();
        while !self.advance(stage, stage) {
            stage = self.stage();
        }
        stage
    }

    fn advance(&self, from: Stage, to: Stage) -> bool {
        self.stage
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Only for the first attempt: the other end holds it only for a moment.
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only for the other end. `None`: the first attempt is polling.
    fn try_lock(&self) -> Option<MutexGuard<'_, State<B>>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(state)) => Some(state.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn second(&self) -> MutexGuard<'_, Option<Waker>> {
        self.second.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> State<B> {
    #[must_use = "to be dropped outside the lock"]
    fn forget(&mut self) -> (Buffer, Option<Waker>) {
        (mem::take(&mut self.kept), self.first.take())
    }

    #[must_use = "to be dropped outside the lock"]
    fn take(&mut self) -> (Buffer, Source<B>) {
        let source = mem::replace(&mut self.source, Source::Ended);
        (mem::take(&mut self.kept), source)
    }
}

impl<B> Turn<'_, B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    // What one poll comes to, by the stage that it ends in. The source stays where it lies unless
    // another one is named, and then the first attempt shares on unless it becomes something.
    //
    // | outcome       | KEEPING                 | LET_GO | TAKEN_OVER, DISCARDED: Abandoned        |
    // |---------------|-------------------------|--------|-----------------------------------------|
    // | pending       | keeps the waker         | Alone  |                                         |
    // | frame         | keeps the frame         | Alone  | keeps the frame without a limit         |
    // | the last one  | likewise, Ended         | Alone  | likewise                                |
    // | frame, no fit | LET_GO, Alone           | Alone  | Failed                                  |
    // | error         | LET_GO, Ended           | Ended  | Failed with that error                  |
    // | end           | Ended                   | Ended  | Ended                                   |
    // | panic (drop)  | LET_GO                  |        | Failed                                  |
    fn poll(&mut self, cx: &mut Context<'_>) -> (Polled, Option<Next<B>>) {
        let shared = self.shared;
        let Some(state) = &mut self.state else {
            return abandoned();
        };
        let source = match &mut state.source {
            Source::Live(source) if shared.stage() < TAKEN_OVER => source,
            _ => return abandoned(),
        };
        let mut polled = poll_source(source, cx);
        let at_end = source.is_end_stream();

        let mut stage = shared.stage();
        if stage == KEEPING {
            let is_good = match &mut polled {
                Poll::Ready(Some(Ok(frame))) => state.kept.add(frame, shared.limit),
                Poll::Ready(Some(Err(_))) => false,
                Poll::Ready(None) | Poll::Pending => true,
            };
            if is_good {
                state.first = polled.is_pending().then(|| cx.waker().clone());
                let is_over = match &polled {
                    Poll::Ready(Some(_)) => at_end,
                    Poll::Ready(None) => true,
                    Poll::Pending => false,
                };
                if is_over {
                    state.source = Source::Ended;
                }
                return (polled, is_over.then_some(Next::Ended));
            }
            stage = match shared.advance(KEEPING, LET_GO) {
                true => LET_GO,
                false => shared.stage(),
            };
        }
        if stage == LET_GO {
            let source = mem::replace(&mut state.source, Source::Ended);
            let becomes = match (source, &polled) {
                (Source::Live(source), Poll::Ready(Some(Ok(_))) | Poll::Pending) => {
                    Next::Alone(source)
                }
                _ => Next::Ended,
            };
            return (polled, Some(becomes));
        }
        match polled {
            // No limit for this one frame: its promise is given, and nobody else has it.
            Poll::Ready(Some(Ok(mut frame))) => {
                if !state.kept.add(&mut frame, usize::MAX) {
                    let error = "a frame of the request body cannot be replayed";
                    state.source = Source::Failed(error.into());
                }
            }
            Poll::Ready(Some(Err(error))) => state.source = Source::Failed(error),
            Poll::Ready(None) => state.source = Source::Ended,
            Poll::Pending => {}
        }
        abandoned()
    }
}

impl<B> Turn<'_, B> {
    /// Gives the lock up, and does what the other end could not meanwhile.
    fn end(&mut self) -> Stage {
        self.state = None;
        let shared = self.shared;
        let stage = shared.stage_now();
        match stage {
            LET_GO => {
                let _unneeded = shared.lock().forget();
            }
            TAKEN_OVER => {
                let second = shared.second().take();
                if let Some(second) = second {
                    second.wake();
                }
            }
            DISCARDED => {
                let _unneeded = shared.lock().take();
            }
            _ => {}
        }
        stage
    }
}

/// Only a panic of the original leaves anything to do here.
impl<B> Drop for Turn<'_, B> {
    fn drop(&mut self) {
        let Some(state) = &mut self.state else {
            return;
        };
        // What it had read may be lost: a second attempt could be short of it.
        self.shared.advance(KEEPING, LET_GO);
        if self.shared.stage() >= TAKEN_OVER {
            state.source = Source::Failed("the request body panicked".into());
        }
        self.end();
    }
}

fn abandoned<B>() -> (Polled, Option<Next<B>>) {
    (Abandoned::polled(), Some(Next::Abandoned))
}
