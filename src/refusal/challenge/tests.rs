#![allow(clippy::unwrap_used)]

use super::*;

fn only(value: &str) -> Challenge {
    let mut headers = HeaderMap::new();
    headers.insert(WWW_AUTHENTICATE, value.parse().unwrap());
    challenges(&headers).remove(0)
}

/// R1: a scheme is compared without regard to case, and is no other one.
#[test]
fn a_challenge_is_of_its_scheme_alone() {
    let challenge = only("Bearer realm=x");
    assert!(challenge.is("bearer") && challenge.is("BEARER"));
    assert!(!challenge.is("Basic") && !challenge.is(""));
}

/// S4: of the values `Debug` shows only an `error` that looks like a code: a server may echo the
/// token.
#[test]
fn debug_shows_a_code_and_no_other_value() {
    let longest = "e".repeat(40);
    for code in ["invalid_token", "e", &longest] {
        let shown = format!("{:?}", only(&format!("Bearer error={code}, echo=mF_9.B5f")));
        assert!(shown.contains(&format!("Some({code:?})")), "{shown}");
        assert!(shown.contains("echo") && !shown.contains("mF_9"), "{shown}");
    }
    for echoed in [
        "mF_9.B5f-4.1JqM",
        "eyJhbGciOi",
        "INVALID",
        "5",
        &"e".repeat(41),
    ] {
        let shown = format!("{:?}", only(&format!("Bearer error={echoed}")));
        assert!(!shown.contains(echoed), "{shown}");
        assert!(shown.contains("error: None"), "{shown}");
    }
}
