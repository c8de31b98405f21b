//! The body that the inner service receives, and the handle for a second attempt.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, SizeHint};
use tower::BoxError;

use super::frames::{Abandoned, Polled, data_len, less, poll_source};
use super::second::{Second, Takeover};
use super::shared::{Next, Shared};

/// The request body received by the inner service.
///
/// It streams the caller's body `B` frame by frame, with the same [`size_hint`](Body::size_hint),
/// so the framing on the wire does not change. Until the response arrives, it also keeps the sent
/// data, up to a limit. If the token is refused, a second `ReplayBody` sends the kept data and
/// continues with the rest of the original body. Nothing is kept once the response is accepted or
/// the body exceeds the limit.
///
/// Its data type is [`Bytes`]. If `B` yields `Bytes` too, sending copies nothing. The kept data is
/// a copy, unless it is large and has a buffer to itself, so that a small slice does not keep a
/// large buffer alive. `B` must be [`Unpin`]: wrap any other body in [`Box::pin`].
///
/// # Errors
///
/// An error of `B` is boxed and returned unchanged ([`downcast_ref`] finds it). It ends the body,
/// which is not polled again, and the request is not replayed.
///
/// If the first attempt is abandoned for the retry while its body is still being sent, that body
/// ends with an error too. The connection then aborts the request instead of ending it as if it
/// were complete.
///
/// [`downcast_ref`]: std::error::Error#method.downcast_ref
///
/// # Examples
///
/// An inner service receives this type; [`ReplayBody::new`] makes one to test such a service by
/// itself:
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Full};
/// use tower::{BoxError, ServiceExt, service_fn};
/// use tower_bearer::ReplayBody;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let echo = service_fn(|request: Request<ReplayBody<Full<Bytes>>>| async move {
///     let sent = request.into_body().collect().await?.to_bytes();
///     Ok::<_, BoxError>(Response::new(Full::new(sent)))
/// });
///
/// let request = Request::new(ReplayBody::new(Full::from("hello")));
/// let response = echo.oneshot(request).await?;
/// assert_eq!(response.into_body().collect().await?.to_bytes(), "hello");
/// # Ok(())
/// # }
/// ```
///
/// A client with a fixed body type needs one `map_request` inside the layer:
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
/// use tower::BoxError;
/// use tower_bearer::ReplayBody;
///
/// fn fixed(body: ReplayBody<Full<Bytes>>) -> UnsyncBoxBody<Bytes, BoxError> {
///     body.boxed_unsync()
/// }
/// # let _ = fixed(ReplayBody::default());
/// ```
pub struct ReplayBody<B> {
    pub(super) inner: Inner<B>,
}

/// The sender's handle for a second attempt, made together with the body of the first.
///
/// Dropping it gives the second attempt up: the response was accepted, or the caller is gone. What
/// was kept is freed at once.
pub(crate) struct Replay<B> {
    pub(super) inner: Handle<B>,
}

/// No larger than a `Bytes`, whatever `B` is: clients move requests often.
pub(super) enum Inner<B> {
    Direct(Box<B>),
    Ended(SizeHint),
    First(First<B>),
    Abandoned,
    Takeover(Takeover<B>),
    Second(Box<Second<B>>),
}

pub(super) enum Handle<B> {
    Impossible,
    Empty(SizeHint),
    Shared(Arc<Shared<B>>),
}

pub(super) struct First<B> {
    shared: Arc<Shared<B>>,
    delivered: u64,
}

impl<B> ReplayBody<B> {
    /// Creates a body that is streamed unchanged and never replayed.
    ///
    /// The layer uses it for requests that it sends unchanged. You can use it to call an inner
    /// service without the layer, for example in a test.
    pub fn new(body: B) -> Self {
        Self {
            inner: Inner::Direct(Box::new(body)),
        }
    }

    /// Whether a request with this body can be kept at all: not if it is known to be too large
    /// before it is sent.
    pub(crate) fn is_replayable(body: &B, limit: usize) -> bool
    where
        B: Body,
    {
        body.size_hint().lower() <= limit as u64
    }

