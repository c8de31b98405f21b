//! The wall clock, for stores that tell no age.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) fn unix_ms() -> u64 {
    let now = SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// How long ago that was; no time at all if it is in the future, as after a clock was set back.
pub(super) fn since(unix_time_ms: u64) -> Duration {
    Duration::from_millis(unix_ms().saturating_sub(unix_time_ms))
}
