//! L1, L2, L3: for how long a login that failed closes the throttle.

use std::time::Duration;

use tokio::time::Instant;

use super::{KEY, REFUSAL, failing, new, secs, token, with};
use crate::error::AuthError;
use crate::session::policy::Policy;
use crate::session::state::throttle::{LoginCause, Throttle};
use crate::session::state::{Ask, Decision, State};

/// L1: rejected credentials are not tried again for 60 s, doubling to 1 h, and all who ask in the
/// meantime get that error; a success or another source begins anew, a sign-out does not.
#[tokio::test(start_paused = true)]
async fn a_rejected_login_is_latched() {
    let (mut state, mut now) = (new(), Instant::now());
    for pause in [60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
        let error = failing(&mut state, AuthError::rejected("wrong password"), now);
        assert_eq!(error.retry_after(), Some(secs(pause)));
        now += secs(pause) - Duration::from_millis(1);
        let _ = state.sign_out(now);
        match state.decide(Ask::Token, now) {
            Decision::Refuse(again) => {
                assert!(again.is_rejected());
                assert_eq!(again.retry_after(), Some(Duration::from_millis(1)));
                assert!(std::ptr::addr_eq(again.get_ref(), error.get_ref()));
            }
            other => panic!("{other:?}"),
        }
        now += Duration::from_millis(1);
        assert!(matches!(
            state.decide(Ask::Token, now),
            Decision::Begin(LoginCause::Need)
        ));
    }
    with(&mut state, token("a"), now);
    let error = failing(&mut state, AuthError::rejected("wrong password"), now);
    assert_eq!(error.retry_after(), Some(secs(60)));
    state.replace(now);
    assert!(matches!(
        state.decide(Ask::Token, now),
        Decision::Begin(LoginCause::Need)
    ));
}

/// L1: a token in hand serves on while the latch is closed, until it expires.
#[tokio::test(start_paused = true)]
async fn a_token_in_hand_serves_while_the_gate_is_closed() {
    let (mut state, now) = (new(), Instant::now());
    let stamp = with(&mut state, token("a").expires_in(secs(30)), now).stamp;
    failing(&mut state, AuthError::rejected("wrong password"), now);
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
    assert!(matches!(
        state.decide(Ask::Newer(stamp, KEY), now),
        Decision::Refuse(_)
    ));
    assert!(matches!(state.decide(Ask::Token, now), Decision::Use(_)));
    let expired = now + secs(30);
    assert!(matches!(
        state.decide(Ask::Token, expired),
        Decision::Refuse(_)
    ));
}

/// L2: an outage closes the throttle for 250 ms, doubling to 30 s, of which the upper half is
/// random.
#[tokio::test(start_paused = true)]
async fn an_outage_is_backed_off_from() {
    let (mut state, mut now) = (new(), Instant::now());
    for most in [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
        let error = failing(&mut state, AuthError::unavailable("down"), now);
        let pause = error.retry_after().unwrap();
        let most = Duration::from_millis(most);
        assert!(most / 2 <= pause && pause <= most, "{pause:?} of {most:?}");
        now += pause;
        assert!(matches!(state.decide(Ask::Token, now), Decision::Begin(_)));
    }
    with(&mut state, token("a"), now);
    let error = failing(&mut state, AuthError::timeout("slow"), now);
    assert!(error.retry_after().unwrap() <= Duration::from_millis(250));
}

/// L2: `Retry-After` is honoured where it is longer, up to an hour.
#[tokio::test(start_paused = true)]
async fn the_server_may_ask_for_more_up_to_an_hour() {
    for (asked, kept) in [(20, 20), (3_600, 3_600), (86_400, 3_600)] {
        let (mut state, now) = (new(), Instant::now());
        let busy = AuthError::unavailable("busy").with_retry_after(secs(asked));
        let error = failing(&mut state, busy, now);
        assert_eq!(error.retry_after(), Some(secs(kept)));
        let before = now + secs(kept) - Duration::from_millis(1);
        assert!(matches!(
            state.decide(Ask::Token, before),
            Decision::Refuse(_)
        ));
        assert!(matches!(
            state.decide(Ask::Token, now + secs(kept)),
            Decision::Begin(_)
        ));
    }
}

