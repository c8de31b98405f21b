//! Searches Datafiniti's API without ever speaking of tokens.
//!
//! With no setup it runs against a stand-in on loopback and shows when the layer logs in; the
//! counts are the server's. With `DATAFINITI_EMAIL` and `DATAFINITI_PASSWORD` set it makes one
//! search of one record against the real API, over TLS.
//!
//! ```text
//! cargo run --example datafiniti
//! ```

mod common;

use std::env;

use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tower::{BoxError, ServiceExt, service_fn};
use tower_bearer::AuthError;
use tower_bearer::login::Datafiniti;
use tower_bearer::testing::Api;

use self::common::{AuthClient, Body, at_once, auth_client, http_client, serve, step};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    match (
        env::var("DATAFINITI_EMAIL"),
        env::var("DATAFINITI_PASSWORD"),
    ) {
        (Ok(email), Ok(password)) => real(&email, &password).await,
        _ => stand_in().await,
    }
}

async fn stand_in() -> Result<(), BoxError> {
    let api = Api::new().account("me@example.com", "correct horse");
    let base = serve(api.clone()).await?;
    println!("Datafiniti's stand-in listens on {base}\n");

    let client = client(&base, "me@example.com", "correct horse")?;
    let logins = || api.counts().logins;
    step(
        "the client is built",
        format!("{} logins", logins()),
        logins() == 0,
    )?;

    let answered = at_once(&client, 1, || search(&base)).await?;
    let seen = format!("{answered} answered, {} login in all", logins());
    step("the first search", seen, (answered, logins()) == (1, 1))?;

    let answered = at_once(&client, 16, || search(&base)).await?;
    let seen = format!("{answered} answered, {} login in all", logins());
    step("16 searches at once", seen, (answered, logins()) == (16, 1))?;

    api.revoke_all();
    println!("-- the server revokes the token --");
    let answered = at_once(&client, 16, || search(&base)).await?;
    let refused = api.counts().refused;
    let seen = format!(
        "{answered} answered ({refused} refused first), {} logins in all",
        logins()
    );
    step(
        "16 searches at once",
        seen,
        (answered, logins()) == (16, 2) && refused > 0,
    )?;

    // Storage takes the signature of a link or a token, and not both. A token goes to its origins
    // only, so the same client can follow the link.
    let link = format!(
        "{}/records.json?X-Amz-Signature=5f",
        serve(service_fn(storage)).await?
    );
    let response = client
        .clone()
        .oneshot(Request::get(link).body(Body::default())?);
    let response = response.await?;
    let without = AuthError::of(&response).is_some_and(AuthError::is_foreign_origin);
    let seen = format!("{}, asked for without the token", response.status());
    step(
        "a signed download link",
        seen,
        without && response.status() == 200,
    )?;

    println!("-- the password is changed, which ends the token --");
    api.change_password("me@example.com", "battery staple");
    let rejected = client.clone().oneshot(search(&base)?).await?;
    let error = AuthError::of(&rejected).cloned().ok_or("no error")?;
    let seen = format!("{}: {error}", rejected.status());
    step(
        "a search",
        seen,
        rejected.status() == 401 && error.is_rejected(),
    )?;
    let login = Datafiniti::new(http_client(), "me@example.com", "battery staple");
    client.session().replace_source(login.base_url(&base)?);
    let answered = at_once(&client, 1, || search(&base)).await?;
    let seen = format!("{answered} answered");
    step("a search with the new password", seen, answered == 1)?;

    println!("-- another client has a wrong password --");
    let mistaken = self::client(&base, "me@example.com", "wrong horse")?;
    let error = mistaken.oneshot(search(&base)?).await.err();
    let error = error.and_then(|error| error.downcast::<AuthError>().ok());
    let rejected = error.as_ref().is_some_and(|error| error.is_rejected());
    let requests = api.counts().requests;
    step(
        "a search",
        error.map_or("no error".to_owned(), |error| error.to_string()),
        rejected && requests == api.counts().requests,
    )
}

async fn real(email: &str, password: &str) -> Result<(), BoxError> {
    let base = "https://api.datafiniti.co";
    let client = client(base, email, password)?;
    let response = client.oneshot(search(base)?).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    let answer: serde_json::Value = serde_json::from_slice(&body)?;
    let found = answer["num_found"].to_string();
    step(
        "a search",
        format!("{status}, {found} properties found"),
        status.is_success(),
    )
}

fn client(base: &str, email: &str, password: &str) -> Result<AuthClient, BoxError> {
    let login = Datafiniti::new(http_client(), email, password).base_url(base)?;
    Ok(auth_client(login))
}

/// The storage that Datafiniti's download links lead to.
async fn storage(request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
    let mut response = Response::new(Body::from("[]"));
    if request.headers().contains_key(AUTHORIZATION) {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

fn search(base: &str) -> Result<Request<Body>, http::Error> {
    Request::post(format!("{base}/v4/properties/search"))
        .header("content-type", "application/json")
        .body(Body::from(r#"{"query":"city:Austin","num_records":1}"#))
}
