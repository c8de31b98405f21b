//! The ways to log in: what each takes, and why it turns a login down.

use http::HeaderMap;
use serde_json::Value;

use super::grant::{Grant, Rejection};
use super::oauth;
use super::state::State;
use super::wire::{self, Kind};

pub(super) fn log_in(
    state: &mut State,
    kind: Kind,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Grant, Rejection> {
    let (name, password) = match kind {
        Kind::Datafiniti => in_json(headers, body)?,
        Kind::Form => in_form(headers, body)?,
        Kind::OAuth => return oauth::grant(state, headers, body),
    };
    let user = state.user(&name, &password);
    Ok(state.grant(kind, user.ok_or(Rejection::Credentials)?))
}

fn in_json(headers: &HeaderMap, body: &[u8]) -> Result<(String, String), Rejection> {
    if wire::media_type(headers) != "application/json" {
        return Err(Rejection::NotJson);
    }
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(Rejection::NotAnObject);
    };
    let field = |name| fields.get(name)?.as_str().map(str::to_owned);
    both(["email", "password"], field)
}

fn in_form(headers: &HeaderMap, body: &[u8]) -> Result<(String, String), Rejection> {
    // FastAPI finds no fields in a body of another type.
    let body = if wire::is_form(headers) { body } else { &[] };
    let field = |name| {
        let mut fields = form_urlencoded::parse(body);
        fields.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    };
    both(["username", "password"], field)
}

/// An empty field counts as missing.
fn both(
    names: [&'static str; 2],
    field: impl Fn(&'static str) -> Option<String>,
) -> Result<(String, String), Rejection> {
    match names.map(|name| field(name).filter(|value| !value.is_empty())) {
        [Some(name), Some(password)] => Ok((name, password)),
        [None, None] => Err(Rejection::Missing(names.to_vec())),
        [None, _] => Err(Rejection::Missing(vec![names[0]])),
        [_, None] => Err(Rejection::Missing(vec![names[1]])),
    }
}
