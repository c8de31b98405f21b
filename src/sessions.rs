//! [`Sessions`]: a session for each of many accounts.

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use lru::LruCache;
use tokio::time::Instant;
use tower::BoxError;

use crate::error::AuthError;
use crate::session::Session;

/// The [`Session`]s of many accounts, each created when its key is first asked for.
///
/// Insert the session into the request's extensions, and send the request through a layer created
/// by [`BearerAuthLayer::per_request`](crate::BearerAuthLayer::per_request). A clone shares the
/// sessions.
///
/// The key must contain everything that distinguishes one token from another: the tenant, and the
/// audience or the OAuth scopes if a tenant uses several.
///
/// # What is forgotten
///
/// A session is forgotten after an hour without use, or when a new one needs the room, the least
/// recently used first. The number of sessions is bounded. Three kinds are always kept:
///
/// - sessions in use, for example by a request or a service, so a key never has two sessions;
/// - sessions with a login under way;
/// - sessions whose last login failed, until the next login may start. A rejected login is
///   remembered after that for the [longest pause](crate::SessionBuilder::rejection_backoff) once
///   more, unless room is needed. So a wrong password is tried as rarely as if all sessions were
///   kept.
///
/// Without a request nothing is forgotten.
///
#[cfg_attr(feature = "testing", doc = "```")]
#[cfg_attr(not(feature = "testing"), doc = "```ignore")]
/// use http::Request;
/// use http_body_util::Empty;
/// use tower_bearer::{BearerAuthLayer, Session, Sessions, login::Form, testing::Api};
/// use tower_layer::Layer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower::BoxError> {
/// let api = Api::new().account("alice", "correct horse").account("bob", "battery staple");
///
/// let http_client = api.clone();
/// let sessions = Sessions::new(move |(user, password): &(&str, &str)| {
///     let login = Form::new(http_client.clone(), "https://api.example.com", *user, *password)?;
///     Ok(Session::builder(login).name(*user).build())
/// });
///
/// let client = BearerAuthLayer::per_request().layer(api.clone());
/// for tenant in [("alice", "correct horse"), ("bob", "battery staple")] {
///     let request = Request::get("https://api.example.com/users/me")
///         .extension(sessions.get(&tenant)?)
///         .body(Empty::<bytes::Bytes>::new())?;
///     assert_eq!(client.send(request).await?.status(), 200);
/// }
/// assert_eq!(api.counts().logins, 2);
/// # Ok(())
/// # }
/// ```
pub struct Sessions<K> {
    make: Arc<Make<K>>,
    capacity: usize,
    idle_timeout: Duration,
    known: Arc<Mutex<LruCache<K, Entry>>>,
}

type Make<K> = dyn Fn(&K) -> Result<Session, BoxError> + Send + Sync;

struct Entry {
    slot: Arc<Slot>,
    used_at: Instant,
}

/// Locked while its session is made, so that it is made once.
#[derive(Default)]
struct Slot(Mutex<Option<Session>>);

/// Calls the function when dropped, after a panic too.
struct AtTheEnd<'a>(&'a dyn Fn());

const CAPACITY: usize = 10_000;

/// How many idle ones each use of another session may forget.
const AT_A_TIME: usize = 4;

const IDLE_TIMEOUT: Duration = Duration::from_secs(3_600);

impl<K: Eq + Hash + Clone> Sessions<K> {
    /// Creates an empty set of sessions. `make` creates the session of each key, once.
    ///
    /// It runs when a key without a session is asked for, and other callers that ask for the same
    /// key wait for it. It should not log in, because the session does that when needed. It may ask
    /// for other keys, but not for its own.
    pub fn new<F>(make: F) -> Self
    where
        F: Fn(&K) -> Result<Session, BoxError> + Send + Sync + 'static,
    {
        Self {
            make: Arc::new(make),
            capacity: CAPACITY,
            idle_timeout: IDLE_TIMEOUT,
            known: Arc::new(Mutex::new(LruCache::unbounded())),
        }
    }

    /// Sets the maximum number of sessions. Defaults to 10,000.
    #[must_use]
    pub fn capacity(mut self, sessions: usize) -> Self {
        self.capacity = sessions;
        self
    }

    /// Sets how long a session must be unused before it may be forgotten. Defaults to an hour.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Returns the session of this key. Creates it if there is none.
    ///
    /// # Errors
    ///
    /// Fails with the error of `make`: an [`AuthError`] as it is, any other error as
    /// [misconfigured](AuthError::is_misconfigured). The next call tries again.
    ///
    /// Fails with an [unavailable](AuthError::is_unavailable) error if there is no room for another
    /// session and none may be forgotten.
    pub fn get(&self, key: &K) -> Result<Session, AuthError> {
        loop {
            let slot = self.slot(key);
            if let Some(session) = &*slot.lock() {
                return Ok(session.clone());
            }
            let forget_unmade = || self.forget_unmade(key);
            let _at_the_end = AtTheEnd(&forget_unmade);
            // Moved, so that the slot is released before that.
            let slot = slot;
            let mut session = slot.lock();
            if let Some(session) = &*session {
                return Ok(session.clone());
            }
            // Removed meanwhile: made in this slot, it would be one of two for its key.
            if !self.is_current(key, &slot) {
                continue;
            }
            let made = (self.make)(key).map_err(AuthError::or_misconfigured);
            // Not before: a key that nobody knows is to push no session out.
            let made = made.and_then(|made| self.make_room().map(|()| made))?;
            return Ok(session.insert(made).clone());
        }
    }

