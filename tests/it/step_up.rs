//! Stronger tokens, where a server asks for them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::sleep;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_bearer::login::Form;
use tower_bearer::{
    AuthError, BearerAuthLayer, Cause, Origins, ReplayBody, Sent, Session, Sessions, Token,
    TokenRequest, TokenSource, source_fn,
};

use crate::support::{Body, explanation, get, post, token};

const ADMIN: &str = "https://api.example.com/admin";
const READ: &str = "https://api.example.com/read";

/// Endpoints that want the scope of their path, beside `/read`, which wants any token.
#[derive(Clone, Default)]
struct Scoped {
    seen: Arc<Mutex<Vec<String>>>,
}

impl Scoped {
    fn service(
        &self,
        status: u16,
        error: &'static str,
    ) -> impl Service<
        Request<ReplayBody<Body>>,
        Response = Response<String>,
        Error = BoxError,
        Future: Send,
    > + Clone {
        let seen = self.seen.clone();
        service_fn(move |request: Request<ReplayBody<Body>>| {
            let seen = seen.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let token = head.headers["authorization"].to_str()?;
                let token = token.trim_start_matches("Bearer ").to_owned();
                let wanted = head.uri.path().trim_start_matches('/');
                let is_good = wanted == "read" || token.starts_with(wanted);
                seen.lock().unwrap().push(format!("{wanted} {token}"));
                let body = String::from_utf8(body.to_vec())?;
                let mut response = Response::new(body);
                if !is_good {
                    *response.status_mut() = StatusCode::from_u16(status)?;
                    let challenge = format!(r#"Bearer error="{error}", scope="{wanted}""#);
                    let headers = response.headers_mut();
                    headers.insert("www-authenticate", challenge.parse()?);
                }
                Ok::<_, BoxError>(response)
            }
        })
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// What a source was asked for.
type Asked = Arc<Mutex<Vec<String>>>;

/// A source of `plain1`, and of stronger tokens that are named by the scope that is asked for.
fn source<F>(asked: &Asked, step_up: F) -> impl TokenSource + use<F>
where
    F: Fn(&str) -> Result<Token, AuthError> + Send + Sync + 'static,
{
    let asked = asked.clone();
    source_fn(Origins::any(), move |request: TokenRequest| {
        let mut asked = asked.lock().unwrap();
        std::future::ready(match request.cause() {
            Cause::StepUp => {
                let scope = request.challenges()[0].param("scope").unwrap();
                asked.push(scope.to_owned());
                step_up(scope)
            }
            cause => {
                asked.push(format!("{cause:?}"));
                Ok(token("plain1"))
            }
        })
    })
}

fn stronger(scope: &str) -> Result<Token, AuthError> {
    Ok(token(&format!("{scope}1")))
}

/// R9: the source is told what is wanted, the request goes out once more with the token that it
/// brings, and others keep the token in hand.
#[tokio::test(start_paused = true)]
async fn a_challenge_for_more_brings_a_stronger_token() {
    for (status, error) in [
        (403, "insufficient_scope"),
        (401, "insufficient_scope"),
        (401, "insufficient_user_authentication"),
        (401, "insufficient_claims"),
    ] {
        let (server, asked) = (Scoped::default(), Asked::default());
        let layer = BearerAuthLayer::new(source(&asked, stronger)).step_up();
        let client = layer.layer(server.service(status, error));
        let mut request = post("the body");
        *request.uri_mut() = ADMIN.parse().unwrap();
        let response = client.send(request).await.unwrap();
        assert_eq!(
            (response.status(), &**response.body()),
            (StatusCode::OK, "the body")
        );
        client.send(get(READ)).await.unwrap();
        // The stronger one is there by now.
        client.send(get(ADMIN)).await.unwrap();
        let seen = [
            "admin plain1",
            "admin admin1",
            "read plain1",
            "admin plain1",
            "admin admin1",
        ];
        assert_eq!(server.seen(), seen, "{error}");
        assert_eq!(*asked.lock().unwrap(), ["First", "admin"]);
        let stats = client.session().stats();
        assert_eq!((stats.logins, stats.tokens_refused), (1, 0));
    }
}

/// R9, R1: without the switch the response is the caller's, and so is a plain 403 with it.
#[tokio::test(start_paused = true)]
async fn no_stronger_token_is_fetched_unasked() {
    let (server, asked) = (Scoped::default(), Asked::default());
    let layer = BearerAuthLayer::new(source(&asked, stronger));
    let client = layer
        .clone()
        .layer(server.service(403, "insufficient_scope"));
    let response = client.send(get(ADMIN)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let client = layer
        .step_up()
        .layer(server.service(403, "invalid_request"));
    let response = client.send(get(ADMIN)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(*asked.lock().unwrap(), ["First"]);
    assert_eq!(server.seen(), ["admin plain1"; 2]);
}

/// R9: what a server asks for at one endpoint is not what it asks for at another one.
#[tokio::test(start_paused = true)]
async fn each_challenge_has_a_token_of_its_own() {
    let (server, asked) = (Scoped::default(), Asked::default());
    let layer = BearerAuthLayer::new(source(&asked, stronger)).step_up();
    let client = layer.layer(server.service(403, "insufficient_scope"));
    let uri = |number| format!("https://api.example.com/scope-{number}-");
    for number in (0..20).chain([19, 4, 3]) {
        let response = client.send(get(&uri(number))).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    // Sixteen are kept: of the last three only the first two.
    assert_eq!(asked.lock().unwrap().len(), 1 + 20 + 1);
    assert_eq!(asked.lock().unwrap().last().unwrap(), "scope-3-");
}

/// R9, R6: a stronger token that is not enough is the caller's matter, and the source is not asked
/// for it by each request. No other request takes notice.
#[tokio::test(start_paused = true)]
async fn a_stronger_token_that_is_not_enough_is_paced() {
    let (server, asked) = (Scoped::default(), Asked::default());
    let weak = |_: &str| Ok(token("weak1"));
    let layer = BearerAuthLayer::new(source(&asked, weak)).step_up();
    let client = layer.layer(server.service(403, "insufficient_scope"));
    for _ in 0..3_600 {
        server.seen.lock().unwrap().push("next".to_owned());
        let response = client.send(get(ADMIN)).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let is_repeated = server.seen.lock().unwrap().last().unwrap() == "admin weak1";
        let reason = explanation(&response);
        assert_eq!(reason.is_none(), is_repeated);
        assert!(reason.is_none_or(|error| error.is_throttled() && error.retry_after().is_some()));
        assert_eq!(
            client.send(get(READ)).await.unwrap().status(),
            StatusCode::OK
        );
        sleep(Duration::from_secs(1)).await;
    }
    let seen = server.seen();
    let repeated = seen.iter().filter(|seen| *seen == "admin weak1").count();
    assert!((2..60).contains(&repeated), "{repeated}");
    assert_eq!(
        seen.iter().filter(|seen| *seen == "read plain1").count(),
        3_600
    );
    let logins = asked.lock().unwrap().len();
    assert!((2..30).contains(&logins), "{logins}");
    let stats = client.session().stats();
    assert_eq!((stats.logins, stats.tokens_refused), (1, 0));
}

/// R9, L1: if there is no stronger token the caller gets the response, with the reason, and the
/// session is not latched by it.
#[tokio::test(start_paused = true)]
async fn a_stronger_token_that_cannot_be_had_latches_nothing_else() {
    let (server, asked) = (Scoped::default(), Asked::default());
    let none = |_: &str| Err(AuthError::rejected("not for you"));
    let layer = BearerAuthLayer::new(source(&asked, none)).step_up();
    let client = layer.layer(server.service(403, "insufficient_scope"));
    for _ in 0..10 {
        let response = client.send(get(ADMIN)).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(explanation(&response).unwrap().is_rejected());
    }
    assert_eq!(*asked.lock().unwrap(), ["First", "admin"]);
    assert!(client.session().status().last_error().is_none());
    drop(client.session().sign_out());
    assert_eq!(
        client.send(get(READ)).await.unwrap().status(),
        StatusCode::OK
    );
}

/// R9, T7: a sign-out forgets the stronger tokens too, and another source is another account.
#[tokio::test(start_paused = true)]
async fn stronger_tokens_end_with_their_account() {
    let (server, asked, others) = (Scoped::default(), Asked::default(), Asked::default());
    let layer = BearerAuthLayer::new(source(&asked, stronger)).step_up();
    let client = layer.layer(server.service(403, "insufficient_scope"));
    client.send(get(ADMIN)).await.unwrap();
    drop(client.session().sign_out());
    client.send(get(ADMIN)).await.unwrap();
    assert_eq!(
        *asked.lock().unwrap(),
        ["First", "admin", "SignedOut", "admin"]
    );
    let other = |scope: &str| Ok(token(&format!("{scope}2")));
    client.session().replace_source(source(&others, other));
    server.seen();
    client.send(get(ADMIN)).await.unwrap();
    assert_eq!(server.seen(), ["admin plain1", "admin admin2"]);
    assert_eq!(*others.lock().unwrap(), ["First", "admin"]);
}

/// R9, T7, S1: a request that another account's token went out with is not repeated as the account
/// that is there by now, nor by a login after a sign-out.
#[tokio::test(start_paused = true)]
async fn a_challenge_after_the_account_has_changed_is_the_callers() {
    for replaces in [true, false] {
        let (asked, others) = (Asked::default(), Asked::default());
        let session = Session::new(source(&asked, stronger));
        let seen = Arc::new(AtomicU64::new(0));
        let server = service_fn({
            let (session, seen, others) = (session.clone(), seen.clone(), others.clone());
            move |_: Request<ReplayBody<Body>>| {
                seen.fetch_add(1, Ordering::SeqCst);
                // While the answer is on its way.
                match replaces {
                    true => session.replace_source(source(&others, stronger)),
                    false => drop(session.sign_out()),
                }
                let challenge = r#"Bearer error="insufficient_scope", scope="admin""#;
                let response = Response::builder().status(403);
                let response = response.header("www-authenticate", challenge).body(());
                std::future::ready(response.map_err(BoxError::from))
            }
        });
        let client = BearerAuthLayer::from_session(session)
            .step_up()
            .layer(server);
        let response = client.send(get(ADMIN)).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(explanation(&response).unwrap().is_signed_out());
        assert_eq!(seen.load(Ordering::SeqCst), 1);
        assert_eq!(*asked.lock().unwrap(), ["First"]);
        assert!(others.lock().unwrap().is_empty());
    }
}

/// A server that answers `plain1` by a challenge, and a stronger token by what this says of it.
fn judging<F>(
    judge: F,
) -> impl Service<Request<ReplayBody<Body>>, Response = Response<()>, Error = BoxError, Future: Send>
+ Clone
where
    F: Fn(&str) -> (u16, &'static str) + Clone + Send + 'static,
{
    service_fn(move |request: Request<ReplayBody<Body>>| {
        let token = request.headers()["authorization"].to_str().unwrap();
        let (status, challenge) = match token {
            "Bearer plain1" => (403, r#"Bearer error="insufficient_scope", scope="admin""#),
            token => judge(token.trim_start_matches("Bearer ")),
        };
        let response = Response::builder().status(status);
        let response = response.header("www-authenticate", challenge).body(());
        std::future::ready(response.map_err(BoxError::from))
    })
}

/// A stronger token that is another one each time.
fn counting(prefix: &'static str) -> impl Fn(&str) -> Result<Token, AuthError> + Send + Sync {
    let tokens = AtomicU64::new(0);
    move |_| {
        let number = tokens.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(token(&format!("{prefix}{number}")))
    }
}

/// R9, R1: a stronger token that is refused is replaced for the next request.
#[tokio::test(start_paused = true)]
async fn a_stronger_token_that_was_revoked_is_renewed() {
    let asked = Asked::default();
    let is_revoked = Arc::new(AtomicBool::new(false));
    let server = judging({
        let is_revoked = is_revoked.clone();
        move |token| match token == "admin1" && is_revoked.load(Ordering::SeqCst) {
            true => (401, "Bearer"),
            false => (200, "Bearer"),
        }
    });
    let layer = BearerAuthLayer::new(source(&asked, counting("admin"))).step_up();
    let client = layer.layer(server);
    let status = async || client.send(get(ADMIN)).await.unwrap().status();
    assert_eq!(status().await, StatusCode::OK);
    is_revoked.store(true, Ordering::SeqCst);
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    for _ in 0..10 {
        assert_eq!(status().await, StatusCode::OK);
    }
    assert_eq!(*asked.lock().unwrap(), ["First", "admin", "admin"]);
}

/// R9, R8: the caller may report a stronger token, which only it sees refused.
#[tokio::test(start_paused = true)]
async fn a_report_reaches_the_stronger_token() {
    let asked = Asked::default();
    let layer = BearerAuthLayer::new(source(&asked, counting("admin"))).step_up();
    let client = layer.layer(judging(|_| (200, "Bearer")));
    let sent = Sent::new();
    let mut request = get(ADMIN);
    request.extensions_mut().insert(sent.clone());
    client.send(request).await.unwrap();
    assert!(client.session().invalidate(&sent));
    assert!(!client.session().invalidate(&sent));
    client.send(get(ADMIN)).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["First", "admin", "admin"]);
}

/// R9, R6: however many find one stronger token to be not enough, that is one strike: two more are
/// free.
#[tokio::test(start_paused = true)]
async fn many_answers_that_a_token_is_not_enough_are_one_strike() {
    let asked = Asked::default();
    let layer = BearerAuthLayer::new(source(&asked, counting("weak"))).step_up();
    let challenge = r#"Bearer error="insufficient_scope", scope="admin""#;
    let client = layer.layer(judging(move |_| (403, challenge)));
    let requests = (0..30).map(|_| client.send(get(ADMIN)));
    for response in futures::future::join_all(requests).await {
        assert_eq!(response.unwrap().status(), StatusCode::FORBIDDEN);
    }
    let logins = asked.lock().unwrap().len();
    assert!((2..4).contains(&logins), "{logins}");
    client.send(get(ADMIN)).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), logins + 1);
}

/// R9, L1: a server that asks for something else each time does not make one rejected login each
/// time.
#[tokio::test(start_paused = true)]
async fn rejected_logins_are_few_however_many_challenges_there_are() {
    let asked = Asked::default();
    let rejected = |_: &str| Err(AuthError::rejected("wrong password"));
    let number = Arc::new(AtomicU64::new(0));
    let server = service_fn(move |_: Request<ReplayBody<Body>>| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        let challenge =
            format!(r#"Bearer error="insufficient_scope", scope="admin", realm="{number}""#);
        let response = Response::builder().status(403);
        let response = response.header("www-authenticate", challenge).body(());
        std::future::ready(response.map_err(BoxError::from))
    });
    let layer = BearerAuthLayer::new(source(&asked, rejected)).step_up();
    let client = layer.layer(server);
    for number in 0..100 {
        let response = client.send(get(ADMIN)).await.unwrap();
        let reason = explanation(&response).unwrap();
        assert_eq!(reason.is_rejected(), number < 16);
        assert_eq!(reason.is_unavailable(), number >= 16);
    }
    assert_eq!(asked.lock().unwrap().len(), 1 + 16);
    // An account that was unlocked may be tried again, for a stronger token too.
    client.session().reset_backoff();
    client.send(get(ADMIN)).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 1 + 17);
}

/// R9, L1: credentials that were rejected are not tried for a stronger token either.
#[tokio::test(start_paused = true)]
async fn no_stronger_token_is_fetched_while_a_rejection_lasts() {
    let asked = Asked::default();
    let source = source_fn(Origins::any(), {
        let asked = asked.clone();
        move |request: TokenRequest| {
            asked.lock().unwrap().push(format!("{:?}", request.cause()));
            std::future::ready(match request.cause() {
                Cause::First => Ok(token("plain1").expires_in(Duration::from_secs(100))),
                _ => Err(AuthError::rejected("wrong password")),
            })
        }
    });
    let client = BearerAuthLayer::new(source).step_up();
    let client = client.layer(judging(|_| (200, "Bearer")));
    client.session().token().await.unwrap();
    sleep(Duration::from_secs(95)).await;
    client.session().token().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let response = client.send(get(ADMIN)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(explanation(&response).unwrap().is_rejected());
    assert_eq!(*asked.lock().unwrap(), ["First", "Ahead"]);
}

/// R9, D5: what the session would refresh with is not spent for a stronger token.
#[tokio::test(start_paused = true)]
async fn a_stronger_token_spends_no_refresh_token_but_its_own() {
    let spends = Arc::new(Mutex::new(Vec::new()));
    let source = source_fn(Origins::any(), {
        let spends = spends.clone();
        move |request: TokenRequest| {
            let may_spend = request.may_spend();
            spends.lock().unwrap().push((request.cause(), may_spend));
            let fetched = match request.cause() {
                Cause::StepUp => token("admin1").refresh_token("r1"),
                _ => token("plain1"),
            };
            std::future::ready(Ok(fetched))
        }
    });
    let client = BearerAuthLayer::new(source).step_up();
    let client = client.layer(judging(|_| (200, "Bearer")));
    let sent = Sent::new();
    let mut request = get(ADMIN);
    request.extensions_mut().insert(sent.clone());
    client.send(request).await.unwrap();
    client.session().invalidate(&sent);
    client.send(get(ADMIN)).await.unwrap();
    let asked = [
        (Cause::First, true),
        (Cause::StepUp, false),
        (Cause::StepUp, true),
    ];
    assert_eq!(*spends.lock().unwrap(), asked);
}

/// R9, M2: a session whose stronger token was rejected is not forgotten, or a new one would try
/// again.
#[tokio::test(start_paused = true)]
async fn a_session_with_a_latched_step_up_is_not_forgotten() {
    let asked = Asked::default();
    let sessions = Sessions::new({
        let asked = asked.clone();
        move |_: &u8| {
            let rejected = |_: &str| Err(AuthError::rejected("not for you"));
            Ok(Session::new(source(&asked, rejected)))
        }
    })
    .capacity(1);
    let layer = BearerAuthLayer::per_request().step_up();
    let client = layer.layer(judging(|_| (200, "Bearer")));
    let send = async |key: u8| {
        let mut request = get(ADMIN);
        request.extensions_mut().insert(sessions.get(&key).unwrap());
        client.send(request).await.unwrap()
    };
    send(0).await;
    assert!(sessions.get(&1).is_err());
    send(0).await;
    assert_eq!(*asked.lock().unwrap(), ["First", "admin"]);
}

/// R9, B1: a body that was not kept cannot be sent again: the caller is told.
#[tokio::test(start_paused = true)]
async fn a_body_that_was_not_kept_is_not_sent_again() {
    let (server, asked) = (Scoped::default(), Asked::default());
    let layer = BearerAuthLayer::new(source(&asked, stronger)).step_up();
    let layer = layer.replay_limit(4);
    let client = layer.layer(server.service(403, "insufficient_scope"));
    let mut request = post("longer than that");
    *request.uri_mut() = ADMIN.parse().unwrap();
    let response = client.send(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(explanation(&response).unwrap().is_not_repeated());
    assert_eq!(*asked.lock().unwrap(), ["First"]);
}

/// R9, R3: of a request that is challenged and then refused there is one retry, not two.
#[tokio::test(start_paused = true)]
async fn a_request_is_repeated_once() {
    let asked = Asked::default();
    let seen = Arc::new(Mutex::new(0));
    let server = service_fn({
        let seen = seen.clone();
        move |request: Request<ReplayBody<Body>>| {
            *seen.lock().unwrap() += 1;
            let is_stronger = request.headers()["authorization"] == "Bearer admin1";
            let (status, challenge) = match is_stronger {
                true => (401, "Bearer"),
                false => (403, r#"Bearer error="insufficient_scope", scope="admin""#),
            };
            let response = Response::builder().status(status);
            let response = response.header("www-authenticate", challenge).body(());
            std::future::ready(response.map_err(BoxError::from))
        }
    });
    let layer = BearerAuthLayer::new(source(&asked, stronger)).step_up();
    let response = layer.layer(server).send(get(ADMIN)).await.unwrap();
    assert_eq!(
        (response.status(), *seen.lock().unwrap()),
        (StatusCode::UNAUTHORIZED, 2)
    );
}

/// R9, R6: a request that was refused first has had its retry: its challenge is the caller's, and no
/// fault of the token in hand.
#[tokio::test(start_paused = true)]
async fn a_challenge_of_a_retry_leaves_the_token_in_hand_as_it_is() {
    let asked = Asked::default();
    let tokens = Arc::new(AtomicU64::new(0));
    let source = source_fn(Origins::any(), {
        let (asked, tokens) = (asked.clone(), tokens.clone());
        move |request: TokenRequest| {
            asked.lock().unwrap().push(format!("{:?}", request.cause()));
            let number = tokens.fetch_add(1, Ordering::SeqCst) + 1;
            std::future::ready(Ok(token(&format!("plain{number}"))))
        }
    });
    let server = service_fn(|request: Request<ReplayBody<Body>>| {
        let is_old = request.headers()["authorization"] == "Bearer plain1";
        let (status, challenge) = match (is_old, request.uri().path()) {
            (true, _) => (401, "Bearer"),
            (false, "/admin") => (403, r#"Bearer error="insufficient_scope""#),
            (false, _) => (200, "Bearer"),
        };
        let response = Response::builder().status(status);
        let response = response.header("www-authenticate", challenge).body(());
        std::future::ready(response.map_err(BoxError::from))
    });
    let client = BearerAuthLayer::new(source).step_up().layer(server);
    let response = client.send(get(ADMIN)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    for _ in 0..10 {
        assert_eq!(
            client.send(get(READ)).await.unwrap().status(),
            StatusCode::OK
        );
    }
    assert_eq!(*asked.lock().unwrap(), ["First", "Refused"]);
    assert_eq!(client.session().stats().tokens_refused, 1);
}

/// R9, T3: a login for a stronger token may go through the stack that it serves, as any login: it is
/// sent as it is.
#[tokio::test(start_paused = true)]
async fn a_login_for_a_stronger_token_may_go_through_the_layer() {
    let logins = Arc::new(Mutex::new(Vec::new()));
    let server = service_fn({
        let logins = logins.clone();
        move |request: Request<ReplayBody<Body>>| {
            let token = request.headers().get("authorization").cloned();
            let is_login = request.uri().path() == "/auth/login";
            let response = Response::builder();
            let response = if is_login {
                let mut logins = logins.lock().unwrap();
                logins.push(token);
                let body = format!(r#"{{"access_token": "t{}"}}"#, logins.len());
                response.body(Body::from(body))
            } else if token.is_some_and(|token| token == "Bearer t2") {
                response.body(Body::default())
            } else {
                let challenge = r#"Bearer error="insufficient_scope""#;
                let response = response.status(403).header("www-authenticate", challenge);
                response.body(Body::default())
            };
            std::future::ready(response.map_err(BoxError::from))
        }
    });
    let client = Arc::new(OnceLock::<BoxCloneSyncService<_, _, BoxError>>::new());
    let through = service_fn({
        let client = client.clone();
        move |login: Request<Body>| client.get().unwrap().clone().oneshot(login)
    });
    let login = Form::new(through, "https://api.example.com", "me", "secret").unwrap();
    let layer = BearerAuthLayer::new(login).step_up();
    let client = client.get_or_init(|| BoxCloneSyncService::new(layer.layer(server)));
    let response = client.clone().oneshot(get(ADMIN)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(*logins.lock().unwrap(), [None, None]);
}
