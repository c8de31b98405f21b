//! S4, L2: what an error says of a client that got no answer.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::ready;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::{BoxError, service_fn};
use tower_bearer::login::{Form, LoginClient};
use tower_bearer::{AuthError, TokenRequest, TokenSource};

use super::PASSWORD;

/// An error with a text and a cause.
#[derive(Debug)]
struct Failure(String, Option<Box<Failure>>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

fn failure(texts: &[&str]) -> Failure {
    let (text, causes) = texts.split_first().unwrap();
    let cause = (!causes.is_empty()).then(|| Box::new(failure(causes)));
    Failure((*text).to_owned(), cause)
}

async fn lost(client: impl LoginClient, base: &str) -> AuthError {
    let login = Form::new(client, base, "me", PASSWORD).unwrap();
    let login = login.path("/auth/login?key=k3y").unwrap();
    login.fetch(TokenRequest::first()).await.unwrap_err()
}

async fn failed(texts: &'static [&'static str]) -> AuthError {
    let client = service_fn(|_: Request<Full<Bytes>>| {
        ready(Err::<Response<Full<Bytes>>, _>(failure(texts)))
    });
    lost(client, "https://api.example.com").await
}

/// All that may get into a log: the texts of the error and of what lies below it.
fn texts(error: &AuthError) -> String {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut next = error.source();
    while let Some(error) = next {
        shown += &format!("{error} {error:?}");
        next = error.source();
    }
    shown
}

/// A port that nobody listens at.
async fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// S4, L2: the error says what was asked for, and what the client says to the last cause, each text
/// once.
#[tokio::test]
async fn the_error_tells_every_cause() {
    for (causes, expected) in [
        (&["cut off"][..], "cut off"),
        (&["connect", "refused"], "connect: refused"),
        (&["a: b: c", "b: c", "c", "d"], "a: b: c: d"),
        (&["one\nline", ""], "one line"),
    ] {
        assert_eq!(
            failed(causes).await.to_string(),
            format!("login unavailable: POST https://api.example.com/auth/login: {expected}")
        );
    }
    let endless: Vec<_> = (0..100).map(|n| format!("e{n}")).collect();
    let endless: Vec<_> = endless.iter().map(String::as_str).collect();
    let endless: &'static [&'static str] = Box::leak(
        endless
            .iter()
            .map(|text| &*Box::leak(text.to_string().into_boxed_str()))
            .collect(),
    );
    assert!(failed(endless).await.to_string().ends_with("e14: e15"));
}

/// S4: no text of the error shows a secret that the client's error has; that error is in `get_ref`.
#[tokio::test]
async fn no_text_of_the_clients_error_shows_a_secret() {
    let error = failed(&[
        "for https://api.example.com/auth/login?key=k3y",
        "sent username=me&password=hunter2",
        "key k3y",
    ])
    .await;
    assert_eq!(
        error.to_string(),
        "login unavailable: POST https://api.example.com/auth/login: for \
         https://api.example.com/auth/login***: sent username=me&password=***: key ***"
    );
    let shown = texts(&error);
    assert!(
        !shown.contains("k3y") && !shown.contains(PASSWORD),
        "{shown}"
    );
    assert!(error.source().is_none());
    let cause = error.get_ref().downcast_ref::<Failure>().unwrap();
    assert!(cause.0.contains("k3y"));
    // It stays so in a copy with a delay of its own.
    let later = error.with_retry_after(std::time::Duration::from_secs(1));
    assert!(!texts(&later).contains("k3y"));
}

/// S4: nor does that of a body that breaks off.
#[tokio::test]
async fn no_text_of_a_broken_body_shows_a_secret() {
    let client = service_fn(|_: Request<Full<Bytes>>| {
        let broken = failure(&["body of ?key=k3y", "reset"]);
        let frames = [Err::<Frame<Bytes>, _>(broken)];
        let body = StreamBody::new(futures::stream::iter(frames));
        ready(Ok::<_, Infallible>(Response::new(body)))
    });
    let error = lost(client, "https://api.example.com").await;
    assert!(error.is_unavailable());
    assert_eq!(
        error.to_string(),
        "login unavailable: POST https://api.example.com/auth/login: body of ***: reset"
    );
    assert!(!texts(&error).contains("k3y"));
}

/// L2: hyper's client, and nobody at the port.
#[tokio::test]
async fn a_refused_connection_of_hyper_is_told() {
    let base = closed_port().await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let text = lost(client, &base).await.to_string();
    let expected = format!(
        "login unavailable: POST {base}/auth/login: client error (Connect): tcp connect error: "
    );
    assert!(text.starts_with(&expected), "{text}");
    assert!(text.len() > expected.len(), "{text}");
}

/// S4, L2: so with reqwest's, whose error shows the URL with its query.
#[tokio::test]
async fn a_refused_connection_of_reqwest_is_told_without_the_key() {
    let base = closed_port().await;
    let reqwest = reqwest::Client::new();
    let client = service_fn(move |request: Request<Full<Bytes>>| {
        let reqwest = reqwest.clone();
        async move {
            let request = request.map(reqwest::Body::wrap).try_into()?;
            Ok::<_, BoxError>(Response::<reqwest::Body>::from(
                reqwest.execute(request).await?,
            ))
        }
    });
    let error = lost(client, &base).await;
    let cause = error.get_ref().downcast_ref::<reqwest::Error>().unwrap();
    assert!(cause.to_string().contains("key=k3y"), "{cause}");
    let shown = texts(&error);
    assert!(!shown.contains("k3y"), "{shown}");
    for part in [
        format!("login unavailable: POST {base}/auth/login: error sending request"),
        "tcp connect error".to_owned(),
    ] {
        assert!(shown.contains(&part), "{shown}");
    }
}
