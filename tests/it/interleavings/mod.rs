//! The session's concurrent part, in all orders.
//!
//! A scenario names who acts on one session: requests, their server, the login's endpoint, an owner
//! who signs out or replaces the source, the clock. [`explore`] runs every order of their steps up
//! to a depth, each from a fresh session and on the real code, brings what is left to its end, and
//! asks the session once more for a token. After each step [`rules`] checks what the session did. A
//! service may be called again, so that its copy of the token is of any age between its making and
//! its last call. A future is polled only when it is new or was woken, so that a lost wake-up is a
//! request that hangs.
//!
//! # Why whole polls are fine enough
//!
//! A step is one poll, one call of the session or one run of the login's task, while threads may
//! meet within these. What they share is the state under the session's one lock, the login's
//! channel, and the epoch. So it is enough that whatever happens between two spans of that lock has
//! the same outcome as if it had happened before the step or after it:
//!
//! * Who asks decides under one lock: when the lock had to be given back for a deadline to be made,
//!   the decision is made anew, and the login begins under the lock of the last one.
//! * A login that has begun is spawned without the lock. Its task runs as a step of its own, so a
//!   sign-out in between is that one before [`Step::Run`]. So does the task of a login that was
//!   abandoned, which may end in the meantime: [`Step::End`] comes before its [`Step::Run`].
//! * Its end counts under the lock, and its waiters are told without. One who polls in between
//!   waits on, as if it had polled before; one who asks anew sees the state that it would have
//!   seen after.
//! * A waiter whose login is over is admitted under the lock under which it looks for the token in
//!   hand, and again, when the inner service is ready, under the lock under which it reads the
//!   token that it is sent with. Whatever comes after that comes after the request was sent.
//! * A renewal ahead looks again, under the lock under which it begins, whether one is due.
//!
//! The epoch alone is read without the lock. It moves under the lock, as the last thing before
//! `sign_out` and `replace_source` let go of it. Who hears of their return, by whatever
//! synchronises two threads, has that move happen before its own load, and a load never returns an
//! older value than one that happened before it (coherence). So it takes the lock and sees the new
//! state. Who has not heard may see the old epoch, and is as one who came before. [`threads`] tries
//! this on real threads.
//!
//! With the feature `store`, `fleet` has two sessions over one store.

mod explore;
mod fakes;
#[cfg(feature = "store")]
mod fleet;
mod rules;
mod threads;
mod world;

use http::StatusCode;

use self::explore::every_order;
use self::fakes::End;
use self::world::World;

const OK: StatusCode = StatusCode::OK;
const REFUSED: StatusCode = StatusCode::UNAUTHORIZED;

/// One step of a schedule. Requests and logins go by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The service is called.
    Make(usize),
    Poll(usize),
    Answer(usize, StatusCode),
    /// The inner service gets ready.
    Ready(usize),
    Drop(usize),
    /// The tasks of the logins that were begun get as far as to ask the source, and those of the
    /// logins that were given up end.
    Run,
    End(usize, End),
    SignOut,
    Replace,
    Invalidate,
    /// The token gets due for a renewal ahead.
    Due,
    Expire,
    /// The runtime of the logins shuts down, and there is another one.
    Lose,
}

/// Who acts, and what may happen.
struct Scenario {
    name: &'static str,
    /// How many steps are taken in every order.
    depth: usize,
    requests: usize,
    /// How many services send them, each in its turn: one that is called again has a view that is
    /// as new as its last call.
    callers: usize,
    /// There is a token at the beginning.
    warm: bool,
    /// Tokens have a lifetime.
    expiring: bool,
    /// A request is polled as soon as it is made.
    prompt: bool,
    /// A request may be polled without having been woken.
    spurious: bool,
    /// The inner services get ready only when they are let.
    gated: bool,
    /// What a first attempt may be answered, and a second one.
    first: &'static [StatusCode],
    second: &'static [StatusCode],
    logins: &'static [End],
    /// Each may happen once for each time that it stands here, at any time.
    once: &'static [Step],
}

