//! The lifetime of a token that is a JWT.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// Encoders are not of one mind about padding and the last bits, and nothing hangs on either.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Returns the whole lifetime of a JWT: `exp` minus `iat` ([RFC 7519, section 4.1]), for
/// [`Token::expires_in`](crate::Token::expires_in).
///
/// Returns `None` if the token is not a JWT, if one of the two claims is missing or not a number,
/// or if `exp` is before `iat`. The difference does not depend on the wall clock, so a wrong clock
/// does no harm. The signature is not verified, because the lifetime only decides when to ask for a
/// new token. The token may be any text, and the run time only depends on its length.
///
/// ```
/// use std::time::{Duration, SystemTime, UNIX_EPOCH};
/// use tower_bearer::login::jwt_lifetime;
///
/// // {"alg":"HS256"}.{"iat":1700000000,"exp":1700003600}
/// let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0.c2ln";
/// assert_eq!(jwt_lifetime(jwt), Some(Duration::from_secs(3600)));
/// assert_eq!(jwt_lifetime("mF_9.B5f-4.1JqM"), None);
/// ```
///
/// [RFC 7519, section 4.1]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1
pub fn jwt_lifetime(token: &str) -> Option<Duration> {
    let (issued_at, expires_at) = issued_and_expires(token)?;
    let lifetime = Duration::try_from_secs_f64(expires_at - issued_at).ok()?;
    (!lifetime.is_zero()).then_some(lifetime)
}

/// What is left of the lifetime of a JWT, which a login may return some time after it was issued:
/// `exp` by the wall clock, if that is less than the whole lifetime. A clock by which every token
/// has expired is wrong, and is ignored.
pub(super) fn jwt_rest(token: &str, now: SystemTime) -> Option<Duration> {
    let lifetime = jwt_lifetime(token)?;
    let (_, expires_at) = issued_and_expires(token)?;
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    let left = Duration::try_from_secs_f64(expires_at - now).ok();
    let left = left.filter(|left| !left.is_zero());
    Some(left.map_or(lifetime, |left| left.min(lifetime)))
}

/// The claims `iat` and `exp`, in seconds since 1970.
fn issued_and_expires(token: &str) -> Option<(f64, f64)> {
    let mut parts = token.split('.');
    // Five parts are an encrypted token, whose second part is a key.
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let claims: Value = serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()?;
    Some((claims.get("iat")?.as_f64()?, claims.get("exp")?.as_f64()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// T5: what is left of a JWT counts where that is less than its whole life, and a clock by
    /// which it has expired counts for nothing.
    #[test]
    fn what_is_left_of_a_jwt_is_told_by_the_wall_clock() {
        // {"iat":1700000000,"exp":1700003600}
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0.c2ln";
        let at = |second: u64| UNIX_EPOCH + Duration::from_secs(1_700_000_000 + second);
        let before = UNIX_EPOCH + Duration::from_secs(1_699_999_000);
        for (now, left) in [
            (at(0), 3_600),
            (at(3_000), 600),
            (at(3_599), 1),
            (at(3_600), 3_600),
            (at(9_999), 3_600),
            (before, 3_600),
        ] {
            assert_eq!(jwt_rest(jwt, now), Some(Duration::from_secs(left)));
        }
        assert_eq!(jwt_rest("mF_9.B5f-4.1JqM", at(0)), None);
    }
}
