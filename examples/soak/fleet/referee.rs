//! The rules of a fleet, told by what the API sees of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::account::LIFETIME;
use crate::tally::{Count, Tally};

/// How long before the store fails, or its source is replaced, a login may have begun that is yet to
/// be written.
const LATE_WRITE: Duration = Duration::from_millis(500);

pub(super) struct Referee {
    pub(super) tally: Arc<Tally>,
    seen: Mutex<Seen>,
}

/// The faults come one after the other, and each is given time to pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Fault,
    /// It is over, and each process may yet have a token of its own.
    Settling,
    Quiet,
}

/// Of a refresh token.
pub(super) struct Use {
    pub(super) process: u64,
    pub(super) at: Instant,
}

#[derive(Default)]
struct Seen {
    phase: Phase,
    /// The rotations in quiet, and the logins for them.
    rotations: u64,
    rotation_logins: u64,
    /// What is to be objected to in quiet, if the store worked.
    objections: Vec<String>,
    /// How many quiet times there were, and in how many the store worked.
    quiet_times: u64,
    judged: u64,
    refreshes: u64,
    /// Refresh tokens that were used twice, since what came of the first use was lost.
    lost_refreshes: u64,
    killed: HashSet<u64>,
    /// Which process got another source when, and abandoned the login under way.
    replaced: Vec<(u64, Instant)>,
    slowest_takeover: Duration,
    /// When the store kept nothing that was written.
    losses: Vec<(Instant, Option<Instant>)>,
    /// The tries of each wrong password.
    wrong_passwords: HashMap<String, u64>,
    rejected: u64,
    refused_by_turns: u64,
}

impl Referee {
    pub(super) fn new(tally: Arc<Tally>) -> Self {
        Self {
            tally,
            seen: Mutex::default(),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.seen().phase
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.seen().phase = phase;
    }

    /// Ends a quiet time. A disk that was slow for a moment has its own part in what happened.
    pub(super) fn judge(&self, store_worked: bool) {
        let mut seen = self.seen();
        let objections = std::mem::take(&mut seen.objections);
        seen.quiet_times += 1;
        if store_worked {
            seen.judged += 1;
            for objection in objections {
                self.tally.violation(Count::ForbiddenLogins, objection);
            }
        }
    }

    /// Something that may only be when the store does not work.
    pub(super) fn object(&self, what: String) {
        self.seen().objections.push(what);
    }

    /// `since`: the last one of that account.
    pub(super) fn login(&self, account: &str, process: u64, since: Option<Duration>) {
        self.tally.count(Count::Logins);
        let mut seen = self.seen();
        if seen.phase != Phase::Quiet {
            return;
        }
        seen.rotation_logins += 1;
        match since {
            // A renewal ahead comes in the last tenth.
            Some(since) if since < LIFETIME.mul_f64(0.8) => {
                let what = format!(
                    "{account}: two logins for one rotation, {since:?} apart, by {process}"
                );
                seen.objections.push(what);
            }
            _ => seen.rotations += 1,
        }
    }

    pub(super) fn refreshed(&self) {
        self.seen().refreshes += 1;
    }

    pub(super) fn reuse(&self, account: &str, before: &Use) {
        let mut seen = self.seen();
        let is_within = |(from, until): &(Instant, Option<Instant>)| {
            *from <= before.at + LATE_WRITE && until.is_none_or(|until| before.at <= until)
        };
        let is_abandoned = |(process, at): &(u64, Instant)| {
            let is_near = before.at <= *at + LATE_WRITE && *at <= before.at + LATE_WRITE;
            *process == before.process && is_near
        };
        let is_lost = seen.killed.contains(&before.process)
            || seen.replaced.iter().any(is_abandoned)
            || seen.losses.iter().any(is_within);
        if is_lost {
            seen.lost_refreshes += 1;
        } else {
            let ago = before.at.elapsed();
            let what = format!("{account}: a refresh token was used again, after {ago:?}");
            self.tally.violation(Count::OtherViolations, what);
        }
    }

    /// Those who hold the same credential make one try, for their latch outlasts the fault.
    pub(super) fn wrong_password(&self, password: &str) {
        let mut seen = self.seen();
        let tries = seen.wrong_passwords.entry(password.to_owned()).or_default();
        *tries += 1;
        if *tries > 1 {
            let what = format!("{password}: {tries} tries");
            self.tally.violation(Count::ForbiddenLogins, what);
        }
    }

    pub(super) fn killed(&self, process: u64) {
        self.seen().killed.insert(process);
    }

    pub(super) fn replaced(&self, process: u64) {
        self.seen().replaced.push((process, Instant::now()));
    }

    pub(super) fn takeover(&self, after: Duration) {
        let mut seen = self.seen();
        seen.slowest_takeover = seen.slowest_takeover.max(after);
    }

    /// The store keeps no writes from now on, or keeps them again.
    pub(super) fn loses_writes(&self, loses: bool) {
        let now = Instant::now();
        let losses = &mut self.seen().losses;
        match losses.last_mut() {
            Some((_, until @ None)) if !loses => *until = Some(now),
            _ if loses => losses.push((now, None)),
            _ => {}
        }
    }

    /// A caller got what its wrong password deserves.
    pub(super) fn rejected(&self) {
        self.seen().rejected += 1;
    }

    /// Processes that each log in alone end each other's token.
    pub(super) fn refused_by_turns(&self) {
        self.seen().refused_by_turns += 1;
    }

    /// A run in which nothing could be judged shows nothing.
    pub(super) fn conclude(&self) {
        if self.seen().judged == 0 {
            let what = "the store was too slow to judge anything by it";
            self.tally.violation(Count::OtherViolations, what);
        }
    }

    pub(super) fn table(&self) -> String {
        let seen = self.seen();
        let count = |count| self.tally.get(count).to_string();
        let per_rotation = seen.rotation_logins as f64 / seen.rotations.max(1) as f64;
        let tries = seen.wrong_passwords.values().max().copied();
        let rows = [
            ("requests", count(Count::Requests)),
            ("  answered", count(Count::Answered)),
            (
                "  rejected, with a wrong password",
                seen.rejected.to_string(),
            ),
            (
                "  refused while each logs in alone",
                seen.refused_by_turns.to_string(),
            ),
            ("logins", count(Count::Logins)),
            ("  by a refresh token", seen.refreshes.to_string()),
            (
                "  by one whose outcome was lost",
                seen.lost_refreshes.to_string(),
            ),
            (
                "quiet times in which the store worked",
                format!("{} of {}", seen.judged, seen.quiet_times),
            ),
            ("rotations in quiet", seen.rotations.to_string()),
            ("  logins per rotation", format!("{per_rotation:.2}")),
            ("holders killed in a login", seen.killed.len().to_string()),
            (
                "  the next login, at the latest",
                format!("{:.2?}", seen.slowest_takeover),
            ),
            ("wrong passwords", seen.wrong_passwords.len().to_string()),
            ("  tries of one, at most", tries.unwrap_or(0).to_string()),
            ("unanswered", count(Count::Unanswered)),
            ("against the rules of logins", count(Count::ForbiddenLogins)),
            ("other violations", count(Count::OtherViolations)),
        ];
        let rows = rows.map(|(name, value)| format!("{name:<38} {value:>9}\n"));
        rows.concat()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
