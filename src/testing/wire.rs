//! What a request says: its path, its token, its content type. Knows no state.

use bytes::Bytes;
use http::{HeaderMap, Method, header};

/// The kinds of login, each with its own form of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Datafiniti,
    Form,
    OAuth,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Search,
    Me,
    Echo,
}

pub(super) enum Route {
    Login(Kind),
    Resource(Resource),
    /// With the method that would have been right.
    WrongMethod(&'static str),
    NotFound,
}

pub(super) fn route(method: &Method, path: &str) -> Route {
    let (allowed, found) = match path {
        "/v4/auth" => ("POST", Route::Login(Kind::Datafiniti)),
        "/v4/properties/search" => ("POST", Route::Resource(Resource::Search)),
        "/auth/login" => ("POST", Route::Login(Kind::Form)),
        "/oauth/token" => ("POST", Route::Login(Kind::OAuth)),
        "/users/me" => ("GET", Route::Resource(Resource::Me)),
        "/echo" => ("POST", Route::Resource(Resource::Echo)),
        _ => return Route::NotFound,
    };
    if method.as_str() == allowed {
        found
    } else {
        Route::WrongMethod(allowed)
    }
}

/// What a request's `Authorization` holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer<'a> {
    None,
    Token(&'a str),
    Several,
}

pub(super) fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let first = values.next();
    if values.next().is_some() {
        return Bearer::Several;
    }
    match first
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
    {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Bearer::Token(token.trim_start())
        }
        _ => Bearer::None,
    }
}

/// A request's body, read to its end.
#[derive(Default)]
pub(super) struct Received {
    pub(super) bytes: Bytes,
    pub(super) trailers: HeaderMap,
}

/// In lower case, and without parameters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

pub(super) fn is_form(headers: &HeaderMap) -> bool {
    media_type(headers) == "application/x-www-form-urlencoded"
}
