#![allow(clippy::unwrap_used, clippy::expect_used)]

mod attempts;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier, Mutex, OnceLock, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::{future, stream};
use http::HeaderMap;
use http_body::{Body, Frame};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt, Either, Empty, Full, Limited, StreamBody};
use tokio_test::{assert_pending, task};
use tower::BoxError;

use super::body::{Handle, Inner, Replay, ReplayBody};
use super::frames::{Abandoned, Polled};
use super::shared::Shared;
use crate::script::{Broken, Script, Step, script};

const LIMIT: usize = 1024;

const LARGE: usize = 20 * 1024;

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

/// B1, B2: nothing is read but by the attempt that is being sent.
#[test]
fn neither_wrapping_nor_taking_over_nor_an_abandoned_body_reads_anything() {
    let body = script([data("one")]);
    let log = Arc::clone(&body.log);
    let (mut first, replay) = ReplayBody::replayable(body, LIMIT);

    let second = replay.take();

    assert_eq!(log.load(Ordering::Relaxed), 0);
    assert!(is_abandoned(&Poll::Ready(next(&mut first))));
    assert_eq!(log.load(Ordering::Relaxed), 0, "it is the second's now");
    drop(second);
}

/// B1: the limit is on the bytes that were read; up to it the body can be replayed.
#[test]
fn a_body_of_exactly_the_limit_is_replayed_and_one_byte_more_is_not() {
    for (limit, possible) in [(5, false), (6, true), (7, true)] {
        let body = script([data("one"), data("two"), Step::Pending]);
        let (mut first, replay) = ReplayBody::replayable(body, limit);

        assert_eq!(next_data(&mut first), "one");
        assert!(
            replay.is_possible(),
            "one frame of three bytes fits {limit}"
        );
        assert_eq!(next_data(&mut first), "two");
        assert_eq!(replay.is_possible(), possible, "limit {limit}");
        assert!(next(&mut first).is_none(), "the first attempt goes on");

        let second = replay.take();
        assert_eq!(second.is_some(), possible, "limit {limit}");
        if let Some(mut second) = second {
            assert_eq!(rest(&mut second).bytes, b"onetwo");
        }
    }
}

/// B1: a limit of nothing still replays what was not read.
#[test]
fn with_a_limit_of_zero_a_body_is_replayed_until_its_first_byte() {
    let (_first, replay) = ReplayBody::replayable(frames(), 0);
    let mut second = replay.take().unwrap();
    assert_eq!(rest(&mut second).bytes, b"onetwothree");

    let (mut first, replay) = ReplayBody::replayable(frames(), 0);
    assert_eq!(next_data(&mut first), "one");
    assert!(replay.take().is_none());
    assert_eq!(rest(&mut first).bytes, b"twothree");
}

/// B1: a body that says that it is too large costs nothing for a replay that will not be.
#[test]
fn a_body_announced_over_the_limit_is_passed_on_directly() {
    let (first, replay) = ReplayBody::replayable(Full::<Bytes>::from("seven b"), 6);
    assert!(matches!(first.inner, Inner::Direct(_)));
    assert!(!replay.is_possible());
    assert!(replay.take().is_none());
}

/// B1: over the limit, what was kept is freed and the body goes on without us.
#[test]
fn growing_over_the_limit_frees_what_was_kept() {
    let body = script([large(), data("one more"), data("and more")]);
    let (mut first, _replay) = ReplayBody::replayable(body, LARGE + 7);

    let sent = next_data(&mut first);
    assert!(!sent.is_unique(), "kept for a replay");
    assert_eq!(next_data(&mut first), "one more");
    assert!(sent.is_unique(), "freed");
    assert!(matches!(first.inner, Inner::Direct(_)));
    assert_eq!(next_data(&mut first), "and more");
}

