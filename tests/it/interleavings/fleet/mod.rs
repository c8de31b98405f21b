//! Two sessions over one store, in all orders of their operations.
//!
//! A step lets one operation of the store through, or one login end, and then everything goes on
//! that needs neither. That is fine enough: sessions of two processes share nothing but the store,
//! whose operations are each one step by contract, and their logins' ends. What a session does
//! between two of its operations the other cannot see. (What happens within one session in all
//! orders is [the parent's](super) affair.)

mod sessions;
mod store;
mod world;

use self::world::World;
use super::explore::every_order;

/// Those of the two that share a store.
const A: usize = 0;
const B: usize = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A request of that session begins.
    Ask(usize),
    /// Of the operations that wait, the so-maniest.
    Operation(usize),
    /// The login that is under way ends.
    Login,
    /// Whoever waits for the lease looks again.
    Wait,
    /// The server refuses the token that both had at the beginning.
    Revoke,
    /// A session signs out.
    SignOut(usize),
}

struct Scenario {
    name: &'static str,
    depth: usize,
    /// Both have a token at the beginning.
    is_warm: bool,
    /// It is due for a renewal.
    is_due: bool,
    /// What happened before all else.
    begins_with: &'static [Step],
    /// Each happens once for each time that it stands here, at any time, but for the first of those
    /// that are alike.
    once: &'static [Step],
    /// How often whoever waits looks again before all other steps were tried.
    waits: usize,
}

impl Scenario {
    #[track_caller]
    fn has(&self, expected: usize) {
        let schedules = every_order(self.depth, |runtime| World::new(self, runtime));
        println!("{}: {schedules} schedules", self.name);
        assert_eq!(schedules, expected, "{}", self.name);
    }
}

/// F2, F5: two sessions need a token at once: in every order one of them logs in, and both get it.
#[test]
fn two_sessions_that_need_a_token_hold_in_every_order() {
    Scenario {
        name: "both need a token",
        depth: 40,
        is_warm: false,
        is_due: false,
        begins_with: &[],
        once: &[Step::Ask(A), Step::Ask(B)],
        waits: 1,
    }
    .has(1_664);
}

/// F2, F3: one session is refused while the other renews ahead: in every order there is one login,
/// and each request is answered.
#[test]
fn a_refusal_during_anothers_renewal_holds_in_every_order() {
    Scenario {
        name: "a refusal during another's renewal",
        depth: 40,
        is_warm: true,
        is_due: true,
        begins_with: &[Step::Ask(B), Step::Revoke],
        once: &[Step::Ask(A)],
        waits: 1,
    }
    .has(832);
}

/// F4, F20: a session signs out while the other logs in: what was under way is not kept in the
/// store, and what was there before is adopted by nobody.
#[test]
fn a_sign_out_against_anothers_login_holds_in_every_order() {
    Scenario {
        name: "a sign-out against another's login",
        depth: 40,
        is_warm: true,
        is_due: false,
        begins_with: &[Step::Revoke, Step::Ask(B)],
        once: &[Step::SignOut(A)],
        waits: 1,
    }
    .has(1_223);
}

/// F20: so it is where the store is empty.
#[test]
fn a_sign_out_against_anothers_first_login_holds_in_every_order() {
    Scenario {
        name: "a sign-out against another's first login",
        depth: 40,
        is_warm: false,
        is_due: false,
        begins_with: &[Step::Ask(B)],
        once: &[Step::SignOut(A)],
        waits: 1,
    }
    .has(1_223);
}