impl Scenario {
    /// Two requests, and nothing that goes wrong.
    const fn new(name: &'static str, depth: usize) -> Self {
        Self {
            name,
            depth,
            requests: 2,
            callers: usize::MAX,
            warm: false,
            expiring: false,
            prompt: true,
            spurious: false,
            gated: false,
            first: &[OK],
            second: &[OK],
            logins: &[End::New],
            once: &[],
        }
    }

    /// A token is in hand, and may be refused.
    const fn refused(name: &'static str, depth: usize) -> Self {
        let mut scenario = Self::new(name, depth);
        scenario.warm = true;
        scenario.first = &[OK, REFUSED];
        scenario
    }

    fn caller(&self, request: usize) -> usize {
        request % self.callers
    }

    /// Runs all schedules. That their number is known keeps them from getting fewer unnoticed.
    #[track_caller]
    fn has(&self, expected: usize) {
        let schedules = every_order(self.depth, |runtime| World::new(self, runtime));
        println!("{}: {schedules} schedules", self.name);
        assert_eq!(schedules, expected, "{}", self.name);
    }
}

/// T2, T3, T7: two first requests, a drop of either and a sign-out.
#[test]
fn a_first_login_holds_in_every_order() {
    Scenario {
        once: &[Step::Drop(0), Step::Drop(1), Step::SignOut],
        ..Scenario::new("a first login", 8)
    }
    .has(1_736);
}

/// T7: a call and its first poll are two steps. A request that has not asked yet does not wait.
#[test]
fn a_request_that_was_not_polled_yet_holds_in_every_order() {
    Scenario {
        prompt: false,
        once: &[Step::Replace, Step::SignOut],
        ..Scenario::new("not polled yet", 8)
    }
    .has(3_374);
}

/// T3: a poll without a wake-up changes nothing.
#[test]
fn spurious_polls_hold_in_every_order() {
    Scenario {
        spurious: true,
        once: &[Step::SignOut],
        ..Scenario::refused("spurious polls", 6)
    }
    .has(1_569);
}

/// T2, T7: the source is replaced, and the session signed out, before, while and after it logs in.
#[test]
fn another_source_and_a_sign_out_hold_in_every_order() {
    Scenario {
        once: &[Step::Replace, Step::SignOut],
        ..Scenario::new("another source and a sign-out", 9)
    }
    .has(6_660);
}

/// T3, T4: a login fails, or its source panics, with two who wait, one of whom may leave.
#[test]
fn a_failed_login_holds_in_every_order() {
    Scenario {
        requests: 3,
        logins: &[End::New, End::Unavailable, End::Panic],
        once: &[Step::Drop(0)],
        ..Scenario::new("a failed login", 8)
    }
    .has(1_298);
}

/// T3: a login is lost with its runtime, and whoever waits begins it anew.
#[test]
fn a_lost_login_holds_in_every_order() {
    Scenario {
        once: &[Step::Drop(0), Step::Lose, Step::SignOut],
        ..Scenario::new("a lost login", 7)
    }
    .has(1_955);
}

/// T3, T7, L2: sign-outs in a row abandon a login each, and it may be lost with its runtime: the
/// first closes nothing, those that follow close logins.
#[test]
fn losses_in_a_row_hold_in_every_order() {
    Scenario {
        requests: 3,
        once: &[Step::SignOut, Step::SignOut, Step::Lose],
        ..Scenario::new("losses in a row", 7)
    }
    .has(4_223);
}

/// T2, T3, T7, R2, R7: two requests, refusals, a login, a drop and a sign-out.
#[test]
fn a_refusal_a_drop_and_a_sign_out_hold_in_every_order() {
    Scenario {
        once: &[Step::Drop(0), Step::SignOut],
        ..Scenario::refused("a refusal, a drop and a sign-out", 8)
    }
    .has(1_839);
}

/// T7, R2: a request that was refused is never repeated as another account.
#[test]
fn a_refusal_and_another_source_hold_in_every_order() {
    Scenario {
        once: &[Step::Drop(1), Step::Replace],
        ..Scenario::refused("a refusal and another source", 8)
    }
    .has(1_821);
}

