//! One login through a store.
//!
//! ```text
//!         ┌──────────── load ─────────────┐
//!         │ newer, usable token ──────────┼──► adopt
//!         │ nothing, and only a look ─────┼──► nothing new
//!         │ a record that is left alone ──┼──► alone
//!         │ error, or too slow ───────────┼──► alone
//!         ▼ else                          │
//!       lease ── another has it ──► sleep ──► load   (for too long: alone)
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
use crate::session::fleet::Ending;
use crate::session::runner::Runner;
use crate::session::state::fleet::{Adopted, Errand};
use crate::session::state::token::LoginId;
use crate::session::task::fetched;
use crate::source::{DynTokenSource, TokenRequest};
use crate::store::cache::TokenCache;
use crate::store::error::StoreError;
use crate::store::lease::Lease;
use crate::store::record::{Latch, Record, StoredToken, Tag};
use crate::store::shared_record::{Found, Loaded, SharedRecord};
use crate::token::Token;

/// How long one waits for another process's login before it looks again: at first, and at most.
const POLL: Duration = Duration::from_millis(20);
const MAX_POLL: Duration = Duration::from_millis(250);

/// A stored token is not worth adopting when less than this is left of it.
const TOO_SHORT: Duration = Duration::from_secs(10);

pub(in crate::session) struct FleetLogin<'a> {
    pub(super) runner: &'a Runner,
    pub(super) id: LoginId,
    pub(super) source: &'a dyn DynTokenSource,
    pub(super) cache: &'a TokenCache,
    pub(super) record: &'a SharedRecord,
    pub(super) errand: Errand,
}

