//! Searches Datafiniti's API without handling a token.
//!
//! With no setup it runs against a stand-in on a loopback port and shows when the layer logs in; the
//! counts are the server's. With `DATAFINITI_EMAIL` and `DATAFINITI_PASSWORD` set it makes one
//! search of one record against the real API, over TLS.
//!
//! ```text
//! cargo run --example datafiniti --features testing
//! ```

use std::env;

use bytes::Bytes;
use futures::future::try_join_all;
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tower::{BoxError, Layer, service_fn};
use tower_bearer::login::Datafiniti;
use tower_bearer::testing::{Api, serve};
use tower_bearer::{AuthError, BearerAuth, BearerAuthLayer, ReplayBody};

type HttpClient<B> = Client<HttpsConnector<HttpConnector>, B>;
type AuthClient = BearerAuth<HttpClient<ReplayBody<Full<Bytes>>>>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (email, password) = ("DATAFINITI_EMAIL", "DATAFINITI_PASSWORD");
    if let (Ok(email), Ok(password)) = (env::var(email), env::var(password)) {
        return real(&email, &password).await;
    }
    let api = Api::new().account("me@example.com", "correct horse");
    let server = serve(api.clone()).await?;
    let base = server.url();

    let login = Datafiniti::new(http_client(), "me@example.com", "correct horse").base_url(base)?;
    let client = BearerAuthLayer::new(login).layer(http_client());
    let logins = || api.counts().logins;
    println!("a client of {base} is built: {} logins", logins());
    assert_eq!(logins(), 0);

    search(&client, base).await?;
    println!("the first search: {} login", logins());
    assert_eq!(logins(), 1);

    try_join_all((0..16).map(|_| search(&client, base))).await?;
    println!("16 searches at once: {} login in all", logins());
    assert_eq!(logins(), 1);

    println!("-- the server revokes the token --");
    api.revoke_all();
    try_join_all((0..16).map(|_| search(&client, base))).await?;
    println!("16 more, refused and retried: {} logins in all", logins());
    assert_eq!(logins(), 2);

    // Storage takes the signature of a link or a token, and not both. A token is sent to its own
    // origins only, so the same client can follow the link.
    let storage = serve(service_fn(storage)).await?;
    let link = format!("{}/records.json?X-Amz-Signature=5f", storage.url());
    let link = Request::get(link).body(Full::default())?;
    let status = client.send(link).await?.status();
    println!("a signed download link, followed without the token: {status}");
    assert_eq!(status, 200);

    println!("-- the password is changed, which ends the token --");
    api.change_password("me@example.com", "battery staple");
    println!("a search: {}", rejection(&client, base).await?);
    let login =
        Datafiniti::new(http_client(), "me@example.com", "battery staple").base_url(base)?;
    client.session().replace_source(login);
    search(&client, base).await?;
    println!("a search with the new password: {} logins in all", logins());
    assert_eq!(logins(), 4);

    println!("-- another client has a wrong password --");
    let login = Datafiniti::new(http_client(), "me@example.com", "wrong horse").base_url(base)?;
    let mistaken = BearerAuthLayer::new(login).layer(http_client());
    for _ in 0..2 {
        println!("a search: {}", rejection(&mistaken, base).await?);
    }
    println!("one login for both, {} in all", logins());
    assert_eq!(logins(), 5);
    Ok(())
}

async fn real(email: &str, password: &str) -> Result<(), BoxError> {
    let login = Datafiniti::new(http_client(), email, password);
    let client = BearerAuthLayer::new(login).layer(http_client());
    let found = search(&client, "https://api.datafiniti.co").await?;
    println!("{found} properties found");
    Ok(())
}

/// hyper-util's client over rustls. It follows no redirects, as a login's client must not.
fn http_client<B: Body<Data: Send> + Send>() -> HttpClient<B> {
    let tls = HttpsConnectorBuilder::new().with_webpki_roots();
    let connector = tls.https_or_http().enable_http1().build();
    Client::builder(TokioExecutor::new()).build(connector)
}

/// Returns how many properties there are in Austin.
async fn search(client: &AuthClient, base: &str) -> Result<u64, BoxError> {
    let request = Request::post(format!("{base}/v4/properties/search"))
        .header("content-type", "application/json")
        .body(Full::from(r#"{"query":"city:Austin","num_records":1}"#))?;
    let response = client.send(request).await?;
    if let Some(error) = AuthError::of(&response) {
        return Err(error.clone().into());
    }
    let (status, body) = (response.status(), response.into_body().collect().await?);
    let answer: Value = serde_json::from_slice(&body.to_bytes())?;
    let found = answer["num_found"].as_u64();
    found.ok_or_else(|| format!("{status}: {answer}").into())
}

/// Returns the error of a search that fails because the login was rejected.
async fn rejection(client: &AuthClient, base: &str) -> Result<BoxError, BoxError> {
    match search(client, base).await {
        Err(error) if AuthError::find(&*error).is_some_and(AuthError::is_rejected) => Ok(error),
        result => Err(format!("not rejected, but {result:?}").into()),
    }
}

/// In place of the storage that Datafiniti's download links lead to.
async fn storage(request: Request<Incoming>) -> Result<Response<String>, BoxError> {
    let mut response = Response::new("[]".to_owned());
    if request.headers().contains_key(AUTHORIZATION) {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}
