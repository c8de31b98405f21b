//! [`TokenStore`]: what a store has to do.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::store::error::StoreError;
use crate::store::lease_record::{BRIEFLY, LeaseRecord, name_of_lease};
use crate::store::stored::{Owner, Stored, Version};

/// Where the processes of a fleet keep the token that they share: a store of small records, each
/// replaced only by who knows its version.
///
/// [`File`](crate::store::File) is the store for one machine and
/// [`Redis`](https://docs.rs/tower-bearer/latest/tower_bearer/store/struct.Redis.html) (feature
/// `store-redis`) the one for several. Any other database with a compare-and-set becomes a store by
/// two functions: [an example for PostgreSQL](crate::store#a-store-of-your-own).
///
/// * A name has at most 80 characters: lower-case letters, digits and `-`.
/// * A record has at most 70,000 bytes, of any value. It holds secrets where the cache is not
///   encrypted: log none.
/// * Each function may be called by several tasks at a time, and its future may be dropped
///   half-way. It should fail within a second when the store does not answer. The caller stops
///   waiting after [`store_timeout`](crate::store::TokenCache::store_timeout).
pub trait TokenStore: Send + Sync + 'static {
    /// Returns the record under this name, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// The store does not answer, or fails.
    fn load(&self, name: &str) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send;

    /// Replaces the record of the version `expected` by this one, and returns the new version.
    /// Where `expected` is `None` there must be no record yet. Returns `None` and changes nothing
    /// if something else is there.
    ///
    /// Comparing and replacing must be one step, whatever other process does the same. Another
    /// record needs another version, also after the first one was removed. Where two records are
    /// never equal, as those of a [`TokenCache`](crate::store::TokenCache) are not,
    /// [`Version::of`] is such a version. The store may forget the record once `keep_for` has
    /// passed.
    ///
    /// # Errors
    ///
    /// The store does not answer, or fails. It is not known then which of the two records is there.
    fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
        keep_for: Duration,
    ) -> impl Future<Output = Result<Option<Version>, StoreError>> + Send;

    /// Removes the record of this version. Returns whether that record was there.
    ///
    /// By default an empty record replaces it, which means the same to a
    /// [`TokenCache`](crate::store::TokenCache).
    ///
    /// # Errors
    ///
    /// The store does not answer, or fails.
    fn remove(
        &self,
        name: &str,
        expected: &Version,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        async move {
            let removed = self.compare_and_set(name, Some(expected), b"", BRIEFLY);
            Ok(removed.await?.is_some())
        }
    }

    /// Takes the lease of this name for `ttl`, or extends it if `owner` holds it already. Returns
    /// whether `owner` holds it now.
    ///
    /// By default it is a record of its own, under the name with `-lease` after it.
    ///
    /// # Errors
    ///
    /// The store does not answer, or fails. It is not known then who holds the lease.
    fn lease(
        &self,
        name: &str,
        owner: &Owner,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        take_lease(self, name, owner, ttl)
    }

    /// Gives the lease of this name back, if `owner` holds it.
    ///
    /// # Errors
    ///
    /// The store does not answer, or fails. The lease ends with its time.
    fn release(
        &self,
        name: &str,
        owner: &Owner,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        give_back(self, name, owner)
    }
}

impl<T: TokenStore> TokenStore for Arc<T> {
    fn load(&self, name: &str) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send {
        T::load(self, name)
    }

    fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
        keep_for: Duration,
    ) -> impl Future<Output = Result<Option<Version>, StoreError>> + Send {
        T::compare_and_set(self, name, expected, record, keep_for)
    }

    fn remove(
        &self,
        name: &str,
        expected: &Version,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        T::remove(self, name, expected)
    }

    fn lease(
        &self,
        name: &str,
        owner: &Owner,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        T::lease(self, name, owner, ttl)
    }

    fn release(
        &self,
        name: &str,
        owner: &Owner,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        T::release(self, name, owner)
    }
}

async fn take_lease<S: TokenStore + ?Sized>(
    store: &S,
    name: &str,
    owner: &Owner,
    ttl: Duration,
) -> Result<bool, StoreError> {
    let name = name_of_lease(name);
    let found = store.load(&name).await?;
    if let Some(found) = &found {
        // What cannot be read is nobody's.
        let held = LeaseRecord::read(found).filter(|lease| !lease.is_over(found));
        if held.is_some_and(|lease| lease.owner != owner.as_str()) {
            return Ok(false);
        }
    }
    let record = LeaseRecord::new(owner, ttl).to_string();
    let expected = found.as_ref().map(Stored::version);
    let taken = store.compare_and_set(&name, expected, record.as_bytes(), ttl);
    Ok(taken.await?.is_some())
}

async fn give_back<S: TokenStore + ?Sized>(
    store: &S,
    name: &str,
    owner: &Owner,
) -> Result<(), StoreError> {
    let name = name_of_lease(name);
    let Some(found) = store.load(&name).await? else {
        return Ok(());
    };
    if LeaseRecord::read(&found).is_some_and(|lease| lease.owner == owner.as_str()) {
        // If it has another version by now, another owner has it.
        store.remove(&name, found.version()).await?;
    }
    Ok(())
}
