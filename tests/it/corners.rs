//! Corners where two rules meet: an account that changes while somebody waits, refusals that come
//! late or twice, and who is told what.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use http::{Request, Response};
use tokio::time::{Instant, sleep};
use tokio_test::task::Spawn;
use tokio_test::{assert_pending, assert_ready};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_bearer::{
    AuthError, BearerAuthLayer, OnFailedRenewal, Origins, ReplayBody, Session, TokenFuture,
    source_fn,
};
use tower_test::mock;

use crate::support::{
    Body, ScriptedSource, Server, auth_error, explanation, get, post, settle, token,
};

const URI: &str = "https://api.example.com/";
type Sent = Request<ReplayBody<Body>>;

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// Some who wait for a token, among others who cannot be woken.
struct Waiters {
    good: [Spawn<TokenFuture>; 3],
    _poisonous: [Pin<Box<TokenFuture>>; 2],
}

impl Waiters {
    fn of(session: &Session) -> Self {
        struct Panics;

        impl Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("this task cannot be woken");
            }
        }

        let mut good = [(); 3].map(|()| tokio_test::task::spawn(session.token()));
        let mut poisonous = [(); 2].map(|()| Box::pin(session.token()));
        let waker = Waker::from(Arc::new(Panics));
        for (waiter, other) in good.iter_mut().zip(&mut poisonous) {
            let polled = other.as_mut().poll(&mut Context::from_waker(&waker));
            assert_pending!(polled);
            assert_pending!(waiter.poll());
        }
        assert_pending!(good[2].poll());
        Self {
            good,
            _poisonous: poisonous,
        }
    }

    fn all_get(self, token: &str) {
        for mut waiter in self.good {
            assert!(waiter.is_woken());
            assert_eq!(assert_ready!(waiter.poll()).unwrap().expose(), token);
        }
    }
}

/// S1, T7: a waiting request whose origin the new source's origins do not contain.
#[tokio::test(start_paused = true)]
async fn scope_is_checked_again_after_replace_source() {
    let first = ScriptedSource::closed();
    let layer = BearerAuthLayer::new(first.clone());
    let server = Server::new();
    let request = tokio::spawn(
        layer
            .layer(server.service())
            .oneshot(get("https://old.example.com/")),
    );
    settle().await;
    assert_eq!(first.logins(), 1);
    layer.session().replace_source(source_fn(
        Origins::only("https://new.example.com").unwrap(),
        |_| async { Ok(token("secret-of-new")) },
    ));
    let _ = request.await.unwrap();
    assert!(
        !server.tokens().contains(&"Bearer secret-of-new".to_owned()),
        "the new source's token went to https://old.example.com: {:?}",
        server.tokens()
    );
}

/// T7: a request that was sent (and refused) is never replayed as the new account.
#[tokio::test(start_paused = true)]
async fn a_sent_request_is_never_replayed_as_the_new_account() {
    let (inner, mut handle) = mock::pair::<Sent, Response<&'static str>>();
    let desk = ScriptedSource::closed_after(2);
    let layer = BearerAuthLayer::new(desk.clone());
    layer.session().token().await.unwrap();
    handle.allow(1);
    let mut service = layer.layer(inner);
    let mut response =
        tokio_test::task::spawn(service.ready().await.unwrap().call(post("transfer 100")));
    let (request, send) = handle.next_request().await.unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer t1");
    send.send_response(Response::builder().status(401).body("").unwrap());
    for _ in 0..20 {
        assert_pending!(response.poll());
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.logins(), 2);
    // It waits for readiness now, with t2 granted; t2 is found out to be no good elsewhere.
    assert!(layer.session().invalidate(&token("t2")));
    handle.allow(1);
    for _ in 0..5 {
        assert_pending!(response.poll());
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.logins(), 3, "waits for a third login");
    layer
        .session()
        .replace_source(source_fn(Origins::any(), |_| async { Ok(token("bob")) }));
    handle.allow(5);
    for _ in 0..20 {
        if response.is_woken() && response.poll().is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
    let mut next = tokio_test::task::spawn(handle.next_request());
    if let std::task::Poll::Ready(Some((request, _))) = next.poll() {
        panic!(
            "replayed as {:?}",
            request.headers()["authorization"].to_str()
        );
    }
}

/// T7: after `replace_source` a refused request gets its original response.
#[tokio::test(start_paused = true)]
async fn replace_between_login_and_poll_keeps_the_original_response() {
    let server = Server::accepting("never");
    let desk = ScriptedSource::open();
    let layer = BearerAuthLayer::new(desk.clone());
    layer.session().token().await.unwrap();
    let mut response = tokio_test::task::spawn(layer.layer(server.service()).oneshot(get(URI)));
    while desk.logins() < 2 {
        assert_pending!(response.poll());
        tokio::task::yield_now().await;
    }
    settle().await;
    // The login has ended; the waiter was not polled since.
    layer.session().replace_source(ScriptedSource::open());
    let got = assert_ready!(response.poll());
    let got = got.expect("the original response, not an error");
    assert_eq!(got.status(), 401);
}

/// T7: who waits when the session is signed out gets `is_signed_out()`, not the next session's token.
#[tokio::test(start_paused = true)]
async fn who_waited_gets_signed_out_even_if_another_logs_in_at_once() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let mut waiter = tokio_test::task::spawn(session.token());
    assert_pending!(waiter.poll());
    settle().await;
    session.sign_out();
    desk.let_through(5);
    session.token().await.unwrap();
    let got = assert_ready!(waiter.poll());
    assert!(got.is_err_and(|error| error.is_signed_out()));
}

