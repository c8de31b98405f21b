//! `testing::check_source`: the built-in sources pass, and each thing that a source can break is found.

use std::future::{Future, pending};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use tower_bearer::login::{ClientAuth, ClientCredentials, Datafiniti, Form, Json, Refresh};
use tower_bearer::testing::{Api, BrokenSource, Fault, Trial, check_source};
use tower_bearer::{AuthError, Origins, Token, TokenRequest, TokenSource, source_fn};

use crate::support::token;

const BASE: &str = "https://api.example.com";
const TOKEN_URL: &str = "https://api.example.com/oauth/token";

/// One that takes its time, so that a fetch can be dropped half-way.
fn api() -> Api {
    let api = Api::new()
        .account("alice", "correct horse")
        .client("app", "s3cret");
    api.login_delay(Duration::from_secs(1));
    api
}

fn form(api: &Api) -> Form {
    Form::new(api.clone(), BASE, "alice", "correct horse").unwrap()
}

/// The form login at the token endpoint, which gives refresh tokens.
fn password_grant(api: &Api) -> Form {
    let form = form(api).path("/oauth/token").unwrap();
    form.field("grant_type", "password")
        .unwrap()
        .client_auth(ClientAuth::new("app", "s3cret"))
}

/// A source whose fetch is this, and is given the number of the fetch and its stale token.
fn source<F, Fut>(fetch: F) -> impl TokenSource
where
    F: Fn(usize, Option<Token>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, AuthError>> + Send + 'static,
{
    let fetches = AtomicUsize::new(0);
    source_fn(Origins::any(), move |request: TokenRequest| {
        let stale = request.stale().cloned();
        fetch(fetches.fetch_add(1, Ordering::SeqCst) + 1, stale)
    })
}

async fn broken(source: impl TokenSource) -> BrokenSource {
    check_source(source).await.unwrap_err()
}

/// D1, D2, D3, D4, D5: every built-in login does what a session relies on.
#[tokio::test(start_paused = true)]
async fn the_built_in_sources_pass() {
    let api = api();
    let datafiniti = Datafiniti::new(api.clone(), "alice", "correct horse");
    check_source(datafiniti).await.unwrap();
    check_source(form(&api)).await.unwrap();
    let json = Json::new(api.clone(), &format!("{BASE}/v4/auth")).unwrap();
    let json = json
        .field("email", "alice")
        .unwrap()
        .token("/token")
        .unwrap();
    let json = json.secret_field("password", "correct horse").unwrap();
    check_source(json).await.unwrap();
    let auth = ClientAuth::new("app", "s3cret");
    let login =
        ClientCredentials::new(api.clone(), TOKEN_URL, auth.clone(), Origins::any()).unwrap();
    check_source(login).await.unwrap();

    check_source(password_grant(&api)).await.unwrap();
    assert_eq!(api.counts().refreshes, 0);
    let refreshed = password_grant(&api).use_refresh_token();
    check_source(refreshed).await.unwrap();
    let refreshed = Refresh::new(api.clone(), TOKEN_URL, password_grant(&api)).unwrap();
    let refreshed = refreshed.client_auth(auth.clone());
    check_source(refreshed).await.unwrap();
    assert!(api.counts().refreshes > 0);

    let api = api.rotate_refresh_tokens(false);
    let first = password_grant(&api)
        .fetch(TokenRequest::first())
        .await
        .unwrap();
    let refresh_token = first.expose_refresh_token().unwrap();
    let kept = Refresh::from_token(api.clone(), TOKEN_URL, refresh_token, Origins::any()).unwrap();
    check_source(kept.client_auth(auth)).await.unwrap();
}

/// D1: a login that brings the same token again is no fault.
#[tokio::test(start_paused = true)]
async fn the_same_token_again_is_no_fault() {
    let api = api();
    api.reissue_same_token(true);
    check_source(form(&api)).await.unwrap();
    assert_eq!(api.counts().tokens_issued, 1);
}

/// A fetch is dropped after each of its first eight polls, and made again each time.
#[tokio::test]
async fn a_fetch_is_dropped_one_poll_later_each_time() {
    let polls = Arc::new(AtomicUsize::new(0));
    let polled = polls.clone();
    let slow = source(move |_, _| {
        let polled = polled.clone();
        async move {
            for _ in 0..20 {
                polled.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
            }
            Ok(token("mF_9.B5f-4.1JqM"))
        }
    });
    check_source(slow).await.unwrap();
    let (whole, dropped) = (4 + 8, (1..=8).sum::<usize>());
    assert_eq!(polls.load(Ordering::SeqCst), 20 * whole + dropped);
}

/// A fetch that fails is reported with its error, and alone.
#[tokio::test]
async fn a_failed_fetch_is_found() {
    let failing = source(async |_, _| Err(AuthError::rejected("wrong password")));
    let broken = broken(failing).await;
    assert!(
        matches!(
            broken.faults(),
            [Fault::Failed { trial: Trial::First, error, .. }] if error.is_rejected()
        ),
        "{broken}"
    );
    assert_eq!(
        broken.to_string(),
        "the source is broken: a fetch failed: login rejected: wrong password"
    );
}

/// A source that fails where there is a token to replace.
#[tokio::test]
async fn a_fetch_that_fails_with_a_stale_token_is_found() {
    let no_renewal = source(async |_, stale| match stale {
        Some(_) => Err(AuthError::misconfigured("what is this for?")),
        None => Ok(token("mF_9.B5f-4.1JqM")),
    });
    let broken = broken(no_renewal).await;
    let [Fault::Failed { trial, .. }] = broken.faults() else {
        panic!("{broken}");
    };
    assert_eq!(*trial, Trial::Renewal);
}

/// L4: a fetch without end.
#[tokio::test(start_paused = true)]
async fn a_fetch_without_end_is_found() {
    let started = Instant::now();
    let broken = broken(source(|_, _| pending())).await;
    let [Fault::Hung { trial, .. }] = broken.faults() else {
        panic!("{broken}");
    };
    assert_eq!(*trial, Trial::First);
    assert_eq!(started.elapsed(), Duration::from_secs(30));
}

/// T3: a fetch that panics.
#[tokio::test]
async fn a_panic_is_found() {
    let panicking = source(async |_, _| std::panic::resume_unwind(Box::new("on purpose")));
    let broken = broken(panicking).await;
    let [Fault::Panicked { trial, .. }] = broken.faults() else {
        panic!("{broken}");
    };
    assert_eq!(*trial, Trial::First);
}

/// Two fetches that wait for each other.
#[tokio::test(start_paused = true)]
async fn a_deadlock_of_two_fetches_is_found() {
    let locks = Arc::new(Semaphore::new(2));
    let greedy = source(move |_, _| {
        let locks = locks.clone();
        async move {
            let _one = locks.acquire().await.unwrap();
            sleep(Duration::from_secs(1)).await;
            let _other = locks.acquire().await.unwrap();
            Ok(token("mF_9.B5f-4.1JqM"))
        }
    });
    let broken = broken(greedy).await;
    let [Fault::Hung { trial, .. }] = broken.faults() else {
        panic!("{broken}");
    };
    assert_eq!(*trial, Trial::TwoAtATime);
}

/// T3, L4: what a fetch took is not given back when it is dropped.
#[tokio::test(start_paused = true)]
async fn a_fetch_that_does_not_bear_being_dropped_is_found() {
    let lock = Arc::new(Semaphore::new(1));
    let leaking = source(move |_, _| {
        let lock = lock.clone();
        async move {
            lock.acquire().await.unwrap().forget();
            sleep(Duration::from_secs(1)).await;
            lock.add_permits(1);
            Ok(token("mF_9.B5f-4.1JqM"))
        }
    });
    let broken = broken(leaking).await;
    let [Fault::Hung { trial, .. }] = broken.faults() else {
        panic!("{broken}");
    };
    assert_eq!(*trial, Trial::AfterDrop);
}

/// D5: a refresh token that is good once is lost with its answer, where there is no login.
#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_is_lost_with_a_dropped_fetch_is_found() {
    let api = api();
    let first = password_grant(&api)
        .fetch(TokenRequest::first())
        .await
        .unwrap();
    let refresh_token = first.expose_refresh_token().unwrap();
    let once = Refresh::from_token(api.clone(), TOKEN_URL, refresh_token, Origins::any()).unwrap();
    let broken = broken(once.client_auth(ClientAuth::new("app", "s3cret"))).await;
    let failed_after_drop = |fault: &Fault| matches!(fault, Fault::Failed { trial: Trial::AfterDrop, error, .. } if error.is_rejected());
    assert!(broken.faults().iter().any(failed_after_drop), "{broken}");
}

