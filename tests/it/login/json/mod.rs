//! D3: the login by any JSON.

mod arbitrary;
mod lifetime;
mod masked;
mod scheme;
mod settings;
mod token;

use tower_bearer::login::{Json, Lifetime, LoginClient};
use tower_bearer::{AuthError, Token, TokenRequest, TokenSource};

use super::{PASSWORD, answer, answering};

const URL: &str = "https://api.example.com/login";

const LIFETIMES: [Lifetime; 5] = [
    Lifetime::Seconds,
    Lifetime::Millis,
    Lifetime::UnixSeconds,
    Lifetime::UnixMillis,
    Lifetime::Rfc3339,
];

fn json_login(client: impl LoginClient) -> Json {
    Json::new(client, URL)
        .unwrap()
        .field("email", "me@example.com")
        .unwrap()
        .secret_field("password", PASSWORD)
        .unwrap()
}

/// What the login, set so, makes of this answer.
async fn answered(
    status: u16,
    body: impl ToString,
    set: impl FnOnce(Json) -> Json,
) -> Result<Token, AuthError> {
    let client = answering(answer(status, &body.to_string()));
    set(json_login(client)).fetch(TokenRequest::first()).await
}

fn at(pointer: &str) -> impl FnOnce(Json) -> Json {
    move |login| login.token(pointer).unwrap()
}