/// T3, T4: a waiter whose waker panics keeps no other one asleep, nor the login from its end.
#[tokio::test(start_paused = true)]
async fn a_waker_that_panics_leaves_the_others_woken() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let waiters = Waiters::of(&session);
    desk.let_through(1);
    settle().await;
    waiters.all_get("t1");
    assert_eq!(session.token().await.unwrap().expose(), "t1");
}

/// T3, R7: nor at the end of the time for which a renewal holds them back.
#[tokio::test(start_paused = true)]
async fn a_waker_that_panics_at_the_end_of_a_hold_leaves_the_others_woken() {
    let (desk, server) = (ScriptedSource::closed_after(1), Server::accepting("t2"));
    let layer = BearerAuthLayer::new(desk.clone());
    layer.session().token().await.unwrap();
    let refused = tokio::spawn(layer.layer(server.service()).oneshot(get(URI)));
    settle().await;
    assert_eq!(desk.logins(), 2);
    let waiters = Waiters::of(layer.session());
    sleep(secs(3)).await;
    waiters.all_get("t1");
    desk.let_through(1);
    assert_eq!(refused.await.unwrap().unwrap().status(), 200);
}

/// T3, T7: the future of a token that has failed asks anew when it is polled again.
#[tokio::test(start_paused = true)]
async fn a_token_future_that_failed_asks_anew() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let mut waiter = tokio_test::task::spawn(session.token());
    assert_pending!(waiter.poll());
    settle().await;
    session.sign_out();
    assert!(assert_ready!(waiter.poll()).unwrap_err().is_signed_out());
    assert_pending!(waiter.poll());
    sleep(secs(60)).await;
    assert!(assert_ready!(waiter.poll()).unwrap_err().is_timeout());
    sleep(secs(60)).await;
    desk.let_through(9);
    assert_pending!(waiter.poll());
    settle().await;
    assert!(assert_ready!(waiter.poll()).is_ok());
}

/// T5: one who is polled only after its token has expired waits for another one once, not for ever.
#[tokio::test(start_paused = true)]
async fn a_token_that_never_lives_until_it_is_fetched_is_waited_for_twice() {
    let logins = Arc::new(AtomicUsize::new(0));
    let counted = logins.clone();
    let session = Session::new(source_fn(Origins::any(), move |_| {
        let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
        async move { Ok(token(&format!("t{number}")).expires_in(secs(1))) }
    }));
    let mut waiter = tokio_test::task::spawn(session.token());
    for expected in [1, 2] {
        assert_pending!(waiter.poll());
        sleep(secs(5)).await;
        assert_eq!(logins.load(Ordering::SeqCst), expected);
    }
    let got = assert_ready!(waiter.poll()).unwrap();
    assert_eq!(got.expose(), "t2");
    assert_eq!(logins.load(Ordering::SeqCst), 2);
}

