//! One login through a store.
//!
//! ```text
//!         ┌──────────── load ─────────────┐
//!         │ newer, usable token ──────────┼──► adopt
//!         │ nothing, and only a look ─────┼──► nothing new
//!         │ a record that is left alone ──┼──► alone
//!         │ error, or too slow ───────────┼──► alone
//!         ▼ else                          │
//!       lease ── another has it ──► sleep ──► load   (for too long: without the lease)
//!         ▼ mine
//!       load again ── as above, or a latch of this credential: told ──► release
//!         ▼ else
//!       fetch, extending the lease each third of it
//!         │ a token ───► compare and set
//!         │ rejected, or unavailable as the server says ──► load: a newer token? adopt it
//!         │                                                 else write a latch
//!         ▼
//!       release
//! ```

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::AuthError;
use crate::session::fetch::fetched;
use crate::session::fleet::Fleet;
use crate::session::runner::Runner;
use crate::session::state::shared::{Adopted, Errand, StoreUse};
use crate::session::state::token::{InStore, LoginId};
use crate::source::{DynTokenSource, TokenRequest};
use crate::store::error::StoreError;
use crate::store::lease::Lease;
use crate::store::record::{Latch, Record, StoredToken, Tag};
use crate::store::shared_record::{Found, Loaded, SharedRecord};
use crate::token::Token;

/// How long one waits for another process's login before it looks again: at first, and at most.
const POLL: Duration = Duration::from_millis(20);
const MAX_POLL: Duration = Duration::from_millis(250);

/// How often a token is written that came with what is good once. Another process would use up what
/// it replaces a second time.
const PRECIOUS_WRITES: u32 = 3;

pub(in crate::session) struct FleetLogin<'a> {
    pub(super) runner: &'a Runner,
    id: LoginId,
    source: &'a dyn DynTokenSource,
    pub(super) fleet: &'a Fleet,
    record: &'a SharedRecord,
    pub(super) errand: Errand,
}

/// How a login through a store ends.
pub(in crate::session) enum Ending {
    /// By a login of this session, and what the others know of its token.
    Fetched(Result<Token, AuthError>, InStore),
    Adopted(Adopted),
    /// Another process's failure, which counts for so much longer.
    Told(AuthError, Duration),
    /// The store has nothing that helps, and no login is allowed now.
    NothingNew,
}

impl<'a> FleetLogin<'a> {
    /// # Errors
    ///
    /// Which account it is for is not known.
    pub(in crate::session) fn new(
        runner: &'a Runner,
        id: LoginId,
        source: &'a dyn DynTokenSource,
        fleet: &'a Fleet,
        errand: Errand,
    ) -> Result<Self, AuthError> {
        let record = fleet.record()?;
        Ok(Self {
            runner,
            id,
            source,
            fleet,
            record,
            errand,
        })
    }
}

