//! Bytes per second, and what a body costs whatever its size.

use std::ops::Range;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::Body;
use tower::{BoxError, Service};

use crate::body::{Frames, Kind, bytes};
use crate::sending::{Sink, authenticated, drain, post, send};
use harness::record::{Bench, Effort, Table};
use harness::rounds::{Samples, in_turns};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// As by default, and as much as the largest body.
const LIMITS: [usize; 2] = [64 * KIB, 16 * MIB];

static CONTENT: LazyLock<&[u8]> = LazyLock::new(|| vec![b'x'; 16 * MIB].leak());

pub(crate) fn run(bench: &Bench) {
    let mut table = Table::new(
        "throughput",
        &[
            "The response is awaited meanwhile, so the layer keeps the body up to the limit. Whoever reads it copies",
            "each frame into a write buffer of 64 KiB, as a connection does: a bare body moves pointers alone. The",
            "baseline is the bare body, read alike. Fixed: to make, send and drop a request, without the reading.",
            "Medians of rounds in turns (10th - 90th percentile); ratios are of the same round.",
        ],
        [
            "body",
            "limit",
            "kept",
            "baseline MiB/s",
            "MiB/s",
            "throughput over baseline",
            "reading, extra ns/body",
            "fixed, extra ns/body",
        ],
    );
    for limit in LIMITS {
        for kind in kinds().filter(|kind| limit == LIMITS[0] || kind.size > LIMITS[0]) {
            row(&mut table, bench.effort(), kind, limit);
        }
    }
    bench.show(&table);
}

fn kinds() -> impl Iterator<Item = Kind> {
    let sizes = [0, KIB, 64 * KIB, MIB, 16 * MIB];
    let kinds = sizes.map(|size| {
        [
            (None, true),
            (Some(16 * KIB), true),
            (Some(16 * KIB), false),
        ]
        .map(|(frame, tells_length)| Kind {
            size,
            frame,
            tells_length,
        })
    });
    let kinds = kinds.into_iter().flatten();
    // The small ones are one frame in any case.
    kinds.filter(|kind| kind.size > 16 * KIB || kind.frame.is_none())
}

fn row(table: &mut Table<8>, effort: Effort, kind: Kind, limit: usize) {
    // Of large bodies one at a time: how fast memory is had for many is the allocator's matter.
    let number = (64 * KIB / kind.size.max(1)).clamp(1, 256);
    let times = (effort.pick(1, 2 * MIB, 4 * MIB) / (number * kind.size).max(8 * KIB)).max(1);
    let (bare, ours) = (Sink::new(), Sink::new());
    let mut plain = bare.clone();
    let mut client = authenticated(ours.clone(), limit);
    let mut buffer = vec![0; 64 * KIB];
    let mut other_buffer = buffer.clone();
    let [baseline, layered] = in_turns(
        effort.pick(1, 21, 101),
        [
            &mut || read(&mut plain, &bare, kind, number, times, &mut buffer),
            &mut || read(&mut client, &ours, kind, number, times, &mut other_buffer),
        ],
    );
    let [reading0, reading] = [&baseline, &layered].map(|of| samples(of, |it| it.reading));
    let [fixed0, fixed] = [&baseline, &layered].map(|of| samples(of, |it| it.fixed));
    let mib = |seconds: &Samples| match kind.size {
        0 => "-".to_owned(),
        size => format!("{:.0}", size as f64 / MIB as f64 / seconds.median()),
    };
    let ratio = match kind.size {
        0 => "-".to_owned(),
        _ => format!("{:.3}", reading0.over(&reading)),
    };
    let extra = |mine: &Samples, theirs: &Samples| {
        format!("{:.0}", (mine.median() - theirs.median()) * 1e9)
    };
    table.row([
        kind.to_string(),
        bytes(limit),
        if kind.size <= limit { "yes" } else { "no" }.to_owned(),
        mib(&reading0),
        mib(&reading),
        ratio,
        extra(&reading, &reading0),
        extra(&fixed, &fixed0),
    ]);
}

/// Seconds for one body.
struct Read {
    reading: f64,
    fixed: f64,
}

fn samples(of: &[Read], part: fn(&Read) -> f64) -> Samples {
    of.iter().map(part).collect()
}

/// So many times: sends a number of requests, reads their bodies, and gives the requests up.
fn read<S, B>(
    client: &mut S,
    sink: &Sink<B>,
    kind: Kind,
    number: usize,
    times: usize,
    buffer: &mut [u8],
) -> Read
where
    S: Service<http::Request<Frames>>,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let mut reading = Duration::ZERO;
    let begun = Instant::now();
    for _ in 0..times {
        let responses: Vec<_> = (0..number)
            .map(|_| send(client, post(kind.body(content))))
            .collect();
        let received = sink.received();

        let begun = Instant::now();
        for body in received {
            drain(body, buffer, || {});
        }
        reading += begun.elapsed();
        drop(responses);
    }
    let fixed = begun.elapsed() - reading;
    let bodies = (number * times) as f64;
    Read {
        reading: reading.as_secs_f64() / bodies,
        fixed: fixed.as_secs_f64() / bodies,
    }
}

/// Of static data, which costs the body nothing to make and nobody anything to keep.
fn content(part: Range<usize>) -> Bytes {
    Bytes::from_static(&CONTENT[part])
}
