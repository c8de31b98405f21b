//! What happened, in numbers, and what should not have.

use std::fs;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How many violations are shown in words.
const MOST_SHOWN: usize = 12;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Requests,
    Answered,
    Refused,
    NoToken,
    Lost,
    OtherStatus,
    Dropped,
    Replayed,
    Bytes,
    Logins,
    Rejected,
    Unavailable,
    Misconfigured,
    TimedOut,
    Revocations,
    Resets,
    /// From here on: violations.
    WrongBodies,
    Unanswered,
    ForbiddenLogins,
    OtherViolations,
}

const COUNTS: usize = Count::OtherViolations as usize + 1;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: [AtomicU64; COUNTS],
    shown: Mutex<Vec<String>>,
    /// Bodies, handlers and connections of this process that are alive.
    live: Arc<AtomicI64>,
}

/// One of those.
#[derive(Debug)]
pub(crate) struct Live(Arc<AtomicI64>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Tally {
    pub(crate) fn add(&self, count: Count, number: u64) {
        self.counts[count as usize].fetch_add(number, Relaxed);
    }

    pub(crate) fn count(&self, count: Count) {
        self.add(count, 1);
    }

    pub(crate) fn violation(&self, count: Count, what: impl Into<String>) {
        self.count(count);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.len() < MOST_SHOWN {
            shown.push(what.into());
        }
    }

    pub(crate) fn get(&self, count: Count) -> u64 {
        self.counts[count as usize].load(Relaxed)
    }

    pub(crate) fn live(&self) -> Live {
        self.live.fetch_add(1, Relaxed);
        Live(self.live.clone())
    }

    pub(crate) fn alive(&self) -> i64 {
        self.live.load(Relaxed)
    }

    pub(crate) fn violations(&self) -> u64 {
        let all = [
            Count::WrongBodies,
            Count::Unanswered,
            Count::ForbiddenLogins,
            Count::OtherViolations,
        ];
        all.map(|count| self.get(count)).iter().sum()
    }

    pub(crate) fn progress(&self, at: Duration) -> String {
        let [requests, answered, replayed, logins, revocations, resets] = [
            Count::Requests,
            Count::Answered,
            Count::Replayed,
            Count::Logins,
            Count::Revocations,
            Count::Resets,
        ]
        .map(|count| self.get(count));
        format!(
            "{:4} s {requests:8} requests {answered:8} answered {replayed:6} replayed \
             {logins:5} logins {revocations:5} revocations {resets:5} resets {} violations",
            at.as_secs(),
            self.violations(),
        )
    }

    pub(crate) fn table(&self) -> String {
        let megabytes = self.get(Count::Bytes) / 1_000_000;
        let count = |count| self.get(count).to_string();
        let rows = [
            ("requests", count(Count::Requests)),
            ("  answered", count(Count::Answered)),
            ("  refused, and why is known", count(Count::Refused)),
            ("  not sent for want of a token", count(Count::NoToken)),
            ("  lost with their connection", count(Count::Lost)),
            ("  answered otherwise (403, 500)", count(Count::OtherStatus)),
            ("  dropped by their callers", count(Count::Dropped)),
            ("replayed", count(Count::Replayed)),
            ("received by the servers", format!("{megabytes} MB")),
            ("logins", count(Count::Logins)),
            ("  rejected", count(Count::Rejected)),
            ("  unavailable", count(Count::Unavailable)),
            ("  garbage or too large", count(Count::Misconfigured)),
            ("  timed out", count(Count::TimedOut)),
            ("revocations", count(Count::Revocations)),
            ("connections and streams reset", count(Count::Resets)),
            ("wrong or doubled bodies", count(Count::WrongBodies)),
            ("unanswered", count(Count::Unanswered)),
            (
                "logins that the rules did not allow",
                count(Count::ForbiddenLogins),
            ),
            ("other violations", count(Count::OtherViolations)),
            ("peak memory", peak_memory()),
        ];
        let rows = rows.map(|(name, value)| format!("{name:<36} {value:>9}\n"));
        rows.concat()
    }

    pub(crate) fn reasons(&self) -> String {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reasons: String = shown.iter().map(|what| format!("- {what}\n")).collect();
        let more = self.violations().saturating_sub(shown.len() as u64);
        if more > 0 {
            reasons.push_str(&format!("- and {more} more\n"));
        }
        reasons
    }
}

/// Linux alone tells it without the help of a library.
fn peak_memory() -> String {
    let peak = fs::read_to_string("/proc/self/status").ok();
    let peak = peak.as_deref().and_then(|status| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    });
    peak.map_or("n/a".to_owned(), |peak| format!("{} MiB", peak / 1024))
}
