//! What happens, told to `tracing`; without the feature of that name all of this is nothing.
//!
//! A subscriber is a user's code. It must not run under the session's lock, so what happens there
//! is noted in a [`Log`], and told when the lock is free. Of a token only its fingerprint is told.

#![cfg_attr(not(feature = "tracing"), allow(unused_variables))]

use std::future::Future;
use std::time::Duration;

use crate::error::AuthError;
use crate::session::Issued;
#[cfg(feature = "tracing")]
use crate::source::Cause;
use crate::source::TokenRequest;

#[cfg(feature = "tracing")]
const TARGET: &str = "tower_bearer";

/// What happened under the lock. Tells it when dropped.
#[derive(Debug, Default)]
pub(crate) struct Log {
    #[cfg(feature = "tracing")]
    events: Vec<Event>,
}

#[cfg(feature = "tracing")]
#[derive(Debug)]
enum Event {
    Refused(Issued),
    Ahead(Issued),
    LoggedIn(Issued),
    Failed(AuthError),
    NoHelp(Duration),
    Throttled(AuthError),
}

/// The span of a login.
pub(crate) struct Login {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

/// A refused request is sent again, with this token.
pub(crate) fn resent(issued: &Issued) {
    // https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: TARGET,
        fingerprint = %issued.token.fingerprint(),
        generation = issued.stamp.generation(),
        http.request.resend_count = 1,
        "request sent again",
    );
}

/// A refused request is not sent again, for its body was not kept.
pub(crate) fn not_replayed(limit: usize) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: TARGET, limit, "request not sent again: its body was not kept");
}

impl Login {
    /// Part of the span that asked for the login and waits for it. Nobody waits for one ahead: it
    /// only follows from the span that came upon it.
    pub(crate) fn new(request: &TokenRequest) -> Self {
        #[cfg(feature = "tracing")]
        {
            let asked_in = tracing::Span::current();
            let parent = asked_in.id().filter(|_| request.cause() != Cause::Ahead);
            let span = tracing::info_span!(
                target: TARGET,
                parent: parent,
                "login",
                cause = match request.cause() {
                    Cause::First => "first",
                    Cause::SignedOut => "signed out",
                    Cause::Expired => "expired",
                    Cause::Ahead => "ahead",
                    Cause::Refused => "refused",
                },
                stale = request.stale().map(|token| tracing::field::display(token.fingerprint())),
            );
            if request.cause() == Cause::Ahead {
                span.follows_from(&asked_in);
            }
            Self { span }
        }
        #[cfg(not(feature = "tracing"))]
        Self {}
    }

    pub(crate) fn around<F: Future>(self, login: F) -> impl Future<Output = F::Output> {
        #[cfg(feature = "tracing")]
        return tracing::Instrument::instrument(login, self.span);
        #[cfg(not(feature = "tracing"))]
        login
    }
}

impl Log {
    /// The first refusal of this token.
    pub(crate) fn refused(&mut self, issued: &Issued) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::Refused(issued.clone()));
    }

    /// A login begins behind the requests that go out with this token.
    pub(crate) fn ahead(&mut self, issued: &Issued) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::Ahead(issued.clone()));
    }

    pub(crate) fn logged_in(&mut self, issued: &Issued) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::LoggedIn(issued.clone()));
    }

    /// A login failed. The error says until when the next one has to wait.
    pub(crate) fn failed(&mut self, error: &AuthError) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::Failed(error.clone()));
    }

    /// Logins after a refusal have not helped: there are none for this time.
    pub(crate) fn no_help(&mut self, pause: Duration) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::NoHelp(pause));
    }

    /// A login was asked for, and not made.
    pub(crate) fn throttled(&mut self, error: &AuthError) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::Throttled(error.clone()));
    }
}

#[cfg(feature = "tracing")]
impl Drop for Log {
    fn drop(&mut self) {
        self.events.drain(..).for_each(Event::tell);
    }
}

#[cfg(feature = "tracing")]
impl Event {
    fn tell(self) {
        match self {
            Event::Refused(issued) => tracing::info!(
                target: TARGET,
                fingerprint = %issued.token.fingerprint(),
                generation = issued.stamp.generation(),
                "token refused",
            ),
            Event::Ahead(issued) => tracing::debug!(
                target: TARGET,
                fingerprint = %issued.token.fingerprint(),
                generation = issued.stamp.generation(),
                "token about to expire",
            ),
            Event::LoggedIn(issued) => tracing::info!(
                target: TARGET,
                fingerprint = %issued.token.fingerprint(),
                generation = issued.stamp.generation(),
                "logged in",
            ),
            // It will not pass by itself.
            Event::Failed(error) if error.is_rejected() || error.is_misconfigured() => {
                tracing::warn!(
                    target: TARGET,
                    %error,
                    retry_after_ms = error.retry_after().map(millis),
                    "login failed",
                );
            }
            Event::Failed(error) => tracing::info!(
                target: TARGET,
                %error,
                retry_after_ms = error.retry_after().map(millis),
                "login failed",
            ),
            Event::NoHelp(pause) => tracing::warn!(
                target: TARGET,
                retry_after_ms = millis(pause),
                "logins do not help: fresh tokens are refused",
            ),
            Event::Throttled(error) => tracing::debug!(
                target: TARGET,
                %error,
                retry_after_ms = error.retry_after().map(millis),
                "login withheld",
            ),
        }
    }
}

#[cfg(feature = "tracing")]
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
