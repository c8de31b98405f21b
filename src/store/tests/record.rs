use std::time::Duration;

use http::{HeaderMap, StatusCode};
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::error::response::{ErrorDetail, ErrorResponse};
use crate::store::record::{Latch, Record, StoredToken, Tag};
use crate::token::Token;

const HOUR: Duration = Duration::from_secs(3600);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn tag(byte: u8) -> Tag {
    Zeroizing::new([byte; 32])
}

fn latch(byte: u8, rest: Duration) -> Latch {
    let error = AuthError::rejected("wrong password");
    Latch::new(tag(byte), error, rest, 3)
}

fn stored(token: Token) -> StoredToken {
    StoredToken {
        token,
        age: ms(1500),
    }
}

/// What a reader finds, so long after it was written.
fn read(record: &Record, age: Duration) -> Record {
    let contents = record.to_json();
    Record::from_json(&contents, Some(age)).unwrap().0
}

fn read_text(text: &str, age: Option<Duration>) -> Option<(Record, Duration)> {
    Record::from_json(text.as_bytes(), age)
}

/// F13: a token comes back as it was, with its scheme, its lifetime and its refresh token.
#[test]
fn a_token_comes_back_as_it_was() {
    let tokens = [
        Token::new("abc").unwrap(),
        Token::bare("a\"b\\c").unwrap(),
        Token::with_scheme("DPoP", "x").unwrap().expires_in(HOUR),
        Token::new("x").unwrap().lives_by_its_claims(ms(2500)),
        Token::new("x").unwrap().refresh_token("r3fr\u{e9}sh\n"),
    ];
    for token in tokens {
        let record = Record {
            number: 41,
            token: Some(stored(token.clone())),
            ..Record::default()
        };
        let back = read(&record, ms(200));
        assert_eq!((back.number, back.is_signed_out), (41, false));
        let back = back.token.unwrap();
        assert_eq!(back.age, ms(1700));
        let back = back.token;
        assert_eq!(back.header_value(), token.header_value());
        assert!(back.header_value().is_sensitive());
        assert_eq!(back.expose(), token.expose());
        assert_eq!(back.lifetime(), token.lifetime());
        assert_eq!(back.is_lifetime_told(), token.is_lifetime_told());
        assert_eq!(back.expose_refresh_token(), token.expose_refresh_token());
    }
}

/// F8: others get the status, the text and the fields of a rejection, and the rest of its time.
#[test]
fn a_latch_is_told_for_its_rest() {
    let mut response = ErrorResponse::of_status(StatusCode::UNAUTHORIZED);
    response.error = Some("invalid_grant".to_owned());
    response.message = Some("Wrong password".to_owned());
    response.code = Some("17".to_owned());
    response.uri = Some("https://example.com/17".to_owned());
    response.refuses_grant = true;
    response.details = vec![ErrorDetail {
        field: Some("body.password".to_owned()),
        message: None,
        kind: Some("missing".to_owned()),
    }];
    let error = AuthError::rejected(response.clone());
    let record = Record {
        latches: vec![Latch {
            error: error.clone(),
            ..latch(1, ms(60_000))
        }],
        ..Record::default()
    };
    let back = read(&record, ms(15_000));
    let latch = back.latch(&[tag(9), tag(1)]).unwrap();
    assert_eq!((latch.rest, latch.count), (ms(45_000), 3));
    assert!(latch.error.is_rejected());
    assert_eq!(latch.error.response(), Some(&response));
    assert_eq!(latch.error.to_string(), error.to_string());
    assert!(back.latch(&[tag(9)]).is_none(), "another credential's");
}

/// F8: a latch that is over is remembered for as long again, with its count, so that the next one
/// is longer.
#[test]
fn a_latch_that_is_over_is_remembered() {
    let record = Record {
        latches: vec![latch(1, ms(60_000))],
        ..Record::default()
    };
    let latch_after = |age| {
        let back = read(&record, ms(age));
        back.latches.first().map(|it| (it.rest, it.is_over()))
    };
    assert_eq!(latch_after(59_999), Some((ms(1), false)));
    assert_eq!(latch_after(60_000), Some((ms(0), true)));
    assert_eq!(latch_after(119_999), Some((ms(0), true)));
    assert_eq!(latch_after(120_000), None);
    // Written again in between, it ends when it would have.
    let again = read(&read(&record, ms(70_000)), ms(49_999));
    assert_eq!(again.latches[0].count, 3);
    assert!(read(&again, ms(1)).latches.is_empty());
}

/// F8, F23: of an error whose text is masked, others get that text.
#[test]
fn a_masked_text_stays_masked() {
    let error = AuthError::unavailable("https://me:s3cret@example.com");
    let error = error.masked_as("https://example.com".to_owned());
    let record = Record {
        latches: vec![Latch {
            error: error.clone(),
            ..latch(1, HOUR)
        }],
        ..Record::default()
    };
    let json = String::from_utf8(record.to_json().to_vec()).unwrap();
    assert!(!json.contains("s3cret"), "{json}");
    let back = read(&record, Duration::ZERO);
    let back = &back.latches[0].error;
    assert!(back.is_unavailable() && !back.is_rejected());
    assert_eq!(back.to_string(), error.to_string());
}

