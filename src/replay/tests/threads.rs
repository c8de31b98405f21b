//! B2: the two attempts on two threads.

use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt, Full};
use tokio_test::{assert_pending, task};
use tower::BoxError;

use super::{LIMIT, data, is_abandoned, next, next_data, rest, within_ten_seconds};
use crate::replay::body::{Replay, ReplayBody};
use crate::replay::frames::Abandoned;
use crate::script::{Step, script};

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
