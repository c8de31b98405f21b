//! [`SharedRecord`]: an account's record in a store, as a session works with it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};
use zeroize::Zeroizing;

use crate::store::clock::unix_ms;
use crate::store::error::StoreError;
use crate::store::lease::Lease;
use crate::store::mirror::DynTokenStore;
use crate::store::record::{Record, Tag};
use crate::store::seal::{Opened, Seal};
use crate::store::stored::{Stored, Version};
use crate::store::tag;

/// How long a record is kept that may be good for any time.
const LONG: Duration = Duration::from_secs(30 * 86_400);

/// How much longer than it is good for a record is kept.
const SPARE: Duration = Duration::from_secs(60);

/// How long a sign-out waits for a lease, each time that it is taken.
const REMOVAL_WAITS: [Duration; 3] = [
    Duration::from_millis(10),
    Duration::from_millis(40),
    Duration::from_millis(100),
];

/// How often a sign-out begins anew when others write meanwhile.
const SIGN_OUTS: u32 = 5;

pub(crate) struct SharedRecord {
    store: Arc<dyn DynTokenStore>,
    name: Arc<str>,
    seal: Seal,
    credential: Zeroizing<Vec<u8>>,
    /// Those of the credential, one for each key. They may take their time.
    tags: OnceCell<Vec<Tag>>,
    limit: Duration,
}

/// What was in the store.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) found: Found,
    version: Option<Version>,
    /// The store was asked then, and answered later.
    asked_at: Instant,
}

#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    /// As it is now: so long after it was written.
    Record {
        record: Record,
        age: Duration,
    },
    /// It was damaged, forged or copied. As if there were nothing.
    Garbage,
    /// It is of a newer version or has another key. It is not to be overwritten.
    Foreign,
}

impl SharedRecord {
    pub(super) fn new(
        store: Arc<dyn DynTokenStore>,
        name: String,
        seal: Seal,
        credential: &[u8],
        limit: Duration,
    ) -> Self {
        Self {
            store,
            name: name.into(),
            seal,
            credential: Zeroizing::new(credential.to_vec()),
            tags: OnceCell::new(),
            limit,
        }
    }

    pub(crate) async fn load(&self) -> Result<Loaded, StoreError> {
        let asked_at = Instant::now();
        let stored = self.within_limit(self.store.load(&self.name)).await?;
        Ok(Loaded {
            found: stored.as_ref().map_or(Found::Nothing, |it| self.read(it)),
            version: stored.map(|stored| stored.version().clone()),
            asked_at,
        })
    }

    /// Replaces what was loaded. `false`: somebody else has, or it may not be replaced.
    pub(crate) async fn write(&self, loaded: &Loaded, record: &Record) -> Result<bool, StoreError> {
        let rest = record.rest().map_or(LONG, |rest| rest.min(LONG));
        self.set(loaded, record, rest + SPARE)
            .await
            .map(|set| set.is_some())
    }

    /// Takes the lease. `None`: another has it. It is given back when it is dropped.
    pub(crate) async fn lease(&self, ttl: Duration) -> Result<Option<Lease>, StoreError> {
        // Should the store not answer in time, it is given back as well: it may have been taken.
        let lease = Lease::new(self.store.clone(), self.name.clone(), ttl, self.limit);
        if lease.extend().await? {
            return Ok(Some(lease));
        }
        lease.forget();
        Ok(None)
    }

    /// Takes the token out of the store, and leaves a mark for `mark_for`, so that a login which is
    /// under way elsewhere finds another version there than it knows. If nobody logs in, no mark is
    /// left. Latches stay: another login of the same credential has to wait for them.
    ///
    /// What was written after `signed_out_at` stays: somebody has logged in again.
    pub(crate) async fn sign_out(
        &self,
        signed_out_at: Instant,
        mark_for: Duration,
    ) -> Result<(), StoreError> {
        for _ in 0..SIGN_OUTS {
            let loaded = self.load().await?;
            let is_to_stay = match &loaded.found {
                Found::Foreign => true,
                Found::Record { .. } => !loaded.is_from_before(signed_out_at),
                Found::Nothing | Found::Garbage => false,
            };
            if is_to_stay {
                return Ok(());
            }
            let mark = Record {
                number: loaded.next_number(None),
                token: None,
                latches: loaded
                    .record()
                    .map_or_else(Vec::new, |it| it.latches.clone()),
                is_signed_out: true,
            };
            let keep_for = mark.rest().unwrap_or_default().max(mark_for);
            let Some(version) = self.set(&loaded, &mark, keep_for).await? else {
                continue;
            };
            if mark.latches.is_empty() {
                self.remove_mark(&version).await?;
            }
            return Ok(());
        }
        Err(StoreError::unavailable(
            "other processes keep replacing the record during the sign-out",
        ))
    }

