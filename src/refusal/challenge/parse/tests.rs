use proptest::prelude::*;

use super::*;

fn schemes(value: &str) -> Vec<String> {
    parse(value.as_bytes())
        .iter()
        .map(|challenge| String::from_utf8_lossy(challenge.scheme).into_owned())
        .collect()
}

/// R1: the example of RFC 9110, section 11.6.1.
#[test]
fn commas_part_challenges_and_parameters() {
    let value = br#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#;
    let found = parse(value);
    assert_eq!(found.len(), 2);
    assert!(found[0].is("basic") && found[0].has("realm", "simple"));
    assert!(found[1].is("newauth") && found[1].has("REALM", "apps"));
    assert!(found[1].has("type", "1") && found[1].has("title", r#"Login to "apps""#));
}

/// R1: what stands in quotes neither parts nor begins a challenge.
#[test]
fn quoted_commas_part_nothing() {
    let value = br#"Digest realm="a, Bearer error=\"insufficient_scope\"", qop=auth"#;
    let found = parse(value);
    assert_eq!(found.len(), 1);
    assert!(found[0].is("Digest") && !found[0].is("Bearer") && found[0].has("qop", "auth"));
    assert!(!found[0].has("error", "insufficient_scope"));
}

/// R1: a scheme alone, a token68, white space and empty elements as RFC 9110 allows them.
#[test]
fn every_form_of_a_challenge_is_read() {
    assert_eq!(schemes("Negotiate"), ["Negotiate"]);
    assert_eq!(schemes("Negotiate YWJj==, Bearer"), ["Negotiate", "Bearer"]);
    assert_eq!(
        schemes(" , Basic ,, Bearer\trealm = \"x\" ,"),
        ["Basic", "Bearer"]
    );
    let found = parse(br#"Bearer realm = "x" , error = invalid_token"#);
    assert!(found[0].has("realm", "x") && found[0].has("error", "invalid_token"));
}

/// R1: outside quotes a backslash escapes nothing.
#[test]
fn a_comma_after_a_backslash_parts_challenges() {
    assert_eq!(schemes(r#"nonsense\,Bearer realm="x""#), ["Bearer"]);
    assert_eq!(schemes(r#"realm=\,Bearer"#), ["Bearer"]);
}

/// R1: what cannot be read is passed over, and nothing behind it is lost.
#[test]
fn nonsense_is_passed_over() {
    assert!(parse(b"").is_empty());
    assert!(parse(br#"error="insufficient_scope""#).is_empty());
    assert_eq!(schemes("@@@, =x, Bearer a=b"), ["Bearer"]);
    assert_eq!(schemes("Bearer error=\"unfinished, Basic"), ["Bearer"]);
    for unfinished in [
        &b"Bearer error=\"unfinished"[..],
        b"Bearer error=\"unfinished\\\"",
    ] {
        assert_eq!(parse(unfinished)[0].params, []);
    }
}

proptest! {
    /// R1: any bytes are read without a panic.
    #[test]
    fn any_bytes_are_read(value in proptest::collection::vec(any::<u8>(), 0..256)) {
        for challenge in parse(&value) {
            prop_assert!(!challenge.scheme.is_empty());
        }
    }

    /// R1: any parameter that a server writes as RFC 9110 has it is found, whatever its value.
    #[test]
    fn what_is_written_is_read(value in "[ -~]{0,40}", before in "[ -~]{0,40}") {
        let quote = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"");
        let header = format!(
            r#"Basic realm="{}", Bearer realm=x, error="{}", scope=y"#,
            quote(&before),
            quote(&value)
        );
        let found = parse(header.as_bytes());
        prop_assert_eq!(found.len(), 2);
        prop_assert!(found[0].has("realm", &before));
        prop_assert!(found[1].has("error", &value) && found[1].has("scope", "y"));
    }
}