/// B1: once the response is accepted, nothing is kept, whether or not the body is read again.
#[test]
fn dropping_the_handle_frees_what_was_kept_at_once() {
    let mut body = script([large(), data("two"), data("three")]);
    body.exact = true;
    let (mut first, replay) = ReplayBody::replayable(body, LARGE + LIMIT);
    let sent = next_data(&mut first);
    assert!(!sent.is_unique(), "kept for a replay");

    drop(replay);

    assert!(sent.is_unique(), "freed without another poll");
    assert_eq!(first.size_hint().exact(), Some(8));
    assert_eq!(next_data(&mut first), "two");
    assert!(matches!(first.inner, Inner::Direct(_)));
    assert_eq!(rest(&mut first).bytes, b"three");
}

/// B1: frames are passed on without a copy where the body yields `Bytes`. What is kept of small
/// ones is a copy, so that it does not keep alive the buffer that they are slices of.
#[test]
fn data_is_passed_on_without_a_copy_and_kept_without_its_buffer() {
    let (one, probe_one) = tracked(b"one");
    let (two, probe_two) = tracked(b"two");
    let starts = [one.as_ptr(), two.as_ptr()];
    let body = script([Step::Data(one), Step::Data(two)]);
    let (mut first, replay) = ReplayBody::replayable(body, LIMIT);

    let sent = [next_data(&mut first), next_data(&mut first)];
    assert_eq!(sent.each_ref().map(|data| data.as_ptr()), starts);
    drop(sent);
    assert_eq!(Arc::strong_count(&probe_one), 1);
    assert_eq!(Arc::strong_count(&probe_two), 1);

    let mut second = replay.take().unwrap();
    assert_eq!(rest(&mut second).bytes, b"onetwo");
}

/// B1: a small request of a large buffer, as a program has it that fills a buffer with many. Its
/// buffer is gone as soon as it was sent, however long the response is awaited.
#[test]
fn a_small_frame_does_not_keep_the_large_buffer_alive_that_it_is_a_slice_of() {
    let (buffer, probe) = tracked(&[b'x'; 1 << 20]);
    let (mut first, replay) = ReplayBody::replayable(Full::new(buffer.slice(7..1031)), 64 * 1024);
    drop(buffer);

    let sent = next_data(&mut first);
    assert_eq!(Arc::strong_count(&probe), 2);
    drop((sent, first));

    assert_eq!(Arc::strong_count(&probe), 1, "it is still held");
    assert_eq!(rest(&mut replay.take().unwrap()).bytes, [b'x'; 1024]);
}

/// B1: the data of a large body in one frame exists once.
#[test]
fn a_large_frame_with_its_own_buffer_is_kept_without_a_copy() {
    let (mut first, replay) = ReplayBody::replayable(script([large(), data("two")]), LARGE + 3);
    let sent = next_data(&mut first);
    assert_eq!(next_data(&mut first), "two");

    let mut second = replay.take().unwrap();
    assert_eq!(next_data(&mut second).as_ptr(), sent.as_ptr());
    assert!(sent.is_unique());
    assert_eq!(next_data(&mut second), "two");
}

/// B1, B2: the connection has got all of it, and nothing of the original is needed any more.
#[test]
fn the_last_frame_of_a_body_that_knows_its_end_ends_the_first_attempt() {
    let body = Script {
        exact: true,
        knows_end: true,
        ..script([data("all of it")])
    };
    let log = Arc::clone(&body.log);
    let (mut first, replay) = ReplayBody::replayable(body, LIMIT);
    assert_eq!(next_data(&mut first), "all of it");
    assert!(first.is_end_stream());
    assert_eq!(first.size_hint().exact(), Some(0));
    assert_eq!(Arc::strong_count(&log), 1, "the original lives on");
    let mut second = replay.take().unwrap();
    assert!(
        next(&mut first).is_none(),
        "abandoned, although it was sent"
    );
    assert_eq!(next_data(&mut second), "all of it");
    assert!(next(&mut second).is_none());
}

/// B1: clients move requests often.
#[test]
fn a_body_is_no_larger_than_a_bytes_whatever_it_wraps() {
    assert!(size_of::<ReplayBody<[u64; 64]>>() <= size_of::<Bytes>());
}

