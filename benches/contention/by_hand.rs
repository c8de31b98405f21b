//! What projects write by hand to share a token.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, RwLock};
use std::task::{Context, Poll};

use http::{HeaderValue, Request, header};
use tokio::sync::Mutex;
use tower::Service;

/// A token behind a lock that readers share.
#[derive(Clone)]
pub(crate) struct Locked<S> {
    pub(crate) inner: S,
    pub(crate) token: Arc<RwLock<Arc<HeaderValue>>>,
}

/// A token behind an async mutex.
#[derive(Clone)]
pub(crate) struct Mutexed<S> {
    pub(crate) inner: S,
    pub(crate) token: Arc<Mutex<HeaderValue>>,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Locked<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let token = Arc::clone(&self.token.read().unwrap());
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, HeaderValue::clone(&token));
        self.inner.call(request)
    }
}

impl<S, B> Service<Request<B>> for Mutexed<S>
where
    S: Service<Request<B>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut inner = self.inner.clone();
        std::mem::swap(&mut inner, &mut self.inner);
        let token = self.token.clone();
        Box::pin(async move {
            let value = token.lock().await.clone();
            request.headers_mut().insert(header::AUTHORIZATION, value);
            inner.call(request).await
        })
    }
}