/// T7: the token of an account that was signed out or replaced is not handed out afterwards.
#[tokio::test(start_paused = true)]
async fn no_old_token_is_handed_out_after_the_fence() {
    for signs_out in [true, false] {
        let desk = ScriptedSource::closed();
        let session = Session::new(desk.clone());
        let mut waiter = tokio_test::task::spawn(session.token());
        assert_pending!(waiter.poll());
        desk.let_through(1);
        settle().await;
        if signs_out {
            session.sign_out();
        } else {
            session.replace_source(source_fn(Origins::any(), |_| async { Ok(token("bob")) }));
        }
        if let std::task::Poll::Ready(Ok(got)) = waiter.poll() {
            assert_ne!(got.expose(), "t1", "signs_out: {signs_out}");
        }
    }
}

/// L2: sign-outs evade no pause. A login that they abandon may have tried the password, so the
/// second one in a row and each further one is an outage, whose pauses double up to 30 seconds.
#[tokio::test(start_paused = true)]
async fn abandoned_logins_in_a_row_are_an_outage() {
    let begun = Arc::new(Mutex::new(Vec::new()));
    let note = begun.clone();
    let session = Session::new(source_fn(Origins::any(), move |_| {
        note.lock().unwrap().push(Instant::now());
        async {
            sleep(Duration::from_millis(200)).await;
            Err(AuthError::rejected("wrong password"))
        }
    }));
    let started = Instant::now();
    while started.elapsed() < secs(3_600) {
        let before = begun.lock().unwrap().len();
        let waits = tokio::spawn(session.token());
        sleep(Duration::from_millis(100)).await;
        session.sign_out();
        let error = waits.await.unwrap().unwrap_err();
        if begun.lock().unwrap().len() > before {
            assert!(error.is_signed_out(), "{error}");
        } else {
            assert!(error.is_unavailable() && !error.is_timeout(), "{error}");
            assert!(error.retry_after().is_some());
        }
    }
    let begun = begun.lock().unwrap();
    let pauses: Vec<_> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // A request comes every 100 ms, and a login is abandoned after as long.
    let step = Duration::from_millis(100);
    assert_eq!(pauses[0], step, "the first loss closes nothing");
    for (row, pause) in pauses.iter().enumerate().skip(1) {
        let most = secs(30).min(Duration::from_millis(125) * 2_u32.pow(row.min(20) as u32));
        assert!(*pause >= step + most / 2, "after {row} in a row: {pause:?}");
        assert!(*pause <= 2 * step + most, "after {row} in a row: {pause:?}");
    }
    assert!(pauses.len() > 100, "only {} logins", pauses.len());
}

/// L2, T7: a login that ends takes the row of the abandoned ones back.
#[tokio::test(start_paused = true)]
async fn a_login_that_ends_clears_the_row_of_abandoned_ones() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    for logins in [1, 3, 5] {
        let waits = tokio::spawn(session.token());
        settle().await;
        assert_eq!(desk.logins(), logins);
        session.sign_out();
        assert!(waits.await.unwrap().unwrap_err().is_signed_out());
        // Each is the first in a row, and closes nothing.
        desk.let_through(1);
        session.token().await.unwrap();
        session.sign_out();
    }
}

