//! Those who wait for a login, and how the login hears that nobody does any more.

use futures::FutureExt;
use futures::future::Shared;
use tokio::sync::oneshot;

use crate::error::AuthError;
use crate::session::state::token::Issued;

/// Each waiter holds a clone. An error of the channel means that the login was lost or given up.
pub(super) type SharedLogin = Shared<oneshot::Receiver<Outcome>>;

pub(super) type Outcome = Result<Issued, AuthError>;

/// What the session keeps of a login: the way to its waiters, and to its task.
pub(super) struct Waiters {
    sender: oneshot::Sender<Outcome>,
    login: SharedLogin,
    /// Dropped with this: the task ends when it is.
    _abandon: oneshot::Sender<()>,
}

/// Resolves when the session has no use for the login any more.
pub(super) type Abandoned = oneshot::Receiver<()>;

impl Waiters {
    pub(super) fn new() -> (Self, Abandoned) {
        let (sender, receiver) = oneshot::channel();
        let (abandon, abandoned) = oneshot::channel();
        let waiters = Self {
            sender,
            login: receiver.shared(),
            _abandon: abandon,
        };
        (waiters, abandoned)
    }

    pub(super) fn login(&self) -> SharedLogin {
        self.login.clone()
    }

    /// Wakes them: not to be called under the lock.
    pub(super) fn notify(self, outcome: Outcome) {
        // That nobody waits any more is no loss: the session has the token.
        let _ = self.sender.send(outcome);
    }
}
