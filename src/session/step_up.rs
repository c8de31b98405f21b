//! Stronger tokens: a session of its own for each thing that a server asks for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::error::AuthError;
use crate::origins::Origins;
use crate::refusal::challenge::Challenge;
use crate::session::Session;
use crate::session::id::SessionId;
use crate::session::runner::Runner;
use crate::source::{DynTokenSource, TokenRequest, TokenSource};
use crate::token::Token;

/// The sessions of stronger tokens, the one used last at the end.
#[derive(Default)]
pub(super) struct StepUps(Mutex<Vec<StepUp>>);

struct StepUp {
    challenges: Arc<[Challenge]>,
    session: Session,
}

/// Asks the source for a token that meets these challenges.
struct Stronger {
    source: Arc<dyn DynTokenSource>,
    origins: Origins,
    challenges: Arc<[Challenge]>,
}

/// A server asks for few things, and one that asks for something else each time is not met.
const MOST: usize = 16;

impl Session {
    /// The session whose tokens meet these challenges. `None`: its last tokens did not.
    pub(crate) fn step_up(&self, challenges: Vec<Challenge>) -> Option<Self> {
        let asks_for_more = |challenge: &Challenge| challenge.asks_for_more();
        let challenges: Arc<[_]> = challenges.into_iter().filter(asks_for_more).collect();
        let mut forgotten = None;
        let mut step_ups = self.runner.step_ups.lock();
        let mut all = step_ups.iter();
        let known = all.position(|known| known.challenges == challenges);
        let step_up = match known {
            Some(known) => step_ups.remove(known),
            None => {
                if step_ups.len() == MOST {
                    forgotten = Some(step_ups.remove(0));
                }
                // Under the lock, so that it is of the source that a sign-out finds.
                let inner = self.runner.lock();
                let source = Stronger {
                    source: inner.source.clone(),
                    origins: inner.origins.clone(),
                    challenges,
                };
                drop(inner);
                StepUp::new(&self.runner, source)
            }
        };
        let session = step_up.session.clone();
        step_ups.push(step_up);
        drop(step_ups);
        drop(forgotten);
        let is_futile = session.runner.lock().state.is_futile(Instant::now());
        (!is_futile).then_some(session)
    }
}

impl StepUps {
    /// No token that was made for the old account is used any more.
    pub(super) fn sign_out(&self) {
        let signed_out = std::mem::take(&mut *self.lock());
        for step_up in signed_out {
            drop(step_up.session.sign_out());
        }
    }

    pub(super) fn is_login_of(&self, id: SessionId) -> bool {
        let step_ups = self.lock();
        step_ups.iter().any(|step_up| step_up.session.is(id))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<StepUp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StepUp {
    fn new(runner: &Runner, source: Stronger) -> Self {
        let challenges = source.challenges.clone();
        let runner = Runner::new(
            Arc::new(source),
            runner.policy,
            runner.name().map(Arc::from),
            None,
            #[cfg(feature = "store")]
            None,
        );
        Self {
            challenges,
            session: Session {
                runner: Arc::new(runner),
            },
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
