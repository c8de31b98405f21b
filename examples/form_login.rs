//! Calls an API whose login is a form (`username` and `password` → `access_token`), as FastAPI's
//! and many OAuth 2.0 servers' is. The API is a stand-in on a loopback port, and the counts are the
//! server's.
//!
//! ```text
//! cargo run --example form_login --features testing
//! ```

use bytes::Bytes;
use futures::future::try_join_all;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tower::{BoxError, Layer};
use tower_bearer::login::Form;
use tower_bearer::testing::{Api, serve};
use tower_bearer::{AuthError, BearerAuth, BearerAuthLayer, ReplayBody};

type AuthClient = BearerAuth<Client<HttpConnector, ReplayBody<Full<Bytes>>>>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let server = serve(api.clone()).await?;

    // For an API over TLS the connector is one of `hyper-rustls`.
    let http = Client::builder(TokioExecutor::new());
    let login = Form::new(http.build_http(), server.url(), "alice", "correct horse")?;
    let client = BearerAuthLayer::new(login).layer(http.build_http());

    let me = || Request::get(format!("{}/users/me", server.url())).body(Full::default());
    let user = send(&client, me()?).await?;
    println!("who am I? {user}");
    assert_eq!(user, r#"{"user_id":1,"username":"alice"}"#);

    let more = (0..16).map(async |_| send(&client, me()?).await);
    try_join_all(more).await?;
    println!("16 more at once: {} login in all", api.counts().logins);
    assert_eq!(api.counts().logins, 1);

    api.revoke_all();
    let upload = Request::post(format!("{}/echo", server.url())).body(Full::from("not lost"))?;
    let echo = send(&client, upload).await?;
    let logins = api.counts().logins;
    println!("the server revokes the token, an upload: {echo:?}, {logins} logins in all");
    assert_eq!((&*echo, logins), ("not lost", 2));

    let login = Form::new(http.build_http(), server.url(), "alice", "wrong horse")?;
    let mistaken = BearerAuthLayer::new(login).layer(http.build_http());
    let error = send(&mistaken, me()?).await.err();
    let error = error.ok_or("any password is good")?;
    println!("a wrong password: {error}");
    assert!(AuthError::find(&*error).is_some_and(AuthError::is_rejected));
    Ok(())
}

/// Returns the body of the response, if that is a success.
async fn send(client: &AuthClient, request: Request<Full<Bytes>>) -> Result<String, BoxError> {
    let response = client.send(request).await?;
    if !response.status().is_success() {
        return Err(response.status().as_str().into());
    }
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.into())?)
}
