//! L1, L2, L3: what an answer means by the error that it names.

mod names;
mod status;
mod success;

use serde_json::{Value, json};
use tower_bearer::AuthError;

use super::form_answered;

/// Names that say that the server may answer later.
const LATER: [&str; 23] = [
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
    // Slack's, in a 200.
    "internal_error",
    "fatal_error",
    "request_timeout",
    "timeout",
    "try_again_later",
    "server_unavailable",
    "bad_gateway",
    "Bad Gateway",
    "gateway_timeout",
];

/// Names that say that an account or a client has been tried too often.
const ATTEMPTS: [&str; 3] = [
    "too_many_attempts",
    "TOO_MANY_ATTEMPTS_TRY_LATER",
    "quota_exceeded",
];

/// Names that say that the credentials are no good, whatever the status.
const CREDENTIALS: [&str; 11] = [
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
