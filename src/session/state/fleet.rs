//! What other processes know that share a store with this session: their tokens, and their
//! failures.

use std::time::Duration;

use tokio::time::Instant;

use super::shared::{Adopted, Errand, Sharing, StoreUse};
use super::token::{Brought, InStore, LoginId};
use super::{Ended, State};
use crate::error::AuthError;
use crate::session::policy::later;
use crate::source::TokenRequest;
use crate::store::error::StoreError;
use crate::token::Token;

impl<W> State<W> {
    /// From now on it shares a store, and a login may take so much longer.
    pub(in crate::session) fn share(&mut self, detour: Duration) {
        self.sharing = Some(Sharing::new(detour));
    }

    /// What the login that has just begun is about.
    pub(in crate::session) fn errand(&self, request: TokenRequest) -> Errand {
        let (held, login) = (self.held.as_ref(), self.login.as_ref());
        Errand {
            request,
            in_store: held.map(|held| held.in_store).unwrap_or_default(),
            parted_at: self.sharing.as_ref().and_then(|it| it.parted_at),
            is_look: login.is_some_and(|login| login.is_look),
        }
    }

    /// Now it comes to a real login. Its token lives from here on, and not from when the wait for
    /// another process began.
    pub(in crate::session) fn note_fetch(&mut self, id: LoginId, now: Instant) {
        let login = self.login.as_mut();
        if let Some(login) = login.filter(|login| login.id == id) {
            login.is_tried = true;
            login.began_at = now;
            let cause = login.cause;
            self.count_login(cause);
        }
    }

    /// Notes whether the store works, and emits an event when that changes.
    pub(in crate::session) fn note_store(&mut self, of: StoreUse, error: Option<&StoreError>) {
        self.stats.store_failed += u64::from(error.is_some());
        let Some(sharing) = &mut self.sharing else {
            return;
        };
        match (sharing.note(of, error.is_none()), error) {
            ((true, false), Some(error)) => self.log.store_failed(error),
            ((false, true), _) => self.log.store_works(),
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
    /// the waiters are to ask again.
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
        self.sharing.is_some()
    }

    pub(super) fn detour(&self) -> Duration {
        let sharing = self.sharing.as_ref();
        sharing.map_or(Duration::ZERO, |sharing| sharing.detour)
    }

    pub(super) fn may_look(&self, now: Instant) -> bool {
        self.sharing.as_ref().is_some_and(|it| it.may_look(now))
    }

    pub(super) fn note_look(&mut self, now: Instant) {
        if let Some(sharing) = &mut self.sharing {
            sharing.note_look(now);
        }
    }

    pub(super) fn part(&mut self, now: Instant) {
        if let Some(sharing) = &mut self.sharing {
            sharing.part(now);
        }
    }

    fn note_in_store(&mut self, in_store: InStore) {
        if let Some(held) = &mut self.held {
            held.in_store = in_store;
        }
    }
}
