//! The ways to log in: what each takes, and how it turns a login down.

use http::HeaderMap;
use serde_json::Value;

use super::grant::Grant;
use super::oauth;
use super::reply::{self, Reply};
use super::state::State;
use super::wire::{self, Kind};

pub(super) fn log_in(
    state: &mut State,
    kind: Kind,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Grant, Reply> {
    let (name, password) = match kind {
        Kind::Datafiniti => in_json(headers, body)?,
        Kind::Form => in_form(headers, body)?,
        Kind::OAuth => {
            let granted = oauth::grant(state, headers, body);
            return granted.map_err(|rejection| reply::oauth_rejected(&rejection));
        }
    };
    let user = state.user(&name, &password);
    let user = user.ok_or_else(|| reply::wrong_credentials(kind))?;
    Ok(state.grant(kind, user))
}

fn in_json(headers: &HeaderMap, body: &[u8]) -> Result<(String, String), Reply> {
    if wire::media_type(headers) != "application/json" {
        return Err(reply::not_json());
    }
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(reply::not_an_object());
    };
    let field = |name| fields.get(name)?.as_str().map(str::to_owned);
    both(Kind::Datafiniti, ["email", "password"], field)
}

fn in_form(headers: &HeaderMap, body: &[u8]) -> Result<(String, String), Reply> {
    // FastAPI finds no fields in a body of another type.
    let body = if wire::is_form(headers) { body } else { &[] };
    let field = |name| {
        let mut fields = form_urlencoded::parse(body);
        fields.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    };
    both(Kind::Form, ["username", "password"], field)
}

/// An empty field counts as missing.
fn both(
    kind: Kind,
    names: [&'static str; 2],
    field: impl Fn(&'static str) -> Option<String>,
) -> Result<(String, String), Reply> {
    match names.map(|name| field(name).filter(|value| !value.is_empty())) {
        [Some(name), Some(password)] => Ok((name, password)),
        [None, None] => Err(reply::missing(kind, &names)),
        [None, _] => Err(reply::missing(kind, &names[..1])),
        [_, None] => Err(reply::missing(kind, &names[1..])),
    }
}
