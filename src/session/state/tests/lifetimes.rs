//! T5: for how long a token is used.

use std::time::Duration;

use tokio::time::Instant;

use super::{new, secs, token, with};
use crate::session::state::throttle::LoginCause;
use crate::session::state::{Ask, Decision, State};

/// T5: a token is used until it expires, and one that is told no lifetime for ever.
#[tokio::test(start_paused = true)]
async fn expiry_makes_a_login_and_no_lifetime_never_does() {
    let (mut state, now) = (new(), Instant::now());
    with(&mut state, token("a").expires_in(secs(60)), now);
    let at = now + secs(60);
    let before = at - Duration::from_millis(1);
    assert!(matches!(state.decide(Ask::Token, before), Decision::Use(_)));
    assert!(matches!(
        state.decide(Ask::Token, at),
        Decision::Begin(LoginCause::Need)
    ));
    with(&mut state, token("b"), at);
    let later = at + secs(1_000_000);
    assert!(matches!(state.decide(Ask::Token, later), Decision::Use(_)));
    with(&mut state, token("c").expires_in(Duration::MAX), at);
    assert!(matches!(state.decide(Ask::Token, later), Decision::Use(_)));
}

/// T5: a token that arrives expired is used for a second.
#[tokio::test(start_paused = true)]
async fn expiry_causes_at_most_one_login_a_second() {
    let (mut state, now) = (new(), Instant::now());
    let brief = token("a").expires_in(Duration::from_millis(10));
    with(&mut state, brief, now);
    let before = now + secs(1) - Duration::from_millis(1);
    assert!(matches!(state.decide(Ask::Token, before), Decision::Use(_)));
    let at = now + secs(1);
    assert!(matches!(
        state.decide(Ask::Token, at),
        Decision::Begin(LoginCause::Need)
    ));
}

/// T5: a lifetime counts from when the login began, a short one in whole seconds is taken a second
/// shorter, and one of zero tells nothing.
#[tokio::test(start_paused = true)]
async fn a_lifetime_counts_from_the_beginning_of_its_login() {
    for (lifetime, took, left) in [
        (Duration::from_secs(100), 7, Some(secs(93))),
        (Duration::from_secs(10), 0, Some(secs(9))),
        (
            Duration::from_millis(9_500),
            0,
            Some(Duration::from_millis(9_500)),
        ),
        (Duration::from_secs(11), 0, Some(secs(11))),
        (Duration::from_secs(1), 0, Some(secs(1))),
        (Duration::from_secs(5), 20, Some(secs(1))),
        (Duration::ZERO, 0, None),
    ] {
        let (mut state, now) = (new(), Instant::now());
        let id = state.begin(LoginCause::Need, (), now).0;
        let now = now + secs(took);
        state
            .end(id, Ok(token("a").expires_in(lifetime)), now)
            .unwrap()
            .1
            .unwrap();
        assert_eq!(state.status(now).expires_in, left, "{lifetime:?} {took}");
    }
}

/// T5: the same token again keeps the expiry that it had, unless a lifetime is told anew, and asks
/// for no login at each request until then.
#[tokio::test(start_paused = true)]
async fn the_same_token_again_does_not_begin_a_new_life() {
    let claimed = || token("a").lives_by_its_claims(secs(600));
    let (mut state, start) = (new(), Instant::now());
    with(&mut state, claimed(), start);
    let mut logins = 0;
    for second in 0..600 {
        let now = start + secs(second);
        assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
        if state.is_due(now) {
            logins += 1;
            let id = state.begin(LoginCause::Ahead, (), now).0;
            state.end(id, Ok(claimed()), now).unwrap().1.unwrap();
        }
    }
    // Each in the middle of what is left.
    assert!((4..10).contains(&logins), "{logins}");
    let end = start + secs(600);
    let again = |state: &mut State<()>, now| {
        with(state, claimed(), now);
        state.status(now).expires_in
    };
    let shortly_before = end - Duration::from_millis(300);
    let left = again(&mut state, shortly_before);
    assert_eq!(left, Some(Duration::from_millis(300)));
    assert!(matches!(
        state.decide(Ask::Token, end),
        Decision::Begin(LoginCause::Need)
    ));
    assert_eq!(again(&mut state, end), Some(secs(1)));

    let told = token("a").expires_in(secs(600));
    with(&mut state, told, end);
    assert_eq!(state.status(end).expires_in, Some(secs(600)));
}

/// T5: nor does what is left of its lifetime, in whole seconds as of some time while the login ran.
/// Another lifetime moves its end, and one of zero tells nothing.
#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_lifetime_does_not_move_its_end() {
    for (took, told, left) in [
        (0, 60, 60),
        (0, 59, 60),
        (5, 59, 55),
        (5, 54, 55),
        (0, 0, 60),
        (0, 58, 58),
        (0, 61, 61),
        (5, 53, 48),
        (5, 61, 56),
        (0, 600, 600),
    ] {
        let (mut state, start) = (new(), Instant::now());
        with(&mut state, token("a").expires_in(secs(600)), start);
        let began = start + secs(540);
        let id = state.begin(LoginCause::Ahead, (), began).0;
        let now = began + secs(took);
        let again = token("a").expires_in(secs(told));
        state.end(id, Ok(again), now).unwrap().1.unwrap();
        assert_eq!(
            state.status(now).expires_in,
            Some(secs(left)),
            "{took} {told}"
        );
    }
}

/// T5: the same token again, by a login that ended when its time was over, lives for a second from
/// when that began.
#[tokio::test(start_paused = true)]
async fn a_token_that_outlived_its_end_serves_for_a_second_from_its_login() {
    let (mut state, start) = (new(), Instant::now());
    let claimed = || token("a").lives_by_its_claims(secs(600));
    with(&mut state, claimed(), start);
    let began_at = start + secs(600) - Duration::from_millis(300);
    let id = state.begin(LoginCause::Need, (), began_at).0;
    let now = began_at + Duration::from_millis(400);
    state.end(id, Ok(claimed()), now).unwrap().1.unwrap();
    let left = state.status(now).expires_in;
    assert_eq!(left, Some(Duration::from_millis(600)));
}
