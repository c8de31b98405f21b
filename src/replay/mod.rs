//! A request body that can be sent a second time, without `Clone` and without reading ahead.
//!
//! The original body is never copied and never has two readers. It lies in a state that both
//! attempts know, and beside it lies what the first attempt has read so far:
//!
//! ```text
//!                   ┌─ Shared ────────────────────────┐
//!  first attempt ──►│ source: the original            │◄── Replay (held by the response future)
//!  polls it where   │ kept: what was read, to a limit │      │
//!  it lies, locked  └─────────────────────────────────┘      ├─ dropped: kept is freed, the first
//!                                    │                       │  attempt has the original to itself
//!                                    ▼                       │
//!                    second attempt: kept, then the rest ◄───┴─ take(): the first attempt is woken
//!                    straight from the original                 and ends in an error
//! ```
//!
//! * The first attempt locks the state for the time of a poll. If it is taken over meanwhile, the
//!   frame that the poll returned belongs to the second attempt too. A body that knows its end ends
//!   the first attempt with its last frame.
//! * The second attempt waits until that poll has ended, and then takes everything. It does not
//!   need the first attempt to be dropped: a connection may hold that for long.
//! * A poll runs a user's code, so nobody ever waits for it in a lock: see [`shared`]. What the
//!   other end takes out of the state it drops outside the lock.

mod body;
mod buffer;
mod frames;
#[cfg(any(test, fuzzing))]
pub(crate) mod model;
mod refused_upload;
mod second;
mod shared;

pub(crate) use body::Replay;
pub use body::ReplayBody;
pub(crate) use refused_upload::RefusedUpload;

#[cfg(test)]
mod tests;