/// T2: one login at a time, also around a sign-out, which drops the one under way.
#[tokio::test(start_paused = true)]
async fn one_login_at_a_time_around_sign_outs() {
    /// Counts those that are under way, and the most of them.
    struct UnderWay(Arc<AtomicUsize>);
    impl Drop for UnderWay {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let [now, most, begun] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
    let (n, m, b) = (now.clone(), most.clone(), begun.clone());
    let source = source_fn(Origins::any(), move |_| {
        b.fetch_add(1, Ordering::SeqCst);
        m.fetch_max(n.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let under_way = UnderWay(n.clone());
        async move {
            sleep(secs(20)).await;
            drop(under_way);
            Ok(token("t"))
        }
    });
    let session = Session::builder(source)
        .outage_backoff(Duration::ZERO, Duration::ZERO)
        .build();
    for _ in 0..50 {
        let waits = tokio::spawn(session.token());
        sleep(Duration::from_millis(10)).await;
        session.sign_out();
        assert!(waits.await.unwrap().unwrap_err().is_signed_out());
    }
    settle().await;
    let counts = [begun, most, now].map(|count| count.load(Ordering::SeqCst));
    assert_eq!(counts, [50, 1, 0]);
}

/// R6: the first refusal of a generation decides, also when it is the retry that is refused.
#[tokio::test(start_paused = true)]
async fn the_refusal_of_a_retry_counts() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("never"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    // A request every 61 s, refused with each token, each of them fresh: 0 s old when first refused.
    for _ in 0..200 {
        let _ = client.clone().oneshot(get(URI)).await.unwrap();
        sleep(secs(61)).await;
    }
    // 3 free strikes, pauses of 1..32 s do not show at 61 s, then 64, 128, 256, 300 s.
    assert!(
        desk.logins() < 80,
        "{} logins in 200 requests",
        desk.logins()
    );
}

/// R6: tokens that live less than a minute, each good until revoked, must not add up to a closed gate.
#[tokio::test(start_paused = true)]
async fn short_lived_tokens_that_serve_well_clear_the_strikes() {
    let server = Server::new();
    let number = Arc::new(AtomicUsize::new(0));
    let (logins, accepting) = (number.clone(), server.clone());
    let layer = BearerAuthLayer::new(source_fn(Origins::any(), move |_| {
        let text = format!("t{}", logins.fetch_add(1, Ordering::SeqCst));
        accepting.accept(&text);
        async move { Ok(token(&text).expires_in(secs(60))) }
    }));
    let client = layer.layer(server.service());
    for day in 0..8 {
        // An hour of good service, with a token a minute and no refusal.
        for _ in 0..363 {
            assert_eq!(
                client.clone().oneshot(get(URI)).await.unwrap().status(),
                200
            );
            sleep(secs(10)).await;
        }
        // The server restarts and forgets the token.
        server.accept("nothing");
        let response = client.clone().oneshot(get(URI)).await.unwrap();
        assert_eq!(
            response.status(),
            200,
            "day {day}: {:?}",
            explanation(&response)
        );
    }
}

/// R4: a login that is not allowed now is explained, also where the body was too large to replay.
#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_is_told_why_there_was_no_login() {
    for choice in [OnFailedRenewal::ReturnResponse, OnFailedRenewal::Error] {
        let desk =
            ScriptedSource::open().script([Ok(token("a")), Err(AuthError::rejected("locked"))]);
        let client = BearerAuthLayer::new(desk.clone())
            .replay_limit(3)
            .on_failed_renewal(choice)
            .layer(Server::accepting("b").service());
        // The first refusal makes the login that fails, the second is refused one.
        let _ = client.clone().oneshot(get(URI)).await;
        match client.clone().oneshot(post("payload")).await {
            Ok(response) => {
                assert_eq!(
                    choice,
                    OnFailedRenewal::ReturnResponse,
                    "asked for the error, got {}",
                    response.status()
                );
                assert!(explanation(&response).is_some(), "{choice:?}: no AuthError");
            }
            Err(error) => assert!(auth_error(error).is_rejected()),
        }
    }
}

/// R2: a refusal while a login is under way joins it, whatever login its token's stamp is of.
#[tokio::test(start_paused = true)]
async fn a_refusal_with_an_older_stamp_joins_the_login_under_way() {
    let desk = ScriptedSource::closed().script([Ok(token("a")), Ok(token("a")), Ok(token("b"))]);
    let client = BearerAuthLayer::new(desk.clone()).layer(service_fn(async |request: Sent| {
        let old = request.headers()["authorization"] == "Bearer a";
        if old && request.uri().path() == "/slow" {
            sleep(secs(10)).await;
        }
        Ok::<_, BoxError>(
            Response::builder()
                .status(if old { 401 } else { 200 })
                .body("")
                .unwrap(),
        )
    }));
    desk.let_through(2);
    client.session().token().await.unwrap();
    let slow = tokio::spawn(client.clone().oneshot(get("https://api.example.com/slow")));
    sleep(secs(1)).await;
    let unchanged = client.clone().oneshot(get(URI)).await.unwrap();
    assert!(explanation(&unchanged).unwrap().is_unchanged());
    // The next one is refused too; its login, the third, is slow, and will help.
    let next = tokio::spawn(client.clone().oneshot(get(URI)));
    sleep(secs(15)).await;
    desk.let_through(1);
    assert_eq!(next.await.unwrap().unwrap().status(), 200);
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    assert_eq!(desk.logins(), 3);
}

/// inner service once after it gave its own reservation back.
#[tokio::test(start_paused = true)]
async fn a_withheld_login_costs_one_readiness() {
    #[derive(Clone)]
    struct Counting(Arc<AtomicUsize>);
    impl Service<Sent> for Counting {
        type Response = Response<&'static str>;
        type Error = BoxError;
        type Future = std::future::Ready<Result<Self::Response, BoxError>>;
        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), BoxError>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Sent) -> Self::Future {
            std::future::ready(Ok(Response::new("")))
        }
    }
    let desk = ScriptedSource::open().script([Ok(token("a")), Err(AuthError::rejected("locked"))]);
    let layer = BearerAuthLayer::new(desk.clone());
    let session = layer.session().clone();
    session.token().await.unwrap();
    session.invalidate(&token("a"));
    let _ = session.token().await;
    assert_eq!(desk.logins(), 2);
    let readied = Arc::new(AtomicUsize::new(0));
    let before = session.stats().logins_throttled;
    layer
        .layer(Counting(readied.clone()))
        .oneshot(get(URI))
        .await
        .unwrap();
    let withheld = session.stats().logins_throttled - before;
    assert_eq!((readied.load(Ordering::SeqCst), withheld), (2, 1));
}

