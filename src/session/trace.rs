//! Emits events to `tracing`; without the feature of that name all of this is nothing.
//!
//! A subscriber is a user's code. It must not run under the session's lock, so what happens there
//! is noted in a [`Log`], and told when the lock is free. Of a token only its fingerprint is shown.

#![cfg_attr(not(feature = "tracing"), allow(unused_variables))]

#[cfg(feature = "tracing")]
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use crate::error::AuthError;
use crate::session::state::token::Issued;
#[cfg(feature = "tracing")]
use crate::source::Cause;
use crate::source::TokenRequest;
#[cfg(feature = "store")]
use crate::store::error::StoreError;

#[cfg(feature = "tracing")]
const TARGET: &str = "tower_bearer";

/// What happened under the lock.
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
    /// With how long the login took.
    LoggedIn(Issued, Duration),
    #[cfg(feature = "store")]
    Adopted(Issued),
    /// And whether requests have a token all the same.
    Failed(AuthError, bool),
    #[cfg(feature = "store")]
    StoreFailed(StoreError),
    #[cfg(feature = "store")]
    StoreWorks,
    NoHelp(Duration),
    Throttled(AuthError),
    /// And whether it is the first one.
    Foreign(AuthError, bool),
}

/// The span of a login.
pub(crate) struct LoginSpan {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

/// A refused request is retried with this token.
pub(crate) fn retried(session: Option<&str>, issued: &Issued) {
    // https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: TARGET,
        session,
        fingerprint = %issued.token.fingerprint(),
        generation = issued.stamp.generation(),
        http.request.resend_count = 1,
        "request retried",
    );
}

/// A refused request is not retried, for its body was not kept.
pub(crate) fn not_repeated(session: Option<&str>, limit: usize) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: TARGET, session, limit, "request not retried: its body was not kept");
}

/// A request passes untouched, and this is why.
pub(crate) fn left_alone(session: Option<&str>, reason: &'static str) {
    #[cfg(feature = "tracing")]
    tracing::debug!(target: TARGET, session, reason, "request left alone");
}

impl LoginSpan {
    /// Part of the span that asked for the login and waits for it. Nobody waits for one ahead: it
    /// only follows from the span that came upon it.
    pub(crate) fn new(request: &TokenRequest, session: Option<&str>) -> Self {
        #[cfg(feature = "tracing")]
        {
            let asked_in = tracing::Span::current();
            let parent = asked_in.id().filter(|_| request.cause() != Cause::Ahead);
            let span = tracing::info_span!(
                target: TARGET,
                parent: parent,
                "login",
                session,
                cause = match request.cause() {
                    Cause::First => "first",
                    Cause::SignedOut => "signed out",
                    Cause::Expired => "expired",
                    Cause::Ahead => "ahead",
                    Cause::Refused => "refused",
                    Cause::StepUp => "step up",
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
    /// Not to be called under the lock: a subscriber is a user's code.
    pub(crate) fn notify(self, session: Option<&str>) {
        #[cfg(feature = "tracing")]
        for event in self.events {
            event.notify(session);
        }
    }

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

    pub(crate) fn logged_in(&mut self, issued: &Issued, took: Duration) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::LoggedIn(issued.clone(), took));
    }

    /// Another process's token is used from now on.
    #[cfg(feature = "store")]
    pub(crate) fn adopted(&mut self, issued: &Issued) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::Adopted(issued.clone()));
    }

    #[cfg(feature = "store")]
    pub(crate) fn store_failed(&mut self, error: &StoreError) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::StoreFailed(error.clone()));
    }

    #[cfg(feature = "store")]
    pub(crate) fn store_works(&mut self) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::StoreWorks);
    }

    /// A login failed. The error says until when the next one has to wait.
    pub(crate) fn failed(&mut self, error: &AuthError, is_serving: bool) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::Failed(error.clone(), is_serving));
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

    /// A request went to an origin that is none of the token's.
    pub(crate) fn foreign(&mut self, error: &AuthError, is_first: bool) {
        #[cfg(feature = "tracing")]
        self.events.push(Event::Foreign(error.clone(), is_first));
    }
}

#[cfg(feature = "tracing")]
impl Event {
    fn notify(self, session: Option<&str>) {
        match self {
            Event::Refused(issued) => tracing::info!(
                target: TARGET,
                session,
                fingerprint = %issued.token.fingerprint(),
                generation = issued.stamp.generation(),
                "token refused",
            ),
            Event::Ahead(issued) => tracing::debug!(
                target: TARGET,
                session,
                fingerprint = %issued.token.fingerprint(),
                generation = issued.stamp.generation(),
                "token about to expire",
            ),
            Event::LoggedIn(issued, took) => tracing::info!(
                target: TARGET,
                session,
                fingerprint = %issued.token.fingerprint(),
                generation = issued.stamp.generation(),
                lifetime_ms = issued.token.lifetime().map(millis),
                duration_ms = millis(took),
                "logged in",
            ),
            #[cfg(feature = "store")]
            Event::Adopted(issued) => tracing::info!(
                target: TARGET,
                session,
                fingerprint = %issued.token.fingerprint(),
                generation = issued.stamp.generation(),
                lifetime_ms = issued.token.lifetime().map(millis),
                "token taken from the store",
            ),
            #[cfg(feature = "store")]
            Event::StoreFailed(error) => tracing::warn!(
                target: TARGET,
                session,
                error = &error as &dyn Error,
                "token store failed",
            ),
            #[cfg(feature = "store")]
            Event::StoreWorks => tracing::info!(target: TARGET, session, "token store works again"),
            // Either somebody has to act, or requests fail because of it.
            Event::Failed(error, is_serving)
                if error.is_rejected() || error.is_misconfigured() || !is_serving =>
            {
                tracing::warn!(
                    target: TARGET,
                    session,
                    error = &error as &dyn Error,
                    retry_after_ms = error.retry_after().map(millis),
                    "login failed",
                );
            }
            Event::Failed(error, _) => tracing::info!(
                target: TARGET,
                session,
                error = &error as &dyn Error,
                retry_after_ms = error.retry_after().map(millis),
                "login failed",
            ),
            Event::NoHelp(pause) => tracing::warn!(
                target: TARGET,
                session,
                retry_after_ms = millis(pause),
                "logins do not help: new tokens keep being refused",
            ),
            Event::Throttled(error) => tracing::debug!(
                target: TARGET,
                session,
                error = &error as &dyn Error,
                retry_after_ms = error.retry_after().map(millis),
                "login throttled",
            ),
            Event::Foreign(error, true) => tracing::warn!(
                target: TARGET,
                session,
                error = &error as &dyn Error,
                "request sent without a token",
            ),
            Event::Foreign(error, false) => tracing::debug!(
                target: TARGET,
                session,
                error = &error as &dyn Error,
                "request sent without a token",
            ),
        }
    }
}

#[cfg(feature = "tracing")]
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
