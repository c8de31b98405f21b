//! `testing::check_store`: a good store passes, and each thing that a store can break is found.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tower_bearer::store::{Owner, StoreError, Stored, TokenStore, Version};
use tower_bearer::testing::{
    BrokenStore, Memory, StoreFault, StoreOperation, StoreTrouble, check_store,
};

/// Good but for one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    InventsRecords,
    ChangesRecords,
    IgnoresVersions,
    IgnoresAbsence,
    NeverReplaces,
    OneVersion,
    OtherVersion,
    NotText,
    Truncates,
    VersionsComeAgain,
    RemovesAny,
    RemovesNothing,
    OneName,
    ComparesFirst,
    LeasesToAll,
    LeasesToNone,
    ExtendsNot,
    OneLease,
    ReleasesAny,
    ReleasesNothing,
    LeasesForEver,
    IsOld,
    KeepsAge,
    Forgets,
    Hangs,
    Panics,
    BreaksWhenDropped,
}

struct Flawed {
    memory: Memory,
    flaw: Flaw,
    was_dropped: AtomicBool,
}

/// A drop of it before it is told of the end breaks the store.
struct Fragile<'a>(&'a AtomicBool, bool);

impl Drop for Fragile<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

impl Flawed {
    fn new(flaw: Flaw) -> Self {
        Self {
            memory: Memory::new(),
            flaw,
            was_dropped: AtomicBool::new(false),
        }
    }

    fn name<'a>(&self, name: &'a str) -> &'a str {
        match self.flaw {
            Flaw::OneName => name.split("-c").next().unwrap(),
            _ => name,
        }
    }

    fn lease_name<'a>(&self, name: &'a str) -> &'a str {
        match self.flaw {
            Flaw::OneLease => "lease",
            _ => name,
        }
    }

    fn owner(&self, owner: &Owner) -> Owner {
        static ONLY: OnceLock<Owner> = OnceLock::new();
        match self.flaw {
            Flaw::LeasesToAll => ONLY.get_or_init(Owner::new).clone(),
            _ => owner.clone(),
        }
    }
}

impl TokenStore for Flawed {
    async fn load(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        if self.flaw == Flaw::BreaksWhenDropped && self.was_dropped.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("it broke"));
        }
        let Some(stored) = self.memory.load(self.name(name)).await? else {
            let invented = Stored::new(b"first".to_vec(), Version::new("0"));
            return Ok((self.flaw == Flaw::InventsRecords).then_some(invented));
        };
        let age = stored.known_age().unwrap();
        let mut record = stored.record().to_vec();
        let mut version = stored.version().clone();
        match self.flaw {
            Flaw::ChangesRecords => record.push(0),
            Flaw::NotText => {
                record = String::from_utf8_lossy(&record).into_owned().into_bytes();
            }
            Flaw::Truncates => record.truncate(8192),
            Flaw::OneVersion => version = Version::new("1"),
            Flaw::OtherVersion => version = Version::new([version.as_bytes(), b"x"].concat()),
            Flaw::VersionsComeAgain => version = Version::new(record.len().to_string()),
            Flaw::Forgets if age > Duration::from_millis(500) => return Ok(None),
            _ => {}
        }
        let age = match self.flaw {
            Flaw::IsOld => Duration::from_secs(1_700_000_000),
            Flaw::KeepsAge => Duration::ZERO,
            _ => age,
        };
        Ok(Some(Stored::new(record, version).age(age)))
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
        keep_for: Duration,
    ) -> Result<Option<Version>, StoreError> {
        let name = self.name(name);
        let found = self.memory.load(name).await?;
        let known = found.as_ref().map(Stored::version);
        let mut expected = expected;
        let of_length;
        match self.flaw {
            Flaw::IgnoresVersions if expected.is_some() => expected = known,
            Flaw::IgnoresAbsence if expected.is_none() => expected = known,
            Flaw::NeverReplaces if expected.is_some() => return Ok(None),
            Flaw::OneVersion if expected == Some(&Version::new("1")) => expected = known,
            Flaw::VersionsComeAgain => {
                let length = found.as_ref().map(|it| it.record().len().to_string());
                of_length = length.map(Version::new);
                if of_length.as_ref() != expected {
                    return Ok(None);
                }
                self.memory
                    .compare_and_set(name, known, record, keep_for)
                    .await?;
                return Ok(Some(Version::new(record.len().to_string())));
            }
            Flaw::Hangs => std::future::pending().await,
            Flaw::Panics => panic!("on purpose"),
            Flaw::ComparesFirst => {
                if known != expected {
                    return Ok(None);
                }
                tokio::task::yield_now().await;
                let found = self.memory.load(name).await?;
                let known = found.as_ref().map(Stored::version);
                let set = self.memory.compare_and_set(name, known, record, keep_for);
                return set.await;
            }
            Flaw::BreaksWhenDropped => {
                let mut fragile = Fragile(&self.was_dropped, false);
                tokio::task::yield_now().await;
                fragile.1 = true;
            }
            _ => {}
        }
        let set = self
            .memory
            .compare_and_set(name, expected, record, keep_for);
        let set = set.await?;
        Ok(match self.flaw {
            Flaw::OneVersion => set.map(|_| Version::new("1")),
            _ => set,
        })
    }

    async fn remove(&self, name: &str, expected: &Version) -> Result<bool, StoreError> {
        let found = self.memory.load(name).await?;
        match self.flaw {
            Flaw::RemovesAny => self.memory.remove(name, found.unwrap().version()).await,
            Flaw::RemovesNothing => Ok(found.is_some_and(|it| it.version() == expected)),
            Flaw::VersionsComeAgain => {
                let found = found.unwrap();
                if found.record().len().to_string().as_bytes() != expected.as_bytes() {
                    return Ok(false);
                }
                self.memory.remove(name, found.version()).await
            }
            _ => self.memory.remove(name, expected).await,
        }
    }

    async fn lease(&self, name: &str, owner: &Owner, ttl: Duration) -> Result<bool, StoreError> {
        let name = self.lease_name(name);
        let holder = self.memory.lease_holder(name);
        let ttl = match self.flaw {
            Flaw::LeasesToNone => return Ok(false),
            Flaw::ExtendsNot if holder.as_ref() == Some(owner) => return Ok(false),
            Flaw::LeasesForEver => Duration::from_secs(100_000),
            _ => ttl,
        };
        self.memory.lease(name, &self.owner(owner), ttl).await
    }

    async fn release(&self, name: &str, owner: &Owner) -> Result<(), StoreError> {
        let name = self.lease_name(name);
        let holder = self.memory.lease_holder(name);
        match (self.flaw, holder) {
            (Flaw::ReleasesNothing, _) => Ok(()),
            (Flaw::ReleasesAny, Some(holder)) => self.memory.release(name, &holder).await,
            _ => self.memory.release(name, &self.owner(owner)).await,
        }
    }
}

