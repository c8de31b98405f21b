//! Sends requests from tasks of their own, and feeds their bodies.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower::{BoxError, ServiceExt};
use tower_bearer::{BearerAuth, ReplayBody};

use crate::support::ScriptedSource;

/// Any body, on either side.
pub(super) type AnyBody = UnsyncBoxBody<Bytes, BoxError>;

pub(super) type Inner = Client<HttpConnector, ReplayBody<AnyBody>>;

/// Long enough for a busy machine. Whoever waits this long waits for ever.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The sending end of a body. The body ends when this is dropped.
pub(super) struct Upload {
    frames: mpsc::UnboundedSender<Result<Frame<Bytes>, BoxError>>,
}

/// A body of unknown length whose frames come as they are sent.
pub(super) fn upload() -> (
    Upload,
    impl Body<Data = Bytes, Error = BoxError> + Send + 'static,
) {
    let (frames, mut receiver) = mpsc::unbounded_channel();
    let body = StreamBody::new(stream::poll_fn(move |cx| receiver.poll_recv(cx)));
    (Upload { frames }, body)
}

impl Upload {
    pub(super) fn data(&self, data: impl Into<Bytes>) {
        self.frame(Frame::data(data.into()));
    }

    pub(super) fn frame(&self, frame: Frame<Bytes>) {
        self.frames.send(Ok(frame)).expect("the body was dropped");
    }

    /// Sends it if there is anybody to receive it.
    pub(super) fn try_frame(&self, frame: Frame<Bytes>) {
        let _ = self.frames.send(Ok(frame));
    }

    /// Waits until the body was dropped.
    pub(super) async fn is_dropped(&self) {
        let dropped = timeout(PATIENCE, self.frames.closed()).await;
        assert!(dropped.is_ok(), "somebody holds the body");
    }
}

/// A request under way.
pub(super) struct Sent {
    task: JoinHandle<Result<Response<Incoming>, BoxError>>,
}

/// Sends a request from a task of its own, so that the test can go on.
pub(super) fn send(client: &BearerAuth<Inner>, request: Request<AnyBody>) -> Sent {
    let task = tokio::spawn(client.clone().oneshot(request));
    Sent { task }
}

impl Sent {
    /// The request has failed.
    pub(super) async fn error(self) -> BoxError {
        in_time(self.task).await.unwrap().unwrap_err()
    }

    pub(super) async fn response(self) -> Response<Incoming> {
        in_time(self.task).await.unwrap().unwrap()
    }

    /// The response, read to its end.
    pub(super) async fn answer(self) -> (StatusCode, Bytes) {
        let response = self.response().await;
        let status = response.status();
        let body = in_time(response.collect()).await.unwrap();
        (status, body.to_bytes())
    }

    /// The caller is gone.
    pub(super) async fn cancel(self) {
        self.task.abort();
        assert!(in_time(self.task).await.unwrap_err().is_cancelled());
    }
}

pub(super) async fn in_time<F: Future<Output: Debug>>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it hangs")
}

impl ScriptedSource {
    /// Waits until so many logins have begun.
    pub(super) async fn has_begun(&self, logins: usize) {
        let begun = async {
            while self.logins() < logins {
                tokio::task::yield_now().await;
            }
        };
        in_time(begun).await;
    }
}
