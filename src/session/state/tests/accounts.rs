//! T7: sign-outs and other sources, also while a login is under way.

use tokio::time::Instant;

use super::{KEY, REFUSAL, new, token, with};
use crate::error::AuthError;
use crate::session::state::throttle::LoginCause;
use crate::session::state::{Ask, Decision};

/// T7: what a login brings after a sign-out or for a replaced source is not kept, and a request of
/// the account before gets no other account's token.
#[tokio::test(start_paused = true)]
async fn a_sign_out_and_another_source_fence_what_was_before() {
    for signs_out in [true, false] {
        let (mut state, now) = (new(), Instant::now());
        let granted = with(&mut state, token("a"), now);
        let before = granted.stamp;
        let id = state.begin(REFUSAL, (), now).0;
        if signs_out {
            assert!(state.sign_out(now).1.is_some());
        } else {
            assert!(state.replace(now).is_some());
        }
        assert!(state.end(id, Ok(token("late")), now).is_none());
        assert!(state.in_hand().is_none());
        match state.decide(Ask::Newer(before, KEY), now) {
            Decision::Refuse(error) => assert!(error.is_signed_out()),
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            state.decide(Ask::Of(before), now),
            Decision::Refuse(error) if error.is_signed_out()
        ));
        let recheck = |sent| state.recheck(&granted, sent, true, now);
        assert!(recheck(true).is_err());
        match recheck(false) {
            Err(error) => assert!(signs_out && error.is_signed_out()),
            Ok(issued) => assert!(!signs_out && issued.is_none()),
        }
        assert!(matches!(
            state.decide(Ask::Token, now),
            Decision::Begin(LoginCause::Need)
        ));
        // Not even the same text is the same token to another account.
        let after = with(&mut state, token("a"), now).stamp;
        assert!(!after.is_same_token(before));
    }
}

/// T3, T7, L2: a sign-out abandons the login under way, and the next one need not wait for it. The
/// password may have been tried, so abandoned logins in a row count as an outage.
#[tokio::test(start_paused = true)]
async fn logins_that_a_sign_out_abandons_do_not_go_uncounted() {
    let (mut state, now) = (new(), Instant::now());
    for _ in 0..2 {
        assert!(matches!(
            state.decide(Ask::Token, now),
            Decision::Begin(LoginCause::Need)
        ));
        let id = state.begin(LoginCause::Need, (), now).0;
        assert!(state.sign_out(now).1.is_some());
        let late = AuthError::rejected("wrong password");
        assert!(state.end(id, Err(late), now).is_none());
    }
    match state.decide(Ask::Token, now) {
        Decision::Refuse(error) => assert!(error.is_unavailable()),
        other => panic!("{other:?}"),
    }
}
