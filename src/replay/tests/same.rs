//! B2, B3: both attempts are the same, whatever the body, to the frame and the hint.

use std::collections::VecDeque;
use std::task::Poll;

use bytes::{Buf, Bytes};
use futures::future;
use http_body::Body;
use http_body_util::{BodyExt, Either, Empty, Full, Limited};
use tower::BoxError;

use super::{LIMIT, channel, data, frames, is_abandoned, next, rest, send, trailers};
use crate::replay::body::{Handle, Inner, ReplayBody};
use crate::script::{Script, Step, script};

/// B2, B3: whatever the shape of the body and however much of it the first attempt has read.
#[test]
fn the_second_attempt_sends_the_same_for_every_shape_of_body() {
    same_twice(Empty::<Bytes>::new);
    same_twice(|| Full::new(Bytes::new()));
    same_twice(|| Full::new(Bytes::from_static(b"full")));
    same_twice(|| Full::new(&b"a slice"[..]));
    same_twice(|| Full::new(VecDeque::from([1_u8, 2, 3])));
    same_twice(|| Full::new(Buf::chain(&b"two "[..], &b"parts"[..])));
    same_twice(frames);
    same_twice(|| {
        let (sender, body) = channel();
        send(&sender, "one");
        send(&sender, "two");
        body
    });
    same_twice(|| frames().boxed());
    same_twice(|| frames().boxed_unsync());
    same_twice(|| Box::pin(frames()));
    same_twice(|| Either::<_, Empty<Bytes>>::Left(frames()));
    same_twice(|| Either::<Empty<Bytes>, _>::Right(Full::from("right")));
    same_twice(|| Limited::new(Full::<Bytes>::from("limited"), 100));
    same_twice(|| Limited::new(frames(), 8));
    same_twice(|| tokio_test::block_on(frames().collect()).unwrap());
    same_twice(|| frames().map_frame(|frame| frame.map_data(|data| data.slice(1..))));
    same_twice(|| script([data("one"), Step::Fail]).map_err(|error| error));
    same_twice(|| {
        Full::<Bytes>::from("with").with_trailers(future::ready(Some(Ok(trailers("with")))))
    });
    same_twice(|| Empty::<Bytes>::new().with_trailers(future::ready(Some(Ok(trailers("alone"))))));
    same_twice(|| ReplayBody::new(frames()));
}

/// B2, B3: nothing of a body's own rhythm is lost on the way.
#[test]
fn a_body_with_pauses_empty_frames_and_trailers_is_sent_the_same_twice() {
    for knows_end in [false, true] {
        for exact in [false, true] {
            same_twice(|| {
                let steps = [
                    Step::Pending,
                    data(""),
                    data("one"),
                    Step::Pending,
                    Step::Pending,
                    data("two"),
                    data(""),
                    data("three"),
                    Step::Pending,
                    Step::Trailers(trailers("end")),
                    Step::Pending,
                ];
                Script {
                    exact,
                    knows_end,
                    ..script(steps)
                }
            });
        }
    }
}

/// B3: an empty body stays one, with the same hint, and shares nothing.
#[test]
fn an_empty_body_is_empty_on_both_attempts() {
    let (first, replay) = ReplayBody::replayable(Empty::<Bytes>::new(), 0);
    assert!(matches!(first.inner, Inner::Ended(_)));
    assert!(matches!(replay.inner, Handle::Empty(_)));
    assert!(replay.is_possible());
    assert!(first.is_end_stream());
    let mut second = replay.take().unwrap();
    assert!(second.is_end_stream());
    assert_eq!(second.size_hint().exact(), Some(0));
    assert!(next(&mut second).is_none());
}

/// B3: the framing is decided before the first poll, and a known length counts down.
#[test]
fn the_hints_of_both_attempts_are_equal_before_each_poll() {
    let steps = || [data("one"), data("three"), data("five"), data("")];
    let make = || Script {
        exact: true,
        ..script(steps())
    };
    let mut plain = make();
    let (mut first, _replay) = ReplayBody::replayable(make(), LIMIT);
    let (_first, replay) = ReplayBody::replayable(make(), LIMIT);
    let mut second = replay.take().unwrap();
    for _ in 0..5 {
        let hint = plain.size_hint().exact();
        assert!(hint.is_some());
        assert_eq!(first.size_hint().exact(), hint);
        assert_eq!(second.size_hint().exact(), hint);
        tokio_test::block_on(plain.frame());
        next(&mut first);
        next(&mut second);
    }
    assert!(first.is_end_stream());
    assert!(second.is_end_stream());
}

/// B3: a body that knows its end says so right after the last frame, on both attempts; with
/// trailers only after those. What was kept of the data is one frame for the second attempt.
#[test]
fn the_end_is_known_as_soon_as_the_body_knows_it() {
    let make = |last: Step| Script {
        knows_end: true,
        ..script([data("one"), data("two"), last])
    };
    type Last = fn(&str) -> Step;
    let cases: [(Last, usize); 2] = [(data, 1), (|_| Step::Trailers(trailers("t")), 2)];
    for (last, kept) in cases {
        let (mut first, replay) = ReplayBody::replayable(make(last("three")), LIMIT);
        for _ in 0..2 {
            next(&mut first).unwrap().unwrap();
            assert!(!first.is_end_stream());
        }
        next(&mut first).unwrap().unwrap();
        assert!(first.is_end_stream());

        let (_, unread) = ReplayBody::replayable(make(last("three")), LIMIT);
        for (replay, frames) in [(replay, kept), (unread, 3)] {
            let mut second = replay.take().unwrap();
            for frame in 1..=frames {
                assert!(!second.is_end_stream());
                next(&mut second).unwrap().unwrap();
                assert_eq!(second.is_end_stream(), frame == frames);
            }
        }
    }
}

fn same_twice<B>(make: impl Fn() -> B)
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    let plain = make();
    let (hint, ends) = (plain.size_hint(), plain.is_end_stream());
    let same_start = |body: &ReplayBody<B>| {
        assert_eq!(body.size_hint().lower(), hint.lower());
        assert_eq!(body.size_hint().upper(), hint.upper());
        assert_eq!(body.is_end_stream(), ends);
    };
    let whole = rest(&mut ReplayBody::new(plain));

    for read in 0..=whole.frames + 1 {
        let (mut first, replay) = ReplayBody::replayable(make(), LIMIT);
        same_start(&first);
        let mut seen_end = ends;
        for _ in 0..read {
            seen_end |= !matches!(next(&mut first), Some(Ok(_)));
            // The last frame of a body that knows its end is the end of this attempt.
            seen_end |= first.is_end_stream();
        }
        let fails_first = whole.error.is_some() && seen_end;
        assert_eq!(replay.is_possible(), !fails_first);
        let Some(mut second) = replay.take() else {
            assert!(fails_first);
            continue;
        };
        same_start(&second);
        assert_eq!(seen_end, !is_abandoned(&Poll::Ready(next(&mut first))));

        let sent = rest(&mut second);
        assert_eq!(sent.bytes, whole.bytes);
        assert_eq!(sent.trailers, whole.trailers);
        assert_eq!(sent.error, whole.error);
        assert!(second.is_end_stream());
    }
}
