//! Drives the machine through any sequence of events, as the session does, and compares each
//! decision with what the rules allow.

#![allow(clippy::expect_used)]

mod driver;
mod oracle;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::driver::Model;
use self::oracle::Failure;
use crate::{AuthError, Token};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Request,
    /// One of those that were sent is refused, at that endpoint.
    Refused(u8, u8),
    /// Likewise, but it was a retry.
    RetryRefused(u8, u8),
    /// One is accepted, and it was a retry or not.
    Accepted(u8, u8, bool),
    Brings(Text, u8),
    Fails(u8),
    /// Of a session that shares a store: the login ends with another process's token, or with its
    /// failure. Another session's ends as above.
    Adopts(Text, u8),
    Told(u8),
    Lost,
    /// A login that was given up or abandoned ends after all.
    Late(u8),
    /// A request goes out past the machine, with a copy of the token.
    Check,
    Clock(u8),
    /// To a moment at which something changes, or to just before it.
    Edge(u8),
    SignOut,
    Replace,
    Invalidate(bool),
    ResetBackoff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    New,
    Same,
    /// The one before.
    Before,
}

/// Runs the events that these bytes stand for.
///
/// # Panics
///
/// When the machine does what the rules do not allow, or not what they ask for.
pub(in crate::session) fn run(data: &[u8]) {
    let (seed, data) = data.split_first().unwrap_or((&0, &[]));
    let mut model = Model::new(u64::from(*seed));
    for pair in data.chunks_exact(2) {
        model.step(Event::decode(pair[0], pair[1]));
    }
    model.finish();
}

impl Event {
    fn decode(kind: u8, arg: u8) -> Self {
        match kind % 16 {
            0..=2 => Event::Request,
            3 => Event::Refused(arg, arg / 4 % 4),
            4 => Event::Accepted(arg, arg / 4 % 4, arg >= 192),
            5 if kind >= 128 => Event::Adopts(Text::New, arg),
            5 => Event::Brings(Text::New, arg),
            6 if kind >= 192 => Event::Adopts(Text::Same, arg / 4),
            6 if arg % 4 == 0 => Event::Brings(Text::Before, arg / 4),
            6 => Event::Brings(Text::Same, arg / 4),
            7 | 8 if kind >= 192 => Event::Told(arg),
            7 | 8 => Event::Fails(arg),
            9 if arg % 4 == 0 => Event::Lost,
            9 => Event::Late(arg),
            10 | 11 => Event::Clock(arg),
            12 | 13 => Event::Edge(arg),
            14 if arg % 4 == 0 => Event::RetryRefused(arg / 4, arg / 16 % 4),
            14 => Event::Check,
            _ => match arg % 8 {
                0 => Event::SignOut,
                1 => Event::Replace,
                2 => Event::ResetBackoff,
                arg => Event::Invalidate(arg < 6),
            },
        }
    }
}

fn token(text: u64) -> Token {
    Token::new(format!("t{text}")).expect("a token")
}

fn living(token: Token, which: u8) -> (Token, Option<Duration>) {
    let lifetime = match which % 10 {
        0 | 1 => return (token, None),
        2 => Duration::ZERO,
        3 => Duration::from_millis(1_050),
        4 => 5 * SECOND,
        5 => 100 * SECOND,
        6 => 3_600 * SECOND,
        7 => 86_400 * SECOND,
        8 => 30 * 365 * 86_400 * SECOND,
        _ => Duration::MAX,
    };
    (token.expires_in(lifetime), Some(lifetime))
}

fn failure(how: u8) -> (Failure, Option<Duration>, AuthError) {
    let asked = match how % 8 {
        0 => return (Failure::Rejected, None, AuthError::rejected("no")),
        1 => {
            let asked = 900 * SECOND;
            let error = AuthError::rejected("locked").with_retry_after(asked);
            return (Failure::Rejected, Some(asked), error);
        }
        2 => {
            let error = AuthError::misconfigured("no such path");
            return (Failure::Misconfigured, None, error);
        }
        3 => return (Failure::Unavailable, None, AuthError::timeout("slow")),
        4 => Duration::from_secs(20),
        5 => 86_400 * SECOND,
        6 => Duration::from_millis(1),
        _ => return (Failure::Unavailable, None, AuthError::unavailable("down")),
    };
    let error = AuthError::unavailable("busy").with_retry_after(asked);
    (Failure::Unavailable, Some(asked), error)
}

/// From a millisecond to days.
fn pause(which: u8) -> Duration {
    const MILLIS: [u64; 16] = [
        1,
        100,
        125,
        250,
        999,
        1_000,
        2_000,
        10_000,
        29_999,
        31_000,
        59_999,
        60_000,
        300_000,
        1_800_000,
        3_600_000,
        172_800_000,
    ];
    Duration::from_millis(MILLIS[usize::from(which % 16)])
}