/// B1: also while the original is polled, as another thread could do it then.
#[test]
fn letting_go_in_the_middle_of_a_poll_frees_what_was_kept() {
    let cell = Arc::new(Mutex::new(None));
    let let_go = {
        let cell = Arc::clone(&cell);
        Step::Run(Box::new(move || drop(cell.lock().unwrap().take())))
    };
    let body = script([large(), let_go, data("more")]);
    let (mut first, replay) = ReplayBody::replayable(body, 2 * LARGE);
    *cell.lock().unwrap() = Some(replay);
    let sent = next_data(&mut first);
    assert!(!sent.is_unique(), "nothing was kept");
    assert_eq!(next_data(&mut first), "more");
    assert!(sent.is_unique(), "still kept");
}

/// B1: trailers are kept within the same limit.
#[test]
fn trailers_over_the_limit_make_a_replay_impossible() {
    // A name of 9 bytes, a value of 3, and 32 for the entry.
    for (limit, possible) in [(3 + 43, false), (3 + 44, true)] {
        let body = script([data("one"), Step::Trailers(trailers("end"))]);
        let (mut first, replay) = ReplayBody::replayable(body, limit);
        assert_eq!(next_data(&mut first), "one");
        let sent = next(&mut first).unwrap().unwrap().into_trailers();
        assert_eq!(sent.unwrap(), trailers("end"));
        assert!(next(&mut first).is_none());
        assert_eq!(replay.is_possible(), possible, "limit {limit}");
        assert_eq!(replay.take().is_some(), possible, "limit {limit}");
    }
}

/// B1, B2: a second attempt is the last, so that it keeps nothing.
#[test]
fn the_second_attempt_keeps_nothing_of_what_it_reads() {
    let (owned, probe) = tracked(b"rest");
    let body = script([data("kept"), Step::Data(owned)]);
    let (mut first, replay) = ReplayBody::replayable(body, LIMIT);
    assert_eq!(next_data(&mut first), "kept");

    let mut second = replay.take().unwrap();
    assert_eq!(next_data(&mut second), "kept");
    assert!(matches!(second.inner, Inner::Direct(_)));
    assert_eq!(next_data(&mut second), "rest");
    assert_eq!(Arc::strong_count(&probe), 1);
}

/// B2: the server answered while the request was still being uploaded.
#[test]
fn an_upload_that_waits_is_woken_by_the_takeover_and_ends_in_an_error() {
    let (sender, body) = channel();
    let (first, replay) = ReplayBody::replayable(body, LIMIT);
    let mut first = task::spawn(first);
    send(&sender, "one");
    assert!(first.enter(|cx, body| body.poll_frame(cx)).is_ready());
    assert_pending!(first.enter(|cx, body| body.poll_frame(cx)));
    assert!(!first.is_woken());

    let mut second = task::spawn(replay.take().unwrap());

    assert!(first.is_woken());
    for _ in 0..3 {
        let polled = first.enter(|cx, body| body.poll_frame(cx));
        assert!(is_abandoned(&polled));
        assert!(!first.is_end_stream());
        assert_ne!(first.size_hint().exact(), Some(0));
    }
    assert_eq!(data_in(second.enter(|cx, body| body.poll_frame(cx))), "one");
    assert_pending!(second.enter(|cx, body| body.poll_frame(cx)));
    send(&sender, "two");
    assert!(second.is_woken());
    assert_eq!(data_in(second.enter(|cx, body| body.poll_frame(cx))), "two");
    assert_pending!(second.enter(|cx, body| body.poll_frame(cx)));
    drop(sender);
    assert!(second.is_woken());
    assert!(rest(&mut second).bytes.is_empty());
}

/// B2: a connection may hold the abandoned body for ever and never poll it.
#[test]
fn the_retry_does_not_wait_for_the_first_attempt_to_be_polled_or_dropped() {
    let (mut first, replay) = ReplayBody::replayable(frames(), LIMIT);
    assert_eq!(next_data(&mut first), "one");
    let mut second = replay.take().unwrap();
    assert_eq!(rest(&mut second).bytes, b"onetwothree");
    drop(second);
    assert!(is_abandoned(&Poll::Ready(next(&mut first))));
}

