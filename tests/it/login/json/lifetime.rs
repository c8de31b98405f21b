//! T5: the lifetime of the token, as the answer tells it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use serde_json::{Value, json};
use tower_bearer::login::{Json, Lifetime};

use super::{LIFETIMES, answered, at};

/// The beginning of 2100 (UTC).
const FAR: u64 = 4_102_444_800;

/// The lifetime that is read of this value.
async fn lifetime(value: impl Into<Value>, lifetime: Lifetime) -> Option<Duration> {
    let body = json!({"token": "abc", "until": value.into()});
    let set = |login: Json| login.lifetime("/until", lifetime).unwrap();
    answered(200, body, set).await.unwrap().lifetime()
}

/// Whether the lifetime ends then, seconds after the beginning of 1970.
fn ends_at(lifetime: Option<Duration>, seconds: f64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let end = lifetime.map(|lifetime| (now + lifetime).as_secs_f64());
    end.is_some_and(|end| (end - seconds).abs() < 10.0)
}

/// T5, D3: Directus tells the lifetime in milliseconds.
#[tokio::test]
async fn a_lifetime_may_be_in_milliseconds() {
    let body = json!({"data": {"access_token": "t0k", "expires": 900_000}});
    let token = answered(200, body, |login| {
        at("/data/access_token")(login)
            .lifetime("/data/expires", Lifetime::Millis)
            .unwrap()
    });
    let token = token.await.unwrap();
    assert_eq!(token.expose(), "t0k");
    assert_eq!(token.lifetime(), Some(Duration::from_secs(900)));

    let millis = Some(Duration::from_millis(1500));
    assert_eq!(lifetime(1500, Lifetime::Millis).await, millis);
    assert_eq!(lifetime("1500", Lifetime::Millis).await, millis);
}

/// T5, D3: Google's Identity Toolkit tells the lifetime in seconds, as a text.
#[tokio::test]
async fn a_lifetime_may_be_a_numeric_text() {
    let body = json!({"idToken": "t0k", "expiresIn": "3600"});
    let token = answered(200, body, |login| {
        at("/idToken")(login)
            .lifetime("/expiresIn", Lifetime::Seconds)
            .unwrap()
    });
    let token = token.await.unwrap();
    assert_eq!(token.lifetime(), Some(Duration::from_secs(3600)));

    let seconds = Some(Duration::from_millis(1500));
    assert_eq!(lifetime(1.5, Lifetime::Seconds).await, seconds);
    assert_eq!(lifetime(" 1.5 ", Lifetime::Seconds).await, seconds);
}

/// T5, D3: the end may be told as a unix time, in seconds or milliseconds.
#[tokio::test]
async fn a_lifetime_may_end_at_a_unix_time() {
    let body = json!({"access_token": "t0k", "expires_at": FAR});
    let token = answered(200, body, |login| {
        at("/access_token")(login)
            .lifetime("/expires_at", Lifetime::UnixSeconds)
            .unwrap()
    });
    let far = FAR as f64;
    assert!(ends_at(token.await.unwrap().lifetime(), far));

    let text = (FAR * 1000).to_string();
    assert!(ends_at(lifetime(text, Lifetime::UnixMillis).await, far));
    assert!(ends_at(
        lifetime(FAR * 1000 + 60_000, Lifetime::UnixMillis).await,
        far + 60.0
    ));
}

/// T5, D3: the end may be told as a date, with any offset.
#[tokio::test]
async fn a_lifetime_may_end_at_a_date() {
    let body = json!({"token": "t0k", "session_expiration_time": "2100-01-01T00:00:00Z"});
    let set = |login: Json| {
        login
            .lifetime("/session_expiration_time", Lifetime::Rfc3339)
            .unwrap()
    };
    let token = answered(200, body, set).await.unwrap();
    let far = FAR as f64;
    assert!(ends_at(token.lifetime(), far));

    for (date, expected) in [
        ("2100-01-01T02:00:00+02:00", far),
        ("2099-12-31T18:30:00.123456789-05:30", far),
        ("2100-01-01T00:00:00.5z", far),
        (" 2100-01-01 00:00:00-00:00 ", far),
        ("2100-03-01T00:00:00Z", far + 59.0 * 86_400.0),
        ("2100-06-30T23:59:60Z", far + 181.0 * 86_400.0),
    ] {
        let lifetime = lifetime(date, Lifetime::Rfc3339).await;
        assert!(ends_at(lifetime, expected), "{date}: {lifetime:?}");
    }
}

