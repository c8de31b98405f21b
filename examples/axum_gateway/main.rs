//! An axum gateway for two tenants, each with an account of its own upstream. It logs in on behalf
//! of its callers, who need not know of it. Bodies are streamed through it both ways. Gateway and
//! upstream listen on loopback; the counts are the upstream's.
//!
//! ```text
//! cargo run --example axum_gateway
//! ```

#[path = "../common/mod.rs"]
mod common;
mod gateway;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::any;
use futures::channel::mpsc;
use futures::future::try_join_all;
use futures::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tower::{BoxError, Layer};
use tower_bearer::login::Form;
use tower_bearer::testing::Api;
use tower_bearer::{BearerAuthLayer, Session, Sessions};

use self::common::{HttpClient, http_client, in_time, step};
use self::gateway::{Gateway, OwnHeader};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new()
        .account("alice", "correct horse")
        .account("bob", "battery staple");
    // A refused upload is answered before it has ended.
    api.refuse_early(true);
    let upstream = common::serve(api.guard(upstream(api.clone()))).await?;

    let login_at = upstream.clone();
    let tenants = Sessions::new(move |tenant: &String| {
        let password = match tenant.as_str() {
            "alice" => "correct horse",
            "bob" => "battery staple",
            _ => return Err("no such tenant".into()),
        };
        let login = Form::new(http_client(), &login_at, tenant, password)?;
        Ok(Session::builder(login).name(tenant).build())
    });
    let gateway = |own_header| Gateway {
        client: BearerAuthLayer::per_request().layer(http_client()),
        tenants: tenants.clone(),
        upstream: upstream.clone(),
        own_header,
    };
    let strips = serve(gateway(OwnHeader::Strip).router()).await?;
    let respects = serve(gateway(OwnHeader::Respect).router()).await?;
    println!("gateways listen on {strips} and {respects}\n");

    let caller = http_client();
    let get = async |path: &str, tenant: &str| -> Result<(StatusCode, Bytes), BoxError> {
        let request = Request::get(format!("{strips}{path}")).header("x-tenant", tenant);
        let (head, body) = caller
            .request(request.body(Body::empty())?)
            .await?
            .into_parts();
        Ok((head.status, body.collect().await?.to_bytes()))
    };
    let logins = || api.counts().logins;
    for wanted in 1..=2 {
        let (status, _) = get("/echo", "alice").await?;
        let seen = format!("{status}, {} logins in all", logins());
        step(
            "a caller without a token",
            seen,
            (status, logins()) == (StatusCode::OK, wanted),
        )?;
        println!("-- the upstream revokes the token --");
        api.revoke_all();
    }

    let (chunks, ended) = upload(&caller, &strips).await?;
    let seen = format!("{chunks} chunks came back, each before the next was sent");
    step("an upload of 1 MiB", seen, (chunks, ended) == (64, true))?;

    println!("-- the upstream revokes the token --");
    api.revoke_all();
    // The upstream says whose token it was sent.
    let callers = (0..100).map(async |number| {
        let tenant = ["alice", "bob"][number % 2];
        let (status, account) = get("/account", tenant).await?;
        Ok::<_, BoxError>((status, account) == (StatusCode::OK, tenant.into()))
    });
    let own = try_join_all(callers).await?;
    let own = own.into_iter().filter(|is_own| *is_own).count();
    let seen = format!("{own} as their own account, {} logins in all", logins());
    step(
        "100 callers of two tenants",
        seen,
        (own, logins()) == (100, 5),
    )?;

    let (status, _) = get("/echo", "mallory").await?;
    let seen = format!("{status}, {} logins in all", logins());
    step(
        "a caller of no tenant",
        seen,
        (status, logins()) == (StatusCode::FORBIDDEN, 5),
    )?;

    let (status, _) = get("/closed", "bob").await?;
    step(
        "what refuses the gateway",
        status,
        status == StatusCode::BAD_GATEWAY,
    )?;

    for (gateway, wanted) in [
        (&strips, StatusCode::OK),
        (&respects, StatusCode::UNAUTHORIZED),
    ] {
        let own = Request::get(format!("{gateway}/echo"))
            .header("x-tenant", "alice")
            .header(AUTHORIZATION, "Bearer own");
        let status = caller.request(own.body(Body::empty())?).await?.status();
        step("a caller with a token of its own", status, status == wanted)?;
    }
    Ok(())
}

/// Sends each chunk when the last one is back. Together they are far more than the layer keeps.
async fn upload(caller: &HttpClient<Body>, gateway: &str) -> Result<(usize, bool), BoxError> {
    let (mut upload, body) = mpsc::channel::<Result<Bytes, BoxError>>(1);
    let request = Request::post(format!("{gateway}/echo")).header("x-tenant", "alice");
    let request = request.body(Body::from_stream(body))?;
    let chunk = Bytes::from(vec![7; 16 * 1024]);
    upload.send(Ok(chunk.clone())).await?;
    let response = in_time(caller.request(request)).await??;
    let (mut echo, mut chunks) = (response.into_body().into_data_stream(), 0);
    loop {
        let mut missing = chunk.len();
        while missing > 0 {
            missing -= in_time(echo.next())
                .await?
                .ok_or("it has ended early")??
                .len();
        }
        chunks += 1;
        if chunks == 64 {
            break;
        }
        upload.send(Ok(chunk.clone())).await?;
    }
    drop(upload);
    Ok((chunks, in_time(echo.next()).await?.is_none()))
}

/// Who gets here has a good token.
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

async fn serve(router: Router) -> Result<String, BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(origin)
}