/// B2: dropped half-read, and dropped before it was polled at all.
#[test]
fn a_first_attempt_that_was_dropped_is_replayed_in_full() {
    for read in 0..3 {
        let (mut first, replay) = ReplayBody::replayable(frames(), LIMIT);
        for _ in 0..read {
            next(&mut first).unwrap().unwrap();
        }
        drop(first);
        assert!(replay.is_possible());
        let mut second = replay.take().unwrap();
        assert_eq!(rest(&mut second).bytes, b"onetwothree");
    }
}

/// B2: the frame that is being read at that moment is sent by the second attempt, once, and even
/// if it is over the limit; the second attempt waits for it and is woken.
#[test]
fn a_frame_read_during_the_takeover_goes_to_the_second_attempt() {
    let second = Arc::new(Mutex::new(None));
    let handle = Arc::new(Mutex::new(None::<Replay<Script>>));
    let (taken, source_handle) = (Arc::clone(&second), Arc::clone(&handle));
    let take = Step::Run(Box::new(move || {
        let replay = source_handle.lock().unwrap().take().unwrap();
        let mut second = task::spawn(replay.take().unwrap());
        assert_pending!(second.enter(|cx, body| body.poll_frame(cx)));
        *taken.lock().unwrap() = Some(second);
    }));
    let body = script([data("one"), take, data("more than fits"), data("three")]);
    let (mut first, replay) = ReplayBody::replayable(body, 5);
    *handle.lock().unwrap() = Some(replay);

    assert_eq!(next_data(&mut first), "one");
    assert!(is_abandoned(&Poll::Ready(next(&mut first))));

    let mut second = second.lock().unwrap().take().unwrap();
    assert!(second.is_woken());
    assert_eq!(rest(&mut second).bytes, b"onemore than fitsthree");
    assert!(is_abandoned(&Poll::Ready(next(&mut first))));
}

/// B2: trailers, an end, an error or a pause that is met during the takeover.
#[test]
fn whatever_the_original_answers_during_the_takeover_is_the_second_attempts() {
    type After = fn() -> Vec<Step>;
    let cases: [(After, &[u8], bool, bool); 5] = [
        (Vec::new, b"one", false, false),
        (|| vec![Step::Pending, data("two")], b"onetwo", false, false),
        (|| vec![Step::Trailers(trailers("t"))], b"one", true, false),
        (|| vec![Step::Fail], b"one", false, true),
        (|| vec![data("")], b"one", false, false),
    ];
    for (after, bytes, has_trailers, fails) in cases {
        let cell = Arc::new(Mutex::new(None));
        let mut steps = vec![data("one"), take_inside(&cell)];
        steps.extend(after());
        let (mut first, replay) = ReplayBody::replayable(script(steps), LIMIT);
        *cell.lock().unwrap() = Some(Taking::Handle(replay));

        assert_eq!(next_data(&mut first), "one");
        assert!(is_abandoned(&Poll::Ready(next(&mut first))));

        let mut second = taken(&cell);
        let sent = rest(&mut second);
        assert_eq!(sent.bytes, bytes);
        assert_eq!(sent.trailers.is_some(), has_trailers);
        assert_eq!(sent.error.is_some(), fails);
    }
}

/// B2: a body that sends on after its trailers, against the contract, is not put out of order.
#[test]
fn data_after_trailers_is_passed_on_and_makes_a_replay_impossible() {
    let steps = || {
        [
            Step::Trailers(trailers("early")),
            data(""),
            data("late"),
            Step::Trailers(trailers("again")),
        ]
    };
    let (mut first, replay) = ReplayBody::replayable(script(steps()), LIMIT);
    assert!(next(&mut first).unwrap().unwrap().is_trailers());
    assert_eq!(next_data(&mut first), "");
    assert!(replay.is_possible());
    assert_eq!(next_data(&mut first), "late");
    assert!(!replay.is_possible());
    assert!(next(&mut first).unwrap().unwrap().is_trailers());

    let twice = ["one", "two"].map(|value| Step::Trailers(trailers(value)));
    let (mut first, replay) = ReplayBody::replayable(script(twice), LIMIT);
    assert!(next(&mut first).unwrap().unwrap().is_trailers());
    assert!(replay.is_possible());
    assert!(next(&mut first).unwrap().unwrap().is_trailers());
    assert!(!replay.is_possible());

    let cell = Arc::new(Mutex::new(None));
    let mut steps = Vec::from(steps());
    steps.insert(2, take_inside(&cell));
    let (mut first, replay) = ReplayBody::replayable(script(steps), LIMIT);
    *cell.lock().unwrap() = Some(Taking::Handle(replay));
    assert!(next(&mut first).unwrap().unwrap().is_trailers());
    assert_eq!(next_data(&mut first), "");
    assert!(is_abandoned(&Poll::Ready(next(&mut first))));
    let sent = rest(&mut taken(&cell));
    assert!(sent.trailers.is_some());
    assert!(sent.error.is_some());
}

