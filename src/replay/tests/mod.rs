//! What no user of the crate can reach: the two attempts side by side, poll by poll.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod attempts;
mod endings;
mod kept;
mod reentry;
mod same;
mod takeover;
mod threads;
mod value;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::stream;
use http::HeaderMap;
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use tower::BoxError;

use crate::replay::body::{Replay, ReplayBody};
use crate::replay::frames::{Abandoned, Polled};
use crate::script::{Script, Step};

const LIMIT: usize = 1024;

#[derive(Debug, Default)]
struct Sent {
    bytes: Vec<u8>,
    trailers: Option<HeaderMap>,
    error: Option<String>,
    frames: usize,
}

/// Reads to the end, and holds the hints given on the way against what came.
fn rest<B>(body: &mut ReplayBody<B>) -> Sent
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    let mut sent = Sent::default();
    let mut hints = Vec::new();
    loop {
        let ends = body.is_end_stream();
        hints.push((sent.bytes.len() as u64, body.size_hint()));
        match next(body) {
            Some(Ok(frame)) => {
                assert!(!ends, "a frame after the end");
                sent.frames += 1;
                match frame.into_data() {
                    Ok(data) => sent.bytes.extend(data),
                    Err(frame) => {
                        let trailers = frame.into_trailers().unwrap();
                        assert!(sent.trailers.replace(trailers).is_none());
                    }
                }
            }
            Some(Err(error)) => {
                sent.error = Some(error.to_string());
                assert!(next(body).is_none(), "an error is final");
                return sent;
            }
            None => break,
        }
    }
    for (before, hint) in hints {
        let left = sent.bytes.len() as u64 - before;
        assert!(hint.lower() <= left);
        assert!(hint.upper().is_none_or(|upper| left <= upper));
    }
    sent
}

fn next<B>(body: &mut ReplayBody<B>) -> Option<Result<Frame<Bytes>, BoxError>>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    let mut cx = Context::from_waker(Waker::noop());
    (0..100)
        .find_map(|_| match Pin::new(&mut *body).poll_frame(&mut cx) {
            Poll::Ready(frame) => Some(frame),
            Poll::Pending => None,
        })
        .expect("the body hangs")
}

fn next_data<B>(body: &mut ReplayBody<B>) -> Bytes
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    data_in(Poll::Ready(next(body)))
}

fn data_in(polled: Polled) -> Bytes {
    match polled {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().expect("data"),
        other => panic!("no frame: {other:?}"),
    }
}

fn is_abandoned(polled: &Polled) -> bool {
    matches!(polled, Poll::Ready(Some(Err(error))) if error.is::<Abandoned>())
}

fn within_ten_seconds(run: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        run();
        let _ = done.send(());
    });
    if let Err(mpsc::RecvTimeoutError::Timeout) = wait.recv_timeout(Duration::from_secs(10)) {
        panic!("it hangs");
    }
    thread.join().unwrap();
}

fn frames() -> impl Body<Data = Bytes, Error = Infallible> + Unpin + Send + Sync + 'static {
    let frames =
        ["one", "two", "three"].map(|data| Ok(Frame::data(Bytes::from_static(data.as_bytes()))));
    StreamBody::new(stream::iter(frames))
}

type Upload = UnboundedSender<Result<Frame<Bytes>, Infallible>>;

fn channel() -> (Upload, impl Body<Data = Bytes, Error = Infallible> + Unpin) {
    let (sender, receiver) = unbounded();
    (sender, StreamBody::new(receiver))
}

fn send(upload: &Upload, data: &'static str) {
    upload
        .unbounded_send(Ok(Frame::data(Bytes::from_static(data.as_bytes()))))
        .unwrap();
}

/// Data that tells by the count of the probe whether it is still held.
fn tracked(data: &'static [u8]) -> (Bytes, Arc<()>) {
    struct Owned(&'static [u8], #[expect(dead_code)] Arc<()>);
    impl AsRef<[u8]> for Owned {
        fn as_ref(&self) -> &[u8] {
            self.0
        }
    }
    let probe = Arc::new(());
    (Bytes::from_owner(Owned(data, Arc::clone(&probe))), probe)
}

fn data(text: &str) -> Step {
    Step::Data(Bytes::copy_from_slice(text.as_bytes()))
}

fn trailers(value: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-trailer", http::HeaderValue::from_static(value));
    trailers
}

enum Taking {
    Handle(Replay<Script>),
    Second(Option<Box<ReplayBody<Script>>>),
}

/// The takeover from inside the original's own poll, as another thread could do it then.
fn take_inside(cell: &Arc<Mutex<Option<Taking>>>) -> Step {
    let cell = Arc::clone(cell);
    Step::Run(Box::new(move || {
        let taking = cell.lock().unwrap().take();
        if let Some(Taking::Handle(replay)) = taking {
            *cell.lock().unwrap() = Some(Taking::Second(replay.take().map(Box::new)));
        }
    }))
}

fn taken(cell: &Mutex<Option<Taking>>) -> ReplayBody<Script> {
    match cell.lock().unwrap().take() {
        Some(Taking::Second(Some(second))) => *second,
        _ => panic!("not taken over"),
    }
}