/// T5: a token that has as good as expired when it comes.
#[tokio::test]
async fn a_token_that_comes_expired_is_found() {
    let lifetime = Duration::from_millis(999);
    let late = source(move |_, _| async move { Ok(token("mF_9.B5f-4.1JqM").expires_in(lifetime)) });
    let broken = broken(late).await;
    let [Fault::ShortLived { lifetime: told, .. }] = broken.faults() else {
        panic!("{broken}");
    };
    assert_eq!(*told, lifetime);
}

/// S4: an error that shows a token, or a refresh token, in any of its texts; and the report does not.
#[tokio::test]
async fn an_error_that_shows_a_token_is_found() {
    let shows: [fn(&Token) -> AuthError; 4] = [
        |stale| AuthError::unavailable(format!("no answer to {}", stale.expose())),
        |stale| AuthError::unavailable(io::Error::other(stale.expose().to_owned())),
        |stale| {
            let below = io::Error::other(io::Error::other(stale.expose().to_owned()));
            AuthError::unavailable(below)
        },
        |stale| AuthError::rejected(stale.expose_refresh_token().unwrap().to_owned()),
    ];
    for show in shows {
        let leaking = source(move |_, stale| async move {
            let token = || token("mF_9.B5f-4.1JqM").refresh_token("8xLOxBtZp8");
            stale.map_or_else(|| Ok(token()), |stale| Err(show(&stale)))
        });
        let broken = broken(leaking).await;
        let [Fault::ShowedToken { trial, .. }] = broken.faults() else {
            panic!("{broken}");
        };
        assert_eq!(*trial, Trial::Renewal);
        let shown = format!("{broken} {broken:?}");
        assert!(!shown.contains("B5f") && !shown.contains("8xLO"), "{shown}");
    }
}

