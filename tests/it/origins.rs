//! Which requests carry the token, and which are left alone.

use http::{HeaderName, Request, Response, Uri};
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_bearer::{BearerAuthLayer, NoAuth, Origins, ReplayBody, Token, source_fn};

use crate::support::{Body, ScriptedSource, Server, explanation, get};

const URI: &str = "https://api.example.com/";

/// S3: a request that has the header already is the caller's own, also when it is refused.
#[tokio::test]
async fn the_callers_own_header_is_left_alone() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("t1"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let mut request = get(URI);
    let own = http::HeaderValue::from_static("Basic b3du");
    request.headers_mut().insert("authorization", own);
    let response = client.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(explanation(&response).is_none());
    assert_eq!(
        (server.tokens(), desk.logins()),
        (vec!["Basic b3du".to_owned()], 0)
    );
}

/// S3: so is one with the `NoAuth` extension.
#[tokio::test]
async fn a_request_that_opted_out_is_left_alone() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("t1"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let mut request = get(URI);
    request.extensions_mut().insert(NoAuth);
    assert_eq!(client.oneshot(request).await.unwrap().status(), 401);
    assert_eq!((server.tokens(), desk.logins()), (vec![String::new()], 0));
}

/// S3: another header, another scheme and none at all.
#[tokio::test]
async fn another_header_and_scheme_can_be_set() {
    let source = |token: Token| {
        source_fn(Origins::any(), move |_| {
            let token = token.clone();
            async move { Ok(token) }
        })
    };
    let echo = || {
        service_fn(async |request: Request<ReplayBody<Body>>| {
            Ok::<_, BoxError>(Response::new(request.headers().clone()))
        })
    };
    let layer = BearerAuthLayer::new(source(Token::with_scheme("Token", "abc").unwrap()));
    let headers = layer
        .layer(echo())
        .oneshot(get(URI))
        .await
        .unwrap()
        .into_body();
    assert_eq!(headers["authorization"], "Token abc");

    let layer = BearerAuthLayer::new(source(Token::bare("abc").unwrap()))
        .header(HeaderName::from_static("x-api-key"));
    let mut request = get(URI);
    let own = http::HeaderValue::from_static("Basic b3du");
    request.headers_mut().insert("authorization", own);
    let headers = layer
        .layer(echo())
        .oneshot(request)
        .await
        .unwrap()
        .into_body();
    assert_eq!(headers["x-api-key"], "abc");
    assert_eq!(headers["authorization"], "Basic b3du");
}

