//! The layer among others, in an order that works: see the page `tower_bearer::docs::stack`. The
//! upstream, on a loopback port, redirects, is overloaded once, and revokes the token.
//!
//! ```text
//! cargo run --example stack_order --features testing
//! ```

mod parts;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::retry::RetryLayer;
use tower::{BoxError, ServiceBuilder, ServiceExt};
use tower_bearer::login::Form;
use tower_bearer::testing::{Api, serve};
use tower_bearer::{BearerAuthLayer, Origins};
use tower_http::decompression::DecompressionLayer;
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_http::trace::TraceLayer;

use self::parts::{Overloaded, Seen, upstream};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let login = serve(api.clone()).await?;
    let server = serve(upstream(api.clone())).await?;

    // Layers for logins go around the login's client.
    let http = Client::builder(TokioExecutor::new());
    let login_client = ServiceBuilder::new()
        .timeout(secs(5))
        .service(http.build_http());
    let login = Form::new(login_client, login.url(), "alice", "correct horse")?;
    let (requests, attempts) = (Seen::default(), Seen::default());
    let client = ServiceBuilder::new()
        // One line for each request of the caller, with the time that it took in all.
        .layer(TraceLayer::new_for_http().on_response(requests.clone()))
        .layer(DecompressionLayer::new())
        // Outside, so each hop is a request of its own: one to another origin carries no token.
        .layer(FollowRedirectLayer::new())
        // Outside, so it repeats with the newest token. And it can clone the caller's body.
        .layer(RetryLayer::new(Overloaded))
        // A login and two attempts. A login that takes longer goes on for the next request.
        .timeout(secs(30))
        .layer(BearerAuthLayer::new(login).origins(Origins::only(server.url())?))
        // One line for each attempt.
        .layer(TraceLayer::new_for_http().on_response(attempts.clone()))
        // Inside, so its permits are free while a request waits for a login.
        .concurrency_limit(8)
        // One attempt.
        .timeout(secs(10))
        .service(http.build_http());

    for wanted in [
        // Overloaded, then redirected.
        [503, 303, 200],
        // The token was revoked.
        [401, 303, 200],
    ] {
        let request = Request::get(format!("{}/old", server.url()));
        let request = request.body(Full::<Bytes>::default())?;
        let response = client.clone().oneshot(request).await?;
        let body = response.into_body().collect().await?.to_bytes();
        let (request, attempts) = (requests.take(), attempts.take());
        println!("{request:?} to the caller, {attempts:?} on the wire");
        assert_eq!((request, attempts), (vec![200], wanted.to_vec()));
        assert_eq!(body, "welcome".repeat(100));
        api.revoke_all();
    }
    println!("{} logins", api.counts().logins);
    assert_eq!(api.counts().logins, 2);
    Ok(())
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
