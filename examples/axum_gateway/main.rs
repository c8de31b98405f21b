//! An axum gateway for two tenants, each with its own account upstream. It logs in for its callers,
//! who send no token. Bodies are streamed through it both ways. Gateway and upstream listen on
//! loopback ports, and the counts are the upstream's. `gateway.rs` is what there is to copy.
//!
//! ```text
//! cargo run --example axum_gateway --features testing
//! ```

mod gateway;
mod upload;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::any;
use futures::future::try_join_all;
use http_body_util::BodyExt;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tower::{BoxError, Layer};
use tower_bearer::login::Form;
use tower_bearer::testing::{Api, serve};
use tower_bearer::{BearerAuthLayer, Session, Sessions};

use self::gateway::{Gateway, OwnHeader};
use self::upload::upload;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new()
        .account("alice", "correct horse")
        .account("bob", "battery staple");
    let upstream = serve(api.guard(upstream(api.clone()))).await?;

    let http = Client::builder(TokioExecutor::new());
    let (login_client, login_at) = (http.build_http(), upstream.url().to_owned());
    let tenants = Sessions::new(move |tenant: &String| {
        let password = match tenant.as_str() {
            "alice" => "correct horse",
            "bob" => "battery staple",
            _ => return Err("no such tenant".into()),
        };
        let login = Form::new(login_client.clone(), &login_at, tenant, password)?;
        Ok(Session::builder(login).name(tenant).build())
    });
    let gateway = |own_header| Gateway {
        client: BearerAuthLayer::per_request().layer(http.build_http()),
        tenants: tenants.clone(),
        upstream: upstream.url().to_owned(),
        own_header,
    };
    let strips = serve(gateway(OwnHeader::Strip).router()).await?;
    let respects = serve(gateway(OwnHeader::Respect).router()).await?;

    let caller = http.build_http();
    two_tenants(&api, &caller, strips.url()).await?;
    upload(&api, &caller, strips.url()).await?;

    for (gateway, wanted) in [(strips, 200), (respects, 401)] {
        let own = get(gateway.url(), "/account", "alice").header(AUTHORIZATION, "Bearer own");
        let response = caller.request(own.body(Body::empty())?).await?;
        println!("a caller with its own token: {}", response.status());
        assert_eq!(response.status(), wanted);
    }
    Ok(())
}

async fn two_tenants(
    api: &Api,
    caller: &Client<HttpConnector, Body>,
    gateway: &str,
) -> Result<(), BoxError> {
    let call = async |path: &str, tenant: &str| -> Result<(StatusCode, Bytes), BoxError> {
        let request = get(gateway, path, tenant).body(Body::empty())?;
        let response = caller.request(request).await?;
        Ok((
            response.status(),
            response.into_body().collect().await?.to_bytes(),
        ))
    };

    for logins in [2, 4] {
        let callers = (0..100).map(async |number| {
            let tenant = ["alice", "bob"][number % 2];
            // The upstream says whose token it was sent.
            let (status, account) = call("/account", tenant).await?;
            assert_eq!((status, &account[..]), (StatusCode::OK, tenant.as_bytes()));
            Ok::<_, BoxError>(())
        });
        try_join_all(callers).await?;
        println!(
            "100 callers of two tenants: {} logins in all",
            api.counts().logins
        );
        assert_eq!(api.counts().logins, logins);
        println!("-- the upstream revokes both tokens --");
        api.revoke_all();
    }

    let (stranger, _) = call("/account", "mallory").await?;
    println!("a caller of no tenant: {stranger}");
    assert_eq!(stranger, StatusCode::FORBIDDEN);

    let (closed, _) = call("/closed", "bob").await?;
    println!("what refuses the gateway for good: {closed}");
    assert_eq!(closed, StatusCode::BAD_GATEWAY);
    Ok(())
}

fn get(gateway: &str, path: &str, tenant: &str) -> axum::http::request::Builder {
    Request::get(format!("{gateway}{path}")).header("x-tenant", tenant)
}

/// Only requests with a good token get here.
fn upstream(api: Api) -> Router {
    let account = async move |headers: HeaderMap| api.account_of(&headers).unwrap_or_default();
    // Sends back each chunk as it comes.
    let echo = async |request: Request| Response::new(request.into_body());
    let closed = async || StatusCode::UNAUTHORIZED;
    Router::new()
        .route("/account", any(account))
        .route("/echo", any(echo))
        .route("/closed", any(closed))
}
