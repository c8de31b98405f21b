//! L4, S4: a secret is masked however it is spelled.

use serde_json::json;
use tower_bearer::login::Form;
use tower_bearer::{AuthError, TokenRequest, TokenSource};

use super::{answer, answering};

const PASSWORD: &str = "r/s té\"&'<x+1\u{1F511}";

/// Logs in, and the server says this.
async fn said(password: &str, message: &str) -> AuthError {
    let body = json!({"message": message}).to_string();
    let login = Form::new(
        answering(answer(401, &body)),
        "https://api.example.com",
        "me",
        password,
    );
    login
        .unwrap()
        .fetch(TokenRequest::first())
        .await
        .unwrap_err()
}

async fn masked(password: &str, message: &str) -> String {
    let error = said(password, message).await;
    error
        .response()
        .unwrap()
        .message()
        .unwrap_or_default()
        .to_owned()
}

/// As a URL has it, where this is not a letter or a digit.
fn percent(text: &str, space: &str, digits: fn(u8) -> String) -> String {
    let byte = |byte: u8| match byte {
        b' ' => space.to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).into(),
        byte => format!("%{}", digits(byte)),
    };
    text.bytes().map(byte).collect()
}

fn html(text: &str, apostrophe: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('"', "&quot;").replace('\'', apostrophe)
}

/// As JSON may have it, with all that is not ASCII escaped.
fn json_escaped(text: &str, slash: &str, digits: fn(u16) -> String) -> String {
    let unit = |unit: u16| match u8::try_from(unit) {
        Ok(b'/') => slash.to_owned(),
        Ok(b'"') => "\\\"".to_owned(),
        Ok(byte) if byte.is_ascii() => char::from(byte).into(),
        _ => format!("\\u{}", digits(unit)),
    };
    text.encode_utf16().map(unit).collect()
}

/// L4, S4: percent-encoding in either case, `%20` or `+` for a space; the escapes of JSON; the
/// entities of HTML; and two of these, one in the other.
#[tokio::test]
async fn a_secret_is_masked_however_it_is_spelled() {
    let [upper, lower]: [fn(u8) -> String; 2] =
        [|byte| format!("{byte:02X}"), |byte| format!("{byte:02x}")];
    let [long_upper, long_lower]: [fn(u16) -> String; 2] =
        [|unit| format!("{unit:04X}"), |unit| format!("{unit:04x}")];
    let mut spellings = vec![PASSWORD.to_owned()];
    for digits in [upper, lower] {
        spellings.push(percent(PASSWORD, "%20", digits));
        spellings.push(percent(PASSWORD, "+", digits));
    }
    for digits in [long_upper, long_lower] {
        spellings.push(json_escaped(PASSWORD, "/", digits));
        spellings.push(json_escaped(PASSWORD, "\\/", digits));
    }
    for apostrophe in ["'", "&#39;", "&#039;", "&#x27;", "&#X27;", "&apos;"] {
        spellings.push(html(PASSWORD, apostrophe));
        spellings.push(html(&json_escaped(PASSWORD, "\\/", long_lower), apostrophe));
    }
    spellings.push(
        serde_json::to_string(PASSWORD)
            .unwrap()
            .trim_matches('"')
            .to_owned(),
    );
    spellings.push(format!("{PASSWORD:?}").trim_matches('"').to_owned());
    spellings.push(PASSWORD.escape_unicode().to_string());
    // An encoding twice over, as a redirect in a query has it.
    spellings.push(percent(&percent(PASSWORD, "%20", upper), "+", lower));
    for spelling in spellings {
        let message = format!("<{spelling}>");
        assert_eq!(masked(PASSWORD, &message).await, "<***>", "{spelling}");
    }
}

/// L4: what is no escape, or only a part of one, is left as it is, and is found as it is.
#[tokio::test]
async fn what_is_no_escape_is_left_alone() {
    for text in [
        "%",
        "%2",
        "%zz",
        "\\",
        "\\u12",
        "\\u{110000}",
        "\\ud800",
        "&",
        "&amp",
        "&#;",
        "&#x110000;",
        "100 %é",
        "\\é",
        "&é;",
    ] {
        assert_eq!(masked(PASSWORD, text).await, text);
        // So a password with such a text in it is found.
        let password = format!("q{text}q");
        assert_eq!(
            masked(&password, &format!("a {password}")).await,
            "a ***",
            "{text}"
        );
    }
    // Latin-1, as old servers have it.
    assert_eq!(masked("tést1", "<t%E9st1>").await, "<***>");
}

/// L4: however many escapes an answer has, and however they stand in each other, it takes neither
/// long nor much.
#[tokio::test]
async fn masking_takes_little_however_much_is_escaped() {
    for escape in [
        "%2525",
        "\\\\u005c",
        "&amp;amp;",
        "+%2B",
        "\\u{",
        "\\u0026amp;%26",
    ] {
        let text = escape.repeat(50_000 / escape.len() / 2);
        let error = said(PASSWORD, &text).await;
        assert!(error.is_rejected());
    }
    // A thousand tokens are no answer to a login: nothing of it is shown.
    let mut body = serde_json::Map::new();
    for n in 0..1000 {
        body.insert(format!("{n}token"), format!("t{n}").into());
    }
    body.insert("message".to_owned(), "a t1 b".into());
    let body = serde_json::Value::Object(body).to_string();
    let login = super::form(answering(answer(401, &body)));
    let error = login.fetch(TokenRequest::first()).await.unwrap_err();
    assert_eq!(error.response().unwrap().message(), Some("***"));
}

/// S4: the query of the login's URL counts as a secret, its values and its parts.
#[tokio::test]
async fn the_query_of_the_url_is_masked() {
    let said = async |query: &str, message: &str| {
        let body = json!({"message": message}).to_string();
        let login = super::form(answering(answer(401, &body)));
        let login = login.path(&format!("/token?{query}")).unwrap();
        let error = login.fetch(TokenRequest::first()).await.unwrap_err();
        error.response().unwrap().message().unwrap().to_owned()
    };
    let query = "key=k3y&sig=ab%2Fc%3D+d&v=1";
    for (message, expected) in [
        ("no k3y", "no ***"),
        ("no ab/c= d, no ab%2fc%3d%20d", "no ***, no ***"),
        ("no ab%2Fc%3D+d", "no ***"),
        ("/token?key=k3y&sig=ab%2Fc%3D+d&v=1", "/token***"),
        // What is that short keeps nothing secret by itself.
        ("1 of v=1", "1 of ***"),
    ] {
        assert_eq!(said(query, message).await, expected);
    }
    assert_eq!(said("k3y", "no k3y").await, "no ***");
}
