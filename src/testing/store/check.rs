//! A check of a store against what a token cache relies on.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::sleep;

use super::driver::{Checked, Driver, HOUR, wrong};
use super::fault::{BrokenStore, TIME_LIMIT};
use crate::store::{Owner, Stored, TokenStore, Version};
use crate::testing::check::given_up_after;

/// How many writes are dropped half-way at most, each one poll later than the one before.
const DROPS: usize = 8;

/// How many tasks do the same at a time.
const AT_A_TIME: usize = 8;

/// Of the lease that is waited for, and of those that are not.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);
/// A record as large as they come.
const LARGE: usize = 64 * 1024;

/// Checks that your own [`TokenStore`] does what a [`TokenCache`](crate::store::TokenCache) relies
/// on:
///
/// * A record comes back as it was written: up to 64 KiB, and bytes of any value.
/// * It is only replaced and removed by who knows its version. A version never comes again.
/// * Of several writes at a time one succeeds, and no update is lost.
/// * Records of different names have nothing to do with each other.
/// * The age, if the store says it, is that of the record.
/// * One owner holds a lease, extends it and gives it back. After its time another gets it.
/// * A write that is dropped half-way leaves the store as good as before.
/// * No operation fails, panics or takes more than 5 seconds.
///
/// That takes about 2 seconds, unless [time is paused](crate::testing#in-a-test-of-your-own), and
/// about 100 operations. It writes under names that begin with `check-`, which no
/// [`TokenCache`](crate::store::TokenCache) uses, records to be kept for an hour.
///
/// The check cannot see that a store is the same for other processes, or that an operation blocks
/// its thread.
///
/// ```
/// use tower_bearer::store::TokenStore;
/// use tower_bearer::testing::{Memory, StoreOperation, StoreTrouble, check_store};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Memory::new();
/// check_store(store.clone()).await?;
///
/// store.script(StoreOperation::Set, StoreTrouble::Lose);
/// let broken = check_store(store).await.unwrap_err();
/// assert_eq!(
///     broken.to_string(),
///     "the store is broken: a record that was written is not there",
/// );
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Fails with what does not hold: the first thing of each part of the check.
///
/// # Panics
///
/// Panics outside a tokio runtime with a timer.
pub async fn check_store(store: impl TokenStore) -> Result<(), BrokenStore> {
    let check = Driver::new(store);
    let mut faults = Vec::new();
    if let Err(fault) = check.writes().await {
        // Without them nothing else can be told.
        return Err(BrokenStore::new(vec![fault]));
    }
    faults.extend(check.contents().await.err());
    faults.extend(check.removal().await.err());
    faults.extend(check.names().await.err());
    faults.extend(check.at_a_time().await.err());
    faults.extend(check.dropped().await.err());
    faults.extend(check.lease().await.err());
    faults.extend(check.time().await.err());
    match faults {
        faults if faults.is_empty() => Ok(()),
        faults => Err(BrokenStore::new(faults)),
    }
}

impl<S: TokenStore> Driver<S> {
    async fn writes(&self) -> Checked {
        let name = self.name("a");
        let nothing = self.load(&name).await?;
        holds(nothing.is_none(), "there is a record that nobody wrote")?;
        let first = self.set(&name, None, b"first").await?;
        let first = first.ok_or(wrong("the first record of a name was not written"))?;
        let found = self.load(&name).await?;
        let found = found.ok_or(wrong("a record that was written is not there"))?;
        holds(found.record() == b"first", "a record came back changed")?;
        let is_same = *found.version() == first;
        holds(is_same, "a load and a write tell different versions")?;

        let again = self.set(&name, None, b"second").await?;
        let never = Version::new("never-written");
        let never = self.set(&name, Some(&never), b"second").await?;
        let kept = self.is(&name, b"first").await?;
        let kept = kept && again.is_none() && never.is_none();
        holds(kept, "a record was replaced by one who did not know it")?;

        let second = self.set(&name, Some(&first), b"second").await?;
        let second = second.ok_or(wrong("a record was not replaced by one who knew it"))?;
        holds(second != first, "two records have one version")?;
        let late = self.set(&name, Some(&first), b"third").await?;
        let kept = self.is(&name, b"second").await? && late.is_none();
        holds(kept, "a record was replaced by one who knew an older one")
    }

    async fn contents(&self) -> Checked {
        let name = self.name("bytes");
        let mut version = None;
        let every = (0..=u8::MAX).collect::<Vec<_>>();
        let large = every.iter().copied().cycle().take(LARGE).collect();
        for record in [every, large, b"x".to_vec()] {
            version = self.set(&name, version.as_ref(), &record).await?;
            let is_same = self.is(&name, &record).await?;
            holds(
                version.is_some() && is_same,
                "a large record, or one with all bytes there are, came back changed",
            )?;
        }
        Ok(())
    }

