//! The token itself.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, SystemTime};

use tower::{Layer, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer, Session, Token, source_fn};

use crate::support::{ScriptedSource, Server, get, token};

/// T5: a lifetime is told as a duration or as a time; one in the past is none.
#[test]
fn a_lifetime_is_told_as_a_duration_or_a_time() {
    let secs = Duration::from_secs;
    assert_eq!(token("t").lifetime(), None);
    assert_eq!(token("t").expires_in(secs(5)).lifetime(), Some(secs(5)));
    let lifetime = token("t")
        .expires_at(SystemTime::now() + secs(60))
        .lifetime()
        .unwrap();
    assert!(lifetime <= secs(60) && lifetime > secs(50), "{lifetime:?}");
    let past = token("t").expires_at(SystemTime::now() - secs(60));
    assert_eq!(past.lifetime(), Some(Duration::ZERO));
}

/// S4: a token is visible ASCII without its trailing newline, or an error that does not show it.
#[test]
fn a_token_is_trimmed_and_checked() {
    for text in ["abc", "abc\n", "abc\r\n"] {
        assert_eq!(Token::new(text).unwrap().header_value(), "Bearer abc");
    }
    for text in [
        "",
        "\n",
        "se cret",
        "secr\net",
        "secret\n\n",
        "sécret",
        "secret\0",
        " secret",
    ] {
        let error = Token::new(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secr"), "{error}");
        assert!(AuthError::from(error).is_misconfigured());
    }
    assert!(Token::with_scheme("", "abc").is_err());
    assert!(Token::with_scheme("Two Words", "abc").is_err());
    assert_eq!(Token::with_scheme("Token", "abc").unwrap().expose(), "abc");
    assert_eq!(Token::bare("abc").unwrap().header_value(), "abc");
    assert_eq!(Token::bare("abc").unwrap().expose(), "abc");
}

/// S4: the error of a token with a space says what is likely to be wrong.
#[test]
fn a_token_with_a_space_is_explained() {
    for (text, expected) in [
        (
            "Bearer eyJ0",
            "the token contains a space: does it begin with its scheme?",
        ),
        (" eyJ0", "the token begins or ends with a space"),
        ("eyJ0 \n", "the token begins or ends with a space"),
        ("eyJ\t0", "the token is not visible ASCII"),
    ] {
        assert_eq!(Token::new(text).unwrap_err().to_string(), expected);
    }
}

/// S3: a token tells the scheme that it is sent under, if there is one.
#[test]
fn a_token_tells_its_scheme() {
    assert_eq!(token("abc").scheme(), Some("Bearer"));
    let other = Token::with_scheme("Token", "abc").unwrap();
    assert_eq!(other.scheme(), Some("Token"));
    assert_eq!(Token::bare("abc").unwrap().scheme(), None);
}

/// S4: a fingerprint is the same for the same token, and no hash that can be looked up: it is
/// salted by the process, so it is not what the hasher of the standard library makes of the text.
#[test]
fn a_fingerprint_is_salted() {
    let shown = token("123456").fingerprint().to_string();
    assert_eq!(shown, token("123456").fingerprint().to_string());
    let mut hasher = DefaultHasher::new();
    "Bearer 123456".as_bytes().hash(&mut hasher);
    assert_ne!(shown, format!("{:08x}", (hasher.finish() >> 32) as u32));
}

/// S4: no `Debug` or `Display` of a type that holds a token shows it; a fingerprint tells apart.
#[tokio::test]
async fn nothing_that_holds_a_token_shows_it() {
    let secret = Token::new("s3cr3t").unwrap().refresh_token("r3fr3sh");
    assert!(secret.header_value().is_sensitive());
    assert_eq!(secret.expose_refresh_token(), Some("r3fr3sh"));
    assert_ne!(
        secret.fingerprint().to_string(),
        token("other").fingerprint().to_string()
    );
    assert_eq!(secret.fingerprint().to_string().len(), 8);

    let desk = ScriptedSource::open().script([Ok(secret.clone())]);
    let layer = BearerAuthLayer::new(desk.clone());
    let session = layer.session().clone();
    let waiting = session.token();
    let shown = format!("{waiting:?}");
    waiting.await.unwrap();
    let service = layer.layer(Server::new().service());
    service.clone().oneshot(get("/")).await.unwrap();
    let mut ready = service.clone();
    let response = tower::Service::call(ready.ready().await.unwrap(), get("/"));
    let source = source_fn(tower_bearer::Origins::any(), |_| async {
        Ok(token("s3cr3t"))
    });
    for shown in [
        shown,
        format!("{secret:?} {session:?} {layer:?} {response:?} {source:?}"),
        format!("{:?} {:?}", ready.session(), Session::builder(desk)),
        format!("{secret:#?} {session:#?} {layer:#?} {response:#?}"),
    ] {
        assert!(
            !shown.contains("s3cr3t") && !shown.contains("r3fr3sh"),
            "{shown}"
        );
    }
    let fingerprint = secret.fingerprint().to_string();
    assert!(format!("{session:?}").contains(&fingerprint));
}

/// T4: an error is cloned without loss, says what it was made from, and can be told a delay.
#[test]
fn an_error_keeps_its_cause() {
    let cause = std::io::Error::other("cut off");
    let error = AuthError::unavailable(cause);
    let later = error.clone().with_retry_after(Duration::from_secs(3));
    assert_eq!(error.retry_after(), None);
    assert_eq!(later.retry_after(), Some(Duration::from_secs(3)));
    assert!(later.is_unavailable() && !later.is_timeout());
    for error in [error, later] {
        assert_eq!(error.to_string(), "login unavailable: cut off");
        assert!(error.get_ref().downcast_ref::<std::io::Error>().is_some());
    }
}
