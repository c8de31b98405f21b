//! What a server has in mind for one attempt at one request.

use std::time::Duration;

use http::StatusCode;

use crate::rng::Rng;

/// How far the body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Early,
    Midway,
    Late,
}

pub(crate) const ALL: [When; 3] = [When::Early, When::Midway, When::Late];

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) delay: Duration,
    /// When the token is looked at.
    pub(crate) check: When,
    pub(crate) midway: usize,
    pub(crate) fault: Fault,
    /// A refusal that comes before the body's end: is the rest read?
    pub(crate) reads_on: bool,
    pub(crate) refusal: Refusal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// One good token is taken for a bad one.
    Mistaken,
    /// The stream ends: over HTTP/1.1 its connection with it.
    Reset(When),
    Kill(When),
    /// The answer breaks off.
    CutOff,
    Status(StatusCode),
}

/// What comes with a 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Empty,
    Large,
    CutOff,
    /// Its body never ends: nobody may wait for that.
    Endless,
}

impl Plan {
    pub(crate) fn draw(rng: &mut Rng, len: usize) -> Self {
        let when = rng.pick(&ALL);
        Self {
            delay: match rng.permille(100) {
                true => rng.millis(1, 30),
                false => Duration::ZERO,
            },
            check: rng.pick(&ALL),
            midway: rng.below(len),
            fault: match rng.below(10_000) {
                0..=1 => Fault::Mistaken,
                2..=60 => Fault::Reset(when),
                61..=75 => Fault::Kill(when),
                76..=110 => Fault::CutOff,
                111..=160 => Fault::Status(StatusCode::FORBIDDEN),
                161..=200 => Fault::Status(StatusCode::INTERNAL_SERVER_ERROR),
                _ => Fault::None,
            },
            reads_on: rng.permille(600),
            refusal: match rng.below(10) {
                0..=5 => Refusal::Empty,
                6 | 7 => Refusal::Large,
                8 => Refusal::CutOff,
                _ => Refusal::Endless,
            },
        }
    }

    /// For the quiet at the end.
    pub(crate) fn calm() -> Self {
        Self {
            delay: Duration::ZERO,
            check: When::Early,
            midway: 0,
            fault: Fault::None,
            reads_on: true,
            refusal: Refusal::Empty,
        }
    }
}
