//! Stronger tokens, where a server asks for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::sleep;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_bearer::login::Form;
use tower_bearer::{
    AuthError, BearerAuthLayer, Cause, Origins, ReplayBody, Token, TokenRequest, TokenSource,
    source_fn,
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
        let response = client.send(get(ADMIN)).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
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
