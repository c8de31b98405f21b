//! Which answers are refusals.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody, is_refusal};

use super::URI;
use crate::support::{Body, ScriptedSource, get};

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
