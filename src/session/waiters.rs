//! The waiters of a login, and how the login hears that nobody waits any more.

use futures::FutureExt;
use futures::future::Shared;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::AuthError;
use crate::session::state::token::Issued;

/// Each waiter holds a clone. An error of the channel means that the login was lost or given up.
pub(super) type SharedLogin = Shared<oneshot::Receiver<Outcome>>;

pub(super) type Outcome = Result<Issued, AuthError>;

/// What one who waits for a login holds.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) login: SharedLogin,
    /// Resolves when the token in hand may be used after all.
    pub(super) released: Option<Shared<oneshot::Receiver<()>>>,
    pub(super) ask_again_at: Option<Instant>,
}

/// What the session keeps of a login: the way to its waiters, and to its task.
pub(super) struct Waiters {
    sender: oneshot::Sender<Outcome>,
    login: SharedLogin,
    released: Shared<oneshot::Receiver<()>>,
    release: Option<oneshot::Sender<()>>,
    /// Dropped with this: the task ends when it is.
    _abandon: oneshot::Sender<()>,
}

/// Resolves when the session has no use for the login any more.
pub(super) type Abandoned = oneshot::Receiver<()>;

impl Waiters {
    pub(super) fn new() -> (Self, Abandoned) {
        let (sender, receiver) = oneshot::channel();
        let (abandon, abandoned) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let waiters = Self {
            sender,
            login: receiver.shared(),
            released: released.shared(),
            release: Some(release),
            _abandon: abandon,
        };
        (waiters, abandoned)
    }

    pub(super) fn ticket(&self, ask_again_at: Option<Instant>, is_held_back: bool) -> Ticket {
        Ticket {
            login: self.login.clone(),
            released: is_held_back.then(|| self.released.clone()),
            ask_again_at,
        }
    }

    /// Lets those go who need not wait any more. To be dropped outside the lock: it wakes them.
    pub(super) fn release(&mut self) -> Option<oneshot::Sender<()>> {
        self.release.take()
    }

    /// Wakes them: not to be called under the lock.
    pub(super) fn notify(self, outcome: Outcome) {
        // That nobody waits any more is no loss: the session has the token.
        let _ = self.sender.send(outcome);
    }
}
