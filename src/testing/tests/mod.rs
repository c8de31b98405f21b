#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bodies;
mod guard;
mod holding;
mod logins;
mod oauth;
mod resources;
mod scripts;
mod server;
mod tokens;
mod value;

use std::collections::HashSet;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, request};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::time::{Instant, advance, timeout};
use tower::{BoxError, ServiceExt};

use super::{Answer, Api, Counts};
use crate::script::{Script, Step, script};

const NAME: &str = "me@example.com";
const PASSWORD: &str = "correct horse";

const FORM: &str = "application/x-www-form-urlencoded";

fn api() -> Api {
    Api::new().account(NAME, PASSWORD)
}

#[derive(Debug)]
struct Received {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn token(&self) -> String {
        let json = self.json();
        json.get("token")
            .or_else(|| json.get("access_token"))
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    }
}

async fn log_in_json(api: &Api, name: &str, password: &str) -> Received {
    let body = json!({ "email": name, "password": password }).to_string();
    send(api, post("/v4/auth", "application/json"), body).await
}

async fn log_in_form(api: &Api, name: &str, password: &str) -> Received {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("username", name)
        .append_pair("password", password)
        .finish();
    send(api, post("/auth/login", FORM), body).await
}

async fn me(api: &Api, token: &str) -> Received {
    let request =
        Request::get("/users/me").header(header::AUTHORIZATION, format!("Bearer {token}"));
    send(api, request, String::new()).await
}

async fn echo(api: &Api, token: &str, body: &str) -> Received {
    send(api, with_token("/echo", token), body.to_owned()).await
}

fn post(path: &str, content_type: &str) -> request::Builder {
    Request::post(path).header(header::CONTENT_TYPE, content_type)
}

fn with_token(path: &str, token: &str) -> request::Builder {
    Request::post(path).header(header::AUTHORIZATION, format!("Bearer {token}"))
}

async fn send<B>(api: &Api, request: request::Builder, body: B) -> Received
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    try_send(api, request, body).await.unwrap()
}

async fn try_send<B>(api: &Api, request: request::Builder, body: B) -> Result<Received, BoxError>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let response = api.clone().oneshot(request.body(body)?).await?;
    let (parts, body) = response.into_parts();
    Ok(Received {
        status: parts.status,
        headers: parts.headers,
        body: body.collect().await?.to_bytes(),
    })
}

/// Runs what waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(std::task::Waker::noop()))
    {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("it waits"),
    }
}

/// Lets the other tasks run until they wait.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
