#![allow(clippy::unwrap_used)]

use http::{Method, Uri};

use super::under_way::GRACE;
use super::*;

/// A refusal that says nothing.
const REFUSAL: LoginCause = LoginCause::Refusal(Proof::None);

/// An endpoint of which nothing is known.
const KEY: Key = Key::UNKNOWN;

fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

fn new() -> State<()> {
    State::new(Policy::default(), 1)
}

/// A login that brings this token.
fn with(state: &mut State<()>, brought: Token, now: Instant) -> Issued {
    let id = state.begin(LoginCause::Need, (), now).0;
    state.end(id, Ok(brought), now).unwrap().1.unwrap()
}

/// A login that fails.
fn failing(state: &mut State<()>, error: AuthError, now: Instant) -> AuthError {
    let id = state.begin(LoginCause::Need, (), now).0;
    state.end(id, Err(error), now).unwrap().1.unwrap_err()
}

/// `false`: there was nothing to do.
fn invalidate(state: &mut State<()>, text: &str, now: Instant) -> bool {
    state.invalidate(|issued| issued.token.is_same(&token(text)), now)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

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
