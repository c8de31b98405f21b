//! [`Answer`]: what a server sent, and what of it is read alike by every preset.

use std::time::SystemTime;

use serde_json::Value;

use crate::login::jwt::jwt_rest;
use crate::login::lifetime::Lifetime;
use crate::login::mask::Mask;
use crate::token::Token;
use crate::wiped::Wiped;

/// The JSON that a server sent, wiped when dropped: it may hold tokens.
pub(super) struct Answer(Wiped);

impl Answer {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes)
            .ok()
            .map(|json| Self(Wiped(json)))
    }

    pub(super) fn json(&self) -> &Value {
        &self.0.0
    }
}

/// A type of token that is no bearer token, and not the scheme that was set either, is an error.
/// [RFC 6749, section 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1) requires a type, and
/// many servers leave it out.
pub(super) fn check_type(kind: Option<&Value>, scheme: &str, mask: &Mask) -> Result<(), String> {
    let kind = match kind {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(kind)) => kind.trim(),
        Some(_) => {
            return Err(format!(
                "the token_type is not a text: expected \"{scheme}\""
            ));
        }
    };
    if kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case(scheme) {
        return Ok(());
    }
    let kind = mask.clean(kind).unwrap_or_default();
    Err(format!(
        "unsupported token_type \"{kind}\": expected \"{scheme}\""
    ))
}

/// The token with the lifetime in the answer, else with the JWT's own, else without one.
pub(super) fn with_lifetime(token: Token, told: Option<(&Value, Lifetime)>) -> Token {
    let told = told.and_then(|(value, lifetime)| lifetime.read(value));
    // Zero is ignored.
    if let Some(told) = told.filter(|told| !told.is_zero()) {
        return token.expires_in(told);
    }
    match jwt_rest(token.expose(), SystemTime::now()) {
        Some(rest) => token.lives_by_its_claims(rest),
        None => token,
    }
}

/// The answer of OAuth ([RFC 6749, section
/// 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)).
///
/// `any_type`: the token is a bearer token, whatever the answer calls it.
pub(super) fn oauth_token(answer: &Value, any_type: bool, mask: &Mask) -> Result<Token, String> {
    let text = answer.get("access_token").and_then(Value::as_str);
    let text = text.ok_or("the response has no \"access_token\"")?;
    if !any_type {
        check_type(answer.get("token_type"), "bearer", mask)?;
    }
    let token = Token::new(text).map_err(|error| error.to_string())?;
    let expires_in = answer.get("expires_in");
    let token = with_lifetime(token, expires_in.map(|value| (value, Lifetime::Seconds)));
    Ok(match refresh_token(answer) {
        Some(refresh_token) => token.refresh_token(refresh_token),
        None => token,
    })
}

pub(super) fn refresh_token(answer: &Value) -> Option<&str> {
    let text = answer.get("refresh_token").and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
}
