//! No text that the crate makes, and none that is traced on the way, holds a secret.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod run;
mod server;
#[cfg(feature = "store")]
mod stores;
mod texts;
mod types;

use self::texts::{Secrets, Texts, Trace};

/// S4: prints every public type and every error, traces full runs over HTTP/1 and HTTP/2 at the
/// finest level, and finds neither password nor token in any of it.
///
/// hyper itself is silent here: its events need `--cfg hyper_unstable_tracing`.
#[tokio::test]
async fn no_text_holds_a_secret() {
    let trace = Trace::start();
    let (mut texts, mut secrets) = (Texts::default(), Secrets::default());
    run::all(&mut texts, &mut secrets).await;
    types::all(&mut texts, &mut secrets).await;
    #[cfg(feature = "store")]
    stores::all(&mut texts, &mut secrets).await;

    let trace = trace.text();
    secrets.assert_absent(&trace);
    secrets.assert_absent(&texts.text());
    for origin in ["h2::", "hyper_util::", "tower::buffer", "tower_http::"] {
        assert!(trace.contains(origin), "nothing traced by {origin}");
    }
    assert!(trace.contains("Sensitive"), "no header was traced");
    #[cfg(feature = "tracing")]
    for told in [
        "login{cause=",
        "logged in",
        "login failed",
        "login throttled",
        "token refused",
        "request retried",
        "request not retried",
        "request left alone",
        "request sent without a token",
    ] {
        assert!(trace.contains(told), "nothing traced of `{told}`");
    }
    for name in types::exported() {
        assert!(texts.has(name), "`{name}` is not printed by this test");
    }
}

/// S4: the search finds a secret in any spelling; else the test above would prove nothing.
#[test]
fn a_secret_is_found_in_any_spelling() {
    let mut secrets = Secrets::default();
    secrets.add_parts(texts::PASSWORD);
    let form: String = form_urlencoded::byte_serialize(texts::PASSWORD.as_bytes()).collect();
    let bytes = texts::PASSWORD.as_bytes();
    for text in [
        texts::PASSWORD.to_owned(),
        form,
        serde_json::to_string(texts::PASSWORD).unwrap(),
        format!("{:?}", texts::PASSWORD),
        format!("{:?}", bytes::Bytes::from_static(bytes)),
        format!("{bytes:?}"),
        format!("{bytes:x?}"),
        format!("{bytes:02X?}").replace(", ", ""),
    ] {
        assert!(secrets.found_in(&format!("a {text} b")), "{text}");
    }
    assert!(!secrets.found_in("the password was wrong"));
}
