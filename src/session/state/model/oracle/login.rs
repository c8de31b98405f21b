//! How a login begins, and what follows on each of its ends.

use std::time::Duration;

#[cfg(feature = "store")]
use super::Answer;
use super::{Failure, HOUR, Held, Hold, Oracle, Previous, SECOND, Sent, UnderWay, doubling};
use crate::session::state::evidence::Proof;
use crate::session::state::throttle::LoginCause;

impl Oracle {
    pub(in crate::session) fn begun(&mut self, cause: LoginCause) {
        assert!(!self.is_under_way(), "two logins at a time");
        let is_look = self.closed(cause).is_some();
        assert_eq!(self.refused_to(cause), None, "a login that is not allowed");
        if is_look {
            self.next_look = self.now + SECOND;
        }
        self.logins += 1;
        self.login = Some(UnderWay {
            id: self.logins,
            cause,
            hold: match cause {
                LoginCause::Refusal(_) if !is_look => Hold::Until(self.now + 2 * SECOND),
                _ => Hold::No,
            },
            is_look,
            is_tried: self.detour.is_none(),
            began: self.now,
            overdue: self.now + 31 * SECOND + self.detour.unwrap_or_default(),
        });
    }

    /// F3: another process's token, whose login began so long ago, if there is an `age`.
    pub(in crate::session) fn brought(
        &mut self,
        text: u64,
        lifetime: Option<Duration>,
        age: Option<Duration>,
    ) {
        let login = self.login.take().expect("a token out of nowhere");
        (self.rejections, self.misconfigurations, self.outages) = (0, 0, 0);
        (self.losses, self.failure) = (0, None);
        self.arrivals += 1;
        let is_renewal = login.hold != Hold::No;
        let since = self.now - age.unwrap_or_default();
        let began = age.map_or(login.began, |_| since);
        let mut held = self.new_token(text, lifetime, began);
        (held.since, held.adopted) = (since, age.is_some());
        match self.token.take() {
            Some(old) if old.text == text => {
                if is_renewal && !held.adopted {
                    let proof = match login.cause {
                        LoginCause::Refusal(proof) => proof,
                        _ => Proof::None,
                    };
                    self.strikes.strike(proof, false, self.now);
                }
                if !is_renewal {
                    held.arrival = old.arrival;
                }
                held.generation = old.generation;
                (held.since, held.refused) = (old.since, old.refused);
                (held.accepted, held.given) = (old.accepted, old.given);
                let before = |after: &u64| login.id <= *after || !is_renewal;
                held.invalidated = old.invalidated.filter(before);
                // The same token again has the life that it had, unless another one is told.
                let told = lifetime.filter(|told| !told.is_zero());
                let known = old.expires.filter(|at| told.is_some() || self.now < *at);
                let is_rest = |told: Duration, known: Duration| {
                    let earliest = began.saturating_add(told);
                    let latest = since.saturating_add(told).saturating_add(SECOND);
                    (earliest..=latest).contains(&known)
                };
                let keeps = |known: &Duration| told.is_none_or(|told| is_rest(told, *known));
                match known.filter(keeps) {
                    Some(expires) if self.now < expires => {
                        held.expires = Some(expires);
                        let next = self.now + ((expires - self.now) / 2).max(SECOND);
                        let next = Some((next, next)).filter(|_| next < expires);
                        held.ahead = next.filter(|_| old.ahead.is_some());
                    }
                    Some(expires) => {
                        held.expires = Some(expires.max(began + SECOND));
                        held.ahead = None;
                    }
                    None => {}
                }
            }
            old => {
                if !is_renewal && old.as_ref().is_some_and(|old| !old.refused) {
                    self.strikes.forgive();
                }
                let serves = |old: &Held| old.accepted && old.invalidated.is_none();
                self.previous = old.filter(serves).map(|old| Previous {
                    text: old.text,
                    sent: Sent {
                        account_epoch: self.account_epoch,
                        generation: old.generation,
                        arrival: old.arrival,
                    },
                    expires: old.expires,
                });
                self.generations += 1;
                held.generation = self.generations;
            }
        }
        self.token = Some(held);
    }

