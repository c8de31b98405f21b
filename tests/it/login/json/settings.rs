//! How the login is set up, and what is refused at once.

use tower_bearer::login::{Json, Lifetime};
use tower_bearer::{Origins, TokenSource};

use super::json_login;
use crate::login::{answer, answering, unused, url_of};

/// D3: a name that is set twice is an error, for an object has each name once.
#[test]
fn a_field_that_is_set_twice_is_an_error() {
    for name in ["email", "password"] {
        let error = json_login(unused()).field(name, "x").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the field {name} is already set")
        );
        assert!(json_login(unused()).secret_field(name, "x").is_err());
    }
}

/// D3: what is no pointer is refused when it is set, and says why.
#[test]
fn what_is_no_pointer_is_refused() {
    let slash = "not a JSON pointer like /data/token: it does not begin with a slash";
    let tilde = "not a JSON pointer like /data/token: it contains a ~ other than in ~0 and ~1";
    for (pointer, expected) in [
        ("token", slash),
        ("data/token", slash),
        ("$.token", slash),
        (" /token", slash),
        ("#/token", slash),
        ("/~", tilde),
        ("/~0~2", tilde),
        ("/a~/b", tilde),
        ("/~~0", tilde),
    ] {
        let token = json_login(unused()).token(pointer);
        let lifetime = json_login(unused()).lifetime(pointer, Lifetime::Seconds);
        let token_type = json_login(unused()).token_type(pointer);
        for error in [token, lifetime, token_type].map(Result::unwrap_err) {
            assert_eq!(error.to_string(), expected, "{pointer}");
        }
    }
    for pointer in ["", "/", "//", "/a~0~1b", "/ü/0"] {
        assert!(json_login(unused()).token(pointer).is_ok(), "{pointer}");
    }
}

/// D3, S1: the URL is the whole one, kept as it is; its origin is where the token may go.
#[tokio::test]
async fn the_url_is_used_as_it_is() {
    for (url, expected) in [
        (
            "https://a.example/v1/session",
            "https://a.example/v1/session",
        ),
        ("https://a.example/login/", "https://a.example/login/"),
        (
            "https://a.example/in?key=k3y&x=/",
            "https://a.example/in?key=k3y&x=/",
        ),
        ("https://a.example", "https://a.example/"),
        ("https://a.example?x=1", "https://a.example/?x=1"),
    ] {
        let sent_to = url_of(|client| Json::new(client, url).unwrap()).await;
        assert_eq!(sent_to, expected);
        let login = Json::new(answering(answer(200, "")), url).unwrap();
        assert_eq!(login.origins(), Origins::only("https://a.example").unwrap());
    }
    for (url, reason) in [
        ("https://a.example/#in", "it has a fragment"),
        ("https://me:pw@a.example/in", "it has user information"),
        ("ftp://a.example/in", "its scheme is neither http nor https"),
        ("/in", "it has no scheme or no host"),
        ("a.example", "it has no scheme or no host"),
        ("https://", "it is not a URI"),
        ("https://a.example/a b", "it is not a URI"),
        ("", "it is not a URI"),
    ] {
        let error = Json::new(unused(), url).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("not a login URL like https://api.example.com: {reason}"),
            "{url}"
        );
    }
}
