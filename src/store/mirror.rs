//! [`DynTokenStore`]: a store whose type is forgotten.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::store::error::StoreError;
use crate::store::stored::{Owner, Stored, Version};
use crate::store::token_store::TokenStore;

/// [`TokenStore`], object-safe: what a cache holds.
pub(crate) trait DynTokenStore: Send + Sync {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, StoreError>>;

    fn compare_and_set<'a>(
        &'a self,
        name: &'a str,
        expected: Option<&'a Version>,
        record: &'a [u8],
        keep_for: Duration,
    ) -> BoxFuture<'a, Result<Option<Version>, StoreError>>;

    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a Version,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    fn lease<'a>(
        &'a self,
        name: &'a str,
        owner: &'a Owner,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    fn release<'a>(
        &'a self,
        name: &'a str,
        owner: &'a Owner,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}

impl<T: TokenStore> DynTokenStore for T {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        Box::pin(TokenStore::load(self, name))
    }

    fn compare_and_set<'a>(
        &'a self,
        name: &'a str,
        expected: Option<&'a Version>,
        record: &'a [u8],
        keep_for: Duration,
    ) -> BoxFuture<'a, Result<Option<Version>, StoreError>> {
        Box::pin(TokenStore::compare_and_set(
            self, name, expected, record, keep_for,
        ))
    }

    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a Version,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(TokenStore::remove(self, name, expected))
    }

    fn lease<'a>(
        &'a self,
        name: &'a str,
        owner: &'a Owner,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(TokenStore::lease(self, name, owner, ttl))
    }

    fn release<'a>(
        &'a self,
        name: &'a str,
        owner: &'a Owner,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(TokenStore::release(self, name, owner))
    }
}