    /// Removes the session of this key and returns it, for example to sign out of a deleted
    /// account.
    ///
    /// Existing handles to the session keep working. The next [`get`](Self::get) creates another
    /// session.
    pub fn remove(&self, key: &K) -> Option<Session> {
        let removed = self.known().pop(key)?;
        removed.slot.lock().take()
    }

    /// Returns the number of sessions.
    pub fn len(&self) -> usize {
        self.known().len()
    }

    /// Returns `true` if there is no session.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn slot(&self, key: &K) -> Arc<Slot> {
        let now = Instant::now();
        // Dropped after the lock, for it is declared before: a session's source is a user's.
        let mut forgotten = Vec::new();
        let mut known = self.known();
        self.forget_idle(&mut known, now, &mut forgotten);
        if let Some(entry) = known.get_mut(key) {
            entry.used_at = now;
            return entry.slot.clone();
        }
        let slot = Arc::new(Slot::default());
        let entry = Entry {
            slot: slot.clone(),
            used_at: now,
        };
        known.put(key.clone(), entry);
        slot
    }

    /// Says whether this is still the slot of the key. A slot may be locked before the table, and
    /// is never waited for with the table locked.
    fn is_current(&self, key: &K, slot: &Arc<Slot>) -> bool {
        let known = self.known();
        let entry = known.peek(key);
        entry.is_some_and(|entry| Arc::ptr_eq(&entry.slot, slot))
    }

    fn make_room(&self) -> Result<(), AuthError> {
        let now = Instant::now();
        let mut forgotten = Vec::new();
        let mut known = self.known();
        while known.len() > self.capacity {
            forgotten.push(self.forget_one(&mut known, now)?);
        }
        Ok(())
    }

    /// Unless somebody else is about to make it, who then does the same.
    fn forget_unmade(&self, key: &K) {
        let mut known = self.known();
        let entry = known.peek(key);
        if entry.is_some_and(|entry| entry.slot.is_unused_and(|_| false)) {
            known.pop(key);
        }
    }

    /// The least recently used ones, as far as their time is over. Not many at a time: those that
    /// have to stay are looked at as well.
    fn forget_idle(
        &self,
        known: &mut LruCache<K, Entry>,
        now: Instant,
        forgotten: &mut Vec<(K, Entry)>,
    ) {
        for _ in 0..AT_A_TIME {
            let Some((key, entry)) = known.peek_lru() else {
                break;
            };
            if now.duration_since(entry.used_at) < self.idle_timeout {
                break;
            }
            match entry.slot.is_settled(now) {
                true => forgotten.extend(known.pop_lru()),
                // Not looked at again until all others were.
                false => {
                    let key = key.clone();
                    known.promote(&key);
                }
            }
        }
    }

    /// Makes room for another one.
    fn forget_one(
        &self,
        known: &mut LruCache<K, Entry>,
        now: Instant,
    ) -> Result<(K, Entry), AuthError> {
        let mut oldest_first = known.iter().rev();
        let key = oldest_first.find(|(_, entry)| entry.slot.is_free(now));
        let key = key.map(|(key, _)| key.clone());
        key.and_then(|key| known.pop_entry(&key)).ok_or_else(|| {
            AuthError::unavailable(format!(
                "all {} sessions are in use or waiting for their next login",
                self.capacity
            ))
        })
    }

    fn known(&self) -> MutexGuard<'_, LruCache<K, Entry>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<Session>> {
        // A function that panicked has made no session.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether it may be forgotten to make room.
    fn is_free(self: &Arc<Self>, now: Instant) -> bool {
        self.is_unused_and(|session| session.is_open(now))
    }

    /// Says whether it may be forgotten after a while.
    fn is_settled(self: &Arc<Self>, now: Instant) -> bool {
        self.is_unused_and(|session| session.is_settled(now))
    }

    /// Nobody can begin to use it meanwhile: that takes the lock of the table.
    fn is_unused_and(self: &Arc<Self>, may_be_forgotten: impl FnOnce(&Session) -> bool) -> bool {
        if Arc::strong_count(self) > 1 {
            return false;
        }
        let session = match self.0.try_lock() {
            Ok(session) => session,
            Err(TryLockError::Poisoned(session)) => session.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        session
            .as_ref()
            .is_none_or(|session| session.is_held_once() && may_be_forgotten(session))
    }
}

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<K> Clone for Sessions<K> {
    fn clone(&self) -> Self {
        Self {
            make: self.make.clone(),
            known: self.known.clone(),
            ..*self
        }
    }
}

impl<K> fmt::Debug for Sessions<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("capacity", &self.capacity)
            .field("idle_timeout", &self.idle_timeout)
            .finish_non_exhaustive()
    }
}
