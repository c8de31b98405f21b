//! D5, D4: renewals as a session makes them, with a server that takes each refresh token once.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::time::advance;
use tower::util::{BoxCloneService, BoxCloneSyncService};
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_bearer::login::{ClientAuth, ClientCredentials, Datafiniti, Form, Json, Refresh};
use tower_bearer::testing::{Answer, Api, Counts};
use tower_bearer::{AuthError, BearerAuthLayer, Origins, ReplayBody, Session, TokenSource};

use super::token_endpoint::{TokenEndpoint, URL};
use crate::support::{Body, ScriptedSource, auth_error, explanation, get, settle};

const BASE: &str = "https://api.example.com";
const MINUTE: Duration = Duration::from_secs(60);

type ApiClient = BoxCloneService<Request<Body>, Response<Full<Bytes>>, BoxError>;

/// Tokens live for a minute, and are renewed when they have expired.
fn api() -> Api {
    let api = Api::new()
        .account("alice", "secret")
        .client("app", "s3cret");
    api.token_lifetime(MINUTE).announce_lifetime(true)
}

fn login(client: ApiClient) -> Form {
    let form = Form::new(client, BASE, "alice", "secret").unwrap();
    form.path("/oauth/token")
        .unwrap()
        .field("grant_type", "password")
        .unwrap()
        .client_auth(ClientAuth::new("app", "s3cret"))
        .use_refresh_token()
}

fn client_of(api: &Api) -> ApiClient {
    BoxCloneService::new(api.clone())
}

fn layer(api: &Api) -> BearerAuthLayer {
    BearerAuthLayer::new(login(client_of(api)))
}

async fn ask(layer: &BearerAuthLayer, api: &Api) -> Result<Response<Full<Bytes>>, BoxError> {
    let client = layer.layer(api.clone());
    client
        .oneshot(get("https://api.example.com/users/me"))
        .await
}

async fn status(layer: &BearerAuthLayer, api: &Api) -> StatusCode {
    ask(layer, api).await.unwrap().status()
}

/// Logins by the password, and by a refresh token.
fn passwords_and_refreshes(counts: Counts) -> (u64, u64) {
    (counts.logins_ok - counts.refreshes, counts.refreshes)
}

/// D5, T5: the password goes out once, however often the token expires.
#[tokio::test(start_paused = true)]
async fn the_password_goes_out_once() {
    let api = api();
    let layer = layer(&api);
    for _ in 0..10 {
        assert_eq!(status(&layer, &api).await, 200);
        advance(MINUTE).await;
    }
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 9));
    assert_eq!((api.counts().refused, api.counts().logins_rejected), (0, 0));
}

/// D5: so it is with a server that keeps refresh tokens, and tells of none at a renewal.
#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_stays_is_used_again() {
    let api = api().rotate_refresh_tokens(false);
    let layer = layer(&api);
    for _ in 0..10 {
        assert_eq!(status(&layer, &api).await, 200);
        advance(MINUTE).await;
    }
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 9));
}

/// D5, T6: a renewal ahead is one by the refresh token too.
#[tokio::test(start_paused = true)]
async fn a_renewal_ahead_takes_the_refresh_token() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    advance(Duration::from_secs(59)).await;
    assert_eq!(status(&layer, &api).await, 200);
    api.counts_when(|counts| counts.refreshes == 1).await;
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 1));
}

/// D5, R2, T2: however many requests are refused, one refresh renews the token for all of them.
#[tokio::test(start_paused = true)]
async fn parallel_refusals_make_one_refresh() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    api.revoke_all();
    let requests = (0..100).map(|_| status(&layer, &api));
    let answers = futures::future::join_all(requests).await;
    assert_eq!(answers, [StatusCode::OK; 100]);
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 1));
    assert_eq!(api.counts().peak_logins, 1);
}

/// D5, L1: a refused refresh token that the password heals is no failed login: nobody sees it, and
/// no login after it has to wait.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_the_login_heals_latches_nothing() {
    let api = api();
    let layer = layer(&api);
    for round in 0..5 {
        assert_eq!(status(&layer, &api).await, 200, "{round}");
        assert_eq!(layer.session().stats().logins_failed, 0);
        api.revoke_refresh_tokens();
        advance(MINUTE).await;
    }
    assert_eq!(passwords_and_refreshes(api.counts()), (5, 0));
    assert_eq!(api.counts().logins_rejected, 4);
}

