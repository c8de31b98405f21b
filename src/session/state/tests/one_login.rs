//! T2, T3: one login at a time, and one that is overdue or lost.

use std::time::Duration;

use tokio::time::Instant;

use super::{new, secs, token, with};
use crate::session::policy::Policy;
use crate::session::state::throttle::LoginCause;
use crate::session::state::under_way::GRACE;
use crate::session::state::{Ask, Decision, State};

/// T2: of all who ask before a login ends, the first begins it and the others join.
#[tokio::test(start_paused = true)]
async fn one_login_at_a_time() {
    let (mut state, now) = (new(), Instant::now());
    assert!(matches!(
        state.decide(Ask::Token, now),
        Decision::Begin(LoginCause::Need)
    ));
    let id = state.begin(LoginCause::Need, (), now).0;
    assert!(matches!(state.decide(Ask::Token, now), Decision::Join));
    state.end(id, Ok(token("a")), now).unwrap().1.unwrap();
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
}

/// T3: a login that stays silent past its limit is given up, and its outcome counts no more.
#[tokio::test(start_paused = true)]
async fn an_overdue_login_is_begun_anew_and_its_outcome_is_not_kept() {
    let (mut state, now) = (new(), Instant::now());
    let silent = state.begin(LoginCause::Need, (), now).0;
    let late = now + secs(30);
    assert!(matches!(state.decide(Ask::Token, late), Decision::Join));
    let late = late + GRACE;
    assert!(matches!(
        state.decide(Ask::Token, late),
        Decision::Begin(LoginCause::Need)
    ));
    let id = state.begin(LoginCause::Need, (), late).0;
    assert!(state.end(silent, Ok(token("old")), late).is_none());
    assert!(state.give_up(silent, late).is_none());
    let issued = state.end(id, Ok(token("new")), late).unwrap().1.unwrap();
    assert_eq!(issued.token.expose(), "new");
}

/// T3: a login without end never overflows the clock.
#[tokio::test(start_paused = true)]
async fn an_endless_limit_is_never_overdue() {
    let policy = Policy {
        login_timeout: Duration::MAX,
        ..Policy::default()
    };
    let (mut state, now) = (State::new(policy, 1), Instant::now());
    state.begin(LoginCause::Need, (), now);
    let decades = now + secs(86_400 * 365 * 29);
    assert!(matches!(state.decide(Ask::Token, decades), Decision::Join));
}

/// T3, L2: the first login that is lost with its runtime closes nothing, from the second in a row
/// on it counts as an outage; a login that ends begins the count anew.
#[tokio::test(start_paused = true)]
async fn losses_in_a_row_are_an_outage() {
    let (mut state, mut now) = (new(), Instant::now());
    let lose = |state: &mut State<()>, now| {
        let id = state.begin(LoginCause::Need, (), now).0;
        state.give_up(id, now).unwrap();
        state.status(now).next_login_in
    };
    for _ in 0..2 {
        assert_eq!(lose(&mut state, now), None);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let pause = lose(&mut state, now).unwrap();
            pauses.push(pause);
            now += pause;
        }
        assert!(pauses[0] <= Duration::from_millis(250), "{pauses:?}");
        assert!(
            pauses[11] > secs(14) && pauses[11] <= secs(30),
            "{pauses:?}"
        );
        with(&mut state, token("a"), now);
        let _ = state.sign_out(now);
    }
}