    /// Removes the mark of a sign-out, unless somebody is about to write.
    async fn remove_mark(&self, version: &Version) -> Result<(), StoreError> {
        for wait in REMOVAL_WAITS {
            if let Some(lease) = self.lease(self.limit).await? {
                let remove = self.store.remove(&self.name, version);
                self.within_limit(remove).await?;
                return lease.release().await;
            }
            // A login that the sign-out ended is about to give its lease back.
            sleep(wait).await;
        }
        Ok(())
    }

    /// The tags by which latches of this credential are found. The first is the one to write.
    pub(crate) async fn tags(&self) -> &[Tag] {
        let tags = self.tags.get_or_init(|| async {
            let keys = self.seal.keys();
            let keyed = keys.map(|key| tag::keyed(key, &self.name, &self.credential));
            let mut tags: Vec<_> = keyed.collect();
            if self.seal.is_plain() {
                let (name, credential) = (self.name.clone(), self.credential.clone());
                let slow = spawn_blocking(move || tag::slow(&name, &credential));
                // It fails with its runtime, and this task with it.
                tags.splice(0..0, slow.await.ok());
            }
            tags
        });
        tags.await
    }

    fn read(&self, stored: &Stored) -> Found {
        if stored.record().is_empty() {
            return Found::Nothing;
        }
        let contents = match self.seal.open(&self.name, stored.record()) {
            Opened::Contents(contents) => contents,
            Opened::Garbage => return Found::Garbage,
            Opened::Foreign => return Found::Foreign,
        };
        match Record::from_json(&contents, stored.known_age()) {
            Some((record, age)) => Found::Record { record, age },
            None => Found::Garbage,
        }
    }

    async fn set(
        &self,
        loaded: &Loaded,
        record: &Record,
        keep_for: Duration,
    ) -> Result<Option<Version>, StoreError> {
        if matches!(loaded.found, Found::Foreign) {
            return Ok(None);
        }
        let record = self.seal.close(&self.name, &record.to_json())?;
        let record = Zeroizing::new(record);
        let expected = loaded.version.as_ref();
        let set = self
            .store
            .compare_and_set(&self.name, expected, &record, keep_for);
        self.within_limit(set).await
    }

    async fn within_limit<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let outcome = timeout(self.limit, operation).await;
        outcome.unwrap_or_else(|_elapsed| Err(StoreError::timed_out(self.limit)))
    }
}

impl Loaded {
    pub(crate) fn record(&self) -> Option<&Record> {
        match &self.found {
            Found::Record { record, .. } => Some(record),
            Found::Nothing | Found::Garbage | Found::Foreign => None,
        }
    }

    /// The record as it is by now, to be written anew.
    pub(crate) fn current(&self) -> Record {
        let record = self.record().cloned().unwrap_or_default();
        record.aged(self.asked_at.elapsed())
    }

    /// Whether the record was written before that. If that is unknown, it was.
    pub(crate) fn is_from_before(&self, moment: Instant) -> bool {
        match &self.found {
            // It got no younger while the store answered.
            Found::Record { age, .. } => self.asked_at.saturating_duration_since(moment) <= *age,
            Found::Nothing | Found::Garbage | Found::Foreign => false,
        }
    }

    /// The number of a login that replaces it, above all that are `known`. Where there is none
    /// before it, none that was ever there comes again.
    pub(crate) fn next_number(&self, known: Option<u64>) -> u64 {
        let found = self.record().map(|record| record.number);
        let next = found.max(known).map(|number| number.saturating_add(1));
        match found {
            Some(_) => next.unwrap_or_default(),
            None => unix_ms().max(next.unwrap_or_default()),
        }
    }
}
