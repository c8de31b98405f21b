//! Requests that are under way: their bodies are with the inner service, which has not answered, so
//! that the layer has to keep what a retry would need.

use std::convert::Infallible;
use std::future::{Future, Pending, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use http_body::Body;
use tower::{BoxError, Layer, Service};
use tower_bearer::{BearerAuth, BearerAuthLayer, Origins, Token, source_fn};

/// Hands the bodies that it receives out, and never answers.
pub(crate) struct Sink<B> {
    received: Arc<Mutex<Vec<B>>>,
}

impl<B> Sink<B> {
    pub(crate) fn new() -> Self {
        let received = Arc::default();
        Self { received }
    }

    pub(crate) fn received(&self) -> Vec<B> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

impl<B> Clone for Sink<B> {
    fn clone(&self) -> Self {
        let received = self.received.clone();
        Self { received }
    }
}

impl<B> Service<Request<B>> for Sink<B> {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Pending<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.received.lock().unwrap().push(request.into_body());
        pending()
    }
}

/// The sink behind the layer, with a token in hand.
pub(crate) fn authenticated<S>(sink: S, limit: usize) -> BearerAuth<S> {
    let source = source_fn(Origins::any(), |_| async {
        Ok(Token::new("mF_9.B5f-4.1JqM")?)
    });
    let layer = BearerAuthLayer::new(source).replay_limit(limit);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let token = layer.session().token();
    runtime.unwrap().block_on(token).unwrap();
    layer.layer(sink)
}

pub(crate) fn post<B>(body: B) -> Request<B> {
    Request::post("https://api.example.com/upload")
        .body(body)
        .unwrap()
}

/// Sends, and comes back with the response under way.
pub(crate) fn send<S, B>(client: &mut S, request: Request<B>) -> Pin<Box<S::Future>>
where
    S: Service<Request<B>>,
{
    let mut response = Box::pin(client.call(request));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(response.as_mut().poll(&mut cx).is_pending());
    response
}

/// Reads the body to its end, as a connection does: it copies each frame into its write buffer,
/// and asks then whether there is more. `written` sees the frame, while it is alive.
pub(crate) fn drain<B>(mut body: B, buffer: &mut [u8], mut written: impl FnMut())
where
    B: Body<Data = bytes::Bytes, Error: Into<BoxError>> + Unpin,
{
    let mut cx = Context::from_waker(Waker::noop());
    while !body.is_end_stream() {
        let Poll::Ready(frame) = Pin::new(&mut body).poll_frame(&mut cx) else {
            unreachable!("all frames are ready");
        };
        let Some(frame) = frame else { break };
        let data = frame.map_err(Into::into).unwrap().into_data().unwrap();
        for part in data.chunks(buffer.len()) {
            buffer[..part.len()].copy_from_slice(part);
            std::hint::black_box(&mut *buffer);
        }
        written();
    }
}
