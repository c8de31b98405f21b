//! The built-in logins.

mod client;
mod client_credentials;
mod custom;
mod datafiniti;
mod dead;
mod error_names;
mod errors;
mod form;
mod found;
mod given;
mod json;
mod jwt;
mod lost;
mod made;
mod masked;
mod origins;
mod refresh;
mod renewal;
mod token_endpoint;
mod token_file;
mod verdict;
mod wire;

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::Service;
use tower::util::BoxCloneService;
use tower_bearer::login::{Datafiniti, Form, LoginClient};
use tower_bearer::{AuthError, Token, TokenRequest, TokenSource};

/// No test's text but the password has this in it.
const PASSWORD: &str = "hunter2";

type Client = BoxCloneService<Request<Full<Bytes>>, Response<Full<Bytes>>, Infallible>;

/// A client whose server always gives this answer.
fn answering(response: Response<impl Into<Bytes>>) -> Client {
    let response = response.map(|body| Full::new(body.into()));
    BoxCloneService::new(tower::service_fn(move |_| {
        std::future::ready(Ok(response.clone()))
    }))
}

/// A client for what makes no login.
fn unused() -> Client {
    answering(answer(500, ""))
}

fn answer(status: u16, body: &str) -> Response<String> {
    Response::builder()
        .status(status)
        .body(body.to_owned())
        .unwrap()
}

fn datafiniti(client: impl LoginClient) -> Datafiniti {
    Datafiniti::new(client, "me@example.com", PASSWORD)
}

fn form(client: impl LoginClient) -> Form {
    Form::new(client, "https://api.example.com", "me", PASSWORD).unwrap()
}

async fn datafiniti_answered(status: u16, body: &str) -> Result<Token, AuthError> {
    datafiniti(answering(answer(status, body)))
        .fetch(TokenRequest::first())
        .await
}

async fn form_answered(status: u16, body: &str) -> Result<Token, AuthError> {
    form(answering(answer(status, body)))
        .fetch(TokenRequest::first())
        .await
}

/// The URL that a login is sent to.
async fn url_of<F, L>(login: F) -> String
where
    F: FnOnce(Client) -> L,
    L: TokenSource,
{
    let (urls, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let mut client = answering(answer(500, ""));
    let login = login(BoxCloneService::new(tower::service_fn(
        move |request: Request<Full<Bytes>>| {
            urls.send(request.uri().to_string()).unwrap();
            client.call(request)
        },
    )));
    login.fetch(TokenRequest::first()).await.unwrap_err();
    seen.recv().await.unwrap()
}