/// T7, D6: what came with a token is a user's, and is dropped without a deadlock however the session
/// lets go of the token.
#[test]
fn what_came_with_a_token_is_not_dropped_under_the_lock() {
    struct LooksAtTheSession(Session);
    impl Drop for LooksAtTheSession {
        fn drop(&mut self) {
            self.0.stats();
        }
    }
    async fn run() {
        let own: Arc<std::sync::OnceLock<Session>> = Arc::default();
        let source = || {
            let (own, number) = (own.clone(), AtomicUsize::new(0));
            source_fn(Origins::any(), move |_| {
                let number = number.fetch_add(1, Ordering::SeqCst);
                let looks = LooksAtTheSession(own.get().unwrap().clone());
                async move {
                    sleep(secs(1)).await;
                    Ok(token(&format!("t{number}")).with_extension(looks))
                }
            })
        };
        let session = own.get_or_init(|| Session::new(source()));
        for _ in 0..3 {
            // Renewed, and then two before it are gone.
            let token = session.token().await.unwrap();
            session.invalidate(&token);
        }
        drop(session.sign_out());
        session.token().await.unwrap();
        session.replace_source(source());
        let late = tokio::spawn(session.token());
        settle().await;
        session.replace_source(ScriptedSource::open());
        late.await.unwrap().unwrap();
        sleep(secs(2)).await;
    }
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build();
        runtime.unwrap().block_on(run());
        done.send(()).unwrap();
    });
    // A deadlock would last for ever.
    is_done.recv_timeout(secs(60)).unwrap();
}

/// T7: the error of a login that counts no more may be dropped by whoever holds it last, with code
/// of the user's in it, without a deadlock.
#[tokio::test(start_paused = true)]
async fn a_late_error_is_not_dropped_under_the_lock() {
    #[derive(Debug)]
    struct LooksAtTheSession(Session);
    impl Drop for LooksAtTheSession {
        fn drop(&mut self) {
            assert_eq!(self.0.stats().logins_failed, 0);
        }
    }
    impl std::fmt::Display for LooksAtTheSession {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("late")
        }
    }
    impl std::error::Error for LooksAtTheSession {}

    let own: Arc<std::sync::OnceLock<Session>> = Arc::default();
    let source = {
        let own = own.clone();
        source_fn(Origins::any(), move |_| {
            let session = own.get().unwrap().clone();
            async move {
                sleep(secs(1)).await;
                Err(AuthError::unavailable(LooksAtTheSession(session)))
            }
        })
    };
    let session = own.get_or_init(|| Session::new(source));
    let waiting = tokio::spawn(session.token());
    settle().await;
    session.replace_source(ScriptedSource::open());
    assert_eq!(waiting.await.unwrap().unwrap().expose(), "t1");
    sleep(secs(2)).await;
    assert_eq!(session.stats().logins, 2);
}
