//! A request body that can be sent a second time, without `Clone` and without reading ahead.
//!
//! The original body is never copied and never has two readers. It lies in a slot that both
//! attempts know, and beside it lies what the first attempt has read so far:
//!
//! ```text
//!                   ┌─ Shared ────────────────────────┐
//!  first attempt ──►│ slot: the original              │◄── Replay (held by the response future)
//!  takes it, polls  │ kept: what was read, to a limit │      │
//!  it, puts it back └─────────────────────────────────┘      ├─ dropped: kept is freed, the first
//!                                    │                       │  attempt has the original to itself
//!                                    ▼                       │
//!                    second attempt: kept, then the rest ◄───┴─ take(): the first attempt is woken
//!                    straight from the original                 and ends in an error
//! ```
//!
//! * The first attempt polls the original outside the lock, on a lease. If it is
//!   taken over meanwhile, the frame that the poll brought belongs to the second attempt too.
//! * The second attempt waits until the original is back in the slot, and then needs the slot no
//!   more. It does not need the first attempt to be dropped: a connection may hold that for long.
//! * Every value that may run a user's code (the body, its data, wakers) is polled, cloned and
//!   dropped outside the lock.

mod body;
mod buffer;
mod frames;
#[cfg(any(test, fuzzing))]
pub(crate) mod model;
mod refused_upload;
#[cfg(any(test, fuzzing))]
mod script;
mod second;
mod shared;

pub(crate) use body::Replay;
pub use body::ReplayBody;
pub(crate) use refused_upload::RefusedUpload;

#[cfg(test)]
mod tests;
