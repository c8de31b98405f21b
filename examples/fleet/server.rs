//! The stand-in, which also says who logs in, and may keep one token at a time.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::sync::watch;
use tower::{BoxError, ServiceExt, service_fn};
use tower_bearer::testing::{self, Api, Server};

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

/// Serves it.
pub(crate) async fn serve(api: Api, tokens: Tokens) -> Result<(Server, LastLogin), BoxError> {
    let (login, last) = watch::channel((0, None));
    let login = Arc::new(login);
    let service = service_fn(move |request: Request<Incoming>| {
        let (api, tokens) = (api.clone(), tokens.clone());
        let is_login = request.uri().path() == LOGIN;
        if is_login {
            let worker = request.headers().get(WORKER).and_then(number);
            login.send_modify(|last| *last = (last.0 + 1, worker));
        }
        async move {
            match api.clone().oneshot(request).await {
                Ok(answer) if is_login => tokens.issue(&api, answer).await,
                answer => answer,
            }
        }
    });
    Ok((testing::serve(service).await?, last))
}

fn number(value: &HeaderValue) -> Option<usize> {
    value.to_str().ok()?.parse().ok()
}
