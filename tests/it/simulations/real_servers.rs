//! What was seen at real servers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use http::{Request, Response, StatusCode};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tonic::body::Body as GrpcBody;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_bearer::login::Refresh;
use tower_bearer::{AuthError, BearerAuthLayer, OnFailedRenewal, Origins, ReplayBody, Session};
use tower_http::follow_redirect::FollowRedirectLayer;

use super::logins::{LoginServer, Tokens, answer, granted};
use super::table::Table;
use super::world::{World, ok_if};
use crate::support::{Body, ScriptedSource, get, millis, secs};

/// R6, R1: a redirect layer inside ours leads to another port, whose 401 is no word on the token. A
/// real revocation after that is healed at once.
#[tokio::test(start_paused = true)]
async fn redirects_to_another_port_do_not_keep_a_page_from_being_healed() {
    let mut table = Table::new("a redirect layer inside leads to another port, then a revocation");
    for (name, paths, redirects) in [
        ("eight redirects of one path", 1, 8),
        ("eight redirects of eight paths", 8, 8),
        ("a redirect of each of 100 paths", 100, 100),
    ] {
        let world = World::new(|asked| ok_if(asked.token > asked.revoked));
        let api = world.api();
        let web = service_fn(move |request: Request<ReplayBody<Body>>| {
            let (api, path) = (api.clone(), request.uri().path().to_owned());
            let has_token = request.headers().contains_key("authorization");
            Box::pin(async move {
                if request.uri().port().is_some() {
                    assert!(!has_token, "the token goes to its own port alone");
                    return Ok(Response::builder().status(401).body("")?);
                }
                let Some(number) = path.strip_prefix("/moved/") else {
                    return api.oneshot(request).await;
                };
                let to = format!("https://api.example.com:8443/{number}");
                let response = Response::builder().status(302).header("location", to);
                Ok(response.body("")?)
            }) as BoxFuture<'static, Result<Response<&'static str>, BoxError>>
        });
        let layer = BearerAuthLayer::from_session(world.session());
        let client = layer.layer(FollowRedirectLayer::new().layer(web));
        let ask = async |path: &str| {
            let request = get(&format!("https://api.example.com{path}"));
            client.send(request).await.unwrap().status()
        };
        assert_eq!(ask("/page").await, 200);
        for number in 0..redirects {
            assert_eq!(ask(&format!("/moved/{}", number % paths)).await, 401);
        }
        let (useless, at) = (world.logins() - 1, Instant::now());
        world.revoke();
        let status = ask("/page").await;
        table.row(
            name,
            format!("{useless} useless logins, then {}", status.as_u16()),
            "healed at once",
        );
        assert!(useless > 0, "{name}: no redirect was taken for a refusal");
        assert!(useless <= 3, "{name}: {useless}");
        assert_eq!((status.as_u16(), at.elapsed()), (200, millis(50)), "{name}");
    }
}

/// T5, T6: a server that counts in whole seconds takes up to one off a lifetime of three, and no
/// rotation begins with a refusal. So two seconds are counted on, and the last tenth of these is
/// for the renewal ahead.
#[tokio::test(start_paused = true)]
async fn tokens_of_three_seconds_by_whole_seconds_are_rotated_in_time() {
    let mut table = Table::new("tokens of 3 s by whole seconds, eight tasks for 30 s");
    for (pace, phase) in [
        (10, 0),
        (10, 500),
        (100, 0),
        (100, 300),
        (250, 0),
        (250, 700),
        (250, 999),
    ] {
        let tokens = Tokens::living(secs(0));
        let second = move |at: Duration| (at + millis(phase)).as_secs();
        let world = World::new({
            let tokens = tokens.clone();
            move |asked| ok_if(second(asked.at) < second(tokens.end_of(asked.token)) + 3)
        });
        let login = LoginServer::new(&world, move |login| {
            tokens.make(login.number, login.at);
            granted(login.number, Some(3))
        });
        let session = Session::new(login.form());
        let client = world.client(&session);
        let tasks = (0..8).map(|_| client.keep_asking(millis(pace), secs(30), |_| "/read".into()));
        for got in join_all(tasks).await {
            let got = got.unwrap();
            assert_eq!(got.ok, got.all(), "{got:?}");
        }
        let stats = session.stats();
        table.row(
            format!("a request each {pace} ms, {phase} ms into a second"),
            format!("{} by a 401, {} logins", stats.tokens_refused, stats.logins),
            "1, 10 to 17",
        );
        assert!(stats.tokens_refused <= 1, "{stats:?}");
        assert!((10..=17).contains(&stats.logins), "{stats:?}");
    }
}

