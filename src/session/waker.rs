//! A waker whose panic is its own matter.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

struct Contained(Waker);

/// The waker of this task, which keeps a panic to itself: it must not keep others asleep who are
/// woken together with it, nor end the thread of a timer.
pub(crate) fn contained(cx: &Context<'_>) -> Waker {
    Arc::new(Contained(cx.waker().clone())).into()
}

impl Wake for Contained {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The panic hook has reported it.
        let _ = catch_unwind(AssertUnwindSafe(|| self.0.wake_by_ref()));
    }
}
