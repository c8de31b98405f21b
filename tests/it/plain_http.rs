//! Neither a token nor a password goes out where it can be read on its way.

use std::convert::Infallible;

use futures::FutureExt;
use http::{Request, Response, Uri};
use http_body_util::Full;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_bearer::login::{Datafiniti, Form};
use tower_bearer::{BearerAuthLayer, NoAuth, TokenRequest, TokenSource};

use crate::support::{Body, ScriptedSource, Server, auth_error, get};

/// Whose owner is the one who asks.
const LOOPBACK: [&str; 9] = [
    "http://127.0.0.1:1",
    "http://127.1.2.3/",
    "HTTP://127.0.0.1/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]:80/",
    "http://localhost:8080/",
    "http://LOCALHOST./",
    "http://api.localhost/",
    "http://me@localhost/",
];

/// Some look like a loopback address; some may well be one, which a spelling does not prove.
const ELSEWHERE: [&str; 16] = [
    "http://api.example.com/",
    "HTTP://api.example.com/",
    "http://localhost.evil.test/",
    "http://127.0.0.1.evil.test/",
    "http://localhost@evil.test/",
    "http://127.0.0.1@evil.test/",
    "http://notlocalhost/",
    "http://localhost../",
    "http://127.0.0.1./",
    "http://127.1/",
    "http://2130706433/",
    "http://0.0.0.0/",
    "http://128.0.0.1/",
    "http://10.0.0.1/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
];

/// S2: no token goes out over plain http, and none is fetched for it; loopback is no way out.
#[tokio::test]
async fn a_token_goes_over_plain_http_to_loopback_alone() {
    for uri in LOOPBACK {
        let server = Server::accepting("t1");
        let client = BearerAuthLayer::new(ScriptedSource::open()).layer(server.service());
        assert_eq!(
            client.oneshot(get(uri)).await.unwrap().status(),
            200,
            "{uri}"
        );
    }
    for uri in ELSEWHERE {
        let (desk, server) = (ScriptedSource::open(), Server::new());
        let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
        let error = auth_error(client.oneshot(get(uri)).await.unwrap_err());
        assert!(error.is_insecure(), "{uri}: {error}");
        assert_eq!((server.seen().len(), desk.logins()), (0, 0), "{uri}");
    }
}

/// S2: the token in hand is kept back as well, and the error says what to do, in one line.
#[tokio::test]
async fn a_token_in_hand_is_kept_back() {
    let (desk, server) = (ScriptedSource::open(), Server::new());
    let client = BearerAuthLayer::new(desk).layer(server.service());
    let secure = get("https://api.example.com/");
    client.clone().oneshot(secure).await.unwrap();
    let error = client.oneshot(get("http://me:secret@api.example.com/?key=secret"));
    assert_eq!(
        auth_error(error.await.unwrap_err()).to_string(),
        "refused to send the token to api.example.com over plain http: use https, or call \
         `BearerAuthLayer::allow_plain_http()`"
    );
    assert_eq!(server.tokens(), ["Bearer t1"]);
}

/// S2: a scheme that was put into the URI by hand is told whatever its case.
#[tokio::test]
async fn a_scheme_set_by_hand_is_told_in_any_case() {
    let uri = Uri::builder().scheme("HTTP").authority("api.example.com");
    let mut request = get("/");
    *request.uri_mut() = uri.path_and_query("/").build().unwrap();
    let client = BearerAuthLayer::new(ScriptedSource::open()).layer(Server::new().service());
    assert!(auth_error(client.oneshot(request).await.unwrap_err()).is_insecure());
}

/// S2: `allow_plain_http()` sends it.
#[tokio::test]
async fn plain_http_can_be_allowed() {
    let server = Server::accepting("t1");
    let layer = BearerAuthLayer::new(ScriptedSource::open()).allow_plain_http();
    let client = layer.layer(server.service());
    for uri in ELSEWHERE {
        let response = client.clone().oneshot(get(uri)).await.unwrap();
        assert_eq!(response.status(), 200, "{uri}");
    }
}

