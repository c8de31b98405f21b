//! The server of the runs, and what else it may be made to answer.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{ServiceExt, service_fn};
use tower_bearer::testing::{Answer, Api};

use crate::texts::PASSWORD;

pub(crate) const REFRESH_TOKEN: &str = "r3fr3shT0k3nZZ";
/// Of an answer that is no good for another reason.
pub(crate) const OTHER_TOKEN: &str = "0th3rT0k3nYY";

/// Serves the API on a free loopback port. Its form login gives a refresh token as well.
pub(crate) async fn serve(api: Api) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = api.clone().oneshot(request);
        async move {
            let (mut head, body) = answer.await.map_err(std::io::Error::other)?.into_parts();
            let Ok(body) = body
                .collect()
                .await
                .map_err(|error: Infallible| match error {});
            let mut body = body.to_bytes();
            let json = serde_json::from_slice(&body).ok();
            if let Some(mut json) = json.filter(|_: &serde_json::Value| head.status == 200) {
                if json.get("access_token").is_some() {
                    json["refresh_token"] = REFRESH_TOKEN.into();
                    head.headers.remove("content-length");
                    body = json.to_string().into();
                }
            }
            Ok::<_, std::io::Error>(Response::from_parts(head, Full::new(body)))
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    base
}

pub(crate) fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    Response::builder()
        .status(status)
        .body(body.into())
        .unwrap()
        .into()
}

/// An error in all documented fields of which the password is repeated, in every spelling.
pub(crate) fn echo() -> String {
    let form: String = form_urlencoded::byte_serialize(PASSWORD.as_bytes()).collect();
    let json = serde_json::json!({ "password": PASSWORD }).to_string();
    serde_json::json!({
        "error": format!("not good: {PASSWORD}"),
        "message": format!("password={form}"),
        "error_description": json,
        "error_uri": format!("https://e.example/?{form}"),
        "code": PASSWORD,
        "details": [{ "field": form, "message": json }],
        "detail": [{ "loc": ["body", PASSWORD], "msg": json, "type": PASSWORD, "input": PASSWORD }],
    })
    .to_string()
}

pub(crate) fn failures() -> Vec<Answer> {
    let no_token = serde_json::json!({ "refresh_token": OTHER_TOKEN, "message": OTHER_TOKEN });
    let nested = serde_json::json!({ "code": PASSWORD, "status": PASSWORD, "message": PASSWORD });
    let odd_type = serde_json::json!({
        "token": format!("{OTHER_TOKEN} \u{7f}"),
        "access_token": OTHER_TOKEN,
        "token_type": format!("mac {OTHER_TOKEN}"),
        "message": format!("{OTHER_TOKEN} {PASSWORD}"),
    });
    vec![
        answer(200, echo()),
        answer(200, serde_json::json!({ "error": nested }).to_string()),
        answer(400, echo()),
        answer(401, echo()),
        answer(404, echo()),
        answer(422, echo()),
        answer(503, echo()),
        answer(403, format!("<p>{PASSWORD}</p>")),
        answer(200, format!("<p>{OTHER_TOKEN}</p>")),
        answer(200, no_token.to_string()),
        answer(200, odd_type.to_string()),
        Answer::TransportError(std::io::ErrorKind::ConnectionReset),
    ]
}
