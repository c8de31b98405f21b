//! Stronger tokens: a session of its own for each thing that a server asks for.

use std::sync::Arc;

use tokio::time::Instant;

use crate::error::AuthError;
use crate::origins::Origins;
use crate::refusal::challenge::Challenge;
use crate::session::Session;
use crate::session::id::SessionId;
use crate::session::runner::Runner;
use crate::source::{DynTokenSource, TokenRequest, TokenSource};
use crate::token::Token;

/// Asks the source for a token that meets these challenges.
struct Stronger {
    source: Arc<dyn DynTokenSource>,
    origins: Origins,
    challenges: Arc<[Challenge]>,
}

impl Session {
    /// The session whose tokens meet these challenges. `None`: its last tokens did not.
    pub(crate) fn step_up(&self, challenges: Vec<Challenge>) -> Option<Self> {
        let challenges = challenges.into_iter().filter(Challenge::asks_for_more);
        let challenges: Arc<[_]> = challenges.collect();
        // Of the source that is there when it is made: whoever replaces that signs out of it after.
        let make = || self.stronger(challenges.clone());
        let session = self.runner.step_ups.get(challenges.clone(), make);
        let is_futile = session.runner.lock().state.is_futile(Instant::now());
        (!is_futile).then_some(session)
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

    fn stronger(&self, challenges: Arc<[Challenge]>) -> Self {
        let inner = self.runner.lock();
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
        Self {
            runner: Arc::new(runner),
        }
    }
}

impl TokenSource for Stronger {
    fn origins(&self) -> Origins {
        self.origins.clone()
    }

    async fn fetch(&self, request: TokenRequest) -> Result<Token, AuthError> {
        let challenges = self.challenges.clone();
        self.source.fetch(request.for_step_up(challenges)).await
    }
}