/// S1: a request to another origin passes without a token, and its 401 says why.
#[tokio::test]
async fn a_request_out_of_scope_gets_no_token() {
    let (desk, server) = (ScriptedSource::scoped(URI), Server::accepting("t1"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let response = client
        .clone()
        .oneshot(get("https://cdn.example.com/f"))
        .await
        .unwrap();
    assert!(explanation(&response).unwrap().is_foreign_origin());
    assert_eq!((server.tokens(), desk.logins()), (vec![String::new()], 0));
    assert_eq!(client.oneshot(get(URI)).await.unwrap().status(), 200);
}

/// S1: the layer's origins override the source's.
#[tokio::test]
async fn the_layer_can_set_another_scope() {
    let server = Server::accepting("t1");
    let both = Origins::each_of(["https://api.example.com", "https://cdn.example.com"]).unwrap();
    let client = BearerAuthLayer::new(ScriptedSource::scoped(URI)).origins(both);
    let client = client.layer(server.service());
    for (uri, status) in [
        ("https://cdn.example.com/f", 200),
        ("https://api.example.com/f", 200),
        ("https://www.example.com/f", 401),
    ] {
        assert_eq!(
            client.clone().oneshot(get(uri)).await.unwrap().status(),
            status,
            "{uri}"
        );
    }
}

/// S1: origins are equal whatever their case, default port, trailing dot or spelling of an IPv6
/// address; a URI without authority passes, but not with a path that could name another server, nor
/// an authority without a scheme.
#[test]
fn origins_are_compared_as_they_are_meant() {
    let contains = |origins: &str, uri: &str| {
        let origins = Origins::only(origins).unwrap();
        origins.contains(&uri.parse::<Uri>().unwrap())
    };
    for (origins, uri) in [
        (
            "https://api.example.com",
            "https://api.example.com/v4/auth?x=y",
        ),
        ("https://api.example.com/", "HTTPS://API.Example.COM:443/"),
        ("https://API.example.com.:443", "https://api.example.com/"),
        ("https://api.example.com", "https://api.example.com./"),
        ("http://localhost:8080", "http://LOCALHOST:8080/"),
        ("http://[::1]:80", "http://[0:0:0:0:0:0:0:1]/"),
        ("https://api.example.com", "https://user@api.example.com/"),
        ("https://api.example.com", "/health.v1.Health/Check"),
        ("https://api.example.com", "/v1//files"),
        ("https://api.example.com", "/?next=//evil.test"),
        ("https://api.example.com", "*"),
        ("https://api.example.com", "https://api.example.com//x"),
    ] {
        assert!(contains(origins, uri), "{origins} {uri}");
    }
    for (origins, uri) in [
        ("https://api.example.com", "http://api.example.com/"),
        ("https://api.example.com", "https://api.example.com:8443/"),
        // The port is the same, and the scheme is not.
        ("https://api.example.com", "http://api.example.com:443/"),
        (
            "https://api.example.com:8443",
            "http://api.example.com:8443/",
        ),
        ("http://api.example.com", "https://API.example.com:80/"),
        ("https://api.example.com", "https://example.com/"),
        (
            "https://api.example.com",
            "https://api.example.com.evil.test/",
        ),
        (
            "https://api.example.com",
            "https://api.example.com@evil.test/",
        ),
        (
            "https://api.example.com",
            "https://evil.test/api.example.com",
        ),
        ("https://api.example.com", "ftp://api.example.com/"),
        ("https://api.example.com", "api.example.com:80"),
        ("https://api.example.com", "api.example.com:443"),
        ("https://api.example.com", "api.example.com"),
        ("https://api.example.com", "//evil.test/x"),
        ("https://api.example.com", "//api.example.com/x"),
        ("https://api.example.com", "/\\evil.test/x"),
        ("http://[::1]", "http://[::2]/"),
        ("http://localhost", "http://127.0.0.1/"),
    ] {
        assert!(!contains(origins, uri), "{origins} {uri}");
    }
}

/// S1: what is no origin is an error that says what is wrong.
#[test]
fn what_is_no_origin_is_an_error() {
    for (text, reason) in [
        ("api.example.com", "no scheme"),
        ("/v1", "path or a query"),
        ("https://api.example.com/v1", "path or a query"),
        ("https://api.example.com?x=y", "path or a query"),
        ("https://me:secret@api.example.com", "user information"),
        ("ftp://api.example.com", "neither http nor https"),
        ("ws://api.example.com:80", "neither http nor https"),
        ("wss://api.example.com:443", "neither http nor https"),
        ("ftp://api.example.com:21", "neither http nor https"),
        ("https://:443", "no host"),
        ("https://", "not a URI"),
        ("", "not a URI"),
    ] {
        let error = Origins::only(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
    assert!(Origins::each_of(["https://api.example.com", "nonsense"]).is_err());
}

/// S1: `Origins::any()` is everywhere, without an exception.
#[test]
fn any_origin_is_everywhere() {
    for uri in [
        "//evil.test/x",
        "/x",
        "api.example.com:443",
        "http://a.test/",
    ] {
        assert!(
            Origins::any().contains(&uri.parse::<Uri>().unwrap()),
            "{uri}"
        );
    }
}

/// S1: a path that leads elsewhere, and a `CONNECT`, get no token, and the answer says why.
#[tokio::test]
async fn what_could_lead_elsewhere_gets_no_token() {
    for uri in ["//evil.test/x", "/\\evil.test/x", "api.example.com:8443"] {
        let (source, server) = (ScriptedSource::scoped(URI), Server::accepting("t1"));
        let client = BearerAuthLayer::new(source.clone()).layer(server.service());
        let response = client.oneshot(get(uri)).await.unwrap();
        assert!(explanation(&response).unwrap().is_foreign_origin(), "{uri}");
        assert_eq!((server.tokens(), source.logins()), (vec![String::new()], 0));
    }
}

/// S1: a `Host` header plays no part: the URI says where a request goes.
#[tokio::test]
async fn a_host_header_plays_no_part() {
    let server = Server::accepting("t1");
    let client = BearerAuthLayer::new(ScriptedSource::scoped(URI)).layer(server.service());
    let host = http::HeaderValue::from_static("evil.test");
    for (uri, status) in [(URI, 200), ("https://evil.test/", 401)] {
        let mut request = get(uri);
        request.headers_mut().insert("host", host.clone());
        let response = client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{uri}");
    }
}

/// S1: origins are shown as they are written, without what makes no difference.
#[test]
fn origins_can_be_shown() {
    let origins = ["https://API.example.com:443/", "http://[::1]:8080"];
    let origins = Origins::each_of(origins).unwrap();
    assert_eq!(
        origins.to_string(),
        "https://api.example.com, http://[::1]:8080"
    );
    assert_eq!(Origins::any().to_string(), "any");
}