/// D5: a given refresh token that the server has replaced is not sent again after a sign-out, which
/// would have the whole grant revoked.
#[tokio::test(start_paused = true)]
async fn a_replaced_refresh_token_is_not_sent_again_after_a_sign_out() {
    let mut table = Table::new("`Refresh::from_token`, a rotation, then a sign-out and a request");
    for has_login in [false, true] {
        for renewals in [1, 5] {
            let world = World::new(|_| ok_if(true));
            let sent: Arc<Mutex<Vec<String>>> = Arc::default();
            let seen = sent.clone();
            let login = LoginServer::new(&world, move |login| {
                if login.is_refresh() {
                    seen.lock().unwrap().push(login.form.clone());
                }
                let token = format!("t{}", login.number);
                let refresh_token = format!("r{}", login.number);
                let body = json!({"access_token": token, "refresh_token": refresh_token});
                answer(200, &body.to_string())
            });
            let url = "https://auth.example.com/oauth/token";
            let source = Refresh::from_token(login.client(), url, "r0", Origins::any()).unwrap();
            let session = Session::new(match has_login {
                true => source.or_login(login.form()),
                false => source,
            });
            let client = world.client(&session);
            for _ in 0..renewals {
                let token = session.token().await.unwrap();
                session.invalidate(&token);
                assert_eq!(client.ask("/read").await.unwrap(), 200);
                sleep(secs(10)).await;
            }
            session.sign_out();
            let answer = client.ask("/read").await;
            let (sent, logins) = (sent.lock().unwrap().clone(), world.logins());
            let times = sent.iter().filter(|form| form.ends_with("=r0")).count();
            table.row(
                format!("{renewals} renewals, with a login: {has_login}"),
                format!("the given one sent {times} times"),
                "once",
            );
            assert_eq!(times, 1, "{sent:?}");
            match has_login {
                true => assert_eq!((answer.unwrap(), logins), (StatusCode::OK, renewals + 2)),
                false => {
                    assert!(answer.unwrap_err().is_rejected());
                    assert_eq!(logins, renewals + 1, "nothing is sent");
                }
            }
        }
    }
}

/// W5: a gRPC call with a deadline ends by it, while the login hangs that it waits for: for its
/// first token, or for the next one.
#[tokio::test(start_paused = true)]
async fn a_grpc_call_ends_by_its_deadline_while_the_login_hangs() {
    let mut table = Table::new("gRPC with a deadline, the login hangs");
    for is_refused in [false, true] {
        for deadline in [1, 300, 1_500] {
            let source = ScriptedSource::closed();
            let channel = service_fn(async |_: Request<ReplayBody<GrpcBody>>| {
                let response = Response::builder().header("grpc-status", "16");
                Ok::<_, BoxError>(response.body(GrpcBody::empty())?)
            });
            let status = |error: BoxError| match error.downcast_ref::<AuthError>() {
                Some(error) if error.is_timeout() => {
                    BoxError::from(Status::deadline_exceeded(error.to_string()))
                }
                _ => error,
            };
            let layer = BearerAuthLayer::new(source.clone());
            if is_refused {
                source.let_through(1);
                layer.session().token().await.unwrap();
            }
            let stack = ServiceBuilder::new()
                .map_err(status)
                .layer(layer.on_failed_renewal(OnFailedRenewal::Error))
                .service(channel);
            let mut request = tonic::Request::new(HealthCheckRequest::default());
            request.set_timeout(millis(deadline));
            let start = Instant::now();
            let status = HealthClient::new(stack).check(request).await.unwrap_err();
            let took = start.elapsed();
            let token = if is_refused {
                "token refused"
            } else {
                "no token"
            };
            table.row(
                format!("{token}, a deadline of {deadline} ms"),
                format!("{:?} after {took:?}", status.code()),
                format!("DeadlineExceeded after {deadline} ms"),
            );
            assert_eq!(
                (status.code(), took),
                (Code::DeadlineExceeded, millis(deadline))
            );
            assert_eq!(source.logins(), 1 + usize::from(is_refused));
            sleep(secs(1)).await;
        }
    }
}
