//! What happens when a token is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use tokio::sync::Barrier;
use tokio::time::sleep;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_bearer::{
    AuthError, BearerAuthLayer, OnFailedRenewal, ReplayBody, TokenRequest, is_refusal,
};

use crate::support::{
    Body, ScriptedSource, Seen, Server, auth_error, explanation, get, post, settle, token,
};

const URI: &str = "https://api.example.com/";

fn unauthorized(challenges: &[&'static str]) -> bool {
    let mut headers = HeaderMap::new();
    for challenge in challenges {
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    is_refusal(StatusCode::UNAUTHORIZED, &headers)
}

fn grpc(status: &'static str) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", HeaderValue::from_static(status));
    is_refusal(StatusCode::OK, &headers)
}

/// R1: 401 and gRPC's 16 are refusals, whatever else the headers say or leave out; nothing else is.
#[test]
fn unauthenticated_is_a_refusal_and_nothing_else_is() {
    assert!(unauthorized(&[]));
    assert!(unauthorized(&[r#"Bearer realm="x""#]));
    assert!(unauthorized(&[r#"Bearer error="invalid_token""#]));
    assert!(unauthorized(&["Basic", "Digest nonce=1"]));
    assert!(grpc("16"));
    for other in ["0", "7", "14", "160", ""] {
        assert!(!grpc(other), "grpc-status {other}");
    }
    for status in [200, 302, 400, 402, 403, 407, 419, 429, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        assert!(!is_refusal(status, &HeaderMap::new()), "{status}");
    }
}

/// R1: a challenge that another login cannot meet is no refusal, wherever it stands. Of everything
/// else a login is made.
#[test]
fn a_challenge_beyond_a_login_is_no_refusal() {
    const NONE: bool = false;
    const REFUSAL: bool = true;
    let cases: &[(&[&str], bool)] = &[
        (&[r#"Bearer error="insufficient_scope", scope="a b""#], NONE),
        (
            &[r#"Bearer error="insufficient_user_authentication", acr_values="mfa""#],
            NONE,
        ),
        (
            &[r#"Bearer error="insufficient_user_authentication", max_age="5""#],
            NONE,
        ),
        (
            &[r#"Bearer realm="", error="insufficient_claims", claims="eyJ9""#],
            NONE,
        ),
        (&[r#"DPoP error="insufficient_scope", algs="ES256""#], NONE),
        (&[r#"DPoP error="insufficient_user_authentication""#], NONE),
        (&[r#"DPoP error="insufficient_claims""#], NONE),
        (&[r#"DPoP algs="ES256", error="use_dpop_nonce""#], NONE),
        // Behind others, in the same header and in another one.
        (
            &[r#"Basic realm="a, b", Bearer error="insufficient_claims""#],
            NONE,
        ),
        (&["Basic", r#"Bearer error="insufficient_scope""#], NONE),
        (
            &[
                r#"Bearer error="invalid_token""#,
                r#"DPoP error="use_dpop_nonce""#,
            ],
            NONE,
        ),
        // Schemes and the names of parameters are compared without regard to case (RFC 9110,
        // section 11.1 and 11.2), and a value that is a token needs no quotes.
        (&["bearer ERROR=insufficient_scope"], NONE),
        (&["BEARER Error=insufficient_claims"], NONE),
        (&["dpop error=use_dpop_nonce"], NONE),
        // Error codes are compared with regard to case (RFC 6749, section 1.8). A server that has
        // its own spelling costs a login and a retry, and the retry's answer is the caller's.
        (&[r#"Bearer error="INSUFFICIENT_SCOPE""#], REFUSAL),
        (
            &[r#"Bearer error="Insufficient_User_Authentication""#],
            REFUSAL,
        ),
        (&[r#"Bearer error="INSUFFICIENT_CLAIMS""#], REFUSAL),
        (&[r#"DPoP error="USE_DPOP_NONCE""#], REFUSAL),
        (&[r#"Bearer error="insufficient_scope ""#], REFUSAL),
        (&[r#"Bearer error="insufficient""#], REFUSAL),
        // A nonce belongs to DPoP alone, and the others to schemes of OAuth.
        (&[r#"Bearer error="use_dpop_nonce""#], REFUSAL),
        (&[r#"DPoP error="invalid_dpop_proof""#], REFUSAL),
        (&[r#"Basic error="insufficient_scope""#], REFUSAL),
        (&[r#"Digest error="insufficient_claims""#], REFUSAL),
        // The words alone, in quotes or as another parameter, are none.
        (
            &[r#"Basic realm="Bearer error=insufficient_scope""#],
            REFUSAL,
        ),
        (
            &[r#"Bearer realm="x, error=\"insufficient_scope\"""#],
            REFUSAL,
        ),
        (
            &[r#"Bearer error_description="insufficient_scope""#],
            REFUSAL,
        ),
        (&[r#"Bearer scope="insufficient_scope""#], REFUSAL),
    ];
    for (challenges, expected) in cases {
        assert_eq!(unauthorized(challenges), *expected, "{challenges:?}");
    }
}

/// R1: another rule can be set.
#[tokio::test]
async fn the_rule_can_be_replaced() {
    let desk = ScriptedSource::open();
    let client = BearerAuthLayer::new(desk.clone())
        .refused_when(|status, _| status == 419)
        .layer(service_fn(async |request: Request<ReplayBody<Body>>| {
            let status = match request.headers()["authorization"].to_str().unwrap() {
                "Bearer t1" => 419,
                _ => 401,
            };
            Ok::<_, BoxError>(Response::builder().status(status).body("").unwrap())
        }));
    let response = client.oneshot(get(URI)).await.unwrap();
    assert_eq!((response.status().as_u16(), desk.logins()), (401, 2));
}

/// R1: a 403 or a transport error makes no login and no retry.
#[tokio::test]
async fn what_is_no_refusal_comes_back_as_it_is() {
    let desk = ScriptedSource::open();
    let layer = BearerAuthLayer::new(desk.clone());
    let forbidding = layer.layer(service_fn(async |_: Request<ReplayBody<Body>>| {
        Ok::<_, BoxError>(Response::builder().status(403).body(()).unwrap())
    }));
    assert_eq!(forbidding.oneshot(get(URI)).await.unwrap().status(), 403);
    let broken = layer.layer(service_fn(async |_: Request<ReplayBody<Body>>| {
        Err::<Response<()>, _>(BoxError::from(std::io::Error::other("cut off")))
    }));
    let error = broken.oneshot(get(URI)).await.unwrap_err();
    assert!(error.downcast_ref::<std::io::Error>().is_some());
    assert_eq!(desk.logins(), 1);
}

/// R3, R5: the request goes out again with the new token, and the caller sees one response.
#[tokio::test]
async fn a_refused_request_is_retried_with_a_new_token() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("t2"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let response = client.oneshot(post("payload")).await.unwrap();
    assert_eq!(*response.body(), "welcome");
    let seen = |token: &str| Seen {
        authorization: vec![token.to_owned()],
        body: "payload".into(),
    };
    assert_eq!(server.seen(), [seen("Bearer t1"), seen("Bearer t2")]);
    assert_eq!(desk.stale(), [None, Some("t1".to_owned())]);
}

/// R3: a second refusal is the caller's answer.
#[tokio::test]
async fn a_second_refusal_is_final() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("never"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let response = client.oneshot(post("payload")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(explanation(&response).is_none());
    assert_eq!((server.seen().len(), desk.logins()), (2, 2));
}

/// R2: requests that were refused with an old token use the current one.
#[tokio::test(start_paused = true)]
async fn late_refusal_of_an_old_token_makes_no_login() {
    let desk = ScriptedSource::open();
    let client = BearerAuthLayer::new(desk.clone()).layer(service_fn(
        async |request: Request<ReplayBody<Body>>| {
            let old = request.headers()["authorization"] == "Bearer t1";
            if old && request.uri().path() == "/slow" {
                sleep(Duration::from_secs(10)).await;
            }
            let status = if old { 401 } else { 200 };
            Ok::<_, BoxError>(Response::builder().status(status).body(()).unwrap())
        },
    ));
    let slow = tokio::spawn(client.clone().oneshot(get("https://api.example.com/slow")));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    assert_eq!(desk.logins(), 2);
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    assert_eq!(desk.logins(), 2);
}

/// R2: 1,000 requests that are refused at once make one login, and each is retried once.
#[tokio::test(start_paused = true)]
async fn parallel_refusals_make_one_login() {
    let (desk, refused) = (ScriptedSource::open(), Arc::new(AtomicUsize::new(0)));
    let all_have_come = Arc::new(Barrier::new(1_000));
    let client = BearerAuthLayer::new(desk.clone()).layer(service_fn({
        let refused = refused.clone();
        move |request: Request<ReplayBody<Body>>| {
            let (refused, all_have_come) = (refused.clone(), all_have_come.clone());
            async move {
                if request.headers()["authorization"] != "Bearer t1" {
                    return Ok::<_, BoxError>(Response::new(()));
                }
                all_have_come.wait().await;
                refused.fetch_add(1, Ordering::SeqCst);
                Ok(Response::builder().status(401).body(()).unwrap())
            }
        }
    }));
    let requests = (0..1_000).map(|_| tokio::spawn(client.clone().oneshot(get(URI))));
    for answered in join_all(requests).await {
        assert_eq!(answered.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!((refused.load(Ordering::SeqCst), desk.logins()), (1_000, 2));
}

/// R2, R4: N requests refused one after the other make one login, also where it brings the same
/// token again: each gets its own refused response, with the reason.
#[tokio::test(start_paused = true)]
async fn staggered_refusals_make_one_login_that_brings_the_same_token() {
    let desk = ScriptedSource::open().script([Ok(token("a")), Ok(token("a"))]);
    let client = BearerAuthLayer::new(desk.clone()).layer(service_fn(
        async |request: Request<ReplayBody<Body>>| {
            let millis = request.uri().path()[1..].parse().unwrap();
            sleep(Duration::from_millis(millis)).await;
            Ok::<_, BoxError>(Response::builder().status(401).body(()).unwrap())
        },
    ));
    client.session().token().await.unwrap();
    let uris = (1..=20).map(|number| format!("https://api.example.com/{}", number * 50));
    let requests = uris.map(|uri| client.clone().oneshot(get(&uri)));
    for response in join_all(requests).await {
        let response = response.unwrap();
        assert_eq!(response.status(), 401);
        assert!(explanation(&response).unwrap().is_unchanged());
    }
    assert_eq!(desk.logins(), 2);
}

/// R4: when the login fails, the caller gets the refused response and the error; the token stays.
#[tokio::test]
async fn a_failed_renewal_gives_the_original_response() {
    let desk =
        ScriptedSource::open().script([Ok(token("a")), Err(AuthError::unavailable("maintenance"))]);
    let server = Server::accepting("b");
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let response = client.clone().oneshot(get(URI)).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), *response.body()),
        (401, "who are you?")
    );
    let error = explanation(&response).unwrap();
    assert!(
        error.is_unavailable() && error.to_string().contains("maintenance"),
        "{error}"
    );
    server.accept("a");
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    assert_eq!(desk.logins(), 2);
    assert_eq!(server.tokens(), ["Bearer a", "Bearer a"]);
}

/// R4: the error itself, where the user asks for it.
#[tokio::test]
async fn a_failed_renewal_can_be_an_error() {
    let desk = ScriptedSource::open().script([Ok(token("a")), Ok(token("a"))]);
    let client = BearerAuthLayer::new(desk.clone())
        .on_failed_renewal(OnFailedRenewal::Error)
        .layer(Server::accepting("b").service());
    let error = auth_error(client.oneshot(get(URI)).await.unwrap_err());
    assert!(error.is_unchanged(), "{error}");
}

/// R4: nothing goes out without a token because a login failed.
#[tokio::test]
async fn nothing_is_sent_when_the_first_login_fails() {
    let desk = ScriptedSource::open().script([Err(AuthError::rejected("wrong password"))]);
    let server = Server::new();
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let error = auth_error(client.oneshot(post("secret plans")).await.unwrap_err());
    assert!(error.is_rejected());
    assert!(server.seen().is_empty());
}

/// R5: the retry repeats method, URI, version, headers and extensions, and has one Authorization.
#[tokio::test]
async fn the_retry_repeats_the_whole_head() {
    #[derive(Clone, Debug, PartialEq)]
    struct Mark(u8);
    let (sender, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let client = BearerAuthLayer::new(ScriptedSource::open()).layer(service_fn(
        move |request: Request<ReplayBody<Body>>| {
            let (head, _) = request.into_parts();
            let status = if head.headers["authorization"] == "Bearer t1" {
                401
            } else {
                200
            };
            sender.send(head).unwrap();
            let response = Response::builder().status(status).body(()).unwrap();
            std::future::ready(Ok::<_, BoxError>(response))
        },
    ));
    let request = Request::builder()
        .method(Method::PATCH)
        .uri("https://api.example.com/things/1?full=yes")
        .version(Version::HTTP_2)
        .header("x-twice", "one")
        .header("x-twice", "two")
        .header("accept", "*/*")
        .extension(Mark(7))
        .body(Body::from("payload"))
        .unwrap();
    assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
    let (mut first, mut second) = (sent.recv().await.unwrap(), sent.recv().await.unwrap());
    assert_eq!(first.headers.remove("authorization").unwrap(), "Bearer t1");
    let values: Vec<_> = second.headers.get_all("authorization").iter().collect();
    assert_eq!(values, ["Bearer t2"]);
    assert!(values[0].is_sensitive());
    second.headers.remove("authorization");
    assert_eq!(first.headers, second.headers);
    assert_eq!(second.headers.get_all("x-twice").iter().count(), 2);
    assert_eq!(
        (&first.method, &second.method),
        (&Method::PATCH, &Method::PATCH)
    );
    assert_eq!(first.uri, second.uri);
    assert_eq!(
        (first.version, second.version),
        (Version::HTTP_2, Version::HTTP_2)
    );
    assert_eq!(second.extensions.get(), Some(&Mark(7)));
}

/// R5: HTTP/2 lets names through that `HeaderName::from_bytes` does not take: a peer of a gateway
/// may send one.
#[tokio::test]
async fn the_retry_repeats_a_name_that_only_http2_has() {
    let name = HeaderName::from_lowercase(b"x-\"quoted\"").unwrap();
    let (sender, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let client = BearerAuthLayer::new(ScriptedSource::open()).layer(service_fn(
        move |request: Request<ReplayBody<Body>>| {
            let is_old = request.headers()["authorization"] == "Bearer t1";
            sender.send(request.into_parts().0.headers).unwrap();
            let status = if is_old { 401 } else { 200 };
            let response = Response::builder().status(status).body(()).unwrap();
            std::future::ready(Ok::<_, BoxError>(response))
        },
    ));
    let mut request = get(URI);
    request
        .headers_mut()
        .insert(&name, HeaderValue::from_static("1"));
    assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
    for _attempt in 0..2 {
        assert_eq!(sent.recv().await.unwrap()[&name], "1");
    }
}

/// R5: the first attempt is gone before the login begins, its response before the retry.
#[tokio::test]
async fn what_the_first_attempt_holds_is_free_in_time() {
    use std::sync::{Mutex, Weak};
    let held: Arc<Mutex<Vec<Weak<()>>>> = Arc::default();
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let living = {
        let held = held.clone();
        move || {
            held.lock()
                .unwrap()
                .iter()
                .map(|it| it.strong_count())
                .sum::<usize>()
        }
    };
    let source = {
        let (log, living) = (log.clone(), living.clone());
        tower_bearer::source_fn(
            tower_bearer::Origins::any(),
            move |request: TokenRequest| {
                log.lock().unwrap().push(format!("login {}", living()));
                let next = if request.stale().is_some() { "b" } else { "a" };
                std::future::ready(Ok(token(next)))
            },
        )
    };
    let inner = {
        let log = log.clone();
        service_fn(move |request: Request<ReplayBody<Body>>| {
            log.lock().unwrap().push(format!("call {}", living()));
            let (in_future, in_response) = (Arc::new(()), Arc::new(()));
            let both = [&in_future, &in_response].map(Arc::downgrade);
            held.lock().unwrap().extend(both);
            let status = if request.headers()["authorization"] == "Bearer a" {
                401
            } else {
                200
            };
            async move {
                let _in_future = in_future;
                tokio::task::yield_now().await;
                Ok::<_, BoxError>(
                    Response::builder()
                        .status(status)
                        .body(in_response)
                        .unwrap(),
                )
            }
        })
    };
    let client = BearerAuthLayer::new(source).layer(inner);
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
    // During the second login only the response lives, which the caller gets should it fail.
    let log = log.lock().unwrap();
    assert_eq!(*log, ["login 0", "call 0", "login 1", "call 0"]);
}

/// R7: new requests wait for a renewal, and go out with the token in hand when it fails.
#[tokio::test(start_paused = true)]
async fn new_requests_wait_for_a_renewal_and_survive_its_failure() {
    for fails in [false, true] {
        let second = if fails {
            Err(AuthError::unavailable("down"))
        } else {
            Ok(token("b"))
        };
        let desk = ScriptedSource::closed_after(1).script([Ok(token("a")), second]);
        let server = Server::accepting("b");
        let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
        client.session().token().await.unwrap();
        let refused = tokio::spawn(client.clone().oneshot(get(URI)));
        sleep(Duration::from_millis(900)).await;
        let waiting = tokio::spawn(client.clone().oneshot(get(URI)));
        sleep(Duration::from_millis(900)).await;
        assert_eq!(server.tokens(), ["Bearer a"], "the second waits");
        server.accept(if fails { "a" } else { "b" });
        desk.let_through(1);
        let waited = waiting.await.unwrap().unwrap();
        assert_eq!((waited.status(), desk.logins()), (StatusCode::OK, 2));
        let refused = refused.await.unwrap().unwrap();
        assert_eq!(refused.status() == StatusCode::UNAUTHORIZED, fails);
    }
}

/// R7, T6: a refusal that joins a renewal ahead holds back the clones that know of that renewal, too.
#[tokio::test(start_paused = true)]
async fn a_refusal_during_a_renewal_ahead_holds_every_clone_back() {
    let first = token("t1").expires_in(Duration::from_secs(100));
    let desk = ScriptedSource::closed_after(1).script([Ok(first)]);
    let server = Server::accepting("t1");
    let mut knowing = BearerAuthLayer::new(desk.clone()).layer(server.service());
    knowing.session().token().await.unwrap();
    sleep(Duration::from_secs(99)).await;
    for _ in 0..2 {
        let response = knowing.ready().await.unwrap().call(get(URI)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    settle().await;
    assert_eq!((desk.logins(), server.tokens().len()), (2, 2));

    server.accept("t2");
    let refused = tokio::spawn(knowing.clone().oneshot(get(URI)));
    settle().await;
    assert_eq!(server.tokens().len(), 3);
    let held_back = knowing.ready().await.unwrap().call(get(URI));
    let held_back = tokio::spawn(held_back);
    settle().await;
    assert_eq!(server.tokens().len(), 3, "it waits");
    desk.let_through(1);
    for response in [refused, held_back] {
        assert_eq!(response.await.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!(server.tokens()[3..], ["Bearer t2", "Bearer t2"]);
}

/// B1: a body over the limit is not replayed, yet the session renews for the next request.
#[tokio::test]
async fn a_body_over_the_limit_is_not_retried_and_the_session_renews() {
    for (limit, retried) in [(6, false), (7, true), (8, true)] {
        let (desk, server) = (ScriptedSource::open(), Server::accepting("t2"));
        let client = BearerAuthLayer::new(desk.clone())
            .replay_limit(limit)
            .layer(server.service());
        let response = client.clone().oneshot(post("payload")).await.unwrap();
        assert_eq!(
            response.status() == StatusCode::OK,
            retried,
            "limit {limit}"
        );
        assert_eq!(client.oneshot(post("payload")).await.unwrap().status(), 200);
        assert_eq!(desk.logins(), 2);
        assert!(server.seen().iter().all(|seen| seen.body == "payload"));
    }
}

/// B2: a request that was refused before its body was read has it all on the retry.
#[tokio::test]
async fn a_body_that_nobody_read_is_replayed_whole() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("t2"));
    let refusing = server.early::<ReplayBody<Body>>();
    let reading = server.service::<Body>();
    let client = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(desk))
        .service_fn(move |request: Request<ReplayBody<Body>>| {
            let (refusing, reading) = (refusing.clone(), reading.clone());
            async move {
                match request.headers()["authorization"].to_str().unwrap() {
                    "Bearer t1" => refusing.oneshot(request).await.map_err(BoxError::from),
                    _ => reading.oneshot(request).await,
                }
            }
        });
    assert_eq!(client.oneshot(post("payload")).await.unwrap().status(), 200);
    let bodies: Vec<_> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, ["", "payload"]);
}