/// L1: after `reset_backoff` a login may begin at once, and if that fails too, the pause is as long
/// as it would have been.
#[tokio::test(start_paused = true)]
async fn a_reset_opens_the_latch_once() {
    let (mut state, now) = (new(), Instant::now());
    failing(&mut state, AuthError::rejected("locked"), now);
    assert!(matches!(state.decide(Ask::Token, now), Decision::Refuse(_)));
    state.reset_backoff(now);
    assert!(matches!(state.decide(Ask::Token, now), Decision::Begin(_)));
    let error = failing(&mut state, AuthError::rejected("locked"), now);
    assert_eq!(error.retry_after(), Some(secs(120)));
}

/// L3: a login that is set up wrongly is tried again after 1 s, doubling to a minute.
#[tokio::test(start_paused = true)]
async fn a_misconfigured_login_has_a_backoff_of_its_own() {
    let (mut state, mut now) = (new(), Instant::now());
    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
        let error = failing(&mut state, AuthError::misconfigured("no such path"), now);
        assert_eq!(error.retry_after(), Some(secs(pause)));
        now += secs(pause);
    }
}

/// L1: a rejection closes for no shorter than its `Retry-After` asks, and at most for what the
/// session lets a server ask.
#[tokio::test(start_paused = true)]
async fn a_rejection_may_ask_for_more() {
    for (asked, pause) in [(10, 60), (900, 900), (14_400, 3_600)] {
        let (mut state, now) = (new(), Instant::now());
        let locked = AuthError::rejected("locked").with_retry_after(secs(asked));
        let error = failing(&mut state, locked, now);
        assert_eq!(error.retry_after(), Some(secs(pause)));
    }
}

/// L2: the sessions of many processes do not come back all at once.
#[tokio::test(start_paused = true)]
async fn the_back_off_after_an_outage_is_spread() {
    let pauses = (0..32).map(|seed| {
        let mut state = State::new(Policy::default(), seed);
        let error = failing(&mut state, AuthError::unavailable("down"), Instant::now());
        error.retry_after().unwrap()
    });
    let mut pauses: Vec<_> = pauses.collect();
    pauses.sort_unstable();
    assert!(pauses[4] < Duration::from_millis(160), "{pauses:?}");
    assert!(pauses[27] > Duration::from_millis(215), "{pauses:?}");
    pauses.dedup();
    assert_eq!(pauses.len(), 32);
}

/// L2: what spreads the logins of many processes is SplitMix64, by the numbers of its reference.
#[test]
fn the_jitter_is_that_of_the_reference() {
    let mut throttle = Throttle::new(0);
    for number in [
        0xe220_a839_7b1d_cdaf_u64,
        0x6e78_9e6a_a1b9_65f4,
        0x06c4_5d18_8009_454f,
        0xf88b_b8a8_724c_81ec,
        0x1b39_896a_51a8_749b,
    ] {
        let upper = (number >> 32) as f64;
        let expected = upper / f64::from(u32::MAX);
        assert_eq!(throttle.jitter(), expected, "{number:x}");
    }
}

/// M2: a session may be forgotten when nothing that it remembers matters. After an outage, and
/// after strikes, that is when logins may begin again; after a rejection, when the next one may
/// count as the first.
#[tokio::test(start_paused = true)]
async fn what_failed_matters_for_its_time() {
    let (mut state, now) = (new(), Instant::now());
    assert!(state.is_open(now) && state.is_settled(now));
    let error = failing(&mut state, AuthError::unavailable("down"), now);
    assert!(!state.is_open(now) && !state.is_settled(now));
    let open = now + error.retry_after().unwrap();
    assert!(state.is_open(open) && state.is_settled(open));

    let (mut state, now) = (new(), Instant::now());
    failing(&mut state, AuthError::rejected("wrong password"), now);
    let open = now + secs(60);
    assert!(state.is_open(open) && !state.is_settled(open));
    assert!(state.is_settled(open + secs(3_600)));

    let (mut state, now) = (new(), Instant::now());
    with(&mut state, token("a"), now);
    for _ in 0..4 {
        assert!(state.is_open(now) && state.is_settled(now));
        let id = state.begin(REFUSAL, (), now).0;
        state.end(id, Ok(token("a")), now).unwrap().1.unwrap();
    }
    assert!(!state.is_open(now) && !state.is_settled(now));
    let open = now + secs(1);
    assert!(state.is_open(open) && state.is_settled(open));
}
