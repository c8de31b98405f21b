//! L1, L2, L3: what an answer means by the error that it names.

use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use tower_bearer::{AuthError, TokenRequest, TokenSource};

use super::{answer, answering, datafiniti_answered, form, form_answered};

/// Names that say that the server may answer later.
const LATER: [&str; 14] = [
    "temporarily_unavailable",
    "server_error",
    "slow_down",
    "rate_limit",
    "rate_limited",
    "ratelimited",
    "rate_limit_exceeded",
    "rateLimitExceeded",
    "too_many_requests",
    "Too Many Requests",
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "service_unavailable",
    "Internal Server Error",
];

/// Names that say that the credentials are no good, whatever the status.
const CREDENTIALS: [&str; 12] = [
    "invalid_grant",
    "bad_refresh_token",
    "bad_verification_code",
    "INVALID_REFRESH_TOKEN",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "incorrect_client_credentials",
    "bad_client_secret",
    "invalid_client_id",
    "too_many_attempts",
];

fn kind(error: &AuthError) -> &'static str {
    match error {
        error if error.is_rejected() => "rejected",
        error if error.is_unavailable() => "unavailable",
        error if error.is_misconfigured() => "misconfigured",
        _ => "something else",
    }
}

async fn kind_of(status: u16, body: &Value) -> &'static str {
    kind(&form_answered(status, &body.to_string()).await.unwrap_err())
}

/// The ways to name an error.
fn naming(name: &str) -> [Value; 5] {
    [
        json!({"error": name, "error_description": "hunter2"}),
        json!({"error": {"code": 400, "message": "no", "status": name}}),
        json!({"error": {"code": name, "message": "no"}}),
        json!({"error": {"code": 400, "message": format!("{name} : hunter2")}}),
        json!({"error": "no", "code": name}),
    ]
}

/// L2: a server that says "later" in words is unavailable, whether it calls that a success or an
/// error of the client.
#[tokio::test]
async fn a_server_that_says_later_is_unavailable() {
    for name in LATER {
        for body in naming(name) {
            for status in [200, 202, 400, 401, 403, 404, 405, 422, 423] {
                let kind = kind_of(status, &body).await;
                assert_eq!(kind, "unavailable", "{status} {body}");
            }
        }
    }
}

/// L1: an error about the credentials is a rejection, also of a success and where no such path is
/// said to be.
#[tokio::test]
async fn an_error_about_the_credentials_is_a_rejection() {
    for name in CREDENTIALS {
        for body in naming(name) {
            for status in [200, 201, 400, 401, 403, 404, 405, 422] {
                let kind = kind_of(status, &body).await;
                assert_eq!(kind, "rejected", "{status} {body}");
            }
        }
    }
}

/// L1: of a success with any other error, or one without a name, too: asking again could lock the
/// account.
#[tokio::test]
async fn a_success_with_an_error_and_without_a_token_is_a_rejection() {
    for body in [
        json!({"error": "access_denied"}),
        json!({"error": "invalid_request", "access_token": null}),
        json!({"error": "Wrong password", "access_token": ""}),
        json!({"error": "Wrong password", "access_token": " "}),
        json!({"error": true, "message": "Wrong password"}),
        json!({"error": 1}),
        json!({"error": ["Wrong password"]}),
        json!({"error": {"code": 401, "message": "Wrong password"}}),
        json!({"error": "Unauthorized", "message": "Wrong password", "code": 401}),
        json!({"error": "Not Found", "message": "User not found", "code": "404"}),
    ] {
        assert_eq!(kind_of(200, &body).await, "rejected", "{body}");
    }
    let github = r#"{"error": "bad_refresh_token", "error_uri": "https://docs.github.com/",
        "error_description": "The refresh token passed is incorrect or expired."}"#;
    let error = form_answered(200, github).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "login rejected: 200 OK: bad_refresh_token; The refresh token passed is incorrect or \
         expired.; the response has no \"access_token\""
    );
    let body = r#"{"token": null, "error": "account_locked", "message": "Ask us"}"#;
    assert_eq!(
        datafiniti_answered(200, body)
            .await
            .unwrap_err()
            .to_string(),
        "login rejected: 200 OK: account_locked; Ask us; the response has no \"token\""
    );
}

/// L1, L2: the `code` of a success counts as its status, that of an error does not.
#[tokio::test]
async fn a_code_is_a_status_where_the_status_says_nothing() {
    for code in [408, 425, 429, 500, 503, 599] {
        for code in [json!(code), json!(code.to_string())] {
            for body in [
                json!({"error": "no", "code": code}),
                json!({"error": {"code": code}}),
            ] {
                assert_eq!(kind_of(200, &body).await, "unavailable", "{body}");
                assert_eq!(kind_of(401, &body).await, "rejected", "{body}");
                assert_eq!(kind_of(404, &body).await, "misconfigured", "{body}");
            }
        }
    }
    for code in [0, 200, 302, 400, 401, 404, 418, 600, 1_000_503] {
        let body = json!({"error": "no", "code": code});
        assert_eq!(kind_of(200, &body).await, "rejected", "{body}");
    }
}

/// L3: a success that tells of no error is one that is set up wrongly, whatever else is in it.
#[tokio::test]
async fn a_success_without_an_error_is_a_misconfiguration() {
    for body in [
        json!({}),
        json!({"error": null}),
        json!({"error": ""}),
        json!({"error": " "}),
        json!({"error": false}),
        json!({"error": 0}),
        json!({"error": []}),
        json!({"error": {}}),
        json!({"message": "rate_limited", "code": 429}),
        json!({"error_description": "invalid_grant"}),
        json!({"detail": "Wrong password"}),
        json!(["invalid_grant"]),
        json!("invalid_grant"),
    ] {
        assert_eq!(kind_of(200, &body).await, "misconfigured", "{body}");
    }
}

