//! What a request costs, beside other ways to do it, and how that was measured.
//!
//! # In short
//!
//! With a token in hand, four headers made at run time and no body, a request costs fewer
//! instructions than in a hand-written layer that clones it, to send it again. It costs more with
//! static headers or without any. A body costs more than a clone of it, because it can be a stream.
//! Beyond inserting the header the layer allocates once for the head and twice for a body, which a
//! test asserts exactly. It reads the clock only if the token's lifetime is known. Over a real
//! connection all of that is 3 to 6 % of the instructions.
//!
//! # A request with a token in hand
#![doc = ""]
#![doc = include_str!("overhead.svg")]
#![doc = ""]
//! Nanoseconds over the bare service, for a request with four headers and 1 KiB of body, over a
//! service that reads the body and answers at once: two cores of an AMD EPYC, rustc 1.95.0. Those
//! that are cheaper cannot send a streaming body again, or have no login. `benches/peers` describes
//! what each does.
//!
//! | what | figure | for comparison | file |
//! |---|---|---|---|
//! | time over the bare service, 4 static headers and 1 KiB, as in the picture | 0.63 µs | a clone of the request by hand 0.37, `tower::retry` 0.38 | `peers.csv` |
//! | instructions, 4 headers with values made at run time and 1 KiB, not read | 0.91 times those of a hand-written layer that clones the head | `tower::retry` 1.05, an async mutex that keeps nothing 0.65 | `instructions.csv` |
//! | the same with 12 headers; with 4 static values; without headers | 0.65; 1.17; 1.53 times | 1.01 and 0.51; 1.07 and 0.78; 1.12 and 1.16 | `instructions.csv` |
//! | instructions per request on the wire, client and server, empty; 1 KiB | 3.4 %; 5.5 % more than without the layer | a clone of the request by hand: 5.9 %; 4.8 % | `wire_instructions.csv` |
//! | time per request on the wire, the same | 5 %; 7 % more | 4 %; 3 % | `wire-time.csv` |
//! | two threads with a clone each; a clone for each request | 1.59; 1.77 times the throughput of one, from 1.2 to 2.3 by the round | the bare service 1.68, a mutex 0.99 | `contention-scaling.csv` |
//! | a request that carries its own session | 1.4 times the time of the layer's own | the bare service 0.7 | `sessions-request.csv` |
//!
//! # When the token is refused or ends
#![doc = ""]
#![doc = include_str!("logins.svg")]
#![doc = ""]
//! | what | figure | for comparison | file |
//! |---|---|---|---|
//! | 10,000 requests refused at once | 1 login | every 401 logs in: 10,000; the usual mutex: 42 | `contention-storm.csv` |
//! | slowest request while tokens of 2.5 s rotate, a login takes 50 ms | 15 ms, none waited for a login | a token for ever: 18 ms; without renewal in the background: 54 ms | `contention-rotation.csv` |
//!
//! # Bodies
//!
//! | what | figure | file |
//! |---|---|---|
//! | what is kept of a body in frames of 16 KiB, until it is over the limit of 64 KiB | 80 KiB with the frame in hand | `replay-memory.csv` |
//! | throughput of a body over the limit, in one frame of 1 MiB; in frames of 16 KiB | 0.89; 0.80 of the bare body's, copied from the cache to a buffer | `replay-throughput.csv` |
//!
//! # Many accounts and many processes
#![doc = ""]
#![doc = include_str!("fleet.svg")]
#![doc = ""]
//! | what | figure | for comparison | file |
//! |---|---|---|---|
//! | what a session of one of 100,000 accounts takes, its token included | 1.8 KiB | | `sessions-memory.csv` |
//! | logins for each new token of 16 processes that share a file | 1 | without a store: 16 | `fleet-rotations.csv` |
//! | start of a process until its first token, a login takes 300 ms | 0.2 ms, if another process has logged in | without a store: 302 ms | `fleet-startup.csv` |
//! | operations of the store for each of 10,000 sessions and each token of an hour | 1.1 | | `fleet-operations.csv` |
//!
//! # How it is measured
//!
//! The files are in `benches/results` of the repository. Each has its machine, its versions and the
//! command that made it. Times are medians of rounds in which all candidates take turns, beside a
//! baseline of the same run. `CONTRIBUTING.md` has the commands.