    /// Returns the body of a first attempt, and the handle for a second one. The handle gives one
    /// as long as no more than `limit` bytes have been read.
    pub(crate) fn replayable(body: B, limit: usize) -> (Self, Replay<B>)
    where
        B: Body,
    {
        let hint = body.size_hint();
        let (inner, handle) = if body.is_end_stream() {
            (Inner::Ended(hint), Handle::Empty(hint))
        } else if hint.lower() > limit as u64 {
            (Inner::Direct(Box::new(body)), Handle::Impossible)
        } else {
            let shared = Arc::new(Shared::new(body, hint, limit));
            let first = First {
                shared: Arc::clone(&shared),
                delivered: 0,
            };
            (Inner::First(first), Handle::Shared(shared))
        };
        (Self { inner }, Replay { inner: handle })
    }
}

impl<B> Body for ReplayBody<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let inner = &mut self.get_mut().inner;
        loop {
            match inner {
                Inner::Direct(body) => {
                    let polled = ready!(poll_source(&mut **body, cx));
                    if !matches!(polled, Some(Ok(_))) {
                        *inner = Inner::ended();
                    }
                    return Poll::Ready(polled);
                }
                Inner::Ended(_) => return Poll::Ready(None),
                Inner::Abandoned => return Abandoned::polled(),
                Inner::First(first) => {
                    let (polled, becomes) = first.shared.poll_first(cx);
                    first.delivered += data_len(&polled);
                    if let Some(next) = becomes {
                        *inner = next.into();
                    }
                    return polled;
                }
                Inner::Takeover(takeover) => {
                    let (kept, source) = ready!(takeover.shared.acquire(cx));
                    let hint = less(&takeover.shared.hint, 0);
                    *inner = Inner::Second(Box::new(Second::new(kept, source, hint)));
                }
                Inner::Second(second) => {
                    let (frame, becomes) = second.next();
                    if let Some(next) = becomes {
                        *inner = next.into();
                    }
                    if let Some(frame) = frame {
                        return Poll::Ready(Some(frame));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Direct(body) => body.is_end_stream(),
            Inner::Ended(_) => true,
            // A first attempt becomes another when the original ends.
            Inner::First(_) | Inner::Abandoned | Inner::Takeover(_) | Inner::Second(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Direct(body) => body.size_hint(),
            Inner::Ended(hint) => less(hint, 0),
            Inner::First(first) => less(&first.shared.hint, first.delivered),
            Inner::Abandoned => SizeHint::default(),
            Inner::Takeover(takeover) => less(&takeover.shared.hint, 0),
            Inner::Second(second) => less(&second.hint, second.delivered),
        }
    }
}

impl<B: Default> Default for ReplayBody<B> {
    fn default() -> Self {
        Self::new(B::default())
    }
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.inner {
            Inner::Direct(_) => "direct",
            Inner::Ended(_) => "ended",
            Inner::First(_) => "first attempt",
            Inner::Abandoned => "abandoned",
            Inner::Takeover(_) | Inner::Second(_) => "second attempt",
        };
        f.debug_struct("ReplayBody")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

impl<B> Replay<B> {
    /// Whether [`take`](Self::take) would give a body if it were called now.
    pub(crate) fn is_possible(&self) -> bool {
        match &self.inner {
            Handle::Impossible => false,
            Handle::Empty(_) => true,
            Handle::Shared(shared) => shared.is_replayable(),
        }
    }

    /// Takes the request body over for a second attempt.
    ///
    /// The first attempt is woken, and ends in an error unless it has ended already. `None` if
    /// more was read than may be kept, or if the body itself failed.
    pub(crate) fn take(mut self) -> Option<ReplayBody<B>> {
        let inner = match mem::replace(&mut self.inner, Handle::Impossible) {
            Handle::Impossible => return None,
            Handle::Empty(hint) => Inner::Ended(hint),
            Handle::Shared(shared) if shared.take_over() => Inner::Takeover(Takeover { shared }),
            Handle::Shared(_) => return None,
        };
        Some(ReplayBody { inner })
    }
}

impl<B> Drop for Replay<B> {
    fn drop(&mut self) {
        if let Handle::Shared(shared) = &self.inner {
            // Usually the first attempt has been sent and dropped by now.
            if Arc::strong_count(shared) > 1 {
                shared.release();
            }
        }
    }
}

impl<B> Inner<B> {
    fn ended() -> Self {
        Self::Ended(SizeHint::with_exact(0))
    }
}

impl<B> From<Next<B>> for Inner<B> {
    fn from(next: Next<B>) -> Self {
        match next {
            Next::Alone(body) => Self::Direct(Box::new(body)),
            Next::Ended => Self::ended(),
            Next::Abandoned => Self::Abandoned,
        }
    }
}