/// F9: what the server answered is for all; what one process met on its way is not, nor is what is
/// set up wrongly.
#[test]
fn only_answers_are_for_all() {
    let asked = HeaderMap::from_iter([(http::header::RETRY_AFTER, "7".parse().unwrap())]);
    for (status, is_for_all) in [(401, true), (503, true), (429, true), (404, false)] {
        let status = StatusCode::from_u16(status).unwrap();
        for headers in [&HeaderMap::new(), &asked] {
            let error = AuthError::from_response(status, headers);
            assert_eq!(Latch::is_for(&error), is_for_all, "{error}");
        }
    }
    assert!(Latch::is_for(&AuthError::rejected("wrong password")));
    let overloaded = AuthError::unavailable("overloaded");
    assert!(!Latch::is_for(&overloaded));
    assert!(Latch::is_for(&overloaded.with_retry_after(HOUR)));
    for own in [
        AuthError::unavailable("connection refused"),
        AuthError::timed_out(HOUR),
        AuthError::timed_out(HOUR).with_retry_after(HOUR),
        AuthError::misconfigured("no such URL").with_retry_after(HOUR),
    ] {
        assert!(!Latch::is_for(&own), "{own}");
    }
}

/// F8: a credential's latch replaces its own and no other, and those that last longest are kept.
#[test]
fn at_most_eight_latches_are_kept() {
    let mut record = Record::default();
    for byte in 1..=20 {
        record.set_latch(&[tag(byte)], latch(byte, HOUR / u32::from(byte)));
    }
    let mut kept: Vec<_> = record.latches.iter().map(|latch| latch.tag[0]).collect();
    kept.sort_unstable();
    assert_eq!(
        kept,
        [1, 2, 3, 4, 5, 6, 7, 20],
        "the newest, and the longest"
    );

    record.set_latch(&[tag(7)], latch(7, ms(1)));
    assert_eq!(record.latches.len(), 8);
    assert_eq!(record.latch(&[tag(7)]).unwrap().rest, ms(1));
    record.clear_latch(&[tag(7)]);
    assert!(record.latch(&[tag(7)]).is_none() && record.latches.len() == 7);
}

/// F18: a record from the future has age 0, whatever it says, and its latch is no longer than it
/// was.
#[test]
fn a_record_from_the_future_is_new() {
    let record = Record {
        token: Some(stored(Token::new("x").unwrap())),
        latches: vec![latch(1, ms(60_000))],
        ..Record::default()
    };
    let json = String::from_utf8(record.to_json().to_vec()).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let written = value["written"].as_u64().unwrap();

    value["written"] = (written + 3_600_000).into();
    let (back, age) = read_text(&value.to_string(), None).unwrap();
    assert_eq!(age, Duration::ZERO);
    assert_eq!(back.latches[0].rest, ms(60_000));
    assert_eq!(back.token.unwrap().age, ms(1500));

    value["written"] = (written - 10_000).into();
    let (back, age) = read_text(&value.to_string(), None).unwrap();
    assert!((ms(10_000)..HOUR).contains(&age), "{age:?}");
    assert_eq!(back.latches[0].rest, ms(60_000) - age);

    // The store's own clock goes before the writer's.
    let (_, age) = read_text(&value.to_string(), Some(ms(3))).unwrap();
    assert_eq!(age, ms(3));
}

/// F17: JSON that is no record is garbage, whatever it lacks; fields of a later version are no
/// matter.
#[test]
fn json_that_is_no_record_is_garbage() {
    let whole = r#"{"written":1,"number":2,"latches":[],"token":null,"later":[{"x":1}]}"#;
    assert!(read_text(whole, None).is_some());
    let odd_latch = whole.replace("[]", r#"[{"kind":"later"}]"#);
    assert!(read_text(&odd_latch, None).unwrap().0.latches.is_empty());
    for text in [
        "",
        "[]",
        "7",
        "{}",
        r#"{"written":1,"number":-2,"latches":[],"token":null}"#,
        r#"{"written":1,"number":2,"token":null}"#,
        r#"{"written":1,"number":2,"latches":[],"token":7}"#,
        r#"{"written":1,"number":2,"latches":[],"token":{"scheme":"Bearer","value":"","age_ms":1}}"#,
        r#"{"written":1,"number":2,"latches":[],"token":{"scheme":"a b","value":"x","age_ms":1}}"#,
        r#"{"written":1,"number":2,"latches":[],"token":{"scheme":"Bearer","value":"x"}}"#,
        &"[".repeat(100_000),
    ] {
        assert!(read_text(text, None).is_none(), "{text}");
    }
}

/// F13: a record is kept as long as it is worth something, and with a refresh token nobody knows
/// how long that is.
#[test]
fn a_record_knows_its_rest() {
    let token = || Token::new("x").unwrap();
    let rest = |token: Option<Token>, latches: Vec<Latch>| {
        let token = token.map(stored);
        let record = Record {
            token,
            latches,
            ..Record::default()
        };
        record.rest()
    };
    assert_eq!(rest(None, vec![]), Some(Duration::ZERO));
    assert_eq!(
        rest(None, vec![latch(1, HOUR), latch(2, ms(1))]),
        Some(2 * HOUR)
    );
    assert_eq!(rest(Some(token()), vec![]), None);
    let an_hour = || token().expires_in(HOUR);
    assert_eq!(rest(Some(an_hour()), vec![]), Some(HOUR - ms(1500)));
    assert_eq!(
        rest(Some(an_hour()), vec![latch(1, 2 * HOUR)]),
        Some(4 * HOUR)
    );
    assert_eq!(rest(Some(an_hour().refresh_token("r")), vec![]), None);
}
