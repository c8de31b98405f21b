//! The stand-in, which also says who logs in, and may keep one token at a time.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::{BoxError, ServiceExt, service_fn};
use tower_bearer::testing::Api;

use super::worker::LOGIN;

/// By this header a worker says which one it is.
pub(crate) const WORKER: &str = "x-worker";

/// Who has logged in last, and how many did.
pub(crate) type LastLogin = watch::Receiver<(u64, Option<usize>)>;

/// What a login does to the token before it.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    /// It ends it.
    pub(crate) keeps_one: bool,
    last: Arc<Mutex<Option<String>>>,
}

impl Tokens {
    pub(crate) fn one() -> Self {
        Self {
            keeps_one: true,
            ..Self::default()
        }
    }

    async fn issue(
        &self,
        api: &Api,
        answer: Response<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, BoxError> {
        if !self.keeps_one || answer.status() != 200 {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        let fields: serde_json::Value = serde_json::from_slice(&body)?;
        let token = fields["access_token"].as_str().map(str::to_owned);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *last, token) {
            api.revoke(&before);
        }
        Ok(Response::from_parts(head, Full::new(body)))
    }
}

/// Serves it for as long as the program runs.
pub(crate) async fn serve(api: Api, tokens: Tokens) -> Result<(String, LastLogin), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let (login, last) = watch::channel((0, None));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (api, login, tokens) = (api.clone(), login.clone(), tokens.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (api, tokens) = (api.clone(), tokens.clone());
                let is_login = request.uri().path() == LOGIN;
                if is_login {
                    let worker = request.headers().get(WORKER).and_then(number);
                    login.send_modify(|last| *last = (last.0 + 1, worker));
                }
                async move {
                    let answer = match api.clone().oneshot(request).await {
                        Ok(answer) if is_login => tokens.issue(&api, answer).await,
                        answer => answer,
                    };
                    answer.map_err(io::Error::other)
                }
            });
            let service = TowerToHyperService::new(service);
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                // A client that hangs up, or is killed, is no concern of the stand-in's.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok((base, last))
}

fn number(value: &HeaderValue) -> Option<usize> {
    value.to_str().ok()?.parse().ok()
}