/// A source whose origins are others each time.
struct Wandering(AtomicUsize);

impl TokenSource for Wandering {
    fn origins(&self) -> Origins {
        let port = 8000 + self.0.fetch_add(1, Ordering::SeqCst);
        Origins::only(&format!("https://api.example.com:{port}")).unwrap()
    }

    async fn fetch(&self, _request: TokenRequest) -> Result<Token, AuthError> {
        Ok(token("mF_9.B5f-4.1JqM"))
    }
}

/// S1: a session asks for the origins once.
#[tokio::test]
async fn a_scope_that_changes_is_found() {
    let broken = broken(Wandering(AtomicUsize::new(0))).await;
    assert!(
        matches!(broken.faults(), [Fault::OriginsChanged]),
        "{broken}"
    );
}

/// All that does not hold is reported.
#[tokio::test]
async fn several_faults_are_reported_together() {
    let flaky = source(async |number, _| match number {
        1 => Ok(token("mF_9.B5f-4.1JqM")),
        _ => Err(AuthError::unavailable(format!("fetch {number}"))),
    });
    let broken = broken(flaky).await;
    assert_eq!(
        broken.to_string(),
        "the source is broken: \
         a fetch with a stale token failed: login unavailable: fetch 2; \
         one of two fetches at a time failed: login unavailable: fetch 3; \
         the fetch after one that was dropped half-way failed: login unavailable: fetch 6"
    );
}