impl FleetLogin<'_> {
    pub(in crate::session) async fn run(&self) -> Ending {
        let policy = &self.runner.policy;
        let lifetime = self.errand.request.stale().and_then(Token::lifetime);
        let ttl = policy.lease(self.fleet.cache().lease_ttl(), lifetime);
        let patience = self.fleet.patience(policy);
        let waits_since = Instant::now();
        let mut pause = POLL;
        loop {
            let loaded = match self.load().await {
                Ok(loaded) => loaded,
                Err(_) if self.errand.is_look => return Ending::NothingNew,
                Err(error) => return self.alone(Some(error)).await,
            };
            if let Some(adopted) = self.adoptable(&loaded) {
                return Ending::Adopted(adopted);
            }
            if self.errand.is_look {
                return Ending::NothingNew;
            }
            if matches!(loaded.found, Found::Foreign) {
                return self.alone(None).await;
            }
            match self.heard(StoreUse::Lease, self.record.lease(ttl).await) {
                Ok(Some(lease)) => return self.leased(lease).await,
                // Whoever has it stands still.
                Ok(None) if waits_since.elapsed() >= patience => {
                    self.count_alone();
                    let request = self.errand.request.clone().sparing();
                    return self.log_in(&loaded, request).await;
                }
                Ok(None) => {
                    let is_first = pause == POLL;
                    self.runner
                        .count(|stats| stats.lease_waits += u64::from(is_first));
                    sleep(self.runner.jittered(pause)).await;
                    pause = MAX_POLL.min(pause * 2);
                }
                Err(error) => return self.alone(Some(error)).await,
            }
        }
    }

    /// With the lease: nobody else logs in.
    async fn leased(&self, lease: Lease) -> Ending {
        let ending = lease.hold(self.log_in_for_all()).await;
        // An error is no loss: the lease ends with its time.
        let _ = self.heard(StoreUse::Lease, lease.release().await);
        ending
    }

    async fn log_in_for_all(&self) -> Ending {
        let loaded = match self.load().await {
            Ok(loaded) => loaded,
            Err(error) => return self.alone(Some(error)).await,
        };
        if let Some(adopted) = self.adoptable(&loaded) {
            return Ending::Adopted(adopted);
        }
        if matches!(loaded.found, Found::Foreign) {
            return self.alone(None).await;
        }
        self.log_in(&loaded, self.request_for_all(&loaded)).await
    }

    /// Logs in, unless that is latched, and shares the outcome with the others.
    async fn log_in(&self, loaded: &Loaded, request: TokenRequest) -> Ending {
        let latch = match loaded.record() {
            Some(record) => record.latch(self.tags(record).await),
            None => None,
        };
        if let Some(latch) = latch.filter(|latch| !latch.is_over()) {
            return Ending::Told(latch.error.clone(), latch.rest);
        }
        let is_precious = self.source.spends(request.stale());
        let began_at = Instant::now();
        match self.fetch(request).await {
            Ok(token) => self.share(loaded, token, began_at, is_precious).await,
            Err(error) => self.share_failure(error, latch).await,
        }
    }

    /// Logs in without the others.
    async fn alone(&self, failed: Option<StoreError>) -> Ending {
        let fails = self.fleet.cache().fails_when_unreachable();
        if let Some(error) = failed.filter(|_| fails) {
            let error = AuthError::unavailable(error);
            return Ending::Fetched(Err(error), self.unshared(None));
        }
        self.count_alone();
        // Another process may have used up what is good once, or be about to.
        let request = self.errand.request.clone().sparing();
        Ending::Fetched(self.fetch(request).await, self.unshared(None))
    }

    /// Writes the token for the others, unless somebody has written another one.
    async fn share(
        &self,
        loaded: &Loaded,
        token: Token,
        began_at: Instant,
        is_precious: bool,
    ) -> Ending {
        let number = loaded.next_number(self.errand.in_store.number);
        let shared = InStore {
            number: Some(number),
            is_unshared: false,
        };
        let mut tries = if is_precious { PRECIOUS_WRITES } else { 1 };
        loop {
            let mut record = loaded.current();
            record.clear_latch(self.tags(&record).await);
            record.number = number;
            record.is_signed_out = false;
            record.token = Some(StoredToken {
                token: token.clone(),
                age: began_at.elapsed(),
            });
            tries -= 1;
            match self.write(loaded, &record).await {
                Ok(true) => {
                    self.fleet.note_token();
                    return Ending::Fetched(Ok(token), shared);
                }
                Ok(false) => break,
                Err(_) if tries > 0 => sleep(self.runner.jittered(MAX_POLL)).await,
                Err(_) => return Ending::Fetched(Ok(token), self.unshared(Some(loaded))),
            }
        }
        // The lease was lost, somebody has signed out, or an earlier try was written after all.
        let found = self.load().await.ok();
        let is_ours = |record: &Record| {
            let stored = record.token.as_ref();
            record.number == number && stored.is_some_and(|it| it.token.is_same(&token))
        };
        if found.as_ref().and_then(Loaded::record).is_some_and(is_ours) {
            return Ending::Fetched(Ok(token), shared);
        }
        match found.and_then(|found| self.adoptable(&found)) {
            Some(adopted) => Ending::Adopted(adopted),
            None => Ending::Fetched(Ok(token), self.unshared(Some(loaded))),
        }
    }

    /// Writes a failure for the others who have the same credential, unless another token is there
    /// by now.
    async fn share_failure(&self, error: AuthError, before: Option<&Latch>) -> Ending {
        let failed = |error| Ending::Fetched(Err(error), self.unshared(None));
        if !Latch::is_for(&error) {
            return failed(error);
        }
        let Ok(loaded) = self.load().await else {
            return failed(error);
        };
        if let Some(adopted) = self.adoptable(&loaded) {
            return Ending::Adopted(adopted);
        }
        let is_alike = |latch: &&Latch| latch.error.is_rejected() == error.is_rejected();
        let count = before.filter(is_alike).map_or(0, |latch| latch.count);
        let count = count.saturating_add(1);
        let pause = self.runner.policy.pause_after(&error, count);
        let error = error.with_retry_after(pause);
        let tags = self.record.tags().await;
        if let Some(tag) = tags.first() {
            let mut record = loaded.current();
            record.set_latch(tags, Latch::new(tag.clone(), error.clone(), pause, count));
            // Where it cannot be written the others try for themselves.
            let _ = self.write(&loaded, &record).await;
        }
        failed(error)
    }

    async fn fetch(&self, request: TokenRequest) -> Result<Token, AuthError> {
        self.runner.note_fetch(self.id);
        fetched(self.source, request, self.runner.policy.login_timeout).await
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        let loaded = self.heard(StoreUse::Read, self.record.load().await)?;
        if matches!(loaded.found, Found::Garbage) {
            self.runner.count(|stats| stats.records_unreadable += 1);
        }
        if loaded.record().is_some_and(|record| record.token.is_some()) {
            self.fleet.note_token();
        }
        Ok(loaded)
    }

    async fn write(&self, loaded: &Loaded, record: &Record) -> Result<bool, StoreError> {
        self.heard(StoreUse::Write, self.record.write(loaded, record).await)
    }

    /// Notes whether the store works.
    fn heard<T>(&self, of: StoreUse, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.runner.note_store(of, result.as_ref().err());
        result
    }

    /// The tags may take their time.
    async fn tags(&self, record: &Record) -> &[Tag] {
        match record.latches.is_empty() {
            true => &[],
            false => self.record.tags().await,
        }
    }

    fn count_alone(&self) {
        self.runner.count(|stats| stats.logins_without_store += 1);
    }

    /// What is known of a token that nobody else has: it is newer than what was loaded.
    fn unshared(&self, loaded: Option<&Loaded>) -> InStore {
        let loaded = loaded.and_then(Loaded::record).map(|record| record.number);
        InStore {
            number: loaded.max(self.errand.in_store.number),
            is_unshared: true,
        }
    }
}