/// B2, B3: an error is passed through as it was, is final, and is not replayed.
#[test]
fn an_error_of_the_body_is_passed_through_and_final() {
    let steps = || [data("one"), Step::Fail, data("never")];
    let (mut first, replay) = ReplayBody::replayable(script(steps()), LIMIT);
    assert_eq!(next_data(&mut first), "one");
    let error = next(&mut first).unwrap().unwrap_err();
    assert!(error.downcast_ref::<Broken>().is_some());
    assert!(!replay.is_possible());
    assert!(replay.take().is_none());
    assert!(first.is_end_stream());
    assert!(next(&mut first).is_none());

    let mut direct = ReplayBody::new(script(steps()));
    assert_eq!(next_data(&mut direct), "one");
    let error = next(&mut direct).unwrap().unwrap_err();
    assert!(error.downcast_ref::<Broken>().is_some());
    assert!(next(&mut direct).is_none());

    let (_first, replay) = ReplayBody::replayable(script(steps()), LIMIT);
    let mut second = replay.take().unwrap();
    assert_eq!(next_data(&mut second), "one");
    let error = next(&mut second).unwrap().unwrap_err();
    assert!(error.downcast_ref::<Broken>().is_some());
    assert!(next(&mut second).is_none());
}

/// B2: a body that has ended is not asked again, on no way through this room.
#[test]
fn the_original_is_not_polled_after_its_end() {
    let (mut first, replay) = ReplayBody::replayable(script([data("one")]), LIMIT);
    assert_eq!(next_data(&mut first), "one");
    for _ in 0..3 {
        assert!(next(&mut first).is_none());
    }
    let mut second = replay.take().unwrap();
    assert_eq!(next_data(&mut second), "one");
    assert!(second.is_end_stream());
    for _ in 0..3 {
        assert!(next(&mut second).is_none());
    }

    let (mut first, replay) = ReplayBody::replayable(script([data("one")]), 1);
    drop(replay);
    assert_eq!(rest(&mut first).bytes, b"one");
    for _ in 0..3 {
        assert!(next(&mut first).is_none());
    }
}

/// B2: a second attempt that is not sent leaves nothing behind in a body that a connection holds.
#[test]
fn dropping_the_second_attempt_before_its_first_poll_drops_the_original() {
    let (owned, probe) = tracked(b"kept");
    let body = script([Step::Data(owned), Step::Pending, data("two")]);
    let log = Arc::clone(&body.log);
    let (mut first, replay) = ReplayBody::replayable(body, LIMIT);
    assert_eq!(next_data(&mut first), "kept");

    drop(replay.take().unwrap());

    assert_eq!(Arc::strong_count(&log), 1);
    assert_eq!(Arc::strong_count(&probe), 1);
    assert!(is_abandoned(&Poll::Ready(next(&mut first))));
}

/// B2: the same if the first attempt was reading just then.
#[test]
fn a_second_attempt_dropped_while_the_first_reads_drops_the_original() {
    let cell = Arc::new(Mutex::new(None));
    let drop_inside = {
        let cell = Arc::clone(&cell);
        Step::Run(Box::new(move || drop(taken(&cell))))
    };
    let body = script([take_inside(&cell), drop_inside, data("two")]);
    let log = Arc::clone(&body.log);
    let (mut first, replay) = ReplayBody::replayable(body, LIMIT);
    *cell.lock().unwrap() = Some(Taking::Handle(replay));

    assert!(is_abandoned(&Poll::Ready(next(&mut first))));
    assert_eq!(Arc::strong_count(&log), 1);
    assert!(is_abandoned(&Poll::Ready(next(&mut first))));
}

