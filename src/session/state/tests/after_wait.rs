//! R2, T5, T7: which token a request is sent with that has waited for readiness.

use tokio::time::Instant;

use super::{KEY, failing, new, secs, token, with};
use crate::error::AuthError;
use crate::session::state::throttle::LoginCause;
use crate::session::state::{Ask, Decision, State};

/// R2, R7: one who waited for readiness does not send a token that was replaced since, also where
/// its successor is not usable and no login is allowed.
#[tokio::test(start_paused = true)]
async fn a_replaced_token_is_not_sent_after_a_wait() {
    let (mut state, now) = (new(), Instant::now());
    let granted = with(&mut state, token("a"), now);
    let rechecked = |state: &State<()>| state.recheck(&granted, false, false, now).unwrap();
    assert_eq!(rechecked(&state).unwrap().token.expose(), "a");

    assert!(state.invalidate(|issued| issued.token.expose() == "a", now));
    assert!(rechecked(&state).is_none(), "a login is allowed");
    failing(&mut state, AuthError::rejected("no"), now);
    assert_eq!(rechecked(&state).unwrap().token.expose(), "a", "none is");

    state.reset_backoff(now);
    with(&mut state, token("b"), now);
    assert_eq!(rechecked(&state).unwrap().token.expose(), "b");
    assert!(state.invalidate(|issued| issued.token.expose() == "b", now));
    failing(&mut state, AuthError::rejected("no"), now);
    assert!(rechecked(&state).is_none(), "it was replaced");
}

/// T5, T7: nor one that has expired, nor one of another account; while a login is under way it
/// waits for that.
#[tokio::test(start_paused = true)]
async fn an_expired_token_is_not_sent_after_a_wait() {
    let (mut state, now) = (new(), Instant::now());
    let granted = with(&mut state, token("a").expires_in(secs(50)), now);
    let late = now + secs(50);
    failing(&mut state, AuthError::rejected("no"), now);
    let rechecked = |state: &State<()>, at| state.recheck(&granted, false, false, at);
    assert!(rechecked(&state, now).unwrap().is_some());
    assert!(rechecked(&state, late).unwrap().is_none());

    let (mut state, now) = (new(), Instant::now());
    let granted = with(&mut state, token("a"), now);
    assert!(state.invalidate(|_| true, now));
    let login = state.begin(LoginCause::Need, (), now).0;
    assert!(
        state
            .recheck(&granted, false, false, now)
            .unwrap()
            .is_none()
    );
    let error = AuthError::rejected("no");
    state.end(login, Err(error), now).unwrap().1.unwrap_err();
    assert!(
        state
            .recheck(&granted, false, false, now)
            .unwrap()
            .is_some()
    );
    state.begin(LoginCause::Need, (), now);
    let waits = state.recheck(&granted, false, false, now).unwrap();
    assert!(waits.is_none(), "a login is under way");
    state.replace(now);
    assert!(state.recheck(&granted, false, true, now).unwrap().is_none());
    assert!(
        state
            .recheck(&granted, true, false, now)
            .unwrap_err()
            .is_signed_out()
    );
}

/// R2: only a retry that was granted the token before goes out with it, and only until it expires.
#[tokio::test(start_paused = true)]
async fn the_token_before_is_sent_by_a_retry_alone() {
    let (mut state, now) = (new(), Instant::now());
    let before = with(&mut state, token("a").expires_in(secs(50)), now);
    state.note_acceptance(before.stamp, KEY, false);
    let Decision::Begin(cause) = state.decide(Ask::Newer(before.stamp, KEY), now) else {
        panic!("a login is allowed");
    };
    let id = state.begin(cause, (), now).0;
    state.end(id, Ok(token("b")), now).unwrap().1.unwrap();
    for (sent, at, expected) in [
        (true, now, "a"),
        (false, now, "b"),
        (true, now + secs(50), "b"),
    ] {
        let issued = state.recheck(&before, sent, false, at).unwrap().unwrap();
        assert_eq!(issued.token.expose(), expected, "sent: {sent}");
    }
}
