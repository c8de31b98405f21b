//! What of an answer is read alike by every preset.

use serde_json::Value;

use super::jwt::jwt_lifetime;
use super::lifetime::Lifetime;
use super::secret::Mask;
use crate::Token;

/// A type of token that is no bearer token, and not the scheme that was set either, is an error.
/// [RFC 6749, section 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1) requires a type, and
/// many servers leave it out.
pub(super) fn check_type(kind: Option<&Value>, scheme: &str, mask: &Mask) -> Result<(), String> {
    let kind = match kind {
        None | Some(Value::Null) => return Ok(()),
        Some(kind) => kind.as_str(),
    };
    let is = |known| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(known));
    if is("bearer") || is(scheme) {
        return Ok(());
    }
    let kind = kind.and_then(|kind| mask.clean(kind)).unwrap_or_default();
    Err(format!(
        "the token_type is \"{kind}\", and not \"{scheme}\""
    ))
}

/// The token with the lifetime that the answer tells, else with the JWT's own, else without one.
pub(super) fn with_lifetime(token: Token, told: Option<(&Value, Lifetime)>) -> Token {
    let lifetime = told
        .and_then(|(value, lifetime)| lifetime.read(value))
        .or_else(|| jwt_lifetime(token.expose()));
    match lifetime {
        Some(lifetime) => token.expires_in(lifetime),
        None => token,
    }
}

/// The answer of OAuth ([RFC 6749, section 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)).
pub(super) fn oauth_token(answer: &Value, mask: &Mask) -> Result<Token, String> {
    let text = answer.get("access_token").and_then(Value::as_str);
    let text = text.ok_or("the response has no \"access_token\"")?;
    check_type(answer.get("token_type"), "bearer", mask)?;
    let token = Token::new(text).map_err(|error| error.to_string())?;
    let expires_in = answer.get("expires_in");
    let token = with_lifetime(token, expires_in.map(|value| (value, Lifetime::Seconds)));
    let refresh_token = answer.get("refresh_token").and_then(Value::as_str);
    Ok(match refresh_token.filter(|text| !text.is_empty()) {
        Some(refresh_token) => token.refresh_token(refresh_token),
        None => token,
    })
}
