//! B1: what is kept for a replay, up to which limit, and when it is freed.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body::Body;
use http_body_util::Full;

use super::{LIMIT, data, frames, next, next_data, rest, tracked, trailers};
use crate::replay::body::{Inner, ReplayBody};
use crate::script::{Step, script};

const LARGE: usize = 20 * 1024;

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

/// Data that is shared when it is kept, as it has its buffer to itself.
fn large() -> Step {
    Step::Data(vec![b'x'; LARGE].into())
}
