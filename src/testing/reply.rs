//! What the API answers: JSON as each kind writes it, and tokens. Knows no state.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::grant::{Grant, Rejection, User};
use super::wire::{Bearer, Kind, Received, Resource};

pub(super) type Reply = Response<Bytes>;

pub(super) fn granted(kind: Kind, grant: &Grant) -> Reply {
    let mut body = match kind {
        Kind::Datafiniti => json!({ "token": grant.token }),
        Kind::Form => json!({ "access_token": grant.token, "token_type": "bearer" }),
        Kind::OAuth => json!({ "access_token": grant.token, "token_type": "Bearer" }),
    };
    if let (Kind::Form | Kind::OAuth, Some(seconds)) = (kind, grant.expires_in) {
        body["expires_in"] = seconds.into();
    }
    if let Some(refresh_token) = &grant.refresh_token {
        body["refresh_token"] = refresh_token.as_str().into();
    }
    reply(StatusCode::OK, &body)
}

pub(super) fn rejected(kind: Kind, rejection: &Rejection) -> Reply {
    let (bad, unauthorized) = (StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED);
    match (rejection, kind) {
        (Rejection::Credentials, Kind::Datafiniti) => {
            let (message, complaint) = ("Invalid email or password", "does not match");
            datafiniti_error(unauthorized, message, &["password"], complaint)
        }
        (Rejection::Credentials, Kind::Form) => {
            let message = "Incorrect username or password";
            challenge(detail(unauthorized, message), "Bearer")
        }
        (Rejection::Credentials, Kind::OAuth) => {
            let body = oauth_error("invalid_client", "Unknown client");
            challenge(reply(unauthorized, &body), "Basic")
        }
        (Rejection::Missing(fields), Kind::Datafiniti) => {
            datafiniti_error(bad, "Invalid request", fields, "is required")
        }
        (Rejection::Missing(fields), _) => {
            let missing = |field| json!({ "loc": ["body", field], "msg": "Field required", "type": "missing", "input": null });
            let missing: Vec<_> = fields.iter().map(missing).collect();
            detail(StatusCode::UNPROCESSABLE_ENTITY, missing)
        }
        (Rejection::NotJson, _) => {
            let message = "Content-Type must be application/json";
            datafiniti_error(StatusCode::UNSUPPORTED_MEDIA_TYPE, message, &[], "")
        }
        (Rejection::NotAnObject, _) => {
            datafiniti_error(bad, "The body is not a JSON object", &[], "")
        }
        (Rejection::OAuth(error, description), _) => reply(bad, &oauth_error(error, description)),
    }
}

pub(super) fn accepted(
    resource: Resource,
    user: &User,
    headers: &HeaderMap,
    body: Received,
) -> Reply {
    let length = body.bytes.len();
    let mut accepted = match resource {
        Resource::Search => {
            let record = json!({ "id": "testing-1", "address": "1 Main St", "city": "Austin", "province": "TX", "country": "US" });
            let found = json!({ "num_found": 1, "total_cost": 1, "records": [record], "received_bytes": length });
            reply(StatusCode::OK, &found)
        }
        Resource::Me => reply(
            StatusCode::OK,
            &json!({ "user_id": user.id, "username": user.name }),
        ),
        Resource::Echo => {
            let mut echo = Response::new(body.bytes);
            if let Some(content_type) = headers.get(header::CONTENT_TYPE) {
                echo.headers_mut()
                    .insert(header::CONTENT_TYPE, content_type.clone());
            }
            echo
        }
    };
    accepted
        .headers_mut()
        .insert("x-received-bytes", HeaderValue::from(length));
    for (name, value) in &body.trailers {
        if let Ok(name) = HeaderName::try_from(format!("x-received-trailer-{name}")) {
            accepted.headers_mut().append(name, value.clone());
        }
    }
    accepted
}

pub(super) fn refused(path: &str, bearer: Bearer<'_>) -> Reply {
    let status = StatusCode::UNAUTHORIZED;
    match (is_datafinitis(path), bearer) {
        (true, Bearer::None) => datafiniti_error(status, "Authentication required", &[], ""),
        (true, _) => datafiniti_error(status, "Invalid or expired token", &[], ""),
        // RFC 6750: no error code for a request that came without a token.
        (false, Bearer::None) => challenge(detail(status, "Not authenticated"), "Bearer"),
        (false, _) => challenge(
            detail(status, "Could not validate credentials"),
            "Bearer error=\"invalid_token\"",
        ),
    }
}

pub(super) fn several_tokens(path: &str) -> Reply {
    let message = "More than one Authorization header";
    plain_error(path, StatusCode::BAD_REQUEST, message)
}

pub(super) fn not_found(path: &str) -> Reply {
    plain_error(path, StatusCode::NOT_FOUND, "Not Found")
}

pub(super) fn wrong_method(path: &str, allowed: &'static str) -> Reply {
    let mut reply = plain_error(path, StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    reply
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allowed));
    reply
}

/// A token that no other number shares. `since_start` makes its `iat`.
pub(super) fn token(kind: Kind, number: u64, user: u64, since_start: u64) -> String {
    // Any fixed time: tokens are the same in every run.
    const START: u64 = 1_750_000_000;
    match kind {
        Kind::Datafiniti => format!("testing-datafiniti-token-{number:024}"),
        Kind::OAuth => format!("testing-oauth-token-{number:024}"),
        Kind::Form => {
            let iat = START.saturating_add(since_start);
            let claims = json!({ "user_id": user, "expired_standard_from": iat, "iat": iat });
            [
                json!({ "alg": "HS256", "typ": "JWT" }).to_string(),
                claims.to_string(),
                format!("{number:032}"),
            ]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".")
        }
    }
}

/// A refresh token that no other number shares.
pub(super) fn refresh_token(number: u64) -> String {
    format!("testing-refresh-token-{number:024}")
}

fn plain_error(path: &str, status: StatusCode, message: &str) -> Reply {
    if is_datafinitis(path) {
        datafiniti_error(status, message, &[], "")
    } else {
        detail(status, message)
    }
}

/// Says whether errors at this path have Datafiniti's form. Others have FastAPI's.
fn is_datafinitis(path: &str) -> bool {
    path.starts_with("/v4/")
}

fn datafiniti_error(status: StatusCode, message: &str, fields: &[&str], complaint: &str) -> Reply {
    let error = status.canonical_reason();
    let mut body = json!({ "error": error, "message": message, "code": status.as_u16() });
    if !fields.is_empty() {
        let details = fields
            .iter()
            .map(|field| json!({ "field": field, "message": format!("{field} {complaint}") }));
        body["details"] = details.collect();
    }
    reply(status, &body)
}

fn oauth_error(error: &str, description: &str) -> Value {
    json!({ "error": error, "error_description": description })
}

fn detail(status: StatusCode, detail: impl Into<Value>) -> Reply {
    reply(status, &json!({ "detail": detail.into() }))
}

fn challenge(mut reply: Reply, challenge: &'static str) -> Reply {
    reply.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(challenge),
    );
    reply
}

fn reply(status: StatusCode, body: &Value) -> Reply {
    let mut reply = Response::new(Bytes::from(body.to_string()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    reply
}