/// D5, L1: where the password is no good either, it goes out once, and then not for a minute,
/// whatever is asked for.
#[tokio::test(start_paused = true)]
async fn a_password_that_is_no_good_goes_out_once() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    api.revoke_refresh_tokens();
    api.change_password("alice", "another");
    advance(MINUTE).await;
    for _ in 0..50 {
        let error = auth_error(ask(&layer, &api).await.unwrap_err());
        assert!(error.is_rejected());
    }
    // The refresh and the password, beside the first login.
    assert_eq!((api.counts().logins, api.counts().logins_rejected), (3, 2));
    advance(MINUTE).await;
    assert!(ask(&layer, &api).await.is_err());
    assert_eq!(api.counts().logins, 5);
}

/// D5, L2: a refresh that finds the server down is tried again by the same refresh token, and the
/// password stays where it is.
#[tokio::test(start_paused = true)]
async fn the_refresh_token_outlives_an_outage() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    for answer in [
        Answer::unavailable(7),
        Answer::TransportError(io::ErrorKind::ConnectionReset),
        Answer::Hang,
    ] {
        advance(MINUTE).await;
        api.script_login(answer);
        let error = auth_error(ask(&layer, &api).await.unwrap_err());
        assert!(error.is_unavailable());
        advance(error.retry_after().unwrap()).await;
        assert_eq!(status(&layer, &api).await, 200);
    }
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 3));
    assert_eq!(api.counts().logins_rejected, 0);
}

/// D5: a refresh whose answer got lost has spent the refresh token; the next renewal is by the
/// password.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_costs_one_login_by_password() {
    let api = api();
    let loses = Arc::new(AtomicBool::new(false));
    let client = {
        let (api, loses) = (api.clone(), loses.clone());
        service_fn(move |request: Request<Body>| {
            let (answer, loses) = (api.clone().oneshot(request), loses.clone());
            async move {
                let answer = answer.await?;
                match loses.swap(false, Ordering::Relaxed) {
                    true => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
                    false => Ok(answer),
                }
            }
        })
    };
    let layer = BearerAuthLayer::new(login(BoxCloneService::new(client)));
    assert_eq!(status(&layer, &api).await, 200);
    advance(MINUTE).await;
    loses.store(true, Ordering::Relaxed);
    let error = auth_error(ask(&layer, &api).await.unwrap_err());
    assert!(error.is_unavailable());
    assert_eq!(passwords_and_refreshes(api.counts()), (1, 1));

    advance(error.retry_after().unwrap()).await;
    assert_eq!(status(&layer, &api).await, 200);
    assert_eq!(passwords_and_refreshes(api.counts()), (2, 1));
    advance(MINUTE).await;
    assert_eq!(status(&layer, &api).await, 200);
    assert_eq!(passwords_and_refreshes(api.counts()), (2, 2));
}

/// D5, R6: refreshes whose tokens are refused at once are closed as other logins are, and never
/// lead to the password.
#[tokio::test(start_paused = true)]
async fn fresh_tokens_that_are_refused_end_the_refreshes() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    let mut withheld = 0;
    for _ in 0..50 {
        api.revoke_all();
        api.script_request(Answer::Refuse);
        api.script_request(Answer::Refuse);
        let response = ask(&layer, &api).await.unwrap();
        let withhold = explanation(&response).is_some_and(AuthError::is_throttled);
        withheld += usize::from(withhold);
    }
    assert!(withheld > 40, "{withheld}");
    let (passwords, refreshes) = passwords_and_refreshes(api.counts());
    assert!(passwords == 1 && refreshes <= 4, "{refreshes}");
    // Signed out, the session has no refresh token any more.
    layer.session().sign_out();
    layer.session().token().await.unwrap();
    assert_eq!(passwords_and_refreshes(api.counts()), (2, refreshes));
}

/// D5, T7: a sign-out forgets the refresh token, and drops a refresh under way: the next login is
/// made with the password.
#[tokio::test(start_paused = true)]
async fn a_sign_out_forgets_the_refresh_token() {
    let api = api();
    let layer = layer(&api);
    assert_eq!(status(&layer, &api).await, 200);
    layer.session().sign_out();
    assert_eq!(status(&layer, &api).await, 200);
    assert_eq!(passwords_and_refreshes(api.counts()), (2, 0));

    advance(MINUTE).await;
    let hold = api.hold_logins();
    let waiting = layer.session().token();
    let waiting = tokio::spawn(waiting);
    api.counts_when(|counts| counts.logins == 3).await;
    layer.session().sign_out();
    hold.release();
    assert!(waiting.await.unwrap().unwrap_err().is_signed_out());
    assert_eq!(status(&layer, &api).await, 200);
    assert_eq!(passwords_and_refreshes(api.counts()), (3, 0));
    assert_eq!(api.counts().logins, 4);
}