/// T5, D3: a text that is no date tells nothing, nor does one without an offset.
#[tokio::test]
async fn no_other_text_is_a_date() {
    for text in [
        "",
        "soon",
        "2100-01-01",
        "2100-01-01T00:00:00",
        "2100-01-01T00:00:00+0200",
        "2100-02-29T00:00:00Z",
        "2100-13-01T00:00:00Z",
        "2100-01-01T24:00:00Z",
        "2100-01-01T00:00:00+24:00",
        "2100-01-01T00:00:00.Z",
        "2100-01-01T00:00:00Z and on",
        "21000-01-01T00:00:00Z",
        "-2100-01-01T00:00:00Z",
        "２100-01-01T00:00:00Z",
        "2100-01-01T00:00:0é",
        "Fri, 01 Jan 2100 00:00:00 GMT",
        "4102444800",
    ] {
        assert_eq!(lifetime(text, Lifetime::Rfc3339).await, None, "{text}");
    }
}

/// T5, D3: what is negative, too large or no number tells nothing in any unit.
#[tokio::test]
async fn what_makes_no_sense_tells_no_lifetime() {
    for value in [
        json!(-1),
        json!("-1"),
        json!(1e300),
        json!(-1e300),
        json!("1e999"),
        json!("inf"),
        json!("NaN"),
        json!("1 h"),
        json!(""),
        json!(null),
        json!(true),
        json!([3600]),
        json!({"seconds": 3600}),
    ] {
        for unit in LIFETIMES {
            assert_eq!(
                lifetime(value.clone(), unit).await,
                None,
                "{value} {unit:?}"
            );
        }
    }
    assert_eq!(lifetime(u64::MAX, Lifetime::UnixSeconds).await, None);
    assert_eq!(lifetime(FAR, Lifetime::Rfc3339).await, None);
}

/// T5, D3: a point in time that has passed tells nothing: it says that one of the clocks is off.
#[tokio::test]
async fn a_time_that_has_passed_tells_no_lifetime() {
    for (value, unit) in [
        (json!(0), Lifetime::UnixSeconds),
        (json!(1_600_000_000), Lifetime::UnixSeconds),
        (json!("1600000000000"), Lifetime::UnixMillis),
        (json!("2020-09-13T12:26:40Z"), Lifetime::Rfc3339),
        (json!("1969-12-31T23:59:59.5Z"), Lifetime::Rfc3339),
        (json!("0000-01-01T00:00:00+23:59"), Lifetime::Rfc3339),
    ] {
        assert_eq!(lifetime(value.clone(), unit).await, None, "{value}");
    }
    // Nor does a lifetime of no time.
    assert_eq!(lifetime(0, Lifetime::Seconds).await, None);
}

/// T5, D3: the JWT's own lifetime counts where the answer tells none, in every unit, and only
/// there.
#[tokio::test]
async fn the_answer_goes_before_the_jwt() {
    let jwt = crate::login::jwt::jwt(r#"{"iat": 100, "exp": 160}"#);
    let own = Some(Duration::from_secs(60));
    for unit in LIFETIMES {
        for body in [
            json!({"token": jwt}),
            json!({"token": jwt, "until": null}),
            json!({"token": jwt, "until": "-1"}),
        ] {
            let set = |login: Json| login.lifetime("/until", unit).unwrap();
            let token = answered(200, body, set).await.unwrap();
            assert_eq!(token.lifetime(), own, "{unit:?}");
        }
    }
    let body = json!({"token": jwt, "until": 30});
    let token = answered(200, &body, |login| login).await.unwrap();
    assert_eq!(token.lifetime(), own);
    let set = |login: Json| login.lifetime("/until", Lifetime::Seconds).unwrap();
    let token = answered(200, &body, set).await.unwrap();
    assert_eq!(token.lifetime(), Some(Duration::from_secs(30)));
}

proptest! {
    /// T5: a date is read the same under every offset.
    #[test]
    fn a_date_is_the_same_under_every_offset(
        day in 1_u32..=28, hour in 0_u32..24, minute in 0_u32..60,
        offset in -(23 * 60 + 59)..=(23 * 60 + 59_i64),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        let date = format!("2100-01-{day:02}T{hour:02}:{minute:02}:00{sign}{hours:02}:{minutes:02}");
        let lifetime = runtime.unwrap().block_on(lifetime(date.as_str(), Lifetime::Rfc3339));
        let local = f64::from((day - 1) * 86_400 + hour * 3600 + minute * 60);
        prop_assert!(ends_at(lifetime, FAR as f64 + local - (offset * 60) as f64), "{}", date);
    }
}
