//! R6, T8: the refusals that are strikes, and for how long these withhold logins.

use std::time::Duration;

use http::{Method, Uri};
use tokio::time::Instant;

use super::{KEY, REFUSAL, invalidate, new, secs, token, with};
use crate::session::state::evidence::Key;
use crate::session::state::throttle::LoginCause;
use crate::session::state::{Ask, Decision, State};

/// R6: three logins whose tokens are refused while fresh are free; each further one closes logins
/// after a refusal for 1 s, doubling to 5 min. Neither a login for another reason nor the
/// invalidation of a token opens them, and the token in hand serves.
#[tokio::test(start_paused = true)]
async fn logins_that_do_not_help_are_withheld() {
    let (mut state, mut now) = (new(), Instant::now());
    let mut stamp = with(&mut state, token("0"), now).stamp;
    for (number, pause) in [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
        .iter()
        .enumerate()
    {
        let closed = state.decide(Ask::Newer(stamp, KEY), now);
        if *pause > 0 {
            match closed {
                Decision::Refuse(error) => {
                    assert!(error.is_throttled());
                    assert_eq!(error.retry_after(), Some(secs(*pause)));
                }
                other => panic!("{other:?}"),
            }
            invalidate(&mut state, &number.to_string(), now);
            assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
            now += secs(*pause);
        }
        assert!(matches!(
            state.decide(Ask::Newer(stamp, KEY), now),
            Decision::Begin(LoginCause::Refusal(_))
        ));
        let id = state.begin(REFUSAL, (), now).0;
        let brought = token(&(number + 1).to_string());
        stamp = state.end(id, Ok(brought), now).unwrap().1.unwrap().stamp;
    }
}

/// R6: the first refusal of a token that was accepted, and served for some seconds, clears the
/// strikes.
#[tokio::test(start_paused = true)]
async fn a_token_that_served_well_clears_the_strikes() {
    let (mut state, mut now) = (new(), Instant::now());
    for number in 0..20 {
        let stamp = with(&mut state, token(&number.to_string()), now).stamp;
        state.note_acceptance(stamp, KEY, false);
        now += secs(if number % 3 == 2 { 5 } else { 4 });
        // Of an endpoint that has accepted none, so that the strikes are those without proof.
        let other = Key::of(&Method::GET, &Uri::from_static("/other"));
        let decision = state.decide(Ask::Newer(stamp, other), now);
        assert!(
            matches!(decision, Decision::Begin(_)),
            "{number}: {decision:?}"
        );
    }
}

/// R6: what is closed for five minutes stays so, also when the strikes are cleared meanwhile and a
/// short pause begins anew.
#[tokio::test(start_paused = true)]
async fn a_short_pause_does_not_end_a_long_one() {
    let (mut state, mut now) = (new(), Instant::now());
    let mut number = 0;
    let mut refused_after = |state: &mut State<()>, now, age| {
        number += 1;
        let stamp = with(state, token(&number.to_string()), now).stamp;
        if age > 0 {
            state.note_acceptance(stamp, KEY, false);
        }
        let other = Key::of(&Method::GET, &Uri::from_static("/other"));
        let decision = state.decide(Ask::Newer(stamp, other), now + secs(age));
        let Decision::Use(before) = decision else {
            return decision;
        };
        // The token before is refused there as well.
        state.note_refused_retry(before.stamp, other, now);
        state.decide(Ask::Newer(stamp, other), now + secs(age))
    };
    for _ in 0..12 {
        refused_after(&mut state, now, 0);
    }
    let until = now + secs(256);
    refused_after(&mut state, now, 60);
    now += secs(60);
    for _ in 0..4 {
        let decision = refused_after(&mut state, now, 0);
        assert!(matches!(decision, Decision::Refuse(_)), "{decision:?}");
    }
    let before = until - Duration::from_millis(1);
    let stamp = state.in_hand().unwrap().stamp;
    let other = Key::of(&Method::GET, &Uri::from_static("/other"));
    let decision = state.decide(Ask::Newer(stamp, other), before);
    assert!(matches!(decision, Decision::Refuse(_)), "{decision:?}");
    let decision = state.decide(Ask::Newer(stamp, other), until);
    assert!(matches!(decision, Decision::Begin(_)), "{decision:?}");
}

/// R6: a login that brings the refused token again is a strike, however old the token.
#[tokio::test(start_paused = true)]
async fn the_same_token_again_is_a_strike() {
    let (mut state, mut now) = (new(), Instant::now());
    let mut stamp = with(&mut state, token("a"), now).stamp;
    let elsewhere = Key::of(&Method::GET, &Uri::from_static("/elsewhere"));
    state.note_acceptance(stamp, elsewhere, false);
    now += secs(3_600);
    for _ in 0..4 {
        assert!(matches!(
            state.decide(Ask::Newer(stamp, KEY), now),
            Decision::Begin(_)
        ));
        let id = state.begin(REFUSAL, (), now).0;
        stamp = state.end(id, Ok(token("a")), now).unwrap().1.unwrap().stamp;
    }
    assert!(matches!(
        state.decide(Ask::Newer(stamp, KEY), now),
        Decision::Refuse(_)
    ));
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
}

/// T8: a token that the session begins with is used first; its refusal is no strike, and a sign-out
/// forgets it.
#[tokio::test(start_paused = true)]
async fn the_refusal_of_a_given_token_is_no_strike() {
    let (mut state, now) = (new(), Instant::now());
    state.start_with(token("given"), now);
    let Decision::Use(given) = state.decide(Ask::Token, now) else {
        panic!("it is not used");
    };
    let mut stamp = given.stamp;
    // Three strikes are free: were its refusal one, the last of these would be refused a login.
    for number in 0..4 {
        let decision = state.decide(Ask::Newer(stamp, KEY), now);
        assert!(matches!(decision, Decision::Begin(_)), "{number}");
        let id = state.begin(REFUSAL, (), now).0;
        let ended = state.end(id, Ok(token(&number.to_string())), now);
        stamp = ended.unwrap().1.unwrap().stamp;
    }
    let decision = state.decide(Ask::Newer(stamp, KEY), now);
    assert!(matches!(decision, Decision::Refuse(error) if error.is_throttled()));

    let mut state = new();
    state.start_with(token("given"), now);
    assert_eq!(state.sign_out(now).0.unwrap().expose(), "given");
    assert!(matches!(state.decide(Ask::Token, now), Decision::Begin(_)));
}

/// R6, T5: the refusal of a token that has expired by now is no reason to withhold a login.
#[tokio::test(start_paused = true)]
async fn an_expired_token_is_replaced_whatever_was_refused() {
    let (mut state, mut now) = (new(), Instant::now());
    for number in 0..4 {
        let stamp = with(&mut state, token(&number.to_string()), now).stamp;
        let _ = state.decide(Ask::Newer(stamp, KEY), now);
    }
    let stamp = with(&mut state, token("4").expires_in(secs(2)), now).stamp;
    assert!(matches!(
        state.decide(Ask::Newer(stamp, KEY), now),
        Decision::Refuse(_)
    ));
    now += secs(2);
    assert!(matches!(
        state.decide(Ask::Newer(stamp, KEY), now),
        Decision::Begin(LoginCause::Need)
    ));
}

/// R6: tokens that live for less than a minute, each refused once in a while, are no strikes as
/// long as others in between serve as long as they live.
#[tokio::test(start_paused = true)]
async fn a_token_that_served_its_short_life_clears_the_strikes() {
    let (mut state, mut now) = (new(), Instant::now());
    for number in 0..20 {
        let served = token(&format!("served{number}")).expires_in(secs(10));
        with(&mut state, served, now);
        now += secs(10);
        let revoked = token(&format!("revoked{number}")).expires_in(secs(10));
        let stamp = with(&mut state, revoked, now).stamp;
        now += secs(1);
        let decision = state.decide(Ask::Newer(stamp, KEY), now);
        assert!(
            matches!(decision, Decision::Begin(_)),
            "{number}: {decision:?}"
        );
        let id = state.begin(REFUSAL, (), now).0;
        state
            .end(id, Ok(token(&number.to_string()).expires_in(secs(10))), now)
            .unwrap()
            .1
            .unwrap();
        now += secs(10);
    }
}

/// R6: a retry that is refused as well shows that its login did not help.
#[tokio::test(start_paused = true)]
async fn a_refused_retry_is_a_strike() {
    let (mut state, mut now) = (new(), Instant::now());
    let mut stamp = with(&mut state, token("0"), now).stamp;
    for number in 1..4 {
        now += secs(61);
        assert!(matches!(
            state.decide(Ask::Newer(stamp, KEY), now),
            Decision::Begin(_)
        ));
        let id = state.begin(REFUSAL, (), now).0;
        let brought = state.end(id, Ok(token(&number.to_string())), now);
        stamp = brought.unwrap().1.unwrap().stamp;
        state.note_refused_retry(stamp, KEY, now);
    }
    now += secs(61);
    assert!(matches!(
        state.decide(Ask::Newer(stamp, KEY), now),
        Decision::Begin(_)
    ));
    let id = state.begin(REFUSAL, (), now).0;
    stamp = state.end(id, Ok(token("4")), now).unwrap().1.unwrap().stamp;
    state.note_refused_retry(stamp, KEY, now);
    assert!(matches!(
        state.decide(Ask::Newer(stamp, KEY), now),
        Decision::Refuse(_)
    ));
}

/// R6: a strike for a token that had lived for some seconds, though nobody was accepted with it, is
/// taken back when the retry is accepted.
#[tokio::test(start_paused = true)]
async fn an_accepted_retry_takes_the_strike_back() {
    let (mut state, mut now) = (new(), Instant::now());
    for number in 0..20 {
        let stamp = with(&mut state, token(&format!("idle{number}")), now).stamp;
        now += secs(10);
        let decision = state.decide(Ask::Newer(stamp, KEY), now);
        assert!(
            matches!(decision, Decision::Begin(_)),
            "{number}: {decision:?}"
        );
        let id = state.begin(REFUSAL, (), now).0;
        let brought = token(&number.to_string());
        let retry = state.end(id, Ok(brought), now).unwrap().1.unwrap().stamp;
        state.note_acceptance(retry, Key::of(&Method::GET, &Uri::from_static("/")), true);
    }
}

/// T8: nor is its refusal a strike when a login has brought that token again.
#[tokio::test(start_paused = true)]
async fn a_given_token_that_was_brought_again_is_a_given_one() {
    let (mut state, now) = (new(), Instant::now());
    state.start_with(token("given"), now);
    let stamp = with(&mut state, token("given"), now).stamp;
    state.note_acceptance(stamp, KEY, false);
    state.note_refusal(stamp, KEY, now);
    assert!(!state.is_watching(), "it is a strike");
}