/// R2, R3: three requests with one token, of which some are refused late, and again.
#[test]
fn late_refusals_hold_in_every_order() {
    Scenario {
        requests: 3,
        first: &[REFUSED],
        second: &[OK, REFUSED],
        ..Scenario::refused("late refusals", 9)
    }
    .has(2_056);
}

/// T3, T4, R2, R7: a renewal fails, or its source panics, or it is lost.
#[test]
fn a_failed_renewal_holds_in_every_order() {
    Scenario {
        logins: &[End::New, End::Unavailable, End::Panic],
        once: &[Step::Drop(0), Step::Lose],
        ..Scenario::refused("a failed renewal", 7)
    }
    .has(1_474);
}

/// R2, R7: a token is invalidated, or refused, and the login may bring the same one again.
#[test]
fn the_same_token_again_holds_in_every_order() {
    Scenario {
        logins: &[End::New, End::Same],
        once: &[Step::Invalidate],
        ..Scenario::refused("the same token again", 8)
    }
    .has(1_246);
}

/// T2, R2, R7: a token expires, and is renewed ahead, while it is refused as well.
#[test]
fn an_expiry_and_a_renewal_ahead_hold_in_every_order() {
    Scenario {
        expiring: true,
        once: &[Step::Due, Step::Expire],
        ..Scenario::refused("an expiry and a renewal ahead", 7)
    }
    .has(3_960);
}

/// T7, R2: the retry waits for readiness while its token expires and the source is replaced.
#[test]
fn a_retry_that_waits_for_readiness_holds_in_every_order() {
    Scenario {
        requests: 1,
        gated: true,
        expiring: true,
        first: &[REFUSED],
        once: &[Step::Expire, Step::Replace, Step::SignOut],
        ..Scenario::refused("a retry that waits for readiness", 12)
    }
    .has(2_254);
}

/// T2, T7: so does a first attempt, of two.
#[test]
fn a_first_attempt_that_waits_for_readiness_holds_in_every_order() {
    Scenario {
        gated: true,
        once: &[Step::Invalidate, Step::SignOut],
        ..Scenario::new("a first attempt that waits for readiness", 8)
    }
    .has(948);
}

/// T2, T7: a service that is called again has seen what came before its last call, and looks for
/// what came after: sign-outs, other sources, and their logins.
#[test]
fn a_service_that_is_called_again_holds_in_every_order() {
    Scenario {
        requests: 3,
        callers: 1,
        warm: true,
        once: &[Step::Replace, Step::SignOut],
        ..Scenario::new("called again", 8)
    }
    .has(7_936);
}

/// R2, R7: so it does where a request of its own was refused meanwhile, or the token invalidated,
/// and the login may bring the same one again.
#[test]
fn a_service_that_is_called_again_after_a_refusal_holds_in_every_order() {
    Scenario {
        requests: 3,
        callers: 1,
        second: &[OK, REFUSED],
        logins: &[End::New, End::Same],
        once: &[Step::Invalidate, Step::SignOut],
        ..Scenario::refused("called again after a refusal", 7)
    }
    .has(7_395);
}

/// R2, R7, T7: two services in turn, one of which is called again: one's view may be newer than
/// what the other's request meets.
#[test]
fn two_services_of_which_one_is_called_again_hold_in_every_order() {
    Scenario {
        requests: 3,
        callers: 2,
        once: &[Step::Drop(0), Step::Replace],
        ..Scenario::refused("one of two is called again", 7)
    }
    .has(5_864);
}

/// T5, T6: a token gets due and expires between the calls of one service, and its renewal may be
/// lost or fail.
#[test]
fn a_service_that_is_called_again_after_an_expiry_holds_in_every_order() {
    Scenario {
        requests: 3,
        callers: 1,
        expiring: true,
        logins: &[End::New, End::Unavailable],
        once: &[Step::Due, Step::Expire, Step::Lose],
        ..Scenario::refused("called again after an expiry", 6)
    }
    .has(7_121);
}