    /// L1, L2, L3: how long this failure closes the throttle is checked, and believed then.
    pub(in crate::session) fn failed(
        &mut self,
        failure: Failure,
        asked: Option<Duration>,
        pause: Option<Duration>,
    ) {
        let login = self.login.take();
        self.losses = 0;
        let (least, most) = match failure {
            Failure::Unavailable => {
                self.outages += 1;
                let most = doubling(SECOND / 4, 30 * SECOND, self.outages);
                (most / 2, most)
            }
            Failure::Rejected => {
                (self.misconfigurations, self.outages) = (0, 0);
                self.rejections += 1;
                let pause = doubling(60 * SECOND, HOUR, self.rejections);
                (pause, pause)
            }
            Failure::Misconfigured => {
                self.misconfigurations += 1;
                let pause = doubling(SECOND, 60 * SECOND, self.misconfigurations);
                (pause, pause)
            }
        };
        let asked = asked.unwrap_or_default().min(HOUR);
        // T6: what a renewal ahead closes is open again when the token expires.
        let is_ahead =
            |login: &UnderWay| login.cause == LoginCause::Ahead && login.hold == Hold::No;
        let expires = self.token.as_ref().and_then(|held| held.expires);
        let left = expires.filter(|_| login.as_ref().is_some_and(is_ahead));
        let left = left.map_or(Duration::MAX, |expires| expires.saturating_sub(self.now));
        let (least, most) = (least.max(asked).min(left), most.max(asked).min(left));
        let pause = pause.expect("a failure that does not say for how long");
        assert!(
            least <= pause && pause <= most,
            "{pause:?}, not {least:?} to {most:?}"
        );
        self.failure = Some((failure, self.now + pause));
        let held = self.token.iter_mut();
        held.for_each(|held| held.rest_until = Duration::ZERO);
    }

    /// F8: another process's failure counts for the rest of its time, and not as one of ours.
    #[cfg(feature = "store")]
    pub(in crate::session) fn told(
        &mut self,
        failure: Failure,
        rest: Duration,
        pause: Option<Duration>,
    ) {
        let login = self.login.take().expect("told out of nowhere");
        let is_ahead = login.cause == LoginCause::Ahead && login.hold == Hold::No;
        let held = self.token.as_mut();
        let expires = held.as_ref().and_then(|held| held.expires);
        let left = expires.filter(|_| is_ahead);
        let left = left.map_or(Duration::MAX, |at| at.saturating_sub(self.now));
        let rest = rest.min(left);
        assert_eq!(pause, Some(rest));
        self.failure = Some((failure, self.now + rest));
        held.into_iter()
            .for_each(|it| it.rest_until = Duration::ZERO);
    }

    /// F10: a look that found nothing leaves everything as it was. Returns what those are told who
    /// waited for it, unless a login is allowed by now.
    #[cfg(feature = "store")]
    pub(in crate::session) fn found_nothing(&mut self) -> Option<Answer> {
        let login = self.login.take().expect("a look out of nowhere");
        let held = self.token.iter_mut();
        held.for_each(|held| held.rest_until = Duration::ZERO);
        self.closed(login.cause)
    }

    /// A login of which the source was never asked is no loss.
    pub(in crate::session) fn gone(&mut self, pause: Option<Duration>) {
        match self.login.as_ref().is_some_and(|login| login.is_tried) {
            true => self.lost(pause),
            false => {
                self.login = None;
                let held = self.token.iter_mut();
                held.for_each(|held| held.rest_until = Duration::ZERO);
            }
        }
    }

    /// T3, L2: the first loss closes nothing, more in a row are outages.
    fn lost(&mut self, pause: Option<Duration>) {
        let losses = self.losses + 1;
        self.login = None;
        if losses > 1 {
            self.failed(Failure::Unavailable, None, pause);
        } else {
            let rest_until = self.now + SECOND;
            let held = self.token.iter_mut();
            held.for_each(|held| held.rest_until = rest_until);
        }
        self.losses = losses;
    }

    /// T5: a lifetime counts from when the login began, a short one in whole seconds is taken a
    /// second shorter, one of zero tells nothing, and no token is given up within a second.
    pub(super) fn new_token(&self, text: u64, lifetime: Option<Duration>, began: Duration) -> Held {
        let lifetime = lifetime.filter(|it| !it.is_zero()).map(|lifetime| {
            let is_short = lifetime.subsec_nanos() == 0 && lifetime <= 10 * SECOND;
            let counted = lifetime.saturating_sub(if is_short { SECOND } else { Duration::ZERO });
            counted.max(SECOND)
        });
        let from = |after: Duration| began.saturating_add(after).max(self.now + SECOND);
        Held {
            text,
            generation: 0,
            arrival: self.arrivals,
            since: self.now,
            invalidated: None,
            refused: false,
            accepted: false,
            given: false,
            adopted: false,
            expires: lifetime.map(from),
            ahead: lifetime.map(|lifetime| {
                let ahead = (lifetime / 10).min(300 * SECOND);
                // A rounding of a float may be a little off.
                let slack = Duration::from_nanos(100);
                let at = |ahead: Duration| from((lifetime - ahead).max(SECOND));
                (
                    at(ahead).saturating_sub(slack),
                    at(ahead * 4 / 5).saturating_add(slack),
                )
            }),
            rest_until: Duration::ZERO,
        }
    }
}
