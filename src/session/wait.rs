//! Waiting for a token.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::FutureExt;
use tokio::time::Instant;

use crate::error::AuthError;
use crate::refusal::challenge::Challenge;
use crate::session::runner::{Answer, Joined, Runner};
use crate::session::state::Ask;
use crate::session::state::evidence::Key;
use crate::session::state::token::{Issued, Stamp};
use crate::session::waker::contained;
use crate::token::Token;

/// Future returned by [`Session::token`](crate::Session::token).
///
/// If it is polled again after it has resolved, it asks again.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct TokenFuture {
    wait: Wait,
    has_waited_again: bool,
}

/// One who waits. It asks at its first poll, not before, and is gone without a trace when dropped:
/// the login that it waited for goes on.
#[derive(Debug)]
pub(crate) struct Wait {
    runner: Arc<Runner>,
    ask: Ask,
    challenges: Arc<[Challenge]>,
    joined: Option<Joined>,
    /// Ends the wait earlier than the session's own limit.
    limit: Option<Instant>,
    /// A login was lost under this waiter.
    lost_once: bool,
}

impl Wait {
    pub(crate) fn new(runner: Arc<Runner>, ask: Ask) -> Self {
        Self {
            runner,
            ask,
            challenges: Arc::default(),
            joined: None,
            limit: None,
            lost_once: false,
        }
    }

    /// Waits for a newer token than one that was refused with these challenges.
    pub(crate) fn renewal(
        runner: Arc<Runner>,
        refused: Stamp,
        key: Key,
        challenges: Vec<Challenge>,
    ) -> Self {
        Self {
            challenges: challenges.into(),
            ..Self::new(runner, Ask::Newer(refused, key))
        }
    }

    pub(crate) fn with_limit(self, limit: Option<Instant>) -> Self {
        Self { limit, ..self }
    }

    /// Polled again after it is done, it asks anew.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Issued, AuthError>> {
        let waker = contained(cx);
        let polled = self.poll_once(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            self.joined = None;
            self.lost_once = false;
        }
        polled
    }

    fn poll_once(&mut self, cx: &mut Context<'_>) -> Poll<Result<Issued, AuthError>> {
        let mut kept = None;
        loop {
            let Some(joined) = &mut self.joined else {
                match self.runner.ask(self.ask, &self.challenges, kept.take())? {
                    Answer::Token(issued) => return Poll::Ready(Ok(issued)),
                    Answer::Login(mut joined) => {
                        if let Some(limit) = self.limit {
                            joined.deadline.shorten(limit)?;
                        }
                        self.joined = Some(joined);
                    }
                }
                continue;
            };
            let Poll::Ready(ended) = joined.ticket.login.poll_unpin(cx) else {
                if let Poll::Ready(elapsed) = joined.deadline.poll(cx) {
                    elapsed?;
                    return Poll::Ready(Err(AuthError::timeout(
                        "the request waited too long for a login",
                    )));
                }
                ready!(self.poll_ask_again(cx))?;
                kept = self.joined.take().map(|joined| joined.deadline);
                continue;
            };
            // It may be over for some time, and this waiter the last to look.
            let is_current = self.runner.is_current(joined.account_epoch)?;
            match ended {
                Ok(outcome) if is_current => {
                    let account_epoch = joined.account_epoch;
                    return Poll::Ready(self.conclude(outcome, account_epoch));
                }
                Err(_lost) if is_current && self.lost_once => {
                    return Poll::Ready(Err(AuthError::unavailable(
                        "the login was lost twice, because its runtime shut down",
                    )));
                }
                Err(_lost) => self.lost_once |= is_current,
                // It was another account's: it is not missed.
                Ok(_) => {}
            }
            kept = self.joined.take().map(|joined| joined.deadline);
        }
    }

    /// Ready when the login is overdue, or the token in hand may be used after all.
    fn poll_ask_again(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AuthError>> {
        let Some(joined) = &mut self.joined else {
            return Poll::Ready(Ok(()));
        };
        if let Some(released) = &mut joined.ticket.released {
            if released.poll_unpin(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
        }
        match &mut joined.alarm {
            Some(alarm) => alarm.poll(cx),
            None => Poll::Pending,
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
                self.runner.unexpired(account_epoch).ok_or(error)
            }
            (Ok(issued), Ask::Newer(refused, _)) if issued.stamp.is_same_token(refused) => {
                Err(AuthError::unchanged())
            }
            (outcome, _) => outcome,
        }
    }
}

impl TokenFuture {
    pub(super) fn new(runner: Arc<Runner>) -> Self {
        Self {
            wait: Wait::new(runner, Ask::Token),
            has_waited_again: false,
        }
    }
}

impl Future for TokenFuture {
    type Output = Result<Token, AuthError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let granted = match ready!(self.wait.poll(cx)) {
                Ok(granted) => granted,
                Err(error) => {
                    self.has_waited_again = false;
                    return Poll::Ready(Err(error));
                }
            };
            // The login may have ended long before this poll.
            let has_waited_again = std::mem::replace(&mut self.has_waited_again, true);
            let runner = &self.wait.runner;
            if let Some((issued, _)) = runner.recheck(&granted, false, has_waited_again)? {
                self.has_waited_again = false;
                return Poll::Ready(Ok(issued.token));
            }
        }
    }
}
