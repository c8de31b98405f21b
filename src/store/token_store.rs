//! [`TokenStore`]: what a store has to do.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::store::error::StoreError;
use crate::store::lease_record::{BRIEFLY, LeaseRecord, name_of_lease};
use crate::store::stored::{Owner, Stored, Version};

/// A store of small records, in which processes share a token. A record is only replaced by a
/// process that knows its version.
///
/// [`File`](crate::store::File) is a store for one machine, and
/// [`Redis`](https://docs.rs/tower-bearer/latest/tower_bearer/store/struct.Redis.html) (feature
/// `store-redis`) is one for several. Any other database with a compare-and-set can be a store,
/// with two functions: [an example for PostgreSQL](crate::store#a-store-of-your-own).
///
/// * A name has at most 80 characters: lower-case letters, digits and `-`.
/// * A record has at most 70,000 bytes, of any value. Do not log records: they contain secrets
///   unless the cache is encrypted.
/// * Several tasks may call a function at the same time, and its future may be dropped before it
///   completes. It should fail within a second if the store does not answer. The caller stops
///   waiting after [`store_timeout`](crate::store::TokenCache::store_timeout).
pub trait TokenStore: Send + Sync + 'static {
    /// Returns the record with this name, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// Fails if the store does not answer, or reports an error.
    fn load(&self, name: &str) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send;

    /// Replaces the record with the version `expected` by this one, and returns the new version. If
    /// `expected` is `None`, there must be no record yet. Returns `None` and changes nothing if the
    /// current record has another version.
    ///
    /// Comparing and replacing must be a single atomic step across processes. Another record must
    /// get another version, even after the first one was removed. [`Version::of`] is sufficient if
    /// two records are never equal, as with those of a [`TokenCache`](crate::store::TokenCache).
    /// The store may remove the record after `keep_for`.
    ///
    /// # Errors
    ///
    /// Fails if the store does not answer, or reports an error. The caller then does not know which
    /// of the two records is in the store.
    fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
        keep_for: Duration,
    ) -> impl Future<Output = Result<Option<Version>, StoreError>> + Send;

    /// Removes the record of this version. Returns whether that record was there.
    ///
    /// The default implementation replaces it by an empty record, which means the same to a
    /// [`TokenCache`](crate::store::TokenCache).
    ///
    /// # Errors
    ///
    /// Fails if the store does not answer, or reports an error.
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

    /// Takes the lease with this name for `ttl`, or extends it if `owner` holds it already. Returns
    /// whether `owner` holds it now.
    ///
    /// The default implementation keeps it as a separate record, with `-lease` added to the name.
    ///
    /// # Errors
    ///
    /// Fails if the store does not answer, or reports an error. The caller then does not know who
    /// holds the lease.
    fn lease(
        &self,
        name: &str,
        owner: &Owner,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        take_lease(self, name, owner, ttl)
    }

    /// Releases the lease with this name, if `owner` holds it.
    ///
    /// # Errors
    ///
    /// Fails if the store does not answer, or reports an error. The lease ends with its time.
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
