//! The login and the tokens, for an API of one's own.

use tower::service_fn;
use tower::util::BoxCloneService;

use super::super::Guard;
use super::*;
use crate::token::Token;

type Fake = BoxCloneService<Request<Full<Bytes>>, Response<Bytes>, BoxError>;

/// A fake that answers the path and the body that it was sent, and how often it was called.
fn guarded(api: &Api) -> (Guard<Fake>, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    let fake = service_fn(move |request: Request<Full<Bytes>>| {
        seen.fetch_add(1, Ordering::Relaxed);
        async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect().await?.to_bytes();
            Ok(Response::new([path.as_bytes(), &body].concat().into()))
        }
    });
    (api.guard(BoxCloneService::new(fake)), calls)
}

async fn ask(
    guard: &Guard<Fake>,
    request: request::Builder,
    body: &str,
) -> Result<Response<Bytes>, BoxError> {
    let request = request.body(Full::from(body.to_owned()))?;
    guard.clone().oneshot(request).await
}

fn headers(token: &str) -> HeaderMap {
    let request = with_token("/", token).body(()).unwrap();
    request.into_parts().0.headers
}

/// R1: the fake sees what has a good token, and nothing else.
#[tokio::test]
async fn only_a_good_token_reaches_the_fake() {
    let api = api();
    let (guard, calls) = guarded(&api);
    let token = log_in_json(&api, NAME, PASSWORD).await.token();
    let passed = ask(&guard, with_token("/orders", &token), " two").await;
    assert_eq!(passed.unwrap().into_body(), "/orders two");

    let twice = with_token("/orders", &token).header(header::AUTHORIZATION, "Bearer other");
    assert_eq!(ask(&guard, twice, "").await.unwrap().status(), 400);
    let none = ask(&guard, Request::get("/orders"), "").await.unwrap();
    assert_eq!(none.status(), 401);
    assert_eq!(none.headers()["www-authenticate"], "Bearer");
    api.revoke_all();
    let refused = ask(&guard, with_token("/orders", &token), "").await;
    let refused = refused.unwrap();
    assert_eq!(refused.status(), 401);
    let challenge = &refused.headers()["www-authenticate"];
    assert_eq!(challenge, "Bearer error=\"invalid_token\"");

    let counts = api.counts();
    assert_eq!((counts.requests, counts.without_token), (4, 1));
    assert_eq!((counts.accepted, counts.refused, counts.failed), (1, 2, 1));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

/// D1: where Datafiniti's resources are, a refusal has their form.
#[tokio::test]
async fn a_guard_refuses_as_datafiniti_at_its_paths() {
    let (guard, _) = guarded(&api());
    let refused = ask(&guard, with_token("/v4/products/search", "old"), "").await;
    let refused = refused.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(!refused.headers().contains_key(header::WWW_AUTHENTICATE));
    let body: Value = serde_json::from_slice(refused.body()).unwrap();
    assert_eq!(body["message"], "Invalid or expired token");
}

/// D1, D2: a guard answers the logins itself.
#[tokio::test]
async fn a_guard_answers_the_logins() {
    let api = api();
    let (guard, calls) = guarded(&api);
    let login = json!({ "email": NAME, "password": PASSWORD }).to_string();
    let login = ask(&guard, post("/v4/auth", "application/json"), &login).await;
    let answer: Value = serde_json::from_slice(login.unwrap().body()).unwrap();
    let token = answer["token"].as_str().unwrap();
    assert!(api.accepts(&headers(token)));
    assert_eq!((api.counts().logins_ok, api.counts().requests), (1, 0));
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

/// R1: scripts are for guarded requests too, and are used up by them.
#[tokio::test]
async fn a_guard_follows_the_script() {
    let api = api();
    let (guard, calls) = guarded(&api);
    let token = api.issue(NAME).unwrap();
    api.script_request(Answer::Refuse);
    api.script_request(Answer::unavailable(3));
    api.script_request(Answer::TransportError(io::ErrorKind::ConnectionReset));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = ask(&guard, with_token("/orders", token.expose()), "").await;
        seen.push(answer.map_or(0, |answer| answer.status().as_u16()));
    }
    assert_eq!(seen, [401, 503, 0, 200]);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

/// B1: the body of a request that is passed on is the fake's to read, and that of another one is
/// read to its end, unless the API refuses early.
#[tokio::test]
async fn a_guard_reads_the_body_of_what_it_refuses() {
    let api = api();
    let unread =
        service_fn(async |_: Request<Script>| Ok::<_, BoxError>(Response::new(Bytes::new())));
    let guard = api.guard(unread);
    let token = api.issue(NAME).unwrap();
    let polls = async |token: &str| {
        let body = script([Step::Data(Bytes::from("body"))]);
        let polls = Arc::clone(&body.log);
        let request = with_token("/orders", token).body(body).unwrap();
        let status = guard.clone().oneshot(request).await.unwrap().status();
        (status.as_u16(), polls.load(Ordering::Relaxed))
    };
    assert_eq!(polls(token.expose()).await, (200, 0));
    assert_eq!(polls("old").await, (401, 2));
    api.refuse_early(true);
    assert_eq!(polls("old").await, (401, 0));
}

/// W1: the service that was polled ready is the one that is called.
#[tokio::test]
async fn a_guard_calls_the_service_that_was_ready() {
    let api = api();
    let ready = tower::limit::ConcurrencyLimit::new(
        service_fn(async |_: Request<Full<Bytes>>| {
            Ok::<_, BoxError>(Response::new(Bytes::from("passed")))
        }),
        1,
    );
    let mut guard = api.guard(ready);
    for token in ["old", api.issue(NAME).unwrap().expose()] {
        let request = with_token("/orders", token).body(Full::default()).unwrap();
        // A second reservation would wait for the first one without end.
        at_once(guard.ready()).unwrap();
        let answer = at_once(tower::Service::call(&mut guard, request)).unwrap();
        assert_eq!(answer.status() == 200, token != "old");
    }
}

/// T5: whether a token is good is said as of now, and counts as no request.
#[tokio::test(start_paused = true)]
async fn accepts_is_a_look_at_the_token() {
    let api = api().token_lifetime(Duration::from_secs(60));
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    api.script_request(Answer::Refuse);
    let counts = api.counts();
    assert!(api.accepts(&headers(&token)));
    assert!(!api.accepts(&HeaderMap::new()));
    assert!(!api.accepts(&headers("never-issued")));
    let mut twice = headers(&token);
    twice.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    assert!(!api.accepts(&twice));
    assert_eq!(api.counts(), counts);
    assert_eq!(me(&api, &token).await.status, 401, "the script is unused");

    let other = log_in_form(&api, NAME, PASSWORD).await.token();
    api.revoke(&other);
    assert!(!api.accepts(&headers(&other)));
    advance(Duration::from_secs(60)).await;
    assert!(!api.accepts(&headers(&token)));
}

/// T8: a token can be had without a login, as from Datafiniti's portal: it is the account's, and
/// the one that a login would return.
#[tokio::test]
async fn a_token_is_issued_without_a_login() {
    let api = api();
    api.reissue_same_token(true);
    let token = api.issue(NAME).unwrap();
    assert_eq!((api.counts().logins, api.counts().tokens_issued), (0, 1));
    let user = me(&api, token.expose()).await.json();
    assert_eq!(user["username"], NAME);
    let account = api.account_of(&headers(token.expose()));
    assert_eq!(account.as_deref(), Some(NAME));
    let by_login = log_in_json(&api, NAME, PASSWORD).await.token();
    assert_eq!(token.expose(), by_login);
    assert!(api.issue("nobody@example.com").is_none());
}

/// T5: it has a lifetime where the API announces one.
#[tokio::test(start_paused = true)]
async fn an_issued_token_has_the_announced_lifetime() {
    let hour = Duration::from_secs(3_600);
    let lifetime = |announced| {
        let api = api().token_lifetime(hour).announce_lifetime(announced);
        api.issue(NAME).as_ref().and_then(Token::lifetime)
    };
    assert_eq!((lifetime(true), lifetime(false)), (Some(hour), None));
}

/// S4: `Debug` of a guard shows no token.
#[test]
fn debug_of_a_guard_shows_the_fake_alone() {
    let guard = api().guard("the fake");
    assert_eq!(format!("{guard:?}"), "Guard { inner: \"the fake\", .. }");
}
