//! R7: the requests that a renewal holds back, and when they go out.

use std::time::Duration;

use tokio::time::Instant;

use super::{KEY, REFUSAL, new, secs, token, with};
use crate::error::AuthError;
use crate::session::state::throttle::LoginCause;
use crate::session::state::{Ask, Decision, State};

/// R7: during a renewal new requests wait, also when the login was begun for another reason; when
/// it fails, the token in hand serves again.
#[tokio::test(start_paused = true)]
async fn a_renewal_withholds_the_refused_token_until_it_ends() {
    let (mut state, now) = (new(), Instant::now());
    let stamp = with(&mut state, token("a"), now).stamp;
    let id = state.begin(LoginCause::Need, (), now).0;
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
    assert!(matches!(
        state.decide(Ask::Newer(stamp, KEY), now),
        Decision::Join
    ));
    assert!(state.usable().is_none());
    assert!(matches!(state.decide(Ask::Token, now), Decision::Join));
    let failed = state.end(id, Err(AuthError::unavailable("down")), now);
    assert!(failed.unwrap().1.is_err());
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
}

/// T3: a login that was lost leaves the token in hand as it was.
#[tokio::test(start_paused = true)]
async fn a_lost_renewal_gives_the_token_back() {
    let (mut state, now) = (new(), Instant::now());
    with(&mut state, token("a"), now);
    let id = state.begin(REFUSAL, (), now).0;
    assert!(state.usable().is_none());
    assert!(state.give_up(id, now).is_some());
    assert!(state.usable().is_some());
}

/// R7: requests are held back for two seconds at most, and not at all once the refused token was
/// accepted after all.
#[tokio::test(start_paused = true)]
async fn requests_are_held_back_for_two_seconds_at_most() {
    let refused = |state: &mut State<()>, now| {
        let stamp = with(state, token("a"), now).stamp;
        assert!(matches!(
            state.decide(Ask::Newer(stamp, KEY), now),
            Decision::Begin(_)
        ));
        state.begin(REFUSAL, (), now);
        assert!(matches!(state.decide(Ask::Token, now), Decision::Join));
        stamp
    };
    let (mut state, now) = (new(), Instant::now());
    let stamp = refused(&mut state, now);
    let until = now + secs(2);
    assert_eq!(state.ask_again_at(Ask::Token), (Some(until), true));
    let before = until - Duration::from_millis(1);
    assert!(matches!(state.decide(Ask::Token, before), Decision::Join));
    assert!(matches!(state.decide(Ask::Token, until), Decision::Use(_)));
    // A further refusal joins that login, and holds nobody back again.
    assert!(matches!(
        state.decide(Ask::Newer(stamp, KEY), until),
        Decision::Join
    ));
    assert!(matches!(state.decide(Ask::Token, until), Decision::Use(_)));

    let (mut state, now) = (new(), Instant::now());
    let stamp = refused(&mut state, now);
    assert!(state.note_acceptance(stamp, KEY, false));
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
}

/// R6, R7: acceptances are noted until a token's first one, while requests are held back, and while
/// a login has not helped.
#[tokio::test(start_paused = true)]
async fn acceptances_are_noted_only_while_it_matters() {
    let (mut state, now) = (new(), Instant::now());
    let stamp = with(&mut state, token("a"), now).stamp;
    assert!(state.is_watching(), "nobody was accepted yet");
    state.note_acceptance(stamp, KEY, false);
    assert!(!state.is_watching());

    let id = state.begin(REFUSAL, (), now).0;
    assert!(state.is_watching(), "requests are held back");
    let failed = state.end(id, Err(AuthError::unavailable("down")), now);
    failed.unwrap().1.unwrap_err();
    assert!(!state.is_watching());

    let now = now + secs(1);
    let id = state.begin(REFUSAL, (), now).0;
    state.end(id, Ok(token("a")), now).unwrap().1.unwrap();
    assert!(state.is_watching(), "the same token again did not help");
}