/// S2: a request that carries no token of ours passes, and so does one whose URI does not tell.
#[tokio::test]
async fn what_carries_no_token_or_tells_no_scheme_passes() {
    let server = Server::new();
    let layer = BearerAuthLayer::new(ScriptedSource::scoped("http://api.example.com"));
    let client = layer.layer(server.service());
    let mut opted_out = get("http://api.example.com/");
    opted_out.extensions_mut().insert(NoAuth);
    let mut own = get("http://api.example.com/");
    let header = http::HeaderValue::from_static("Basic b3du");
    own.headers_mut().insert("authorization", header);
    let foreign_origin = get("http://cdn.example.com/");
    for request in [opted_out, own, foreign_origin, get("/")] {
        client.clone().oneshot(request).await.unwrap();
    }
    let sent = ["", "Basic b3du", "", "Bearer t1"];
    assert_eq!(server.tokens(), sent);
}

/// S2, W1, W3: the error comes from the response future, and the reservation is given back at once.
#[tokio::test]
async fn a_request_that_is_not_sent_holds_no_reservation() {
    let server = Server::new();
    let layer = BearerAuthLayer::new(ScriptedSource::open());
    let mut client = layer.layer(ConcurrencyLimit::new(server.service(), 1));
    let mut other = client.clone();
    let not_sent = client
        .ready()
        .await
        .unwrap()
        .call(get("http://api.example.com/"));
    let other = other
        .ready()
        .now_or_never()
        .expect("a free permit")
        .unwrap();
    let sent = other.call(get("https://api.example.com/"));
    assert_eq!(sent.await.unwrap().status(), 200);
    assert!(auth_error(not_sent.await.unwrap_err()).is_insecure());
    // It may be used on, as a service after any call.
    let sent = client
        .ready()
        .await
        .unwrap()
        .call(get("https://api.example.com/"));
    assert_eq!(sent.await.unwrap().status(), 200);
}

/// S2: no password goes out over plain http but to loopback, unless that is allowed.
#[tokio::test]
async fn a_password_goes_over_plain_http_to_loopback_alone() {
    let client = || {
        service_fn(async |_: Request<Body>| {
            let body = r#"{"token": "t1", "access_token": "t1"}"#;
            Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::from(body)))
        })
    };
    let datafiniti = |url| {
        let login = Datafiniti::new(client(), "me@example.com", "hunter2");
        login.base_url(url).unwrap()
    };
    let form = |url| Form::new(client(), url, "me", "hunter2").unwrap();
    let without_user = |uri: &&str| !uri.contains('@');

    for url in LOOPBACK.into_iter().filter(without_user) {
        assert!(
            datafiniti(url).fetch(TokenRequest::first()).await.is_ok(),
            "{url}"
        );
        assert!(
            form(url).fetch(TokenRequest::first()).await.is_ok(),
            "{url}"
        );
    }
    for url in ELSEWHERE.into_iter().filter(without_user) {
        let datafiniti = datafiniti(url).allow_plain_http();
        assert!(
            datafiniti.fetch(TokenRequest::first()).await.is_ok(),
            "{url}"
        );
        let form = form(url).allow_plain_http();
        assert!(form.fetch(TokenRequest::first()).await.is_ok(), "{url}");
    }
}

/// S2: the error of such a login says so in one line, and nothing is sent.
#[tokio::test]
async fn a_login_over_plain_http_fails_with_nothing_sent() {
    let client = || {
        service_fn(
            async |request: Request<Body>| -> Result<Response<Body>, Infallible> {
                panic!("sent to {}", request.uri())
            },
        )
    };
    for url in ELSEWHERE.into_iter().filter(|url| !url.contains('@')) {
        let login = Datafiniti::new(client(), "me@example.com", "hunter2");
        let login = login.base_url(url).unwrap();
        let error = login.fetch(TokenRequest::first()).await.unwrap_err();
        assert!(error.is_insecure() && error.is_misconfigured(), "{url}");
        let login = Form::new(client(), url, "me", "hunter2").unwrap();
        let error = login.path("/oauth/token?key=secret").unwrap();
        let error = error.fetch(TokenRequest::first()).await.unwrap_err();
        assert!(error.is_insecure() && error.is_misconfigured(), "{url}");
        let host = url.parse::<Uri>().unwrap().host().unwrap().to_owned();
        assert_eq!(
            error.to_string(),
            format!(
                "refused to send the password to {host} over plain http: use https, or call \
                 `allow_plain_http()` on the login"
            )
        );
    }
}