/// D5, T7: another account's source is never given the refresh token of the one before, whether
/// its token has expired, was refused, or is being renewed.
#[tokio::test(start_paused = true)]
async fn another_account_gets_no_refresh_token() {
    const ANSWER: &str = r#"{"access_token": "b", "expires_in": 60}"#;
    for renewing in [false, true] {
        let api = api();
        let layer = layer(&api);
        let session = layer.session();
        session.token().await.unwrap();
        advance(MINUTE).await;
        let hold = api.hold_logins();
        let waiting = renewing.then(|| tokio::spawn(session.token()));
        if renewing {
            api.counts_when(|counts| counts.logins == 2).await;
        }
        let other = TokenEndpoint::new([(200, ANSWER), (200, ANSWER)]);
        let form = Form::new(other.client(), BASE, "bob", "b0b").unwrap();
        session.replace_source(form.use_refresh_token());
        session.token().await.unwrap();
        hold.release();
        if let Some(waiting) = waiting {
            assert_eq!(waiting.await.unwrap().unwrap().expose(), "b");
            settle().await;
            let counts = api.counts();
            assert_eq!((counts.logins, counts.logins_ok), (2, 1), "it is dropped");
        }
        advance(MINUTE).await;
        assert_eq!(session.token().await.unwrap().expose(), "b");
        assert_eq!(other.forms(), ["username=bob&password=b0b"; 2]);
    }
}

/// D5, R4: a refresh that brings the refused token again renews nothing; what it says of the
/// refresh token counts all the same.
#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_rotated_beside_the_same_token() {
    let answers = ["r2", "r3"].map(|refresh_token| {
        let json = serde_json::json!({"access_token": "t1", "refresh_token": refresh_token});
        super::answer(200, &json.to_string())
    });
    let endpoint = TokenEndpoint::default();
    answers.into_iter().for_each(|answer| endpoint.then(answer));
    let first = crate::support::token("t1").refresh_token("r1");
    let login = ScriptedSource::open().script([Ok(first)]);
    let session = Session::new(Refresh::new(endpoint.client(), URL, login.clone()).unwrap());
    for _ in 0..3 {
        let token = session.token().await.unwrap();
        session.invalidate(&token);
    }
    let form = |token| format!("grant_type=refresh_token&refresh_token={token}");
    assert_eq!(endpoint.forms(), [form("r1"), form("r2")]);
    assert_eq!(login.logins(), 1);
}

/// W4, S3, D4: a login that tells its client in the header goes through the very stack that it
/// authenticates, with that header and no other.
#[tokio::test(start_paused = true)]
async fn a_client_may_log_in_through_its_own_stack() {
    type Stack = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;
    let api = api();
    let stack: Arc<OnceLock<Stack>> = Arc::default();
    let login_client = {
        let stack = stack.clone();
        service_fn(move |request| stack.get().unwrap().clone().oneshot(request))
    };
    let auth = ClientAuth::new("app", "s3cret");
    let url = "https://api.example.com/oauth/token";
    let login = ClientCredentials::new(login_client, url, auth, Origins::any()).unwrap();
    let client = ServiceBuilder::new()
        .buffer(1)
        .layer(BearerAuthLayer::new(login))
        .layer(BearerAuthLayer::new(ScriptedSource::open()))
        .service(service_fn(
            move |request: Request<ReplayBody<ReplayBody<Body>>>| api.clone().oneshot(request),
        ));
    assert!(stack.set(BoxCloneSyncService::new(client)).is_ok());
    for _ in 0..2 {
        let request = get("https://api.example.com/users/me");
        let response = stack.get().unwrap().clone().oneshot(request).await;
        assert_eq!(response.unwrap().status(), StatusCode::OK);
        advance(MINUTE).await;
    }
}

fn is_a_source<T: TokenSource>() {}

/// D1 to D5: a login is a source that a user can name, whatever client it is sent by.
#[test]
fn a_login_can_be_named() {
    is_a_source::<Datafiniti>();
    is_a_source::<Form>();
    is_a_source::<Json>();
    is_a_source::<ClientCredentials>();
    is_a_source::<Refresh>();
}
