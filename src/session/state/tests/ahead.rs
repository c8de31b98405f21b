//! T6: renewals ahead, and what follows when one fails or is lost.

use std::time::Duration;

use tokio::time::Instant;

use super::{new, secs, token, with};
use crate::error::AuthError;
use crate::session::policy::Policy;
use crate::session::state::throttle::LoginCause;
use crate::session::state::token::Age;
use crate::session::state::{Ask, Decision, State};

/// T6: a renewal ahead is due in the last tenth of the lifetime, five minutes at most, less a
/// fifth at random, and never sooner than the token could have expired.
#[tokio::test(start_paused = true)]
async fn a_renewal_ahead_is_due_in_the_last_tenth() {
    for seed in 0..50 {
        let (mut state, now) = (State::new(Policy::default(), seed), Instant::now());
        for (lifetime, ahead) in [(3_600, 300), (600, 60), (100, 10), (86_400, 300)] {
            with(&mut state, token("a").expires_in(secs(lifetime)), now);
            assert!(!state.is_due(now + secs(lifetime - ahead) - Duration::from_millis(1)));
            let late = secs(ahead).mul_f64(0.8);
            assert!(
                state.is_due(now + secs(lifetime) - late),
                "{lifetime} s, seed {seed}"
            );
        }
        for short in [0, 1] {
            with(&mut state, token("a").expires_in(secs(short)), now);
            assert!(!state.is_due(now + Duration::from_millis(999)));
        }
        with(
            &mut state,
            token("a").expires_in(Duration::from_millis(1_050)),
            now,
        );
        assert!(!state.is_due(now + Duration::from_millis(999)));
        with(&mut state, token("a").expires_in(Duration::MAX), now);
        assert!(!state.is_due(now + secs(86_400 * 365)));
    }
}

/// T6: while a renewal ahead runs, and after it failed, requests go out with the token in hand;
/// the next try waits for the throttle.
#[tokio::test(start_paused = true)]
async fn a_failed_renewal_ahead_costs_nothing_until_the_token_expires() {
    let (mut state, start) = (new(), Instant::now());
    with(&mut state, token("a").expires_in(secs(100)), start);
    let mut now = start + secs(99);
    assert!(state.is_due(now));
    let id = state.begin(LoginCause::Need, (), now).0;
    assert!(!state.is_due(now));
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
    let error = AuthError::unavailable("down");
    let error = state.end(id, Err(error), now).unwrap().1.unwrap_err();
    assert!(!state.is_due(now));
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
    now += error.retry_after().unwrap();
    assert!(state.is_due(now));
    assert!(matches!(
        state.decide(Ask::Token, start + secs(100)),
        Decision::Begin(_)
    ));
}

/// T6, L1, L2: whatever a failed renewal ahead closes is open again when the token in hand expires,
/// and at once where the login ends after that.
#[tokio::test(start_paused = true)]
async fn a_failed_renewal_ahead_closes_nothing_beyond_the_tokens_end() {
    for error in [
        AuthError::unavailable("busy").with_retry_after(secs(3_600)),
        AuthError::rejected("no"),
        AuthError::misconfigured("no such path"),
    ] {
        for takes in [secs(0), secs(5)] {
            let (mut state, start) = (new(), Instant::now());
            with(&mut state, token("a").expires_in(secs(20)), start);
            let (ahead, end) = (start + Duration::from_millis(19_900), start + secs(20));
            let id = state.begin(LoginCause::Ahead, (), ahead).0;
            let ended = ahead + takes;
            let error = state.end(id, Err(error.clone()), ended).unwrap().1;
            let open = end.max(ended);
            assert_eq!(error.unwrap_err().retry_after(), Some(open - ended));
            assert!(matches!(
                state.decide(Ask::Token, open),
                Decision::Begin(LoginCause::Need)
            ));
        }
    }
}

/// T6: a renewal ahead that nobody hears of again does not end renewals ahead.
#[tokio::test(start_paused = true)]
async fn a_silent_renewal_ahead_is_made_again_when_it_is_overdue() {
    let (mut state, start) = (new(), Instant::now());
    with(&mut state, token("a").expires_in(secs(3_600)), start);
    let at = start + secs(3_400);
    assert!(state.is_due(at));
    state.begin(LoginCause::Ahead, (), at);
    let overdue = at + secs(31);
    assert!(!state.is_due(overdue - Duration::from_millis(1)));
    assert_eq!(state.in_hand().unwrap().age(|| overdue), Age::Due);
    assert!(state.is_due(overdue));
}

/// T6, T3: a renewal ahead that was lost with its runtime is made again a second later.
#[tokio::test(start_paused = true)]
async fn a_lost_renewal_ahead_is_made_again() {
    let (mut state, start) = (new(), Instant::now());
    with(&mut state, token("a").expires_in(secs(1_000)), start);
    let ahead = start + secs(990);
    assert!(state.is_due(ahead));
    let id = state.begin(LoginCause::Ahead, (), ahead).0;
    assert!(!state.is_due(ahead + secs(5)), "one is under way");
    let lost = ahead + secs(5);
    state.give_up(id, lost).unwrap();
    assert!(!state.is_due(lost + Duration::from_millis(999)));
    assert!(state.is_due(lost + secs(1)));
}

/// T6: where nothing is renewed ahead, the same token again changes nothing about that.
#[tokio::test(start_paused = true)]
async fn without_renewals_ahead_the_same_token_again_asks_for_none() {
    let policy = Policy {
        renew_ahead: 0.0,
        ..Policy::default()
    };
    let (mut state, start) = (State::new(policy, 1), Instant::now());
    let claimed = || token("a").lives_by_its_claims(secs(600));
    with(&mut state, claimed(), start);
    with(&mut state, claimed(), start + secs(300));
    for second in 300..600 {
        assert!(!state.is_due(start + secs(second)), "{second}");
    }
}
