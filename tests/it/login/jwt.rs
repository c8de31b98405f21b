//! T5: the lifetime of a JWT.

use std::time::Duration;

use base64::Engine;
use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;
use tower_bearer::login::jwt_lifetime;

/// A JWT with this payload.
pub(super) fn jwt(payload: &str) -> String {
    let payload = BASE64_URL_SAFE_NO_PAD.encode(payload);
    format!("eyJhbGciOiJIUzI1NiJ9.{payload}.c2lnbmF0dXJl")
}

fn lifetime(payload: &str) -> Option<Duration> {
    jwt_lifetime(&jwt(payload))
}

/// T5: the lifetime is `exp` minus `iat`, whatever the wall clock says.
#[test]
fn the_lifetime_is_exp_minus_iat() {
    assert_eq!(
        lifetime(r#"{"iat":100,"exp":160}"#),
        Some(Duration::from_secs(60))
    );
    assert_eq!(
        lifetime(r#"{"exp":1.5,"iat":1}"#),
        Some(Duration::from_millis(500))
    );
}

/// T5: what does not hold both as numbers, in this order, tells no lifetime.
#[test]
fn a_lifetime_needs_two_numbers_in_order() {
    for payload in [
        r#"{"exp":160}"#,
        r#"{"iat":100}"#,
        r#"{"iat":100,"exp":100}"#,
        r#"{"iat":160,"exp":100}"#,
        r#"{"iat":"100","exp":"160"}"#,
        r#"{"iat":0,"exp":1e308}"#,
        r#"{"iat":null,"exp":160}"#,
        "[100,160]",
        "{",
        "",
    ] {
        assert_eq!(lifetime(payload), None, "{payload}");
    }
}

/// T5, D2: the sample of the form login's documentation has no `exp`: its lifetime is unknown.
#[test]
fn the_documented_sample_has_no_lifetime() {
    let payload = r#"{"user_id":"5f1a","expired_standard_from":1735689600,"iat":1704067200}"#;
    assert_eq!(lifetime(payload), None);
}

/// T5: a payload is read with and without padding, and only as the second of three parts.
#[test]
fn padding_is_optional_and_three_parts_are_not() {
    let json = r#"{"iat":1,"exp":2,"?":">>>???","a":""}"#;
    let (bare, padded) = (
        BASE64_URL_SAFE_NO_PAD.encode(json),
        BASE64_URL_SAFE.encode(json),
    );
    assert_ne!(bare, padded);
    let second = Some(Duration::from_secs(1));
    assert_eq!(jwt_lifetime(&format!("h.{bare}.s")), second);
    assert_eq!(jwt_lifetime(&format!("h.{padded}.s")), second);
    assert_eq!(jwt_lifetime(&format!(".{bare}.")), second);
    for other in [
        format!("h.{bare}"),
        format!("h.{bare}.s.t.u"),
        bare,
        "..".into(),
        "".into(),
    ] {
        assert_eq!(jwt_lifetime(&other), None, "{other}");
    }
}

proptest! {
    /// T5: no text makes the parser panic.
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}", parts in "[A-Za-z0-9._=-]{0,80}") {
        jwt_lifetime(&text);
        jwt_lifetime(&parts);
    }

    /// T5: no payload makes the parser panic.
    #[test]
    fn no_payload_makes_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
        exp in any::<f64>(),
        iat in any::<i64>(),
    ) {
        jwt_lifetime(&format!("h.{}.s", BASE64_URL_SAFE_NO_PAD.encode(bytes)));
        lifetime(&serde_json::json!({"exp": exp, "iat": iat}).to_string());
    }
}
