//! What a source is told: why it is asked, and by which response.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use tokio::sync::Semaphore;
use tokio::time::advance;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::{BearerAuth, BearerAuthLayer, Cause, Challenge, ReplayBody, TokenRequest};

use super::{URI, living};
use crate::support::{Body, ScriptedSource, Server, get, secs, settle, token};

/// T5, T6, T7, R2: a source is told why it is asked, and which token it is to replace.
#[tokio::test(start_paused = true)]
async fn a_source_is_told_why_it_is_asked() {
    let desk = ScriptedSource::open().script([
        Ok(living("a", secs(100))),
        Ok(living("b", secs(100))),
        Ok(living("c", secs(100))),
        Ok(token("d")),
    ]);
    let server = Server::new();
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let send = async || {
        client.clone().oneshot(get(URI)).await.unwrap();
        settle().await;
    };
    let session = client.session();
    let mut told = Vec::new();
    let mut expect = |cause, stale: Option<&str>| {
        told.push((cause, stale.map(str::to_owned)));
        let asked: Vec<_> = desk.causes().into_iter().zip(desk.stale()).collect();
        assert_eq!(asked, told);
    };

    send().await;
    expect(Cause::First, None);
    advance(secs(99)).await;
    send().await;
    expect(Cause::Ahead, Some("a"));
    advance(secs(100)).await;
    send().await;
    expect(Cause::Expired, Some("b"));
    server.accept("d");
    send().await;
    expect(Cause::Refused, Some("c"));
    assert!(session.invalidate(&token("d")));
    server.accept("t5");
    send().await;
    expect(Cause::Refused, Some("d"));
    session.sign_out();
    server.accept("t6");
    send().await;
    expect(Cause::SignedOut, None);

    // Another source has had no token yet, whatever came before.
    for signs_out_first in [false, true] {
        if signs_out_first {
            session.sign_out();
        }
        let other = ScriptedSource::open();
        session.replace_source(other.clone());
        server.accept("t1");
        send().await;
        assert_eq!(
            (other.causes(), other.stale()),
            (vec![Cause::First], vec![None])
        );
    }
}

/// R2: a login that a refusal triggers is told the challenges of that response, in their order.
#[tokio::test]
async fn a_source_is_told_the_challenges_of_the_refused_response() {
    let (desk, client) = challenged();
    client.oneshot(get(URI)).await.unwrap();
    let [first, second] = desk.requests().try_into().unwrap();
    assert_eq!((first.cause(), texts(&first)), (Cause::First, vec![]));
    assert_eq!(second.cause(), Cause::Refused);
    assert_eq!(
        texts(&second),
        [
            r#"Bearer realm=api, error=invalid_token, error_description=expired, or revoked"#,
            "DPoP algs=ES256",
            "Basic realm=old",
        ]
    );
    assert!(second.challenges()[0].is("bearer"));
    assert_eq!(second.challenges()[0].param("ERROR"), Some("invalid_token"));
}

/// R2: a login of any other cause is told none, also the next one after a refusal.
#[tokio::test(start_paused = true)]
async fn a_login_of_another_cause_is_told_no_challenges() {
    let (desk, client) = challenged();
    let desk = desk.script([Ok(token("t1")), Ok(living("b", secs(100)))]);
    let send = async || {
        client.clone().oneshot(get(URI)).await.unwrap();
        settle().await;
    };
    send().await;
    advance(secs(99)).await;
    send().await;
    client.session().sign_out();
    send().await;
    assert!(client.session().invalidate(&token("t4")));
    send().await;
    let causes = [
        Cause::First,
        Cause::Refused,
        Cause::Ahead,
        Cause::SignedOut,
        Cause::Refused,
    ];
    assert_eq!(desk.causes(), causes);
    let told: Vec<_> = desk
        .requests()
        .iter()
        .map(|it| it.challenges().len())
        .collect();
    assert_eq!(told, [0, 3, 0, 0, 0]);
}

