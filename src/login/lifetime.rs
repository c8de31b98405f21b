//! [`Lifetime`]: how to read the lifetime in an answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use serde_json::Value;

/// How to read the value at the pointer of [`Json::lifetime`](super::Json::lifetime).
///
/// A number may have a fraction, and may be written as a text. A lifetime counts from the start
/// of the login. A point in time is compared with the system clock once, when the answer arrives.
/// One in the past is ignored, so that a fast clock does not make every new token look expired.
///
/// A value that is negative, too large or not of the expected form is ignored too, and is no error.
///
/// ```
/// use tower_bearer::login::{Json, Lifetime};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = tower::service_fn(async |_: http::Request<http_body_util::Full<bytes::Bytes>>| Ok::<_, tower::BoxError>(http::Response::new(String::new())));
/// // {"access_token": "...", "expires_at": 1893456000}
/// let login = Json::new(client, "https://api.example.com/login")?
///     .token("/access_token")?
///     .lifetime("/expires_at", Lifetime::UnixSeconds)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lifetime {
    /// Seconds from now: `3600`, `"3600"`, as in OAuth's `expires_in`.
    Seconds,
    /// Milliseconds from now: `900000`.
    Millis,
    /// A point in time, in seconds since the beginning of 1970 (UTC): `1893456000`.
    UnixSeconds,
    /// A point in time, in milliseconds since the beginning of 1970 (UTC): `1893456000000`, as
    /// JavaScript's `Date.now()` counts.
    UnixMillis,
    /// A point in time, as a date with an offset from UTC: `"2030-01-01T00:00:00Z"`,
    /// `"2030-01-01T02:00:00.5+02:00"` ([RFC 3339, section 5.6]).
    ///
    /// A date without an offset is ignored, because its time zone is unknown.
    ///
    /// [RFC 3339, section 5.6]: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
    Rfc3339,
}

impl Lifetime {
    /// What is left of the lifetime, if the value contains it.
    pub(super) fn read(self, value: &Value) -> Option<Duration> {
        match self {
            Self::Seconds => seconds(value, 1.0),
            Self::Millis => seconds(value, 1000.0),
            Self::UnixSeconds => until(seconds(value, 1.0)?),
            Self::UnixMillis => until(seconds(value, 1000.0)?),
            Self::Rfc3339 => {
                let date = DateTime::parse_from_rfc3339(value.as_str()?.trim()).ok()?;
                // What lies before 1970 has passed.
                let whole = u64::try_from(date.timestamp()).ok()?;
                let fraction = Duration::from_nanos(date.timestamp_subsec_nanos().into());
                until(Duration::from_secs(whole).checked_add(fraction)?)
            }
        }
    }
}

/// A number, or a text with one, of which so many make a second.
fn seconds(value: &Value, per_second: f64) -> Option<Duration> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    Duration::try_from_secs_f64(number / per_second).ok()
}

fn until(since_1970: Duration) -> Option<Duration> {
    let when = UNIX_EPOCH.checked_add(since_1970)?;
    when.duration_since(SystemTime::now()).ok()
}
