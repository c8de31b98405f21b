//! The scheme that the token is sent under, and its type in the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use serde_json::{Value, json};
use tower::{BoxError, ServiceBuilder, ServiceExt};
use tower_bearer::login::Json;
use tower_bearer::{BearerAuthLayer, ReplayBody};

use super::{answered, json_login};
use crate::login::unused;

/// D3: where it is set, the type has to be bearer or the scheme, in any case, or missing.
#[tokio::test]
async fn the_type_is_looked_at_where_it_is_set() {
    let typed = |kind: Value| json!({"token": "abc", "data": {"type": kind}});
    let set = |scheme: Option<&'static str>| {
        move |login: Json| {
            let login = login.token_type("/data/type").unwrap();
            match scheme {
                Some("") => login.no_scheme(),
                Some(scheme) => login.scheme(scheme).unwrap(),
                None => login,
            }
        }
    };
    for scheme in [None, Some("Token"), Some("")] {
        for kind in [
            json!("bearer"),
            json!("Bearer"),
            json!("BEARER"),
            Value::Null,
        ] {
            assert!(answered(200, typed(kind), set(scheme)).await.is_ok());
        }
        for body in [json!({"token": "abc"}), json!({"token": "abc", "data": 1})] {
            assert!(answered(200, body, set(scheme)).await.is_ok());
        }
        for kind in [json!("mac"), json!(""), json!(1), json!(["bearer"])] {
            let error = answered(200, typed(kind), set(scheme)).await.unwrap_err();
            assert!(error.is_misconfigured());
        }
    }
    assert!(
        answered(200, typed("TOKEN".into()), set(Some("Token")))
            .await
            .is_ok()
    );
    for (scheme, expected) in [(None, "Bearer"), (Some(""), "bearer"), (Some("Key"), "Key")] {
        let error = answered(200, typed("Token".into()), set(scheme)).await;
        assert_eq!(
            error.unwrap_err().to_string(),
            format!(
                "login misconfigured: 200 OK: unsupported token_type \"Token\": expected \"{expected}\""
            )
        );
    }
}

/// D3, S3: a token may be sent under another scheme, or under none.
#[tokio::test]
async fn another_scheme_can_be_set() {
    let body = json!({"token": "abc"});
    let token = answered(200, &body, |login| login.scheme("Token").unwrap());
    assert_eq!(token.await.unwrap().header_value(), "Token abc");
    let token = answered(200, &body, Json::no_scheme).await.unwrap();
    assert_eq!(token.header_value(), "abc");
    assert!(token.header_value().is_sensitive());

    for scheme in ["", "Token token", "Tök", "a\n"] {
        assert!(json_login(unused()).scheme(scheme).is_err(), "{scheme}");
    }
}

/// D3, S3: an API key goes into a header of its own, and a refused one is renewed as any token.
#[tokio::test]
async fn an_api_key_goes_into_a_header_of_its_own() {
    let keys = Arc::new(AtomicU64::new(1));
    let login = tower::service_fn(move |_: Request<Full<Bytes>>| {
        let key = keys.fetch_add(1, Ordering::Relaxed);
        let body = json!({"data": {"key": format!("k{key}")}}).to_string();
        std::future::ready(Ok::<_, BoxError>(Response::new(Full::<Bytes>::from(body))))
    });
    let login = json_login(login).token("/data/key").unwrap().no_scheme();
    let client = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(login).header("x-api-key".parse().unwrap()))
        .service_fn(async |request: Request<ReplayBody<Empty<Bytes>>>| {
            let headers = request.headers();
            assert!(!headers.contains_key("authorization"));
            let key = headers["x-api-key"].to_str().unwrap().to_owned();
            request.into_body().collect().await?;
            let status = if key == "k1" { 401 } else { 200 };
            let response = Response::builder().status(status);
            Ok::<_, BoxError>(response.body(key)?)
        });
    let request = Request::get("https://api.example.com/").body(Empty::new());
    let response = client.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.body(), "k2");
}
