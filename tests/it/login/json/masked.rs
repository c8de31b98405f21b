//! S4, L4: what is not shown.

use std::time::Duration;

use serde_json::json;
use tower_bearer::login::Json;

use super::{answered, at};
use crate::login::{PASSWORD, unused};

/// L4, D3: a token is masked wherever it stands in the answer, under whatever name, and so are
/// other tokens of any depth; nothing else is.
#[tokio::test]
async fn an_echoed_token_is_masked() {
    let body = json!({
        "data": {"jwt": "abc.def", "type": "mac abc.def",
            "more": [{"refreshToken": "r3fresh", "name": "shown"}]},
        "message": "abc.def for r3fresh by hunter2 is shown",
    });
    let set = |login| at("/data/jwt")(login).token_type("/data/type").unwrap();
    let error = answered(200, &body, set).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "login misconfigured: 200 OK: *** for *** by *** is shown; \
         unsupported token_type \"mac ***\": expected \"Bearer\""
    );
    for status in [200, 401, 500] {
        let set = |login| at("/data/jwt")(login).token_type("/data/type").unwrap();
        let error = answered(status, &body, set).await.unwrap_err();
        let text = format!("{error} {error:?} {error:#?}");
        assert!(text.contains("by *** is shown"), "{text}");
        for secret in ["abc", "r3fresh", PASSWORD] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// L4: an answer that has one token thousands of times is masked in no time.
#[tokio::test]
async fn a_token_that_is_sent_very_often_costs_nothing() {
    let mut body = json!({"message": "x".repeat(30_000)});
    for n in 0..2000 {
        body[format!("{n}token")] = "x".into();
    }
    let started = std::time::Instant::now();
    let error = answered(401, body, |login| login).await.unwrap_err();
    assert!(error.to_string().contains(": ***"));
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// S4: `Debug` shows where it logs in, without the query, and nothing else.
#[test]
fn debug_shows_the_url_alone() {
    let login = Json::new(unused(), "https://api.example.com/login?key=k3y")
        .unwrap()
        .secret_field("password", "s3cret")
        .unwrap();
    assert_eq!(
        format!("{login:?}"),
        "Json { url: https://api.example.com/login, .. }"
    );
}
