//! Calls an API of an OAuth 2.0 server: as a service by its client credentials, and as a user by a
//! password that is sent once, since each token after the first is fetched with a refresh token.
//! The API is a stand-in on a loopback port, and the counts are the server's.
//!
//! ```text
//! cargo run --example oauth2 --features testing
//! ```

use bytes::Bytes;
use futures::future::try_join_all;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tower::{BoxError, Layer};
use tower_bearer::login::{ClientAuth, ClientCredentials, Form};
use tower_bearer::testing::{Api, serve};
use tower_bearer::{BearerAuth, BearerAuthLayer, Origins, ReplayBody};

type AuthClient = BearerAuth<Client<HttpConnector, ReplayBody<Full<Bytes>>>>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new()
        .account("alice", "correct horse")
        .client("my-app", "s3cret");
    let server = serve(api.clone()).await?;
    as_service(&api, server.url()).await?;
    as_user(&api, server.url()).await
}

async fn as_service(api: &Api, base: &str) -> Result<(), BoxError> {
    let http = Client::builder(TokioExecutor::new());
    let (token_url, auth) = (
        format!("{base}/oauth/token"),
        ClientAuth::new("my-app", "s3cret"),
    );
    // The tokens are for an API that is rarely where they are fetched.
    let api_is_at = Origins::only(base)?;
    let login = ClientCredentials::new(http.build_http(), &token_url, auth, api_is_at)?;
    let client = BearerAuthLayer::new(login.scopes(["read", "write"])).layer(http.build_http());

    for logins in 1..=2 {
        at_once(&client, base).await?;
        println!(
            "a service sends 16 requests at once, logins in all: {}",
            api.counts().logins
        );
        assert_eq!(api.counts().logins, logins);
        println!("-- the server revokes the token --");
        api.revoke_all();
    }
    Ok(())
}

async fn as_user(api: &Api, base: &str) -> Result<(), BoxError> {
    let http = Client::builder(TokioExecutor::new());
    let login = Form::new(http.build_http(), base, "alice", "correct horse")?
        .path("/oauth/token")?
        .field("grant_type", "password")?
        .client_auth(ClientAuth::new("my-app", "s3cret").in_body())
        .use_refresh_token();
    let client = BearerAuthLayer::new(login).layer(http.build_http());

    // How many of its tokens were fetched with the password, and how many with a refresh token.
    let before = api.counts();
    let counted = || {
        let now = api.counts();
        (
            now.logins_ok - before.logins_ok - now.refreshes,
            now.refreshes,
        )
    };
    // The server takes each refresh token once, and returns the next one with each token.
    for refreshes in 0..=2 {
        at_once(&client, base).await?;
        println!(
            "a user sends 16, logins by password: {}, by refresh token: {}",
            counted().0,
            counted().1
        );
        assert_eq!(counted(), (1, refreshes));
        println!("-- the server revokes the token --");
        api.revoke_all();
    }

    println!("-- and the refresh token --");
    api.revoke_refresh_tokens();
    at_once(&client, base).await?;
    println!(
        "a user sends 16, logins by password: {}, by refresh token: {}",
        counted().0,
        counted().1
    );
    assert_eq!(counted(), (2, 2));
    Ok(())
}

/// Sends 16 requests at once, and fails if one is not answered by a 200.
async fn at_once(client: &AuthClient, base: &str) -> Result<(), BoxError> {
    let requests = (0..16).map(async |_| {
        let request = Request::get(format!("{base}/users/me")).body(Full::default())?;
        let response = client.send(request).await?;
        assert_eq!(response.status(), 200);
        Ok::<_, BoxError>(())
    });
    try_join_all(requests).await?;
    Ok(())
}