impl FleetLogin<'_> {
    pub(in crate::session) async fn run(&self) -> Ending {
        let policy = &self.runner.policy;
        let patience = policy.login_timeout.saturating_add(self.cache.lease_ttl());
        let lifetime = self.errand.request.stale().and_then(Token::lifetime);
        let ttl = policy.lease(self.cache.lease_ttl(), lifetime);
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
            match self.heard(self.record.lease(ttl).await) {
                Ok(Some(lease)) => return self.leased(lease).await,
                // Whoever has it stands still.
                Ok(None) if waits_since.elapsed() >= patience => return self.alone(None).await,
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
        let ending = self.log_in_for_all(&lease).await;
        // An error is no loss: the lease ends with its time.
        let _ = self.heard(lease.release().await);
        ending
    }

    async fn log_in_for_all(&self, lease: &Lease) -> Ending {
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
        let latch = match loaded.record() {
            Some(record) => record.latch(self.tags(record).await).cloned(),
            None => None,
        };
        if let Some(latch) = latch.as_ref().filter(|latch| !latch.rest.is_zero()) {
            return Ending::Told(latch.error.clone(), latch.rest);
        }
        let began_at = Instant::now();
        let stale = loaded.record().and_then(|record| record.token.as_ref());
        let stale = stale.map(|stored| stored.token.clone());
        let request = self.errand.request.clone().replacing_shared(stale);
        match lease.hold(self.fetch(request)).await {
            Ok(token) => self.share(&loaded, token, began_at).await,
            Err(error) => {
                let count = latch.map_or(0, |latch| latch.count);
                self.share_failure(error, count).await
            }
        }
    }

    /// Logs in without the others.
    async fn alone(&self, failed: Option<StoreError>) -> Ending {
        if let Some(error) = failed.filter(|_| self.cache.fails_when_unreachable()) {
            return Ending::Fetched(Err(AuthError::unavailable(error)), None);
        }
        let mut request = self.errand.request.clone();
        if self.source.spends(request.stale()) {
            // Another process may have spent it, or be about to: a server takes that for a theft.
            if self.source.spends(None) {
                let error = AuthError::unavailable(
                    "the refresh token is good once, and is not used without the token store",
                );
                return Ending::Fetched(Err(error), None);
            }
            request = TokenRequest::first();
        }
        self.runner.count(|stats| stats.logins_without_store += 1);
        Ending::Fetched(self.fetch(request).await, None)
    }

    /// Writes the token for the others, unless somebody has written another one.
    async fn share(&self, loaded: &Loaded, token: Token, began_at: Instant) -> Ending {
        let mut record = loaded.record().cloned().unwrap_or_default();
        if !record.latches.is_empty() {
            let tags = self.record.tags().await;
            record.clear_latch(tags);
        }
        record.number = loaded.next_number();
        record.is_signed_out = false;
        record.token = Some(StoredToken {
            token: token.clone(),
            age: began_at.elapsed(),
        });
        match self.heard(self.record.write(loaded, &record).await) {
            Ok(true) => Ending::Fetched(Ok(token), Some(record.number)),
            Err(_) => Ending::Fetched(Ok(token), None),
            // The lease was lost, or somebody has signed out.
            Ok(false) => match self.adopted_by_now().await {
                Some(adopted) => Ending::Adopted(adopted),
                None => Ending::Fetched(Ok(token), None),
            },
        }
    }

    /// Writes a failure for the others who have the same credential, unless another token is there
    /// by now.
    async fn share_failure(&self, error: AuthError, count: u32) -> Ending {
        if !Latch::is_for(&error) {
            return Ending::Fetched(Err(error), None);
        }
        let Ok(loaded) = self.load().await else {
            return Ending::Fetched(Err(error), None);
        };
        if let Some(adopted) = self.adoptable(&loaded) {
            return Ending::Adopted(adopted);
        }
        let count = count.saturating_add(1);
        let rest = self.runner.policy.pause_after(&error, count);
        let error = error.with_retry_after(rest);
        let tags = self.record.tags().await;
        if let Some(tag) = tags.first() {
            let mut record = loaded.record().cloned().unwrap_or_default();
            let latch = Latch {
                tag: tag.clone(),
                error: error.clone(),
                rest,
                count,
            };
            record.set_latch(tags, latch);
            // Where it cannot be written the others try for themselves.
            let _ = self.heard(self.record.write(&loaded, &record).await);
        }
        Ending::Fetched(Err(error), None)
    }

    async fn fetch(&self, request: TokenRequest) -> Result<Token, AuthError> {
        self.runner.note_fetch(self.id);
        fetched(self.source, request, self.runner.policy.login_timeout).await
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        let loaded = self.heard(self.record.load().await)?;
        if matches!(loaded.found, Found::Garbage) {
            self.runner.count(|stats| stats.records_unreadable += 1);
        }
        Ok(loaded)
    }

    /// Notes whether the store works.
    fn heard<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.runner.note_store(result.as_ref().err());
        result
    }

    /// The tags may take their time.
    async fn tags(&self, record: &Record) -> &[Tag] {
        match record.latches.is_empty() {
            true => &[],
            false => self.record.tags().await,
        }
    }

    async fn adopted_by_now(&self) -> Option<Adopted> {
        self.adoptable(&self.load().await.ok()?)
    }

    /// The token that was found, if it is newer than the one to replace and will live.
    fn adoptable(&self, loaded: &Loaded) -> Option<Adopted> {
        let Found::Record { record, age } = &loaded.found else {
            return None;
        };
        let StoredToken { token, age: lived } = record.token.as_ref()?;
        let has_parted_since = |at: Instant| at.elapsed() <= *age;
        if self.errand.parted_at.is_some_and(has_parted_since) {
            return None;
        }
        let is_known = match self.errand.number {
            Some(number) => number == record.number,
            None => self
                .errand
                .request
                .stale()
                .is_some_and(|stale| stale.is_same(token)),
        };
        if is_known {
            return None;
        }
        if let Some(lifetime) = token.lifetime() {
            let left = lifetime.saturating_sub(*lived);
            if left <= TOO_SHORT.min(lifetime / 10) {
                return None;
            }
        }
        Some(Adopted {
            token: token.clone(),
            age: *lived,
            number: record.number,
        })
    }
}
