//! A body that does as it is told, for unit tests and fuzz targets.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// A body that does as it is told, and minds being polled after its end.
pub(crate) struct Script {
    pub(crate) steps: VecDeque<Step>,
    pub(crate) exact: bool,
    pub(crate) knows_end: bool,
    pub(crate) over: bool,
    pub(crate) log: Arc<Log>,
}

pub(crate) enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    Pending,
    Fail,
    Run(Box<dyn FnOnce() + Send>),
}

/// How often a script was polled; shared by it alone, it also tells whether it still lives.
pub(crate) type Log = AtomicUsize;

#[derive(Debug)]
pub(crate) struct Broken;

pub(crate) fn script(steps: impl IntoIterator<Item = Step>) -> Script {
    Script {
        steps: steps.into_iter().collect(),
        exact: false,
        knows_end: false,
        over: false,
        log: Arc::default(),
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.log.fetch_add(1, Ordering::Relaxed);
        assert!(!self.over, "polled after the end");
        loop {
            return match self.steps.pop_front() {
                Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Step::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Some(Step::Pending) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Some(Step::Fail) => {
                    self.over = true;
                    Poll::Ready(Some(Err(Broken)))
                }
                Some(Step::Run(run)) => {
                    run();
                    continue;
                }
                None => {
                    self.over = true;
                    Poll::Ready(None)
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.knows_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.steps.iter().map(|step| match step {
            Step::Data(data) => data.len() as u64,
            _ => 0,
        });
        if self.exact {
            SizeHint::with_exact(left.sum())
        } else {
            SizeHint::default()
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}