/// L3: a redirect, a 404 of a router and what is no answer at all stay what they are.
#[tokio::test]
async fn an_error_does_not_change_what_the_url_is_wrong_for() {
    for name in LATER.into_iter().chain(CREDENTIALS) {
        for status in [100, 300, 302, 304, 307, 399, 600] {
            let kind = kind_of(status, &json!({"error": name})).await;
            assert_eq!(kind, "misconfigured", "{status} {name}");
        }
    }
    for status in [404, 405] {
        for body in [
            json!({"error": "Not Found", "message": "Cannot POST /auth/login", "code": 404}),
            json!({"error": "invalid_request"}),
            json!({"error": {"code": 404, "message": "Not found", "status": "NOT_FOUND"}}),
            json!({"detail": "invalid_grant"}),
        ] {
            assert_eq!(kind_of(status, &body).await, "misconfigured", "{body}");
        }
    }
}

/// L2: nor what the status says by itself.
#[tokio::test]
async fn an_error_does_not_reject_what_is_unavailable() {
    for name in CREDENTIALS {
        for status in [408, 425, 429, 500, 502, 503, 504] {
            let kind = kind_of(status, &json!({"error": name})).await;
            assert_eq!(kind, "unavailable", "{status} {name}");
        }
    }
}

/// D1, D2: a token is a token, with whatever error beside it; one that cannot be used is no
/// rejection.
#[tokio::test]
async fn a_token_is_taken_whatever_error_is_beside_it() {
    for error in [json!(null), json!(""), json!("invalid_grant"), json!({})] {
        let body = json!({"token": "abc", "access_token": "abc", "error": error}).to_string();
        assert_eq!(form_answered(200, &body).await.unwrap().expose(), "abc");
        let token = datafiniti_answered(200, &body).await.unwrap();
        assert_eq!(token.expose(), "abc");
    }
    for token in ["a b", "ü"] {
        let body = json!({"access_token": token, "error": "invalid_grant"});
        assert_eq!(kind_of(200, &body).await, "misconfigured");
    }
    let body = json!({"access_token": "abc", "token_type": "mac", "error": "invalid_grant"});
    assert_eq!(kind_of(200, &body).await, "misconfigured");
}

/// L4: the fields of an error that is an object are read, through the mask.
#[tokio::test]
async fn an_error_may_be_an_object() {
    let google = json!({"error": {
        "code": 400, "message": "INVALID_LOGIN_CREDENTIALS", "status": "INVALID_ARGUMENT",
        "errors": [{"message": "hidden"}], "details": [{"message": "hidden"}],
    }});
    let error = form_answered(400, &google.to_string()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "login rejected: 400 Bad Request: INVALID_ARGUMENT; INVALID_LOGIN_CREDENTIALS"
    );
    let response = error.response().unwrap();
    assert_eq!(response.error(), Some("INVALID_ARGUMENT"));
    assert_eq!(response.message(), Some("INVALID_LOGIN_CREDENTIALS"));
    assert_eq!(response.code(), Some("400"));
    assert!(response.details().is_empty() && !format!("{error:?}").contains("hidden"));

    let microsoft = json!({"error": {"code": "for hunter2", "message": "no hunter2"}});
    let error = form_answered(401, &microsoft.to_string())
        .await
        .unwrap_err();
    let response = error.response().unwrap();
    assert_eq!(response.error(), Some("for ***"));
    assert_eq!(response.code(), Some("for ***"));
    assert_eq!(response.message(), Some("no ***"));

    let both = json!({"error": {"message": "inner", "code": 1}, "message": "outer", "code": 2});
    let error = form_answered(401, &both.to_string()).await.unwrap_err();
    let response = error.response().unwrap();
    assert_eq!(
        (response.message(), response.code()),
        (Some("outer"), Some("2"))
    );
}

/// L1, L2: `Retry-After` is honoured of a success as well, and a misconfiguration has none.
#[tokio::test]
async fn a_success_with_an_error_takes_retry_after() {
    for (body, expected) in [
        (r#"{"error": "bad_refresh_token"}"#, Some(7)),
        (r#"{"error": "rate_limited"}"#, Some(7)),
        ("{}", None),
    ] {
        let mut response = answer(200, body);
        let seven = HeaderValue::from_static("7");
        response.headers_mut().insert("retry-after", seven);
        let login = form(answering(response));
        let error = login.fetch(TokenRequest::first()).await.unwrap_err();
        let seconds = error.retry_after().map(|after| after.as_secs());
        assert_eq!(seconds, expected, "{body}");
    }
}

/// L1, L2, L3: a source of one's own has the same verdict drawn of a status and its body.
#[tokio::test]
async fn an_own_source_has_the_same_verdicts() {
    let mut bodies = vec![json!({}), json!({"error": ""}), json!({"error": "no"})];
    bodies.push(json!({"error": "no", "code": 503}));
    bodies.extend(naming("rate_limited"));
    bodies.extend(naming("bad_refresh_token"));
    for body in bodies {
        let body = body.to_string();
        for status in [200, 204, 302, 400, 401, 404, 405, 423, 429, 503, 600] {
            let ours = form_answered(status, &body).await.unwrap_err();
            let own = AuthError::from_response_body(
                StatusCode::from_u16(status).unwrap(),
                &HeaderMap::new(),
                body.as_bytes(),
                &["hunter2"],
            );
            assert_eq!(kind(&own), kind(&ours), "{status} {body}");
            let texts = |error: &AuthError| {
                let response = error.response().unwrap();
                let texts = [response.error(), response.message(), response.code()];
                texts.map(|text| text.map(str::to_owned))
            };
            assert_eq!(texts(&own), texts(&ours), "{status} {body}");
        }
    }
}
