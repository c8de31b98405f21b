//! R2, R8: what follows on a refusal, however late, and on the report of one.

use tokio::time::Instant;

use super::{KEY, REFUSAL, invalidate, new, token, with};
use crate::session::state::throttle::LoginCause;
use crate::session::state::{Ask, Decision};

/// R2: a refusal of an old token is answered by the current one.
#[tokio::test(start_paused = true)]
async fn a_late_refusal_uses_the_current_token() {
    let (mut state, now) = (new(), Instant::now());
    let old = with(&mut state, token("a"), now).stamp;
    with(&mut state, token("b"), now);
    match state.decide(Ask::Newer(old, KEY), now) {
        Decision::Use(issued) => assert_eq!(issued.token.expose(), "b"),
        other => panic!("{other:?}"),
    }
}

/// R2, R4: the same token keeps its generation, and a request that was sent before the login that
/// brought it again asks for no further login.
#[tokio::test(start_paused = true)]
async fn the_same_token_again_answers_all_refusals_of_requests_sent_before() {
    let (mut state, now) = (new(), Instant::now());
    let first = with(&mut state, token("a"), now).stamp;
    let id = state.begin(REFUSAL, (), now).0;
    let again = state.end(id, Ok(token("a")), now).unwrap().1.unwrap().stamp;
    assert!(first.is_same_token(again));
    assert!(matches!(
        state.decide(Ask::Newer(first, KEY), now),
        Decision::Refuse(error) if error.is_unchanged()
    ));
    // One that was sent since then knows nothing yet.
    assert!(matches!(
        state.decide(Ask::Newer(again, KEY), now),
        Decision::Begin(LoginCause::Refusal(_))
    ));
}

/// T7: an invalidated token is not used again where a login is allowed.
#[tokio::test(start_paused = true)]
async fn an_invalidated_token_makes_the_next_request_log_in() {
    let (mut state, now) = (new(), Instant::now());
    with(&mut state, token("a"), now);
    assert!(!invalidate(&mut state, "other", now));
    assert!(invalidate(&mut state, "a", now));
    assert!(!invalidate(&mut state, "a", now), "it is known");
    assert!(state.usable().is_none());
    assert!(matches!(
        state.decide(Ask::Token, now),
        Decision::Begin(LoginCause::Refusal(_))
    ));
    let id = state.begin(REFUSAL, (), now).0;
    state.end(id, Ok(token("a")), now).unwrap().1.unwrap();
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
}

/// R2: while a login is under way a refused request joins it, whatever the one before brought.
#[tokio::test(start_paused = true)]
async fn a_late_refusal_joins_the_login_under_way() {
    let (mut state, now) = (new(), Instant::now());
    let first = with(&mut state, token("a"), now).stamp;
    let id = state.begin(REFUSAL, (), now).0;
    state.end(id, Ok(token("a")), now).unwrap().1.unwrap();
    state.begin(REFUSAL, (), now);
    assert!(matches!(
        state.decide(Ask::Newer(first, KEY), now),
        Decision::Join
    ));
}

/// R2: a renewal ahead that brings the same token says nothing of a refusal that comes later.
#[tokio::test(start_paused = true)]
async fn a_renewal_ahead_answers_no_refusal() {
    let (mut state, now) = (new(), Instant::now());
    let stamp = with(&mut state, token("a"), now).stamp;
    with(&mut state, token("a"), now);
    assert!(matches!(
        state.decide(Ask::Newer(stamp, KEY), now),
        Decision::Begin(LoginCause::Refusal(_))
    ));
}

/// R6: a token that is too new to be known everywhere does not cost the one before, while that is
/// still accepted.
#[tokio::test(start_paused = true)]
async fn the_token_before_serves_until_the_new_one_is_known() {
    let (mut state, now) = (new(), Instant::now());
    let old = with(&mut state, token("old"), now).stamp;
    state.note_acceptance(old, KEY, false);
    let id = state.begin(LoginCause::Ahead, (), now).0;
    let new = state
        .end(id, Ok(token("new")), now)
        .unwrap()
        .1
        .unwrap()
        .stamp;
    match state.decide(Ask::Newer(new, KEY), now) {
        Decision::Use(issued) => assert_eq!(issued.token.expose(), "old"),
        other => panic!("{other:?}"),
    }
    // It is the new one that others go on with, and a refusal of both asks for a login.
    match state.decide(Ask::Token, now) {
        Decision::Use(issued) => assert_eq!(issued.token.expose(), "new"),
        other => panic!("{other:?}"),
    }
    state.note_refused_retry(old, KEY, now);
    assert!(matches!(
        state.decide(Ask::Newer(new, KEY), now),
        Decision::Begin(_)
    ));
}

/// R8, T6: a report is not undone by a login that was under way and brings the same token.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_was_under_way_does_not_undo_a_report() {
    let (mut state, now) = (new(), Instant::now());
    with(&mut state, token("a"), now);
    let id = state.begin(LoginCause::Ahead, (), now).0;
    assert!(invalidate(&mut state, "a", now));
    assert!(matches!(state.decide(Ask::Token, now), Decision::Join));
    state.end(id, Ok(token("a")), now).unwrap().1.unwrap();
    assert!(matches!(
        state.decide(Ask::Token, now),
        Decision::Begin(LoginCause::Refusal(_))
    ));
}
