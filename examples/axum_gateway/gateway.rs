//! What there is to copy: an axum handler over a client that logs in as each tenant.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tower_bearer::{AuthError, BearerAuth, ReplayBody, Sessions};

#[derive(Clone)]
pub(crate) struct Gateway {
    /// Made by `BearerAuthLayer::per_request()`: it has no account of its own, so it cannot mix them
    /// up.
    pub(crate) client: BearerAuth<Client<HttpConnector, ReplayBody<Body>>>,
    pub(crate) tenants: Sessions<String>,
    pub(crate) upstream: String,
    pub(crate) own_header: OwnHeader,
}

/// What happens to an `Authorization` that a caller sends.
#[derive(Clone, Copy)]
pub(crate) enum OwnHeader {
    /// What a gateway should do. The header was meant for the gateway, not for the upstream. The
    /// layer leaves a request alone that has the header already, so any caller could go upstream
    /// under a name of its own.
    Strip,
    /// For a gateway whose accounts are only for callers that send none.
    Respect,
}

impl Gateway {
    pub(crate) fn router(self) -> Router {
        Router::new().fallback(forward).with_state(self)
    }
}

/// Says who a caller is. A real gateway authenticates its callers.
const TENANT: &str = "x-tenant";

async fn forward(State(gateway): State<Gateway>, mut request: Request) -> Response {
    if let OwnHeader::Strip = gateway.own_header {
        request.headers_mut().remove(AUTHORIZATION);
    }
    let tenant = request.headers_mut().remove(TENANT);
    let Some(Ok(tenant)) = tenant.as_ref().map(HeaderValue::to_str) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    match gateway.tenants.get(&tenant.to_owned()) {
        Ok(session) => drop(request.extensions_mut().insert(session)),
        Err(error) if error.is_unavailable() => {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        Err(_) => return StatusCode::FORBIDDEN.into_response(),
    }
    // The client sets that of the upstream.
    request.headers_mut().remove(HOST);
    let path = request.uri().path_and_query();
    let uri = format!("{}{}", gateway.upstream, path.map_or("/", |it| it.as_str()));
    match Uri::try_from(uri) {
        Ok(uri) => *request.uri_mut() = uri,
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
    }
    let is_ours = !request.headers().contains_key(AUTHORIZATION);

    // Bodies are streamed, and nothing is read ahead.
    match gateway.client.send(request).await {
        // It is the gateway that was refused. A 401 would make the caller log in.
        Ok(response) if is_ours && response.status() == StatusCode::UNAUTHORIZED => {
            StatusCode::BAD_GATEWAY.into_response()
        }
        Ok(response) => response.map(Body::new),
        Err(error) => match error.downcast_ref::<AuthError>() {
            Some(error) if error.is_unavailable() => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        }
        .into_response(),
    }
}
