//! B2, B3: how a body ends: with its last frame, an error or a panic, or not where it has to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use http_body::Body;
use tokio_test::{assert_pending, task};

use super::{
    LIMIT, Taking, data, is_abandoned, next, next_data, rest, take_inside, taken, trailers,
};
use crate::replay::body::ReplayBody;
use crate::script::{Broken, Script, Step, script};

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

fn panics() -> Step {
    Step::Run(Box::new(|| panic!("as told")))
}
