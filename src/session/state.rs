//! The pure machine: which token is in hand, which login is under way, and what follows from that
//! for one who asks. No clock, no lock, no async: `now` comes in, decisions go out.

use std::time::Duration;

use tokio::time::Instant;

use crate::{AuthError, Token};

/// A token whose lifetime is shorter is used for this long all the same, so that expiry causes at
/// most one login in this time, and serves those who waited for it.
const MIN_LIFETIME: Duration = Duration::from_secs(1);

/// How much longer than its time limit a login may stay silent before it counts as lost.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct State {
    current: Option<Issued>,
    login: Option<Login>,
    generations: u64,
    logins: u64,
}

/// A token with its place in the session's history.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) token: Token,
    pub(crate) stamp: Stamp,
    expires_at: Option<Instant>,
}

/// What a request remembers of the token that it was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Counts tokens: the same token again keeps its generation.
    generation: u64,
    /// The login that brought it last.
    login: LoginId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LoginId(u64);

#[derive(Debug)]
struct Login {
    id: LoginId,
    /// Somebody's token was refused: the token in hand is known to be no good.
    renewal: bool,
    overdue_at: Option<Instant>,
}

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// Any usable token.
    Token,
    /// A newer one than this, which was refused.
    Newer(Stamp),
}

#[derive(Debug)]
pub(super) enum Decision {
    Use(Issued),
    /// Wait for the login under way.
    Join,
    /// Begin a login, and wait for it.
    Begin,
    /// A login since then brought the refused token again: another one would not help.
    Unchanged,
}

impl Stamp {
    pub(super) fn is_same_token(self, other: Self) -> bool {
        self.generation == other.generation
    }
}

impl Issued {
    /// The clock is asked only of a token whose lifetime is known.
    pub(crate) fn is_expired(&self, now: impl FnOnce() -> Instant) -> bool {
        self.expires_at.is_some_and(|at| at <= now())
    }
}

impl State {
    /// The token that a request may go out with at once, if it has not expired.
    pub(super) fn usable(&self) -> Option<&Issued> {
        let renewing = self.login.as_ref().is_some_and(|login| login.renewal);
        self.current.as_ref().filter(|_| !renewing)
    }

    /// The token in hand, be it usable or not.
    pub(super) fn in_hand(&self) -> Option<&Issued> {
        self.current.as_ref()
    }

    pub(super) fn decide(&mut self, ask: Ask, now: Instant) -> Decision {
        if let (Ask::Newer(refused), Some(current)) = (ask, &self.current) {
            if current.stamp.is_same_token(refused) {
                return if current.stamp.login > refused.login {
                    Decision::Unchanged
                } else {
                    self.join(true, now)
                };
            }
        }
        match self.usable().filter(|issued| !issued.is_expired(|| now)) {
            Some(issued) => Decision::Use(issued.clone()),
            None => self.join(false, now),
        }
    }

    /// Follows [`Decision::Begin`].
    pub(super) fn begin(&mut self, ask: Ask, now: Instant, limit: Duration) -> LoginId {
        self.logins += 1;
        let id = LoginId(self.logins);
        self.login = Some(Login {
            id,
            renewal: matches!(ask, Ask::Newer(_)),
            overdue_at: limit.checked_add(GRACE).and_then(|it| now.checked_add(it)),
        });
        id
    }

    /// A login has ended. `None`: it was given up before, its outcome counts no more.
    pub(super) fn end(
        &mut self,
        id: LoginId,
        outcome: Result<Token, AuthError>,
        now: Instant,
    ) -> Option<Result<Issued, AuthError>> {
        if !self.give_up(id) {
            return None;
        }
        Some(outcome.map(|token| {
            let issued = Issued {
                stamp: Stamp {
                    generation: self.generation_of(&token),
                    login: id,
                },
                expires_at: token
                    .lifetime()
                    .and_then(|lifetime| now.checked_add(lifetime.max(MIN_LIFETIME))),
                token,
            };
            self.current.insert(issued).clone()
        }))
    }

    /// A login will not end any more. `false`: that was known before.
    pub(super) fn give_up(&mut self, id: LoginId) -> bool {
        self.login.take_if(|login| login.id == id).is_some()
    }

    fn join(&mut self, renewal: bool, now: Instant) -> Decision {
        match &mut self.login {
            // Its runtime is gone or stands still, else its time limit had ended it.
            Some(login) if login.overdue_at.is_some_and(|at| at <= now) => Decision::Begin,
            Some(login) => {
                login.renewal |= renewal;
                Decision::Join
            }
            None => Decision::Begin,
        }
    }

    fn generation_of(&mut self, token: &Token) -> u64 {
        match &self.current {
            Some(current) if current.token.is_same(token) => current.stamp.generation,
            _ => {
                self.generations += 1;
                self.generations
            }
        }
    }
}

#[cfg(test)]
mod tests;
