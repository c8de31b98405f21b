//! The token endpoint of an OAuth 2.0 server: grants, clients and refresh tokens.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

use super::grant::{Grant, Rejection, User};
use super::reply;
use super::state::State;
use super::wire::{self, Kind};

type Fields = HashMap<String, String>;

pub(super) fn grant(
    state: &mut State,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Grant, Rejection> {
    let fields = fields(headers, body)?;
    let client = client(state, headers, &fields)?;
    match fields.get("grant_type").map(String::as_str) {
        Some("password") => {
            let credentials = fields.get("username").zip(fields.get("password"));
            let required = Rejection::invalid("username and password are required");
            let (name, password) = credentials.ok_or(required)?;
            let user = state.user(name, password);
            let user = user.ok_or(Rejection::WRONG_PASSWORD)?;
            Ok(with_refresh_token(state, user))
        }
        Some("client_credentials") => {
            let name = client.ok_or(Rejection::Credentials)?;
            Ok(state.grant(Kind::OAuth, User { id: 0, name }))
        }
        Some("refresh_token") => {
            let refresh_token = fields.get("refresh_token");
            refresh(
                state,
                refresh_token.ok_or(Rejection::invalid("refresh_token is required"))?,
            )
        }
        Some(_) => Err(Rejection::UNKNOWN_GRANT),
        None => Err(Rejection::invalid("grant_type is required")),
    }
}

fn refresh(state: &mut State, refresh_token: &str) -> Result<Grant, Rejection> {
    let server = &mut state.oauth;
    let keeps = server.keeps_refresh_tokens;
    let user = match keeps {
        true => server.refresh_tokens.get(refresh_token).cloned(),
        false => server.refresh_tokens.remove(refresh_token),
    };
    let user = user.ok_or(Rejection::UNKNOWN_TOKEN)?;
    state.counts.refreshes += 1;
    Ok(match keeps {
        true => state.grant(Kind::OAuth, user),
        false => with_refresh_token(state, user),
    })
}

fn with_refresh_token(state: &mut State, user: User) -> Grant {
    let server = &mut state.oauth;
    server.refresh_tokens_issued += 1;
    let refresh_token = reply::refresh_token(server.refresh_tokens_issued);
    server
        .refresh_tokens
        .insert(refresh_token.clone(), user.clone());
    Grant {
        refresh_token: Some(refresh_token),
        ..state.grant(Kind::OAuth, user)
    }
}

fn fields(headers: &HeaderMap, body: &[u8]) -> Result<Fields, Rejection> {
    if !wire::is_form(headers) {
        return Err(Rejection::invalid("The body is not a form"));
    }
    let mut fields = Fields::new();
    for (name, value) in form_urlencoded::parse(body) {
        // RFC 8707 allows this one more than once. RFC 6749, section 3.2, allows no other.
        let once = name != "resource";
        if fields
            .insert(name.into_owned(), value.into_owned())
            .is_some()
            && once
        {
            return Err(Rejection::invalid("A field is there twice"));
        }
    }
    // A field without a value counts as absent.
    fields.retain(|_, value| !value.is_empty());
    Ok(fields)
}

/// The client, if any is known at all.
fn client(
    state: &State,
    headers: &HeaderMap,
    fields: &Fields,
) -> Result<Option<String>, Rejection> {
    let clients = &state.oauth.clients;
    if clients.is_empty() {
        return Ok(None);
    }
    let in_body = fields.get("client_id").cloned();
    let in_body = in_body.zip(fields.get("client_secret").cloned());
    let client = match (headers.get(header::AUTHORIZATION), in_body) {
        (Some(_), Some(_)) => return Err(Rejection::invalid("The client is named twice")),
        (Some(value), None) => basic(value.as_bytes()),
        (None, in_body) => in_body,
    };
    let (id, secret) = client.ok_or(Rejection::Credentials)?;
    match clients.get(&id) == Some(&secret) {
        true => Ok(Some(id)),
        false => Err(Rejection::Credentials),
    }
}

/// Section 2.3.1: id and secret are form-encoded before they are joined.
fn basic(value: &[u8]) -> Option<(String, String)> {
    let credentials = STANDARD.decode(value.strip_prefix(b"Basic ")?).ok()?;
    let mut parts = credentials.splitn(2, |byte| *byte == b':');
    let mut next = || {
        let (text, _) = form_urlencoded::parse(parts.next()?).next()?;
        Some(text.into_owned())
    };
    Some((next()?, next()?))
}
