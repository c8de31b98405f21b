//! Calls an API of an OAuth 2.0 server, on a stand-in on loopback: as a service by its client
//! credentials, and as a user by a password that goes out once, since each token after the first
//! comes for a refresh token. The counts are the server's.
//!
//! ```text
//! cargo run --example oauth2
//! ```

mod common;

use http::Request;
use tower::BoxError;
use tower_bearer::Origins;
use tower_bearer::login::{ClientAuth, ClientCredentials, Form};
use tower_bearer::testing::Api;

use self::common::{Body, at_once, auth_client, http_client, serve, step};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new()
        .account("alice", "correct horse")
        .client("my-app", "s3cret");
    let base = serve(api.clone()).await?;
    println!("a stand-in with an OAuth 2.0 token endpoint listens on {base}\n");

    service(&api, &base).await?;
    user(&api, &base).await
}

async fn service(api: &Api, base: &str) -> Result<(), BoxError> {
    println!("-- a service, by its client credentials --");
    let auth = ClientAuth::new("my-app", "s3cret");
    let url = format!("{base}/oauth/token");
    let login = ClientCredentials::new(http_client(), &url, auth, Origins::only(base)?)?;
    let client = auth_client(login.scopes(["read", "write"]));
    let logins = || api.counts().logins;

    let answered = at_once(&client, 16, || me(base)).await?;
    let seen = format!("{answered} answered, {} login in all", logins());
    step("16 requests at once", seen, (answered, logins()) == (16, 1))?;

    api.revoke_all();
    println!("-- the server revokes the token --");
    let answered = at_once(&client, 16, || me(base)).await?;
    let seen = format!("{answered} answered, {} logins in all", logins());
    step("16 requests at once", seen, (answered, logins()) == (16, 2))
}

async fn user(api: &Api, base: &str) -> Result<(), BoxError> {
    println!("-- a user, by a password and then by refresh tokens --");
    let login = Form::new(http_client(), base, "alice", "correct horse")?
        .path("/oauth/token")?
        .field("grant_type", "password")?
        .client_auth(ClientAuth::new("my-app", "s3cret").in_body())
        .use_refresh_token();
    let client = auth_client(login);
    let before = api.counts();
    let by_password = || api.counts().logins_ok - before.logins_ok - api.counts().refreshes;
    let seen = || {
        format!(
            "{} by password, {} by refresh token",
            by_password(),
            api.counts().refreshes
        )
    };
    let counted = || (by_password(), api.counts().refreshes);

    let answered = at_once(&client, 1, || me(base)).await?;
    step(
        "the first request",
        seen(),
        (answered, counted()) == (1, (1, 0)),
    )?;

    // The server takes each refresh token once, and gives another one with each token.
    for round in 1..=2 {
        api.revoke_all();
        let answered = at_once(&client, 16, || me(base)).await?;
        let holds = (answered, counted()) == (16, (1, round));
        step("16 requests, the token revoked", seen(), holds)?;
    }

    api.revoke_all();
    api.revoke_refresh_tokens();
    let answered = at_once(&client, 16, || me(base)).await?;
    let holds = (answered, counted()) == (16, (2, 2));
    step("the refresh token revoked as well", seen(), holds)
}

fn me(base: &str) -> Result<Request<Body>, http::Error> {
    Request::get(format!("{base}/users/me")).body(Body::default())
}