async fn broken(store: impl TokenStore) -> BrokenStore {
    check_store(store).await.unwrap_err()
}

/// F4: the store of the kit passes, also a slow one and one that tells no age.
#[tokio::test(start_paused = true)]
async fn a_store_that_works_passes() {
    let memory = Memory::new();
    check_store(memory.clone()).await.unwrap();
    memory.tells_age(false);
    check_store(memory.clone()).await.unwrap();
    memory.latency(Duration::from_millis(10));
    check_store(memory).await.unwrap();
}

/// F4, F5: each flaw is found, and told.
#[tokio::test(start_paused = true)]
async fn each_flaw_is_found() {
    for (flaw, told) in [
        (Flaw::InventsRecords, "there is a record that nobody wrote"),
        (Flaw::ChangesRecords, "a record came back changed"),
        (
            Flaw::IgnoresVersions,
            "a record was replaced by one who did not know it",
        ),
        (
            Flaw::IgnoresAbsence,
            "a record was replaced by one who did not know it",
        ),
        (
            Flaw::NeverReplaces,
            "a record was not replaced by one who knew it",
        ),
        (Flaw::OneVersion, "two records have one version"),
        (
            Flaw::OtherVersion,
            "a load and a write tell different versions",
        ),
        (Flaw::NotText, "with all bytes there are, came back changed"),
        (Flaw::Truncates, "a large record"),
        (
            Flaw::VersionsComeAgain,
            "a version of before a removal came again",
        ),
        (
            Flaw::RemovesAny,
            "a record was removed by one who knew an older one",
        ),
        (
            Flaw::RemovesNothing,
            "a record was not removed by one who knew it",
        ),
        (Flaw::OneName, "records of two names are one"),
        (
            Flaw::ComparesFirst,
            "of several writes at a time not exactly one succeeded",
        ),
        (
            Flaw::LeasesToAll,
            "of several that asked for a lease at a time not exactly one got it",
        ),
        (Flaw::LeasesToNone, "a lease that nobody has was not given"),
        (Flaw::ExtendsNot, "a lease was not extended"),
        (Flaw::OneLease, "leases of two names are one"),
        (
            Flaw::ReleasesAny,
            "a lease was given back by one who did not have it",
        ),
        (
            Flaw::ReleasesNothing,
            "a lease that was given back was not given again",
        ),
        (Flaw::LeasesForEver, "a lease does not end with its time"),
        (Flaw::IsOld, "a new record is not new"),
        (Flaw::KeepsAge, "a record does not get older with time"),
        (Flaw::Forgets, "a record is gone before its time"),
        (Flaw::Hangs, "a write took more than 5s"),
        (Flaw::Panics, "a write panicked"),
        (Flaw::BreaksWhenDropped, "a load failed"),
    ] {
        let Err(broken) = check_store(Flawed::new(flaw)).await else {
            panic!("{flaw:?} is not found");
        };
        let broken = broken.to_string();
        assert!(broken.contains(told), "{flaw:?}: {broken}");
    }
}

/// F16: a store that is down or full is told so.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_found() {
    let memory = Memory::new();
    memory.set_down(true);
    let down = broken(memory.clone()).await;
    let [StoreFault::Failed { trial, error, .. }] = down.faults() else {
        panic!("{down}");
    };
    assert!(*trial == "a load" && error.is_unavailable());

    memory.set_down(false);
    memory.script(StoreOperation::Set, StoreTrouble::Refuse);
    let full = broken(memory.clone()).await;
    assert_eq!(
        full.to_string(),
        "the store is broken: a write failed: token store refused: it is full"
    );
    for trouble in [
        StoreTrouble::Torn,
        StoreTrouble::Lose,
        StoreTrouble::FailAfter,
    ] {
        memory.script(StoreOperation::Set, trouble);
        assert_eq!(broken(memory.clone()).await.faults().len(), 1);
    }
    check_store(memory).await.unwrap();
}
