//! What a token tells of its own lifetime, if it is a JWT.

use std::time::Duration;

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

/// The whole lifetime of a JWT: `exp` minus `iat` ([RFC 7519, section 4.1]), for
/// [`Token::expires_in`](crate::Token::expires_in).
///
/// `None` if the token is no JWT, lacks one of the two claims as a number, or has them in the wrong
/// order. The difference of the two needs no wall clock, so a clock that is off does no harm. The
/// signature is not verified: the server decides what a token is worth, and this only decides when
/// to ask for a new one. Any text may be given; the time taken grows with its length alone.
///
/// ```
/// use std::time::Duration;
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
    let mut parts = token.split('.');
    // Five parts are an encrypted token, whose second part is a key.
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let claims: Value = serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()?;
    let seconds = claims.get("exp")?.as_f64()? - claims.get("iat")?.as_f64()?;
    let lifetime = Duration::try_from_secs_f64(seconds).ok()?;
    (!lifetime.is_zero()).then_some(lifetime)
}
