//! What other processes know that share a store with this session: their tokens, and their failures.

use std::time::Duration;

use tokio::time::Instant;

use super::outcome::Brought;
use super::token::{InStore, LoginId};
use super::{Ended, State};
use crate::error::AuthError;
use crate::session::policy::later;
use crate::source::TokenRequest;
use crate::store::error::StoreError;
use crate::token::Token;

/// While no login is allowed, the store is read at most once in this time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// That the session shares a store.
#[derive(Debug)]
pub(super) struct Fleet {
    /// How much longer than a login without a store one may take that has to wait for others.
    detour: Duration,
    next_look_at: Option<Instant>,
    /// When it was signed out, or given another source: older tokens are not for it.
    parted_at: Option<Instant>,
    /// What of the store does not work, each by its [`StoreUse`].
    broken: [bool; 3],
}

/// What a store is used for. It may be full, or read-only: then some of it works.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) enum StoreUse {
    Read,
    Write,
    Lease,
}

/// What a login through the store is about.
#[derive(Debug)]
pub(in crate::session) struct Errand {
    /// What the source is asked for, if it comes to that.
    pub(in crate::session) request: TokenRequest,
    /// Of the token to replace.
    pub(in crate::session) in_store: InStore,
    /// When it was signed out, or given another source.
    pub(in crate::session) parted_at: Option<Instant>,
    /// Only the store is read: no login is allowed now.
    pub(in crate::session) is_look: bool,
}

/// A token that another process got.
#[derive(Debug)]
pub(in crate::session) struct Adopted {
    pub(in crate::session) token: Token,
    /// How long ago its login began.
    pub(in crate::session) age: Duration,
    /// The number of that login.
    pub(in crate::session) number: u64,
}

impl<W> State<W> {
    /// From now on it shares a store, and a login may take so much longer.
    pub(in crate::session) fn share(&mut self, detour: Duration) {
        self.fleet = Some(Fleet {
            detour,
            next_look_at: None,
            parted_at: None,
            broken: [false; 3],
        });
    }

    /// What the login that has just begun is about.
    pub(in crate::session) fn errand(&self, request: TokenRequest) -> Errand {
        let (held, login) = (self.held.as_ref(), self.login.as_ref());
        Errand {
            request,
            in_store: held.map(|held| held.in_store).unwrap_or_default(),
            parted_at: self.fleet.as_ref().and_then(|fleet| fleet.parted_at),
            is_look: login.is_some_and(|login| login.is_look),
        }
    }

    /// Now it comes to a real login.
    pub(in crate::session) fn note_fetch(&mut self, id: LoginId) {
        let login = self.login.as_mut();
        if let Some(login) = login.filter(|login| login.id == id) {
            login.is_tried = true;
            let cause = login.cause;
            self.count_login(cause);
        }
    }

    /// Notes whether the store works, and tells when that changes.
    pub(in crate::session) fn note_store(&mut self, of: StoreUse, error: Option<&StoreError>) {
        self.stats.store_failed += u64::from(error.is_some());
        let Some(fleet) = &mut self.fleet else {
            return;
        };
        let had_worked = fleet.works();
        fleet.broken[of as usize] = error.is_some();
        match (had_worked, error) {
            (true, Some(error)) => self.log.store_failed(error),
            (false, None) if fleet.works() => self.log.store_works(),
            _ => {}
        }
    }

    pub(in crate::session) fn random(&mut self) -> f64 {
        self.throttle.jitter()
    }

    /// A login of this session has ended, through the store.
    pub(in crate::session) fn end_shared(
        &mut self,
        id: LoginId,
        outcome: Result<Token, AuthError>,
        in_store: InStore,
        now: Instant,
    ) -> Option<Ended<W>> {
        let ended = self.end(id, outcome, now)?;
        if ended.1.is_ok() {
            self.note_in_store(in_store);
        }
        Some(ended)
    }

    /// The login has ended with another process's token.
    pub(in crate::session) fn adopt(
        &mut self,
        id: LoginId,
        adopted: Adopted,
        now: Instant,
    ) -> Option<Ended<W>> {
        let login = self.login.take_if(|login| login.id == id)?;
        self.stats.tokens_adopted += 1;
        let began_at = now.checked_sub(adopted.age).unwrap_or(now);
        let brought = Brought {
            token: adopted.token,
            began_at,
            since: began_at,
            is_adopted: true,
        };
        let issued = self.hold(brought, &login, now);
        self.note_in_store(InStore {
            number: Some(adopted.number),
            is_unshared: false,
        });
        Some((login.waiters, Ok(issued)))
    }

    /// The login has ended with another process's failure, which counts for so much longer.
    pub(in crate::session) fn note_told(
        &mut self,
        id: LoginId,
        error: AuthError,
        rest: Duration,
        now: Instant,
    ) -> Option<Ended<W>> {
        let login = self.login.take_if(|login| login.id == id)?;
        let until = later(now, rest);
        let until = self
            .latest(&login)
            .map_or(until, |latest| until.min(latest.max(now)));
        let error = self.throttle.told(error, until, now);
        self.postpone(until);
        self.stats.logins_throttled += 1;
        self.log.failed(&error, self.unexpired(now).is_some());
        Some((login.waiters, Err(error)))
    }

    /// A look at the store has found nothing new. Without an error a login may be made by now, so
    /// those who wait are to ask again.
    pub(in crate::session) fn note_nothing_new(
        &mut self,
        id: LoginId,
        now: Instant,
    ) -> Option<(W, Option<AuthError>)> {
        let login = self.login.take_if(|login| login.id == id)?;
        if let Some(held) = &mut self.held {
            // It was put off for the time of the look.
            held.issued.renew_at = held.due_at;
        }
        let error = self.throttle.pass(login.cause, now).err();
        if let Some(error) = &error {
            self.stats.logins_throttled += 1;
            self.log.throttled(error);
        }
        Some((login.waiters, error))
    }

    pub(super) fn is_shared(&self) -> bool {
        self.fleet.is_some()
    }

    pub(super) fn detour(&self) -> Duration {
        let fleet = self.fleet.as_ref();
        fleet.map_or(Duration::ZERO, |fleet| fleet.detour)
    }

    /// May the store be read, although no login is allowed?
    pub(super) fn may_look(&self, now: Instant) -> bool {
        let may_look = |fleet: &Fleet| fleet.next_look_at.is_none_or(|at| at <= now);
        self.fleet.as_ref().is_some_and(may_look)
    }

    /// It is read from now on.
    pub(super) fn note_look(&mut self, now: Instant) {
        if let Some(fleet) = &mut self.fleet {
            fleet.next_look_at = Some(later(now, LOOK_EVERY));
        }
    }

    /// What was written before says nothing from now on.
    pub(super) fn part(&mut self, now: Instant) {
        if let Some(fleet) = &mut self.fleet {
            fleet.parted_at = Some(now);
            fleet.next_look_at = None;
        }
    }

    fn note_in_store(&mut self, in_store: InStore) {
        if let Some(held) = &mut self.held {
            held.in_store = in_store;
        }
    }
}

impl Fleet {
    fn works(&self) -> bool {
        !self.broken.contains(&true)
    }
}
