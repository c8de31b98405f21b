//! Stronger tokens: a session of its own for each thing that a server asks for.

use std::sync::Arc;

use tokio::time::Instant;

use crate::error::AuthError;
use crate::origins::Origins;
use crate::refusal::challenge::Challenge;
use crate::session::Session;
use crate::session::id::SessionId;
use crate::session::runner::Runner;
use crate::session::state::Ask;
use crate::session::state::token::Stamp;
use crate::source::{DynTokenSource, TokenRequest, TokenSource};
use crate::token::Token;

/// Asks the source for a token that meets these challenges.
struct Stronger {
    source: Arc<dyn DynTokenSource>,
    origins: Origins,
    challenges: Arc<[Challenge]>,
}

impl Session {
    /// The session whose tokens meet the challenges that answer a request sent with that token.
    ///
    /// # Errors
    ///
    /// The account is another one by now, its credentials were rejected, or the last tokens did not
    /// meet the challenges.
    pub(crate) fn step_up(
        &self,
        sent: Stamp,
        challenges: Vec<Challenge>,
    ) -> Result<Self, AuthError> {
        let challenges = challenges.into_iter().filter(Challenge::asks_for_more);
        let challenges: Arc<[_]> = challenges.collect();
        let (now, account) = (Instant::now(), sent.account_epoch);
        let latch = self.runner.lock().state.latch(now);
        let is_forgettable = |it: &Self| it.is_held_once() && it.is_open(now);
        let make = || self.stronger(account, challenges.clone());
        let wanted = (account, challenges.clone());
        let session = self.runner.step_ups.get(wanted, is_forgettable, make)?;
        session.runner.lock().state.may_step_up(latch, now)?;
        Ok(session)
    }

    /// What to ask it for: never a token of another account, nor one after a sign-out.
    pub(crate) const STEP_UP: Ask = Ask::Of(Stamp::FIRST_ACCOUNT);

    pub(super) fn step_ups(&self) -> Vec<Self> {
        self.runner.step_ups.all()
    }

    /// No token that was made for the old account is used any more.
    pub(super) fn sign_out_of_step_ups(&self) {
        for session in self.runner.step_ups.take() {
            drop(session.sign_out());
        }
    }

    pub(super) fn is_login_of_step_up(&self, id: SessionId) -> bool {
        self.runner.step_ups.any(|session| session.is(id))
    }

    /// Whoever replaces the source changes the epoch first, and signs out of this one after.
    fn stronger(&self, account: u64, challenges: Arc<[Challenge]>) -> Result<Self, AuthError> {
        let inner = self.runner.lock();
        if inner.state.account_epoch() != account {
            return Err(AuthError::signed_out());
        }
        let source = Stronger {
            source: inner.source.clone(),
            origins: inner.origins.clone(),
            challenges,
        };
        drop(inner);
        let runner = Runner::new(
            Arc::new(source),
            self.runner.policy,
            self.runner.name().map(Arc::from),
            None,
            #[cfg(feature = "store")]
            None,
        );
        Ok(Self {
            runner: Arc::new(runner),
        })
    }
}

impl TokenSource for Stronger {
    fn origins(&self) -> Origins {
        self.origins.clone()
    }

    async fn fetch(&self, request: TokenRequest) -> Result<Token, AuthError> {
        // What the session itself would refresh with is not for this one to spend.
        let stale = request.stale();
        let is_own = stale.is_some_and(|stale| stale.expose_refresh_token().is_some());
        let request = if is_own { request } else { request.sparing() };
        let challenges = self.challenges.clone();
        self.source.fetch(request.for_step_up(challenges)).await
    }
}