    async fn removal(&self) -> Checked {
        let name = self.name("b");
        let first = self.set(&name, None, b"first").await?;
        let first = first.ok_or(wrong("the first record of a name was not written"))?;
        let second = self.set(&name, Some(&first), b"second").await?;
        let second = second.ok_or(wrong("a record was not replaced by one who knew it"))?;
        let late = self.remove(&name, &first).await?;
        let kept = self.is(&name, b"second").await? && !late;
        holds(kept, "a record was removed by one who knew an older one")?;
        let removed = self.remove(&name, &second).await?;
        let left = self.load(&name).await?;
        let left = left.filter(|left| !left.record().is_empty());
        let is_gone = removed && left.is_none();
        holds(is_gone, "a record was not removed by one who knew it")?;

        let empty = self.load(&name).await?;
        let empty = empty.as_ref().map(Stored::version);
        let third = self.set(&name, empty, b"third").await?;
        holds(third.is_some(), "there is no writing after a removal")?;
        // A count that begins anew comes to the first one's version first.
        let late = self.set(&name, Some(&first), b"fourth").await?;
        let later = self.set(&name, Some(&second), b"fourth").await?;
        let kept = self.is(&name, b"third").await? && late.is_none() && later.is_none();
        holds(kept, "a version of before a removal came again")
    }

    async fn names(&self) -> Checked {
        let (one, other) = (self.name("c"), self.name("c-1"));
        self.set(&one, None, b"one").await?;
        let free = self.load(&other).await?;
        self.set(&other, None, b"other").await?;
        let kept = self.is(&one, b"one").await? && self.is(&other, b"other").await?;
        holds(kept && free.is_none(), "records of two names are one")
    }

    async fn at_a_time(&self) -> Checked {
        let name = self.name("d");
        let version = self.set(&name, None, b"0").await?;
        let records: Vec<_> = (0..AT_A_TIME).map(|n| format!("record {n}")).collect();
        let sets = records
            .iter()
            .map(|record| self.set(&name, version.as_ref(), record.as_bytes()));
        let mut winners = Vec::new();
        for (set, record) in join_all(sets).await.into_iter().zip(&records) {
            winners.extend(set?.map(|_| record));
        }
        let [winner] = winners[..] else {
            return Err(wrong(
                "of several writes at a time not exactly one succeeded",
            ));
        };
        let kept = self.is(&name, winner.as_bytes()).await?;
        holds(kept, "of several writes at a time the wrong one is there")?;

        let owners: Vec<_> = (0..AT_A_TIME).map(|_| Owner::new()).collect();
        let leases = owners.iter().map(|owner| self.lease_of(&name, owner, LONG));
        let mut holders = 0;
        for lease in join_all(leases).await {
            holders += usize::from(lease?);
        }
        for owner in &owners {
            self.release(&name, owner).await?;
        }
        holds(
            holders == 1,
            "of several that asked for a lease at a time not exactly one got it",
        )
    }

    async fn dropped(&self) -> Checked {
        let name = self.name("e");
        let mut version = self.set(&name, None, b"kept").await?;
        for polls in 1..=DROPS {
            let (store, of, known) = (self.store.clone(), name.clone(), version.clone());
            let dropped = async move {
                let set = store.compare_and_set(&of, known.as_ref(), b"dropped", HOUR);
                Ok(given_up_after(polls, set).await)
            };
            let ended = self
                .on_a_task("a write that is dropped half-way", dropped)
                .await?;
            let found = self.load(&name).await?;
            let found = found.filter(|it| [&b"kept"[..], b"dropped"].contains(&it.record()));
            let found = found.ok_or(wrong("a write that was dropped left something else"))?;
            // It may still be on its way, so this one may find another version.
            version = Some(found.version().clone());
            let next = self.set(&name, version.as_ref(), b"kept").await?;
            if let Some(next) = next {
                version = Some(next);
            } else {
                let settled = self.load(&name).await?;
                version = settled.map(|it| it.version().clone());
            }
            if ended {
                break;
            }
        }
        Ok(())
    }

    async fn lease(&self) -> Checked {
        let (name, other) = (self.name("f"), self.name("g"));
        let (owner, rival) = (Owner::new(), Owner::new());
        let taken = self.lease_of(&name, &owner, LONG).await?;
        holds(taken, "a lease that nobody has was not given")?;
        let taken = self.lease_of(&name, &rival, LONG).await?;
        holds(!taken, "a lease that another has was given")?;
        let extended = self.lease_of(&name, &owner, LONG).await?;
        holds(extended, "a lease was not extended")?;
        let taken = self.lease_of(&other, &rival, LONG).await?;
        holds(taken, "leases of two names are one")?;
        self.release(&name, &rival).await?;
        let taken = self.lease_of(&name, &rival, LONG).await?;
        holds(!taken, "a lease was given back by one who did not have it")?;
        self.release(&name, &owner).await?;
        let taken = self.lease_of(&name, &rival, LONG).await?;
        holds(taken, "a lease that was given back was not given again")
    }

    /// Once for all, since it takes its time.
    async fn time(&self) -> Checked {
        let name = self.name("h");
        let (owner, rival) = (Owner::new(), Owner::new());
        self.set(&name, None, b"record").await?;
        let age = self.load(&name).await?.and_then(|it| it.known_age());
        let is_new = age.is_none_or(|age| age < TIME_LIMIT);
        holds(is_new, "a new record is not new")?;
        self.lease_of(&name, &owner, SHORT).await?;
        sleep(SHORT + SHORT / 2).await;
        let taken = self.lease_of(&name, &rival, SHORT).await?;
        holds(taken, "a lease does not end with its time")?;
        let found = self.load(&name).await?;
        let found = found.ok_or(wrong("a record is gone before its time"))?;
        let age = found.known_age();
        let is_grown = age.is_none_or(|age| age >= SHORT && age < SHORT + 2 * TIME_LIMIT);
        holds(is_grown, "a record does not get older with time")
    }
}

fn holds(is_so: bool, what: &'static str) -> Checked {
    if is_so { Ok(()) } else { Err(wrong(what)) }
}
