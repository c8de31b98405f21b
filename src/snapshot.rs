//! [`Snapshot`]: what a request with its token in hand needs, behind one reference count.

use std::array;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::session::{Session, View};
use crate::settings::Settings;

/// Threads that share a number contend, as they would for any reference count.
const THREADS: usize = 16;

/// The settings, the session as of one epoch, and the inner service for a retry.
///
/// It never changes: when the epoch moves on, another one takes its place.
pub(crate) struct Snapshot<S> {
    pub(crate) settings: Arc<Settings>,
    pub(crate) view: View,
    prototype: Arc<Prototype<S>>,
    /// The thread that it was made on: others contend for its reference count.
    thread: usize,
}

/// A clone of the inner service that is never polled. Few requests are refused, so it is cloned
/// only for those.
///
/// In a mutex, because `S` may not be `Sync`. Cloning a service is the one thing of a user's that
/// runs under it.
pub(crate) struct Prototype<S>(Mutex<S>);

/// One snapshot for each thread, for the clones of one service that many threads clone.
pub(crate) struct Snapshots<S> {
    pub(crate) prototype: Arc<Prototype<S>>,
    slots: [Slot<S>; THREADS],
}

/// On a cache line of its own.
#[repr(align(64))]
struct Slot<S>(Mutex<Option<Arc<Snapshot<S>>>>);

impl<S> Snapshot<S> {
    pub(crate) fn new(settings: Arc<Settings>, prototype: Arc<Prototype<S>>) -> Self {
        Self {
            view: View::new(settings.session.runner()),
            settings,
            prototype,
            thread: this_thread(),
        }
    }

    /// The same service as of now, on this thread.
    pub(crate) fn renewed(&self) -> Self {
        Self::new(self.settings.clone(), self.prototype.clone())
    }

    /// The same service for the session of one request.
    pub(crate) fn of_session(&self, session: Session) -> Self {
        self.of_one_request(self.settings.of_session(session))
    }

    /// The same service for the session of a stronger token.
    pub(crate) fn of_step_up(&self, session: Session) -> Self {
        self.of_one_request(self.settings.of_step_up(session))
    }

    fn of_one_request(&self, settings: Settings) -> Self {
        Self {
            view: View::of_one_request(settings.session.runner()),
            settings: Arc::new(settings),
            prototype: self.prototype.clone(),
            thread: self.thread,
        }
    }

    pub(crate) fn is_current(&self) -> bool {
        self.view.is_current(self.settings.session.runner())
    }

    pub(crate) fn is_of_this_thread(&self) -> bool {
        self.thread == this_thread()
    }

    pub(crate) fn prototype(&self) -> &Arc<Prototype<S>> {
        &self.prototype
    }
}

impl<S> Prototype<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self(Mutex::new(inner))
    }

    /// A clone that is not ready.
    pub(crate) fn to_inner(&self) -> S
    where
        S: Clone,
    {
        // A clone that panicked has changed nothing.
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl<S> Snapshots<S> {
    pub(crate) fn new(prototype: Arc<Prototype<S>>) -> Self {
        Self {
            prototype,
            slots: array::from_fn(|_| Slot(Mutex::new(None))),
        }
    }

    /// That of this thread, which is made anew when the epoch has moved on.
    pub(crate) fn get(&self, settings: &Arc<Settings>) -> Arc<Snapshot<S>> {
        let slot = &self.slots[this_thread()];
        if let Some(snapshot) = slot.lock().as_ref().filter(|it| it.is_current()) {
            return snapshot.clone();
        }
        // Made, and the old one dropped, outside the lock: a drop may run a user's code.
        let snapshot = Arc::new(Snapshot::new(settings.clone(), self.prototype.clone()));
        let old = slot.lock().replace(snapshot.clone());
        drop(old);
        snapshot
    }
}

impl<S> Slot<S> {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Snapshot<S>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[inline]
fn this_thread() -> usize {
    static THREADS_SO_FAR: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = THREADS_SO_FAR.fetch_add(1, Ordering::Relaxed) % THREADS;
    }
    NUMBER.with(|number| *number)
}
