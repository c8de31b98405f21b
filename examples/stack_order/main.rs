//! The layer among others, in an order that makes sense: see the page `tower_bearer::docs::stack`.
//! The upstream, on loopback, redirects, is overloaded once, and has revoked the token.
//!
//! ```text
//! cargo run --example stack_order
//! ```

#[path = "../common/mod.rs"]
mod common;
mod parts;

use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use tower::retry::RetryLayer;
use tower::{BoxError, ServiceBuilder, ServiceExt};
use tower_bearer::login::Form;
use tower_bearer::testing::Api;
use tower_bearer::{BearerAuthLayer, Origins};
use tower_http::decompression::DecompressionLayer;
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_http::trace::TraceLayer;

use self::common::{Body, http_client, step};
use self::parts::{Overloaded, Seen, serve};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let login = common::serve(api.clone()).await?;
    let upstream = serve(api.clone()).await?;

    // What is to hold for logins is a layer around the login's client.
    let login_client = ServiceBuilder::new()
        .timeout(secs(5))
        .service(http_client());
    let login = Form::new(login_client, &login, "alice", "correct horse")?;
    let (requests, attempts) = (Seen::default(), Seen::default());
    let client = ServiceBuilder::new()
        // One line for each request of the caller, with the time that it took in all.
        .layer(TraceLayer::new_for_http().on_response(requests.clone()))
        .layer(DecompressionLayer::new())
        // Around, so that each hop is a request of its own: to another origin it goes without a token.
        .layer(FollowRedirectLayer::new())
        // Around, so that it repeats with the newest token; and it can clone the caller's body.
        .layer(RetryLayer::new(Overloaded))
        // A login and two attempts. A login that takes longer goes on for the next request.
        .timeout(secs(30))
        .layer(BearerAuthLayer::new(login).origins(Origins::only(&upstream)?))
        // One line for each attempt.
        .layer(TraceLayer::new_for_http().on_response(attempts.clone()))
        // Inside, so that its permits are free while a login is waited for.
        .concurrency_limit(8)
        // One attempt.
        .timeout(secs(10))
        .service(http_client());

    for (what, wanted) in [
        ("overloaded, then redirected", &[503, 303, 200][..]),
        ("the token was revoked", &[401, 303, 200]),
    ] {
        let request = Request::get(format!("{upstream}/old")).body(Body::default())?;
        let response = client.clone().oneshot(request).await?;
        let body = response.into_body().collect().await?.to_bytes();
        let (request, attempts) = (requests.take(), attempts.take());
        let seen = format!("{request:?} to the caller, {attempts:?} on the wire");
        step(
            what,
            seen,
            body == "welcome".repeat(100) && request == [200] && attempts == wanted,
        )?;
        api.revoke_all();
    }
    step("logins", api.counts().logins, api.counts().logins == 2)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
