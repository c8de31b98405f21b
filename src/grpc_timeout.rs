//! [`GrpcDeadline`]: until when a request with a `grpc-timeout` may wait.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::error::AuthError;

pub(crate) const NAME: &str = "grpc-timeout";

static GRPC_TIMEOUT: HeaderName = HeaderName::from_static(NAME);

/// As [gRPC over HTTP/2] has them, in nanoseconds, the smallest first.
///
/// [gRPC over HTTP/2]: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
const UNITS: [(u8, u128); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', 1_000_000),
    (b'S', 1_000_000_000),
    (b'M', 60 * 1_000_000_000),
    (b'H', 3600 * 1_000_000_000),
];

const MAX_DIGITS: usize = 8;

const MAX_VALUE: u128 = 99_999_999;

/// The end of a request's `grpc-timeout`, by tokio's clock.
///
/// The header says how long the whole call may take, and each attempt would begin it anew.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GrpcDeadline {
    at: Instant,
}

impl GrpcDeadline {
    /// Measured from now. `None` if there is no such header, or if it says nothing that can be
    /// understood: then it is the server's matter. Reads the clock only if there is one.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let timeout = parse(headers.get(&GRPC_TIMEOUT)?.as_bytes())?;
        // What no clock can measure is no limit.
        let at = Instant::now().checked_add(timeout)?;
        Some(Self { at })
    }

    pub(crate) fn at(self) -> Instant {
        self.at
    }

    pub(crate) fn is_over(self) -> bool {
        self.at <= Instant::now()
    }

    /// Sets the header to what is left.
    ///
    /// # Errors
    ///
    /// If nothing is left.
    pub(crate) fn reduce(self, headers: &mut HeaderMap) -> Result<(), AuthError> {
        let left = self.at.saturating_duration_since(Instant::now());
        let left = format(left).ok_or_else(|| self.error())?;
        headers.insert(GRPC_TIMEOUT.clone(), left);
        Ok(())
    }

    pub(crate) fn error(self) -> AuthError {
        AuthError::timeout("the request's grpc-timeout ran out")
    }
}

fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    let (_, unit) = UNITS.into_iter().find(|(name, _)| name == unit)?;
    if !(1..=MAX_DIGITS).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |value, digit: &u8| value * 10 + u128::from(digit - b'0');
    let nanos = digits.iter().fold(0, digit) * unit;
    let (secs, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    Some(Duration::new(secs.try_into().ok()?, nanos.try_into().ok()?))
}

/// Rounded down to what eight digits hold, in the largest unit that holds the same. `None` if it is
/// nothing.
fn format(timeout: Duration) -> Option<HeaderValue> {
    let nanos = timeout.as_nanos();
    let fits = |(_, unit): &(u8, u128)| nanos / unit <= MAX_VALUE;
    let finest = UNITS.iter().position(fits).unwrap_or(UNITS.len() - 1);
    let value = (nanos / UNITS[finest].1).min(MAX_VALUE);
    let kept = value * UNITS[finest].1;
    let is_exact = |(_, unit): &&(u8, u128)| kept % unit == 0;
    let (name, unit) = UNITS.iter().rev().find(is_exact)?;
    let text = format!("{}{}", kept / unit, char::from(*name));
    HeaderValue::try_from(text).ok().filter(|_| kept > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    const HOUR: u64 = 3600;

    fn formatted(timeout: Duration) -> Option<String> {
        format(timeout).map(|value| value.to_str().unwrap().to_owned())
    }

    /// W5: the six units, and one digit to eight.
    #[test]
    fn a_timeout_is_read_in_every_unit() {
        for (text, timeout) in [
            ("1n", Duration::from_nanos(1)),
            ("2u", Duration::from_micros(2)),
            ("300m", Duration::from_millis(300)),
            ("4S", Duration::from_secs(4)),
            ("5M", Duration::from_secs(5 * 60)),
            ("6H", Duration::from_secs(6 * HOUR)),
            ("0m", Duration::ZERO),
            ("00000007S", Duration::from_secs(7)),
            ("99999999n", Duration::from_nanos(99_999_999)),
            ("99999999H", Duration::from_secs(99_999_999 * HOUR)),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(timeout), "{text}");
        }
    }

    /// W5: what is no timeout limits nothing.
    #[test]
    fn what_is_no_timeout_is_not_read_as_one() {
        for text in [
            "",
            "m",
            "1",
            "300",
            "123456789m",
            "000000001m",
            "-1m",
            "+1m",
            "1.5S",
            "1 m",
            " 1m",
            "1m ",
            "1ms",
            "1s",
            "1h",
            "1N",
            "1U",
            "0x1m",
            "\u{661}m",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
    }

    /// W5: the largest unit that loses nothing; where eight digits are too few, it is rounded down.
    #[test]
    fn a_timeout_is_written_in_the_largest_unit_that_is_as_exact() {
        let with_rest = Duration::new(100, 999_999_999);
        for (timeout, text) in [
            (Duration::ZERO, None),
            (Duration::from_nanos(1), Some("1n")),
            (Duration::from_nanos(99_999_999), Some("99999999n")),
            (Duration::from_nanos(100_000_001), Some("100m")),
            (Duration::from_micros(1500), Some("1500u")),
            (Duration::from_millis(250), Some("250m")),
            (Duration::from_secs(59), Some("59S")),
            (Duration::from_secs(60), Some("1M")),
            (Duration::from_secs(90 * 60), Some("90M")),
            (Duration::from_secs(2 * HOUR), Some("2H")),
            (with_rest, Some("100999m")),
            (Duration::from_secs(100_000_000), Some("1666666M")),
            (Duration::MAX, Some("99999999H")),
        ] {
            assert_eq!(formatted(timeout).as_deref(), text, "{timeout:?}");
        }
    }

    proptest! {
        /// W5: what is written is never more than it was, and less by no more than a hundred
        /// thousandth.
        #[test]
        fn what_is_written_reads_as_the_same_or_a_little_less(
            secs in prop_oneof![0..10_u64, 0..1_000_000_u64, 0..=99_999_999 * HOUR],
            nanos in 0..1_000_000_000_u32,
        ) {
            let timeout = Duration::new(secs, nanos);
            let written = format(timeout);
            prop_assert_eq!(written.is_none(), timeout.is_zero());
            if let Some(written) = written {
                let read = parse(written.as_bytes()).unwrap();
                prop_assert!(read <= timeout);
                // Past 99999999m come 100000S.
                prop_assert!((timeout - read).as_nanos() <= timeout.as_nanos() / 100_000);
            }
        }

        /// W5: what can be said exactly is.
        #[test]
        fn what_was_read_is_written_as_the_same(
            value in 1..=99_999_999_u32,
            unit in prop::sample::select(b"numSMH".as_slice()),
        ) {
            let text = format!("{value}{}", char::from(unit));
            let timeout = parse(text.as_bytes()).unwrap();
            let written = format(timeout).unwrap();
            prop_assert!(written.len() <= text.len());
            prop_assert_eq!(parse(written.as_bytes()), Some(timeout));
        }

        /// W5: any bytes.
        #[test]
        fn no_value_is_too_odd(value in prop::collection::vec(any::<u8>(), 0..12)) {
            if let Some(timeout) = parse(&value) {
                prop_assert!(value.len() <= 9);
                prop_assert!(timeout <= Duration::from_secs(99_999_999 * HOUR));
            }
        }
    }
}
