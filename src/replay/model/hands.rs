//! What is done while the original is polled, as another thread could do it then.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use http_body::Body;

use super::Inside;
use crate::replay::body::{Replay, ReplayBody};
use crate::script::Script;

/// The handle, where the original can get at it while it is polled.
#[derive(Default)]
pub(super) struct Hands {
    pub(super) replay: Option<Replay<Script>>,
    pub(super) armed: Option<Inside>,
    pub(super) done: Option<Done>,
}

pub(super) enum Done {
    Took(Option<Box<ReplayBody<Script>>>),
    TookAndPolled(Option<Box<ReplayBody<Script>>>),
    TookAndDropped(bool),
    LetGo,
}

#[derive(Default)]
pub(super) struct Wakes(AtomicUsize);

impl Hands {
    pub(super) fn act(hands: &Mutex<Self>, wakes: &Arc<Wakes>) {
        let (armed, replay) = {
            let mut hands = hands.lock().unwrap();
            let armed = hands.armed.take();
            (armed, armed.and_then(|_| hands.replay.take()))
        };
        let (Some(inside), Some(replay)) = (armed, replay) else {
            return;
        };
        let done = match inside {
            Inside::Take => Done::Took(replay.take().map(Box::new)),
            Inside::TakeAndPoll => {
                let mut second = replay.take().map(Box::new);
                if let Some(second) = &mut second {
                    let waker = Waker::from(Arc::clone(wakes));
                    let polled = Pin::new(second).poll_frame(&mut Context::from_waker(&waker));
                    assert!(polled.is_pending(), "two readers");
                }
                Done::TookAndPolled(second)
            }
            Inside::TakeAndDrop => Done::TookAndDropped(replay.take().is_some()),
            Inside::LetGo => {
                drop(replay);
                Done::LetGo
            }
        };
        hands.lock().unwrap().done = Some(done);
    }
}

impl Wakes {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