/// B2: a body that panics is the caller's fault, but nobody waits for it for ever, and nobody
/// takes what is left of it for a whole body.
#[test]
fn a_panicking_body_leaves_no_one_waiting() {
    let body = script([data("one"), panics(), data("two")]);
    let (mut first, replay) = ReplayBody::replayable(body, LIMIT);
    assert_eq!(next_data(&mut first), "one");
    assert!(catch_unwind(AssertUnwindSafe(|| next(&mut first))).is_err());
    assert!(!replay.is_possible());
    assert_eq!(next_data(&mut first), "two", "as without this wrapper");

    let second = Arc::new(Mutex::new(None));
    let cell = Arc::new(Mutex::new(None));
    let wait = {
        let (second, cell) = (Arc::clone(&second), Arc::clone(&cell));
        Step::Run(Box::new(move || {
            let mut waiting = task::spawn(taken(&cell));
            assert_pending!(waiting.enter(|cx, body| body.poll_frame(cx)));
            *second.lock().unwrap() = Some(waiting);
        }))
    };
    let body = script([data("one"), take_inside(&cell), wait, panics(), data("two")]);
    let (mut first, replay) = ReplayBody::replayable(body, LIMIT);
    *cell.lock().unwrap() = Some(Taking::Handle(replay));
    assert_eq!(next_data(&mut first), "one");
    assert!(catch_unwind(AssertUnwindSafe(|| next(&mut first))).is_err());
    assert!(is_abandoned(&Poll::Ready(next(&mut first))));
    let mut second = second.lock().unwrap().take().unwrap();
    assert!(second.is_woken());
    let sent = rest(&mut second);
    assert_eq!(sent.bytes, b"one");
    assert!(sent.error.is_some());
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

/// B2: no lock is held while the body, its data or a waker runs code of its own, which may well
/// come back to this body.
#[test]
fn a_users_code_may_come_back_in_from_anywhere() {
    struct Caller {
        shared: Arc<OnceLock<Arc<Shared<Nosy>>>>,
    }
    impl Caller {
        fn call_back(&self) {
            if let Some(shared) = self.shared.get() {
                shared.is_replayable();
            }
        }
    }
    impl Drop for Caller {
        fn drop(&mut self) {
            self.call_back();
        }
    }
    impl AsRef<[u8]> for Caller {
        fn as_ref(&self) -> &[u8] {
            b"data"
        }
    }
    impl Wake for Caller {
        fn wake(self: Arc<Self>) {
            self.call_back();
        }
    }

    struct Nosy {
        caller: Caller,
        frames: usize,
    }
    impl Body for Nosy {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.caller.call_back();
            if self.frames == 0 {
                return Poll::Pending;
            }
            self.frames -= 1;
            let shared = Arc::clone(&self.caller.shared);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(Caller { shared })))))
        }

        fn is_end_stream(&self) -> bool {
            self.caller.call_back();
            false
        }
    }

    within_ten_seconds(|| {
        for (limit, take) in [(LIMIT, true), (LIMIT, false), (7, true)] {
            let shared = Arc::new(OnceLock::new());
            let waker = Waker::from(Arc::new(Caller {
                shared: Arc::clone(&shared),
            }));
            let caller = Caller {
                shared: Arc::clone(&shared),
            };
            let (mut first, replay) = ReplayBody::replayable(Nosy { caller, frames: 2 }, limit);
            if let Handle::Shared(inner) = &replay.inner {
                let _ = shared.set(Arc::clone(inner));
            }
            let mut cx = Context::from_waker(&waker);
            for _ in 0..4 {
                let _ = Pin::new(&mut first).poll_frame(&mut cx);
            }
            if take && let Some(mut second) = replay.take() {
                let _ = Pin::new(&mut second).poll_frame(&mut cx);
            }
            let _ = Pin::new(&mut first).poll_frame(&mut cx);
        }
    });
}

