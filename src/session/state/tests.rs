#![allow(clippy::unwrap_used)]

use super::*;

const LIMIT: Duration = Duration::from_secs(30);

fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

/// A machine whose last login brought this token.
fn with(state: &mut State, brought: Token, now: Instant) -> Issued {
    let id = state.begin(Ask::Token, now, LIMIT);
    state.end(id, Ok(brought), now).unwrap().unwrap()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// T2: of all who ask before a login ends, the first begins it and the others join.
#[tokio::test(start_paused = true)]
async fn one_login_at_a_time() {
    let (mut state, now) = (State::default(), Instant::now());
    assert!(matches!(state.decide(Ask::Token, now), Decision::Begin));
    let id = state.begin(Ask::Token, now, LIMIT);
    assert!(matches!(state.decide(Ask::Token, now), Decision::Join));
    state.end(id, Ok(token("a")), now).unwrap().unwrap();
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
}

/// T3: a login that stays silent past its limit is given up, and its outcome counts no more.
#[tokio::test(start_paused = true)]
async fn an_overdue_login_is_begun_anew_and_its_outcome_is_not_kept() {
    let (mut state, now) = (State::default(), Instant::now());
    let silent = state.begin(Ask::Token, now, LIMIT);
    let late = now + LIMIT;
    assert!(matches!(state.decide(Ask::Token, late), Decision::Join));
    let late = late + GRACE;
    assert!(matches!(state.decide(Ask::Token, late), Decision::Begin));
    let id = state.begin(Ask::Token, late, LIMIT);
    assert!(state.end(silent, Ok(token("old")), late).is_none());
    assert!(!state.give_up(silent));
    let issued = state.end(id, Ok(token("new")), late).unwrap().unwrap();
    assert_eq!(issued.token.expose(), "new");
}

/// T3: a login without end never overflows the clock.
#[tokio::test(start_paused = true)]
async fn an_endless_limit_is_never_overdue() {
    let (mut state, now) = (State::default(), Instant::now());
    state.begin(Ask::Token, now, Duration::MAX);
    let later = now + secs(1_000_000);
    assert!(matches!(state.decide(Ask::Token, later), Decision::Join));
}

/// T5: a token is used until it expires, and one that is told no lifetime for ever.
#[tokio::test(start_paused = true)]
async fn expiry_makes_a_login_and_no_lifetime_never_does() {
    let (mut state, now) = (State::default(), Instant::now());
    with(&mut state, token("a").expires_in(secs(60)), now);
    let at = now + secs(60);
    let before = at - Duration::from_millis(1);
    assert!(matches!(state.decide(Ask::Token, before), Decision::Use(_)));
    assert!(matches!(state.decide(Ask::Token, at), Decision::Begin));
    with(&mut state, token("b"), at);
    let later = at + secs(1_000_000);
    assert!(matches!(state.decide(Ask::Token, later), Decision::Use(_)));
    with(&mut state, token("c").expires_in(Duration::MAX), at);
    assert!(matches!(state.decide(Ask::Token, later), Decision::Use(_)));
}

/// T5: a token that arrives expired is used for a second.
#[tokio::test(start_paused = true)]
async fn expiry_causes_at_most_one_login_a_second() {
    let (mut state, now) = (State::default(), Instant::now());
    with(&mut state, token("a").expires_in(Duration::ZERO), now);
    let before = now + MIN_LIFETIME - Duration::from_millis(1);
    assert!(matches!(state.decide(Ask::Token, before), Decision::Use(_)));
    let at = now + MIN_LIFETIME;
    assert!(matches!(state.decide(Ask::Token, at), Decision::Begin));
}

/// R2: a refusal of an old token is answered by the current one.
#[tokio::test(start_paused = true)]
async fn a_late_refusal_uses_the_current_token() {
    let (mut state, now) = (State::default(), Instant::now());
    let old = with(&mut state, token("a"), now).stamp;
    with(&mut state, token("b"), now);
    match state.decide(Ask::Newer(old), now) {
        Decision::Use(issued) => assert_eq!(issued.token.expose(), "b"),
        other => panic!("{other:?}"),
    }
}

/// R2, R4: the same token keeps its generation, and a request that was sent before the login that
/// brought it again asks for no further login.
#[tokio::test(start_paused = true)]
async fn the_same_token_again_answers_all_refusals_of_requests_sent_before() {
    let (mut state, now) = (State::default(), Instant::now());
    let first = with(&mut state, token("a"), now).stamp;
    let again = with(&mut state, token("a"), now).stamp;
    assert!(first.is_same_token(again));
    assert!(matches!(
        state.decide(Ask::Newer(first), now),
        Decision::Unchanged
    ));
    // One that was sent since then knows nothing yet.
    assert!(matches!(
        state.decide(Ask::Newer(again), now),
        Decision::Begin
    ));
}

/// R7: during a renewal new requests wait, also when the login was begun for another reason; when
/// it fails, the token in hand serves again.
#[tokio::test(start_paused = true)]
async fn a_renewal_withholds_the_refused_token_until_it_ends() {
    let (mut state, now) = (State::default(), Instant::now());
    let stamp = with(&mut state, token("a"), now).stamp;
    let id = state.begin(Ask::Token, now, LIMIT);
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
    assert!(matches!(
        state.decide(Ask::Newer(stamp), now),
        Decision::Join
    ));
    assert!(state.usable().is_none());
    assert!(matches!(state.decide(Ask::Token, now), Decision::Join));
    let failed = state.end(id, Err(AuthError::unavailable("down")), now);
    assert!(failed.unwrap().is_err());
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
}

/// T3: a login that was lost leaves the token in hand as it was.
#[tokio::test(start_paused = true)]
async fn a_lost_renewal_gives_the_token_back() {
    let (mut state, now) = (State::default(), Instant::now());
    let stamp = with(&mut state, token("a"), now).stamp;
    let id = state.begin(Ask::Newer(stamp), now, LIMIT);
    assert!(state.usable().is_none());
    assert!(state.give_up(id));
    assert!(state.usable().is_some());
}
