//! B1, S4: the body as a value, its size and its `Debug`.

use bytes::Bytes;
use http_body_util::Full;

use super::{LIMIT, next};
use crate::replay::body::ReplayBody;

/// B1: clients move requests often.
#[test]
fn a_body_is_no_larger_than_a_bytes_whatever_it_wraps() {
    assert!(size_of::<ReplayBody<[u64; 64]>>() <= size_of::<Bytes>());
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
