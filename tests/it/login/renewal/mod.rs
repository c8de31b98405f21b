//! D5, D4: renewals as a session makes them, with a server that takes each refresh token once.

mod accounts;
mod failures;
mod refreshes;
mod sources;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, ServiceExt};
use tower_bearer::BearerAuthLayer;
use tower_bearer::login::{ClientAuth, Form};
use tower_bearer::testing::{Api, Counts};

use crate::support::{Body, get};

const BASE: &str = "https://api.example.com";
const MINUTE: Duration = Duration::from_secs(60);

type ApiClient = BoxCloneService<Request<Body>, Response<Full<Bytes>>, BoxError>;

/// Tokens live for a minute, and are renewed when they have expired.
fn api() -> Api {
    let api = Api::new()
        .account("alice", "secret")
        .client("app", "s3cret");
    api.token_lifetime(MINUTE).announce_lifetime(true)
}

fn login(client: ApiClient) -> Form {
    let form = Form::new(client, BASE, "alice", "secret").unwrap();
    form.path("/oauth/token")
        .unwrap()
        .field("grant_type", "password")
        .unwrap()
        .client_auth(ClientAuth::new("app", "s3cret"))
        .use_refresh_token()
}

fn client_of(api: &Api) -> ApiClient {
    BoxCloneService::new(api.clone())
}

fn layer(api: &Api) -> BearerAuthLayer {
    BearerAuthLayer::new(login(client_of(api)))
}

async fn ask(layer: &BearerAuthLayer, api: &Api) -> Result<Response<Full<Bytes>>, BoxError> {
    let client = layer.layer(api.clone());
    client
        .oneshot(get("https://api.example.com/users/me"))
        .await
}

async fn status(layer: &BearerAuthLayer, api: &Api) -> StatusCode {
    ask(layer, api).await.unwrap().status()
}

/// Logins by the password, and by a refresh token.
fn passwords_and_refreshes(counts: Counts) -> (u64, u64) {
    (counts.logins_ok - counts.refreshes, counts.refreshes)
}
