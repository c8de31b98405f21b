//! Waiting for a token.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::FutureExt;

use super::state::Ask;
use super::state::token::Issued;
use super::{Answer, Joined, Session};
use crate::{AuthError, Token};

/// The future of [`Session::token`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct TokenFuture {
    wait: Wait,
}

/// One who waits. It asks at its first poll, not before, and is gone without a trace when dropped:
/// the login that it waited for goes on.
#[derive(Debug)]
pub(crate) struct Wait {
    session: Session,
    ask: Ask,
    joined: Option<Joined>,
    /// A login was lost under this waiter.
    lost_once: bool,
}

impl Wait {
    pub(crate) fn new(session: Session, ask: Ask) -> Self {
        Self {
            session,
            ask,
            joined: None,
            lost_once: false,
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Issued, AuthError>> {
        let mut kept = None;
        loop {
            let Some(joined) = &mut self.joined else {
                match self.session.ask(self.ask, kept.take())? {
                    Answer::Token(issued) => return Poll::Ready(Ok(issued)),
                    Answer::Login(joined) => self.joined = Some(joined),
                }
                continue;
            };
            let Poll::Ready(ended) = joined.login.poll_unpin(cx) else {
                ready!(joined.deadline.poll(cx))?;
                return Poll::Ready(Err(AuthError::timeout(
                    "waited too long for a login that did not end",
                )));
            };
            // It may be over for some time, and this waiter the last to look.
            let is_current = self.session.is_current(joined.account_epoch)?;
            match ended {
                Ok(Some(outcome)) if is_current => {
                    let account_epoch = joined.account_epoch;
                    return Poll::Ready(self.conclude(outcome, account_epoch));
                }
                Err(_lost) if is_current && self.lost_once => {
                    return Poll::Ready(Err(AuthError::unavailable(
                        "the runtime that ran the login shut down, twice",
                    )));
                }
                Err(_lost) => self.lost_once |= is_current,
                // It was another account's, or that of a session signed out: it is not missed.
                Ok(_) => {}
            }
            kept = self.joined.take().map(|joined| joined.deadline);
        }
    }

    fn conclude(
        &self,
        outcome: Result<Issued, AuthError>,
        account_epoch: u64,
    ) -> Result<Issued, AuthError> {
        match (outcome, self.ask) {
            // A failed renewal takes nothing from a request whose token was not refused.
            (Err(error), Ask::Token | Ask::Of(_)) => {
                self.session.unexpired(account_epoch).ok_or(error)
            }
            (Ok(issued), Ask::Newer(refused)) if issued.stamp.is_same_token(refused) => {
                Err(AuthError::unchanged())
            }
            (outcome, _) => outcome,
        }
    }
}

impl TokenFuture {
    pub(super) fn new(session: Session) -> Self {
        Self {
            wait: Wait::new(session, Ask::Token),
        }
    }
}

impl Future for TokenFuture {
    type Output = Result<Token, AuthError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.wait.poll(cx).map_ok(|issued| issued.token)
    }
}