/// R2, T5: nor is the login of a token that had expired by the time of its refusal.
#[tokio::test(start_paused = true)]
async fn the_login_of_an_expired_token_is_told_no_challenges() {
    let desk = ScriptedSource::open().script([Ok(living("t1", secs(60)))]);
    let answers = Arc::new(Semaphore::new(0));
    let client = BearerAuthLayer::new(desk.clone()).layer({
        let answers = answers.clone();
        service_fn(move |request: Request<ReplayBody<Body>>| {
            let answers = answers.clone();
            async move {
                answers.acquire().await.unwrap().forget();
                Ok::<_, Infallible>(answer(&request))
            }
        })
    });
    let sent = tokio::spawn(client.oneshot(get(URI)));
    settle().await;
    advance(secs(60)).await;
    answers.add_permits(2);
    assert_eq!(sent.await.unwrap().unwrap().status(), 200);
    assert_eq!(desk.causes(), [Cause::First, Cause::Expired]);
    assert_eq!(desk.requests()[1].challenges(), []);
}

/// R1: a gRPC response in which the token is refused has no challenges, and triggers a login all the
/// same.
#[tokio::test]
async fn a_refusal_without_challenges_is_told_as_one() {
    let desk = ScriptedSource::open();
    let grpc = service_fn(async |request: Request<ReplayBody<Body>>| {
        let is_old = request.headers()["authorization"] == "Bearer t1";
        let status = if is_old { "16" } else { "0" };
        let response = Response::builder().header("grpc-status", status);
        Ok::<_, Infallible>(response.body("").unwrap())
    });
    let client = BearerAuthLayer::new(desk.clone()).layer(grpc);
    let response = client.oneshot(get(URI)).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "0");
    assert_eq!(desk.causes(), [Cause::First, Cause::Refused]);
    assert_eq!(desk.requests()[1].challenges(), []);
}

/// R2: of two refused responses that trigger one login, the first one's challenges are told.
#[tokio::test(start_paused = true)]
async fn the_challenges_are_those_of_the_response_that_triggered_the_login() {
    let desk = ScriptedSource::closed();
    let refusals = Arc::new(Mutex::new(0));
    let client = BearerAuthLayer::new(desk.clone()).layer(service_fn(
        move |request: Request<ReplayBody<Body>>| {
            let is_old = request.headers()["authorization"] == "Bearer t1";
            let mut response = Response::new("");
            if is_old {
                let mut refusals = refusals.lock().unwrap();
                *refusals += 1;
                let challenge = format!("Bearer realm=\"{refusals}\"");
                *response.status_mut() = http::StatusCode::UNAUTHORIZED;
                let headers = response.headers_mut();
                headers.insert("www-authenticate", challenge.parse().unwrap());
            }
            std::future::ready(Ok::<_, Infallible>(response))
        },
    ));
    desk.let_through(1);
    client.session().token().await.unwrap();
    let requests = [(); 2].map(|()| tokio::spawn(client.clone().oneshot(get(URI))));
    settle().await;
    desk.let_through(1);
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(desk.logins(), 2);
    assert_eq!(texts(&desk.requests()[1]), ["Bearer realm=1"]);
}

fn texts(request: &TokenRequest) -> Vec<String> {
    let text = |challenge: &Challenge| {
        let params = challenge
            .params()
            .map(|(name, value)| format!("{name}={value}"));
        let params: Vec<_> = params.collect();
        format!("{} {}", challenge.scheme(), params.join(", "))
    };
    request.challenges().iter().map(text).collect()
}

type Challenged =
    BoxCloneSyncService<Request<ReplayBody<Body>>, Response<&'static str>, Infallible>;

/// A server that refuses `t1`, and says how it is to be authenticated to.
fn challenged() -> (ScriptedSource, BearerAuth<Challenged>) {
    let desk = ScriptedSource::open();
    let server =
        service_fn(|request: Request<ReplayBody<Body>>| std::future::ready(Ok(answer(&request))));
    let layer = BearerAuthLayer::new(desk.clone());
    (desk, layer.layer(BoxCloneSyncService::new(server)))
}

fn answer<B>(request: &Request<B>) -> Response<&'static str> {
    if request.headers()["authorization"] != "Bearer t1" {
        return Response::new("");
    }
    let response = Response::builder()
        .status(401)
        .header(
            "www-authenticate",
            r#"Bearer realm="api", error="invalid_token", error_description="expired, or revoked", DPoP algs="ES256""#,
        )
        .header("www-authenticate", r#"Basic realm="old""#);
    response.body("").unwrap()
}
