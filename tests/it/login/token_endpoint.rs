//! A token endpoint that answers as it is told, and notes what it is asked.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use tower::service_fn;
use tower::util::BoxCloneService;

use super::{Client, answer};

pub(super) const URL: &str = "https://auth.example.com/oauth/token";
pub(super) const INVALID_GRANT: (u16, &str) = (400, r#"{"error": "invalid_grant"}"#);

#[derive(Clone, Default)]
pub(super) struct TokenEndpoint {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    answers: VecDeque<Response<String>>,
    asked: Vec<Asked>,
}

#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) authorization: Option<HeaderValue>,
    /// The form, as it came.
    pub(super) body: String,
}

impl TokenEndpoint {
    /// Gives these answers, and no others.
    pub(super) fn new(answers: impl IntoIterator<Item = (u16, &'static str)>) -> Self {
        let endpoint = Self::default();
        for (status, body) in answers {
            endpoint.then(answer(status, body));
        }
        endpoint
    }

    pub(super) fn then(&self, answer: Response<String>) {
        self.inner.lock().unwrap().answers.push_back(answer);
    }

    pub(super) fn client(&self) -> Client {
        let endpoint = self.clone();
        BoxCloneService::new(service_fn(move |request| {
            let endpoint = endpoint.clone();
            async move { Ok::<_, Infallible>(endpoint.answer(request).await) }
        }))
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.inner.lock().unwrap().asked.clone()
    }

    /// What it was asked, as the forms alone.
    pub(super) fn forms(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.body).collect()
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
        let (mut head, body) = request.into_parts();
        assert_eq!(
            head.headers[CONTENT_TYPE],
            "application/x-www-form-urlencoded"
        );
        let Ok(body) = body.collect().await;
        let mut inner = self.inner.lock().unwrap();
        inner.asked.push(Asked {
            authorization: head.headers.remove(AUTHORIZATION),
            body: String::from_utf8(body.to_bytes().to_vec()).unwrap(),
        });
        let answer = inner.answers.pop_front().expect("asked once too often");
        answer.map(|body| Full::new(body.into()))
    }
}
