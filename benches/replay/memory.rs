//! The most memory that is held while a body is read.

use std::alloc::System;
use std::ops::Range;

use bytes::Bytes;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::{BoxError, Service};

use crate::body::{Frames, Kind, bytes};
use crate::sending::{Sink, authenticated, drain, post, send};
use harness::record::{Bench, Table};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const KIB: usize = 1 << 10;
const LIMIT: usize = 64 * KIB;

pub(crate) fn run(bench: &Bench) {
    let mut table = Table::new(
        "memory",
        &[
            "The most bytes in use while a body is read whose frames are allocated one by one, beyond those in use",
            "once its request was sent; looked at while each frame is in hand, and counted exactly. Limit: 64 KiB.",
            "The baseline is the bare body: one frame. Bound: the limit and a frame. End: all read, no answer yet.",
        ],
        [
            "body",
            "baseline",
            "most",
            "bound",
            "most over bound",
            "end",
        ],
    );
    let sizes = [KIB, 64 * KIB, 1 << 20, 16 << 20];
    let frames = [None, Some(16 * KIB), Some(KIB)];
    for (size, frame) in sizes
        .into_iter()
        .flat_map(|size| frames.map(|it| (size, it)))
    {
        if frame.is_some_and(|frame| frame >= size) {
            continue;
        }
        for tells_length in [true, false] {
            let kind = Kind {
                size,
                frame,
                tells_length,
            };
            let (bare, ours) = (Sink::new(), Sink::new());
            let (baseline, _) = most(&mut bare.clone(), &bare, kind);
            let client = &mut authenticated(ours.clone(), LIMIT);
            let (most, end) = most(client, &ours, kind);
            let bound = LIMIT + kind.frame_size();
            table.row([
                kind.to_string(),
                baseline.to_string(),
                most.to_string(),
                bytes(bound),
                format!("{:.2}", most as f64 / bound as f64),
                end.to_string(),
            ]);
        }
    }
    bench.show(&table);
}

/// The most, and what is left at the end, with the response still awaited.
fn most<S, B>(client: &mut S, sink: &Sink<B>, kind: Kind) -> (usize, usize)
where
    S: Service<http::Request<Frames>>,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let mut buffer = vec![0; 64 * KIB];
    let response = send(client, post(kind.body(allocated)));
    let body = sink.received().pop().unwrap();

    let before = Region::new(ALLOCATOR);
    let in_use = || {
        let change = before.change();
        change
            .bytes_allocated
            .saturating_sub(change.bytes_deallocated)
    };
    let mut most = 0;
    drain(body, &mut buffer, || most = most.max(in_use()));
    let end = in_use();
    drop(response);
    (most, end)
}

fn allocated(part: Range<usize>) -> Bytes {
    Bytes::from(vec![b'x'; part.len()])
}