/// S4: what a body holds does not get into a log.
#[test]
fn debug_shows_no_content() {
    let (mut first, replay) = ReplayBody::replayable(Full::<Bytes>::from("secret"), LIMIT);
    let mut seen = vec![format!("{first:?}")];
    next(&mut first);
    seen.push(format!("{first:?}"));
    let second = replay.take();
    seen.push(format!("{second:?}"));
    seen.push(format!(
        "{:?}",
        ReplayBody::new(Full::<Bytes>::from("secret"))
    ));
    for text in seen {
        assert!(text.contains("ReplayBody"));
        assert!(!text.contains("secret"), "{text}");
    }
}

/// B2: the two attempts and the handle live in different tasks.
#[test]
fn the_body_can_go_to_another_thread_and_needs_no_pinning() {
    fn holds<T: Send + Unpin>() {}
    fn also_holds<T: Sync>() {}
    holds::<ReplayBody<UnsyncBoxBody<Bytes, BoxError>>>();
    holds::<Replay<UnsyncBoxBody<Bytes, BoxError>>>();
    also_holds::<ReplayBody<BoxBody<Bytes, BoxError>>>();
    let default = ReplayBody::<Full<Bytes>>::default();
    assert!(default.is_end_stream());
}

/// B2: the hand-over from another thread, in the middle of a poll.
#[test]
fn a_takeover_from_another_thread_waits_for_the_poll_under_way() {
    within_ten_seconds(|| {
        let entered = Arc::new(Barrier::new(2));
        let go_on = Arc::new(Barrier::new(2));
        let pause = {
            let (entered, go_on) = (Arc::clone(&entered), Arc::clone(&go_on));
            Step::Run(Box::new(move || {
                entered.wait();
                go_on.wait();
            }))
        };
        let body = script([data("one"), pause, data("two"), data("three")]);
        let (mut first, replay) = ReplayBody::replayable(body, LIMIT);
        assert_eq!(next_data(&mut first), "one");
        let sender = std::thread::spawn(move || is_abandoned(&Poll::Ready(next(&mut first))));

        entered.wait();
        let mut second = task::spawn(replay.take().unwrap());
        assert_pending!(second.enter(|cx, body| body.poll_frame(cx)));
        assert_eq!(second.size_hint().upper(), None);
        assert!(!second.is_end_stream());
        go_on.wait();
        assert!(sender.join().unwrap());

        assert!(second.is_woken());
        assert_eq!(rest(&mut second).bytes, b"onetwothree");
    });
}

/// B2: no interleaving of the two attempts on two threads loses, doubles or blocks anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taking_over_at_any_moment_loses_and_doubles_nothing() {
    for round in 0..400_u32 {
        let chunks: Vec<Bytes> = (0..40_u8).map(|n| Bytes::from(vec![n; 3])).collect();
        let expected = chunks.concat();
        let steps = chunks
            .into_iter()
            .flat_map(|chunk| [Step::Data(chunk), Step::Pending]);
        let (mut first, replay) = ReplayBody::replayable(script(steps), LIMIT);

        let sender = tokio::spawn(async move {
            let mut sent = Vec::new();
            loop {
                match first.frame().await {
                    Some(Ok(frame)) => sent.extend(frame.into_data().unwrap()),
                    Some(Err(error)) => return (sent, error.is::<Abandoned>()),
                    None => return (sent, false),
                }
            }
        });
        for _ in 0..(round % 97) * 20 {
            std::hint::spin_loop();
        }
        let second = replay.take().unwrap();
        let collected = tokio::time::timeout(Duration::from_secs(10), second.collect());
        let replayed = collected.await.unwrap().unwrap().to_bytes();
        let (sent, abandoned) = tokio::time::timeout(Duration::from_secs(10), sender)
            .await
            .unwrap()
            .unwrap();

        assert_eq!(replayed, expected);
        assert!(expected.starts_with(&sent));
        assert!(abandoned || sent == expected);
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

/// Data that is shared when it is kept, as it has its buffer to itself.
fn large() -> Step {
    Step::Data(vec![b'x'; LARGE].into())
}

fn data(text: &str) -> Step {
    Step::Data(Bytes::copy_from_slice(text.as_bytes()))
}

fn panics() -> Step {
    Step::Run(Box::new(|| panic!("as told")))
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
