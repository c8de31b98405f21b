//! Whether a refusal says that the token has died: what is known of who accepted and who refused
//! it.
//!
//! A token may be refused because it has died, or because one endpoint asks for more rights than
//! the account has. Only the first is healed by a login. What distinguishes them is what the
//! endpoints said before, so a few of those answers are remembered, in bounded memory. They are
//! only noted while it matters: until a token's first acceptance, and while a login has not helped.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use http::{Method, Uri};

/// How many endpoints are remembered that refused a new token as well.
const MOST_IN_VAIN: usize = 16;

const WORDS: usize = 16;

/// An endpoint: a method and a path, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

/// How much a refusal says that the token has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Proof {
    /// Nothing: the endpoint may want more rights, or nobody was accepted with this token.
    None,
    /// Something: the endpoint accepted an earlier token, or several others refuse it too and
    /// nobody was accepted since.
    Weak,
    /// The endpoint accepted a token before, and others were accepted with this one.
    Strong,
}

#[derive(Debug)]
pub(in crate::session) struct Evidence {
    /// Endpoints that accepted a token of this account. A set that may say yes by mistake.
    accepted: [u64; WORDS],
    /// Endpoints whose refusal a login did not heal. The oldest is forgotten first.
    in_vain: Vec<Key>,
    /// An endpoint of which nothing is known, and that has refused since the last acceptance.
    unknown: Option<Key>,
}

impl Key {
    /// The endpoint of a token that a caller reports.
    pub(crate) const UNKNOWN: Self = Self(0);

    pub(crate) fn of(method: &Method, uri: &Uri) -> Self {
        // Without a seed: nothing hangs on it but which endpoints are taken for one another.
        let hasher = BuildHasherDefault::<DefaultHasher>::new();
        Self(hasher.hash_one((method.as_str(), uri.path())))
    }

    fn bit(self) -> (usize, u64) {
        let word = (self.0 >> 6) as usize % WORDS;
        (word, 1 << (self.0 % 64))
    }
}

impl Evidence {
    pub(in crate::session) fn new() -> Self {
        Self {
            accepted: [0; WORDS],
            in_vain: Vec::new(),
            unknown: None,
        }
    }

    pub(in crate::session) fn note_acceptance(&mut self, key: Key) {
        let (word, bit) = key.bit();
        self.accepted[word] |= bit;
        self.in_vain.retain(|known| *known != key);
        self.unknown = None;
    }

    /// A login did not heal the refusal of this endpoint.
    pub(in crate::session) fn note_in_vain(&mut self, key: Key) {
        if self.is_in_vain(key) {
            return;
        }
        if self.in_vain.len() == MOST_IN_VAIN {
            self.in_vain.remove(0);
        }
        self.in_vain.push(key);
    }

    /// Judges a refusal of the token in hand, and notes it. `is_accepted`: somebody was accepted
    /// with that very token.
    pub(in crate::session) fn judge(&mut self, key: Key, is_accepted: bool) -> Proof {
        if self.is_in_vain(key) {
            return Proof::None;
        }
        match (self.has_accepted(key), is_accepted) {
            (true, true) => Proof::Strong,
            (true, false) => Proof::Weak,
            (false, true) => match self.unknown.replace(key) {
                Some(other) if other != key => Proof::Weak,
                _ => Proof::None,
            },
            (false, false) => Proof::None,
        }
    }

    pub(in crate::session) fn is_in_vain(&self, key: Key) -> bool {
        self.in_vain.contains(&key)
    }

    fn has_accepted(&self, key: Key) -> bool {
        let (word, bit) = key.bit();
        self.accepted[word] & bit != 0
    }
}
