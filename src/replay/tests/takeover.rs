//! B2: the second attempt takes over, at any moment of the first.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use http_body::Body;
use tokio_test::{assert_pending, task};

use super::{
    LIMIT, Taking, channel, data, data_in, frames, is_abandoned, next, next_data, rest, send,
    take_inside, taken, tracked, trailers,
};
use crate::replay::body::{Replay, ReplayBody};
use crate::script::{Script, Step, script};

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
