//! A check of a token source against what a session relies on.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures::future::join;
use tokio::task;
use tokio::time::timeout;

use super::fault::{BrokenSource, Fault, Trial};
use crate::error::AuthError;
use crate::session::policy::{LOGIN_TIMEOUT, MIN_LIFETIME};
use crate::source::{Cause, TokenRequest, TokenSource};
use crate::token::Token;

/// How many fetches are dropped half-way at most, each one poll later than the one before.
const DROPS: usize = 8;

/// A shorter token might appear in any text by chance.
const TELLING: usize = 8;

/// Checks that your own [`TokenSource`] does what a [`Session`](crate::Session) relies on:
///
/// * A fetch returns a token within 30 seconds, and the token lives for at least a second.
/// * So does a fetch with that token as `stale`. It may return the same token, as some logins do.
/// * Two fetches at a time both end. A session makes one after the other, but it gives up one that
///   hangs, and several sessions may share a source.
/// * A fetch that is dropped half-way, as at the login's time limit, leaves the source as good as
///   before. The check drops it after its first poll, after its second and so on, up to eight.
/// * A fetch works on a dedicated task, and does not panic.
/// * No error shows a token that was returned before, in any of its texts.
/// * [`origins`](TokenSource::origins) stay the same: a session asks for them once.
///
/// That makes up to 20 fetches, so let the source log in at a stand-in. With
/// [paused time](super#in-a-test-of-your-own) they take no time. A source that has nothing but a
/// refresh token that works once cannot pass: a dropped fetch loses the next one.
///
/// The check cannot see that a fetch blocks its thread, or that the source keeps tokens and so
/// never returns a new one (revoke one, as [here](super#in-a-test-of-your-own)), or that the
/// origins are not the ones you mean
/// (`assert_eq!(source.origins(), Origins::only("https://api.example.com")?)`).
///
/// ```
/// use tower_bearer::testing::{Api, Fault, check_source};
/// use tower_bearer::{AuthError, Origins, Token, TokenRequest, login::Form, source_fn};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let api = Api::new().account("alice", "correct horse");
/// check_source(Form::new(api, "https://api.example.com", "alice", "correct horse")?).await?;
///
/// let no_renewal = source_fn(Origins::any(), async |request: TokenRequest| match request.stale() {
///     Some(_) => Err(AuthError::misconfigured("what is this for?")),
///     None => Ok(Token::new("mF_9.B5f-4.1JqM")?),
/// });
/// let broken = check_source(no_renewal).await.unwrap_err();
/// assert!(matches!(broken.faults(), [Fault::Failed { .. }]));
/// assert_eq!(
///     broken.to_string(),
///     "the source is broken: a fetch with a stale token failed: \
///      login misconfigured: what is this for?",
/// );
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Fails with everything that does not hold. If the first fetch returns no token, fails with only
/// that.
///
/// # Panics
///
/// Panics outside a tokio runtime with a timer.
pub async fn check_source(source: impl TokenSource) -> Result<(), BrokenSource> {
    let mut check = Check {
        source: Arc::new(source),
        seen: Vec::new(),
        faults: Vec::new(),
    };
    let origins = check.source.origins();
    if let Some(first) = check.fetch(Trial::First, None).await {
        let renewed = check.fetch(Trial::Renewal, Some(first)).await;
        check.two_at_a_time(renewed.clone()).await;
        check.dropped(renewed).await;
        if check.source.origins() != origins {
            check.faults.push(Fault::OriginsChanged);
        }
    }
    match check.faults {
        faults if faults.is_empty() => Ok(()),
        faults => Err(BrokenSource::new(faults)),
    }
}

struct Check<S> {
    source: Arc<S>,
    /// What no error may show.
    seen: Vec<Token>,
    faults: Vec<Fault>,
}

impl<S: TokenSource> Check<S> {
    async fn fetch(&mut self, trial: Trial, stale: Option<Token>) -> Option<Token> {
        let fetch = fetch(self.source.clone(), stale);
        let outcome = on_a_task(fetch).await;
        self.judge(trial, outcome)
    }

    async fn two_at_a_time(&mut self, stale: Option<Token>) {
        let fetch = || fetch(self.source.clone(), stale.clone());
        let (one, other) = join(on_a_task(fetch()), on_a_task(fetch())).await;
        for outcome in [one, other] {
            if self.judge(Trial::TwoAtATime, outcome).is_none() {
                break;
            }
        }
    }

    async fn dropped(&mut self, stale: Option<Token>) {
        for polls in 1..=DROPS {
            let fetch = fetch(self.source.clone(), stale.clone());
            // The fetch after it shows what became of the source.
            let ended = on_a_task(given_up_after(polls, fetch)).await;
            let next = self.fetch(Trial::AfterDrop, stale.clone()).await;
            if next.is_none() || matches!(ended, Ended::Returned(true)) {
                return;
            }
        }
    }

    fn judge(&mut self, trial: Trial, outcome: Ended<Result<Token, AuthError>>) -> Option<Token> {
        let fault = match outcome {
            Ended::Returned(Ok(token)) => match token.lifetime() {
                Some(lifetime) if lifetime < MIN_LIFETIME => Fault::ShortLived { trial, lifetime },
                _ => {
                    self.seen.push(token.clone());
                    return Some(token);
                }
            },
            Ended::Returned(Err(error)) if self.shows_token(&error) => Fault::ShowedToken { trial },
            Ended::Returned(Err(error)) => Fault::Failed { trial, error },
            Ended::Panicked => Fault::Panicked { trial },
            Ended::Hung => Fault::Hung { trial },
        };
        self.faults.push(fault);
        None
    }

    fn shows_token(&self, error: &AuthError) -> bool {
        let texts = texts(error);
        let secrets = self.seen.iter();
        let mut secrets =
            secrets.flat_map(|seen| [Some(seen.expose()), seen.expose_refresh_token()]);
        secrets.any(|secret| {
            secret.is_some_and(|secret| secret.len() >= TELLING && texts.contains(secret))
        })
    }
}

enum Ended<T> {
    Returned(T),
    Panicked,
    Hung,
}

async fn fetch<S: TokenSource>(source: Arc<S>, stale: Option<Token>) -> Result<Token, AuthError> {
    let request = match stale {
        Some(stale) => TokenRequest::replacing(stale, Cause::Refused),
        None => TokenRequest::first(),
    };
    TokenSource::fetch(&*source, request).await
}

/// Runs a fetch as a session runs a login.
async fn on_a_task<F>(work: F) -> Ended<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    match task::spawn(timeout(LOGIN_TIMEOUT, work)).await {
        Ok(Ok(output)) => Ended::Returned(output),
        Ok(Err(_late)) => Ended::Hung,
        Err(_panicked) => Ended::Panicked,
    }
}

/// Returns whether it ended before it was dropped.
pub(super) async fn given_up_after(polls: usize, work: impl Future) -> bool {
    let mut work = pin!(work);
    let mut polled = 0;
    poll_fn(|cx| {
        polled += 1;
        match work.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if polled == polls => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Everything of an error that may get into a log.
fn texts(error: &AuthError) -> String {
    let mut texts = format!("{error:?} {error} {:?}", error.get_ref());
    let mut below = error.source();
    while let Some(error) = below {
        texts += &format!(" {error:?} {error}");
        below = error.source();
    }
    texts
}
