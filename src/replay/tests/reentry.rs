//! B2: a user's code that comes back in.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http_body::{Body, Frame};

use super::{LIMIT, within_ten_seconds};
use crate::replay::body::{Handle, ReplayBody};
use crate::replay::shared::Shared;

/// B2: no lock is held while the body, its data or a waker runs code of its own, which may well
/// come back to this body.
#[test]
fn a_users_code_may_come_back_in_from_anywhere() {
    struct Caller {
        shared: Arc<OnceLock<Arc<Shared<Nosy>>>>,
    }
    impl Caller {
        fn call_back(&self) {
            if let Some(shared) = self.shared.get() {
                shared.is_replayable();
            }
        }
    }
    impl Drop for Caller {
        fn drop(&mut self) {
            self.call_back();
        }
    }
    impl AsRef<[u8]> for Caller {
        fn as_ref(&self) -> &[u8] {
            b"data"
        }
    }
    impl Wake for Caller {
        fn wake(self: Arc<Self>) {
            self.call_back();
        }
    }

    struct Nosy {
        caller: Caller,
        frames: usize,
    }
    impl Body for Nosy {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.caller.call_back();
            if self.frames == 0 {
                return Poll::Pending;
            }
            self.frames -= 1;
            let shared = Arc::clone(&self.caller.shared);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(Caller { shared })))))
        }

        fn is_end_stream(&self) -> bool {
            self.caller.call_back();
            false
        }
    }

    within_ten_seconds(|| {
        for (limit, take) in [(LIMIT, true), (LIMIT, false), (7, true)] {
            let shared = Arc::new(OnceLock::new());
            let waker = Waker::from(Arc::new(Caller {
                shared: Arc::clone(&shared),
            }));
            let caller = Caller {
                shared: Arc::clone(&shared),
            };
            let (mut first, replay) = ReplayBody::replayable(Nosy { caller, frames: 2 }, limit);
            if let Handle::Shared(inner) = &replay.inner {
                let _ = shared.set(Arc::clone(inner));
            }
            let mut cx = Context::from_waker(&waker);
            for _ in 0..4 {
                let _ = Pin::new(&mut first).poll_frame(&mut cx);
            }
            if take {
                if let Some(mut second) = replay.take() {
                    let _ = Pin::new(&mut second).poll_frame(&mut cx);
                }
            }
            let _ = Pin::new(&mut first).poll_frame(&mut cx);
        }
    });
}
