//! R6: what the endpoints said before, and the logins that did not help.

use std::collections::BTreeSet;
use std::time::Duration;

use super::doubling;
use crate::session::state::evidence::Proof;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Strikes {
    accepted: BTreeSet<u8>,
    in_vain: BTreeSet<u8>,
    /// An endpoint of which nothing is known has refused since the last acceptance.
    unknown: Option<u8>,
    without: Count,
    weak: Count,
    strong: Count,
}

#[derive(Debug, Default)]
struct Count {
    count: u32,
    until: Duration,
    redeemable: bool,
}

impl Strikes {
    pub(super) fn judge(&mut self, key: u8, is_accepted: bool) -> Proof {
        if self.in_vain.contains(&key) {
            return Proof::None;
        }
        if self.accepted.contains(&key) {
            return if is_accepted {
                Proof::Strong
            } else {
                Proof::Weak
            };
        }
        if !is_accepted {
            return Proof::None;
        }
        match self.unknown.replace(key) {
            Some(other) if other != key => Proof::Weak,
            _ => Proof::None,
        }
    }

    pub(super) fn note_acceptance(&mut self, key: u8) {
        self.accepted.insert(key);
        self.in_vain.remove(&key);
        self.unknown = None;
    }

    pub(super) fn note_in_vain(&mut self, key: u8) {
        self.in_vain.insert(key);
    }

    pub(super) fn is_in_vain(&self, key: u8) -> bool {
        self.in_vain.contains(&key)
    }

    /// Three are free without proof, and further ones close for 1 s up to 5 min; with proof it is
    /// eight and a minute. What is closed stays so at least as long as it was to.
    pub(super) fn strike(&mut self, proof: Proof, is_redeemable: bool, now: Duration) {
        let (free, max) = match proof {
            Proof::None => (3, 300 * SECOND),
            Proof::Weak | Proof::Strong => (8, 60 * SECOND),
        };
        let count = self.of_mut(proof);
        count.count += 1;
        count.redeemable = is_redeemable;
        if count.count > free {
            let pause = doubling(SECOND, max, count.count - free);
            count.until = count.until.max(now + pause);
        }
    }

    pub(super) fn redeem(&mut self) {
        for count in [&mut self.without, &mut self.weak, &mut self.strong] {
            count.count -= u32::from(count.redeemable && count.count > 0);
            count.redeemable = false;
        }
    }

    pub(super) fn forgive(&mut self) {
        for count in [&mut self.without, &mut self.weak, &mut self.strong] {
            count.count = 0;
        }
    }

    pub(super) fn open(&mut self) {
        for count in [&mut self.without, &mut self.weak, &mut self.strong] {
            count.until = Duration::ZERO;
        }
    }

    /// Another session with the same account: its endpoints may answer otherwise.
    pub(super) fn forget(&mut self) {
        self.accepted.clear();
        self.in_vain.clear();
        self.unknown = None;
    }

    pub(super) fn are_closed(&self, proof: Proof, now: Duration) -> bool {
        let count = match proof {
            Proof::None => &self.without,
            Proof::Weak => &self.weak,
            Proof::Strong => &self.strong,
        };
        now < count.until
    }

    pub(super) fn edges(&self) -> impl Iterator<Item = Duration> {
        [self.without.until, self.weak.until, self.strong.until].into_iter()
    }

    fn of_mut(&mut self, proof: Proof) -> &mut Count {
        match proof {
            Proof::None => &mut self.without,
            Proof::Weak => &mut self.weak,
            Proof::Strong => &mut self.strong,
        }
    }
}
