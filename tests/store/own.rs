//! A store of a user's own: the two functions that have to be written, over a [`Memory`].

use std::time::Duration;

use tower_bearer::store::{Owner, StoreError, Stored, TokenStore, Version};
use tower_bearer::testing::{Memory, check_store};

/// With the provided lease and removal.
pub(crate) struct TwoFunctions(pub(crate) Memory);

impl TokenStore for TwoFunctions {
    async fn load(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        self.0.load(name).await
    }

    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
        keep_for: Duration,
    ) -> Result<Option<Version>, StoreError> {
        let set = self.0.compare_and_set(name, expected, record, keep_for);
        set.await
    }
}

const TTL: Duration = Duration::from_secs(10);

/// F4, F5: two functions are enough for a store.
#[tokio::test(start_paused = true)]
async fn two_functions_are_enough() {
    let memory = Memory::new();
    check_store(TwoFunctions(memory.clone())).await.unwrap();
    let counts = memory.counts();
    assert_eq!((counts.removes, counts.leases, counts.releases), (0, 0, 0));
}

/// F5: a provided lease is a record beside the one that it is for. It ends with its time, by the
/// store's clock, and its owner extends it.
#[tokio::test(start_paused = true)]
async fn a_provided_lease_is_a_record() {
    let memory = Memory::new();
    let store = TwoFunctions(memory.clone());
    let (owner, rival) = (Owner::new(), Owner::new());
    assert!(store.lease("name", &owner, TTL).await.unwrap());
    assert_eq!(memory.names(), ["name-lease"]);

    tokio::time::sleep(TTL / 2).await;
    assert!(!store.lease("name", &rival, TTL).await.unwrap());
    assert!(store.lease("name", &owner, TTL).await.unwrap());
    tokio::time::sleep(TTL - Duration::from_millis(1)).await;
    assert!(!store.lease("name", &rival, TTL).await.unwrap());
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(store.lease("name", &rival, TTL).await.unwrap());

    // It is not the owner's any more.
    store.release("name", &owner).await.unwrap();
    assert!(!store.lease("name", &owner, TTL).await.unwrap());
    store.release("name", &rival).await.unwrap();
    assert!(store.lease("name", &owner, TTL).await.unwrap());
}

/// F17: what is no lease record is nobody's lease.
#[tokio::test(start_paused = true)]
async fn garbage_is_no_lease() {
    for garbage in [&b""[..], b"\xff", b"owner", b"owner 10 x", b"a 99999 1 b"] {
        let memory = Memory::new();
        memory.put("name-lease", garbage);
        let store = TwoFunctions(memory);
        let owner = Owner::new();
        store.release("name", &owner).await.unwrap();
        assert!(store.lease("name", &owner, TTL).await.unwrap());
        assert!(!store.lease("name", &Owner::new(), TTL).await.unwrap());
    }
}

/// F18: without an age, a lease from the future is as old as one of now, and holds; one of the
/// past is over.
#[tokio::test(start_paused = true)]
async fn a_lease_without_an_age_goes_by_the_wall_clock() {
    let memory = Memory::new();
    memory.tells_age(false);
    let store = TwoFunctions(memory.clone());
    memory.put("name-lease", b"somebody 10000 99999999999999");
    assert!(!store.lease("name", &Owner::new(), TTL).await.unwrap());
    memory.put("name-lease", b"somebody 10000 1000000000000");
    assert!(store.lease("name", &Owner::new(), TTL).await.unwrap());
}

/// F23: neither a record nor a version is shown.
#[test]
fn what_is_stored_is_not_shown() {
    let stored = Stored::new(b"s3cret".to_vec(), Version::new("s3cret"));
    let stored = format!("{stored:?}");
    assert_eq!(
        stored,
        "Stored { bytes: 6, version: Version(6 bytes), age: None }"
    );
    assert_ne!(Owner::new(), Owner::new());
    assert!(Owner::new().as_str().len() <= 50);
}
