//! Calls an API whose login is a form (`username` and `password` → `access_token`), as FastAPI's
//! and many OAuth 2.0 servers' is, on a stand-in on loopback. The counts are the server's.
//!
//! ```text
//! cargo run --example form_login
//! ```

mod common;

use http::Request;
use http_body_util::BodyExt;
use tower::{BoxError, ServiceExt};
use tower_bearer::AuthError;
use tower_bearer::login::Form;
use tower_bearer::testing::Api;

use self::common::{AuthClient, Body, at_once, auth_client, http_client, serve, step};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let base = serve(api.clone()).await?;
    println!("a stand-in with a form login listens on {base}\n");

    let client = client(&base, "alice", "correct horse")?;
    let logins = || api.counts().logins;
    step(
        "the client is built",
        format!("{} logins", logins()),
        logins() == 0,
    )?;

    let response = client.clone().oneshot(me(&base)?).await?;
    let body = response.into_body().collect().await?.to_bytes();
    let user: serde_json::Value = serde_json::from_slice(&body)?;
    let seen = format!("{}, {} login in all", user["username"], logins());
    step(
        "who am I?",
        seen,
        user["username"] == "alice" && logins() == 1,
    )?;

    let answered = at_once(&client, 16, || me(&base)).await?;
    let seen = format!("{answered} answered, {} login in all", logins());
    step("16 requests at once", seen, (answered, logins()) == (16, 1))?;

    api.revoke_all();
    println!("-- the server revokes the token --");
    let upload = Request::post(format!("{base}/echo")).body(Body::from("not lost"))?;
    let echo = client
        .clone()
        .oneshot(upload)
        .await?
        .into_body()
        .collect()
        .await?
        .to_bytes();
    let seen = format!("{echo:?} came back, {} logins in all", logins());
    step("an upload", seen, echo == "not lost" && logins() == 2)?;

    println!("-- another client has a wrong password --");
    let mistaken = self::client(&base, "alice", "wrong horse")?;
    let error = mistaken.oneshot(me(&base)?).await.err();
    let error = error.and_then(|error| error.downcast::<AuthError>().ok());
    let rejected = error.as_ref().is_some_and(|error| error.is_rejected());
    let shown = error.map_or("no error".to_owned(), |error| error.to_string());
    step("who am I?", shown, rejected)
}

fn client(base: &str, username: &str, password: &str) -> Result<AuthClient, BoxError> {
    Ok(auth_client(Form::new(
        http_client(),
        base,
        username,
        password,
    )?))
}

fn me(base: &str) -> Result<Request<Body>, http::Error> {
    Request::get(format!("{base}/users/me")).body(Body::default())
}
