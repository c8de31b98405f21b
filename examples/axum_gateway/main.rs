//! An axum gateway that logs in upstream on behalf of its callers, who need not know of it. Bodies
//! are streamed through it both ways. Gateway and upstream listen on loopback; the counts are the
//! upstream's.
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
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tower::{BoxError, Layer};
use tower_bearer::login::Form;
use tower_bearer::testing::Api;
use tower_bearer::{BearerAuthLayer, Origins};

use self::common::{HttpClient, http_client, in_time, is_good, step};
use self::gateway::{Gateway, OwnHeader};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new().account("gateway", "correct horse");
    let login = common::serve(api.clone()).await?;
    let upstream = serve(upstream(api.clone())).await?;

    let login = Form::new(http_client(), &login, "gateway", "correct horse")?;
    // Here the login listens elsewhere than the upstream.
    let layer = BearerAuthLayer::new(login).origins(Origins::only(&upstream)?);
    let gateway = |own_header| Gateway {
        client: layer.layer(http_client()),
        upstream: upstream.clone(),
        own_header,
    };
    let strips = serve(gateway(OwnHeader::Strip).router()).await?;
    let respects = serve(gateway(OwnHeader::Respect).router()).await?;
    println!("gateways listen on {strips} and {respects}\n");

    let caller = http_client();
    let get = async |uri: String| -> Result<StatusCode, BoxError> {
        Ok(caller.get(uri.parse()?).await?.status())
    };
    let logins = || api.counts().logins;
    for wanted in 1..=2 {
        let status = get(format!("{strips}/echo")).await?;
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

    let status = get(format!("{strips}/closed")).await?;
    step(
        "what refuses the gateway",
        status,
        status == StatusCode::BAD_GATEWAY,
    )?;

    for (gateway, wanted) in [
        (strips, StatusCode::OK),
        (respects, StatusCode::UNAUTHORIZED),
    ] {
        let own = Request::get(format!("{gateway}/echo")).header(AUTHORIZATION, "Bearer own");
        let status = caller.request(own.body(Body::empty())?).await?.status();
        step("a caller with a token of its own", status, status == wanted)?;
    }
    Ok(())
}

/// Sends each chunk when the last one is back. Together they are far more than the layer keeps.
async fn upload(caller: &HttpClient<Body>, gateway: &str) -> Result<(usize, bool), BoxError> {
    let (mut upload, body) = mpsc::channel::<Result<Bytes, BoxError>>(1);
    let request = Request::post(format!("{gateway}/echo")).body(Body::from_stream(body))?;
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

/// Sends back each chunk as it comes.
fn upstream(api: Api) -> Router {
    let echo = async move |request: Request| match is_good(&api, request.headers()) {
        true => Response::new(request.into_body()),
        false => StatusCode::UNAUTHORIZED.into_response(),
    };
    let closed = async || StatusCode::UNAUTHORIZED;
    Router::new()
        .route("/echo", any(echo))
        .route("/closed", any(closed))
}

async fn serve(router: Router) -> Result<String, BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(origin)
}
