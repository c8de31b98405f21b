//! D3: the login by any JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::{BoxError, ServiceBuilder, ServiceExt};
use tower_bearer::login::{Json, Lifetime, LoginClient};
use tower_bearer::{
    AuthError, BearerAuthLayer, Origins, ReplayBody, Token, TokenRequest, TokenSource,
};

use super::{PASSWORD, answer, answering, unused, url_of};

const URL: &str = "https://api.example.com/login";

/// The beginning of 2100 (UTC).
const FAR: u64 = 4_102_444_800;

const LIFETIMES: [Lifetime; 5] = [
    Lifetime::Seconds,
    Lifetime::Millis,
    Lifetime::UnixSeconds,
    Lifetime::UnixMillis,
    Lifetime::Rfc3339,
];

fn json_login(client: impl LoginClient) -> Json {
    Json::new(client, URL)
        .unwrap()
        .field("email", "me@example.com")
        .unwrap()
        .secret_field("password", PASSWORD)
        .unwrap()
}

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

/// What the login, set so, makes of this answer.
async fn answered(
    status: u16,
    body: impl ToString,
    set: impl FnOnce(Json) -> Json,
) -> Result<Token, AuthError> {
    let client = answering(answer(status, &body.to_string()));
    set(json_login(client)).fetch(TokenRequest::first()).await
}

fn at(pointer: &str) -> impl FnOnce(Json) -> Json {
    move |login| login.token(pointer).unwrap()
}

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

/// D3: without further settings the token is at `/token`, sent as a bearer token, and of unknown
/// lifetime.
#[tokio::test]
async fn the_token_is_at_token() {
    let body = json!({"token": "t0k", "expires_in": 3600, "token_type": "mac"});
    let token = answered(200, body, |login| login).await.unwrap();
    assert_eq!(token.header_value(), "Bearer t0k");
    assert!(token.header_value().is_sensitive());
    assert_eq!(token.lifetime(), None);
    assert_eq!(token.expose_refresh_token(), None);
}

/// D3: the token may be nested, be the one text in a field, in a list, under an odd name, or the
/// whole document.
#[tokio::test]
async fn a_pointer_leads_to_the_token() {
    for (body, pointer) in [
        (json!({"data": {"token": "t0k"}}), "/data/token"),
        (json!({"data": "t0k"}), "/data"),
        (json!({"idToken": "t0k"}), "/idToken"),
        (json!({"tokens": [{}, {"value": "t0k"}]}), "/tokens/1/value"),
        (json!({"a/b": {"~": {"": "t0k"}}}), "/a~1b/~0/"),
        (json!("t0k"), ""),
    ] {
        let token = answered(200, &body, at(pointer)).await.unwrap();
        assert_eq!(token.header_value(), "Bearer t0k", "{body}");
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
    let jwt = super::jwt::jwt(r#"{"iat": 100, "exp": 160}"#);
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

/// L1, L3, D3: a success without a text where the token should be is a misconfiguration, or with an
/// error a rejection, and says what the server said.
#[tokio::test]
async fn an_answer_without_a_token_says_what_the_server_said() {
    let body = json!({"token": null, "error": "Account locked"});
    let error = answered(200, body, |login| login).await.unwrap_err();
    assert!(error.is_rejected());
    assert_eq!(
        error.to_string(),
        "login rejected: 200 OK: Account locked; the response has no text at \"/token\""
    );
    assert_eq!(error.response().unwrap().error(), Some("Account locked"));

    for body in [
        json!({}),
        json!({"data": {}}),
        json!({"data": {"token": 12345}}),
        json!({"data": {"token": true}}),
        json!({"data": {"token": ["t0k"]}}),
        json!({"data": {"token": {"value": "t0k"}}}),
        json!({"data": "t0k"}),
        json!({"/data/token": "t0k"}),
        json!([]),
        json!("t0k"),
        json!(null),
    ] {
        let error = answered(200, body, at("/data/token")).await.unwrap_err();
        assert!(error.is_misconfigured());
        assert_eq!(
            error.to_string(),
            "login misconfigured: 200 OK: the response has no text at \"/data/token\""
        );
        assert!(!format!("{error:?}").contains("t0k"));
    }
}

/// L3, D3: a text that cannot be sent as a token is a misconfiguration.
#[tokio::test]
async fn a_text_that_is_no_token_is_a_misconfiguration() {
    for (text, reason) in [
        ("", "the token is empty"),
        ("\n", "the token is empty"),
        (
            "t0k t0k",
            "the token contains a space: does it begin with its scheme?",
        ),
        ("tök", "the token is not visible ASCII"),
        ("t0k\r\nx: y", "the token is not visible ASCII"),
    ] {
        let body = json!({"data": text});
        for bare in [true, false] {
            let set = |login: Json| if bare { login.no_scheme() } else { login };
            let error = answered(200, &body, |login| set(at("/data")(login))).await;
            let error = error.unwrap_err();
            assert!(error.is_misconfigured());
            let expected = format!("login misconfigured: 200 OK: {reason}");
            assert_eq!(error.to_string(), expected);
        }
    }
}

/// L4, D3: a token is masked wherever it stands in the answer, under whatever name, and so are
/// other tokens of any depth; nothing else is.
#[tokio::test]
async fn an_echoed_token_is_masked() {
    let body = json!({
        "data": {"jwt": "abc.def", "type": "mac abc.def",
            "more": [{"refreshToken": "r3fresh", "name": "shown"}]},
        "message": "abc.def for r3fresh by hunter2 is shown",
    });
    let set = |login| at("/data/jwt")(login).token_type("/data/type").unwrap();
    let error = answered(200, &body, set).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "login misconfigured: 200 OK: *** for *** by *** is shown; \
         unsupported token_type \"mac ***\": expected \"Bearer\""
    );
    for status in [200, 401, 500] {
        let set = |login| at("/data/jwt")(login).token_type("/data/type").unwrap();
        let error = answered(status, &body, set).await.unwrap_err();
        let text = format!("{error} {error:?} {error:#?}");
        assert!(text.contains("by *** is shown"), "{text}");
        for secret in ["abc", "r3fresh", PASSWORD] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// L4: an answer that has one token thousands of times is masked in no time.
#[tokio::test]
async fn a_token_that_is_sent_very_often_costs_nothing() {
    let mut body = json!({"message": "x".repeat(30_000)});
    for n in 0..2000 {
        body[format!("{n}token")] = "x".into();
    }
    let started = std::time::Instant::now();
    let error = answered(401, body, |login| login).await.unwrap_err();
    assert!(error.to_string().contains(": ***"));
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// D3: where it is set, the type has to be bearer or the scheme, in any case, or missing.
#[tokio::test]
async fn the_type_is_looked_at_where_it_is_set() {
    let typed = |kind: Value| json!({"token": "abc", "data": {"type": kind}});
    let set = |scheme: Option<&'static str>| {
        move |login: Json| {
            let login = login.token_type("/data/type").unwrap();
            match scheme {
                Some("") => login.no_scheme(),
                Some(scheme) => login.scheme(scheme).unwrap(),
                None => login,
            }
        }
    };
    for scheme in [None, Some("Token"), Some("")] {
        for kind in [
            json!("bearer"),
            json!("Bearer"),
            json!("BEARER"),
            Value::Null,
        ] {
            assert!(answered(200, typed(kind), set(scheme)).await.is_ok());
        }
        for body in [json!({"token": "abc"}), json!({"token": "abc", "data": 1})] {
            assert!(answered(200, body, set(scheme)).await.is_ok());
        }
        for kind in [json!("mac"), json!(""), json!(1), json!(["bearer"])] {
            let error = answered(200, typed(kind), set(scheme)).await.unwrap_err();
            assert!(error.is_misconfigured());
        }
    }
    assert!(
        answered(200, typed("TOKEN".into()), set(Some("Token")))
            .await
            .is_ok()
    );
    for (scheme, expected) in [(None, "Bearer"), (Some(""), "bearer"), (Some("Key"), "Key")] {
        let error = answered(200, typed("Token".into()), set(scheme)).await;
        assert_eq!(
            error.unwrap_err().to_string(),
            format!(
                "login misconfigured: 200 OK: unsupported token_type \"Token\": expected \"{expected}\""
            )
        );
    }
}

/// D3, S3: a token may be sent under another scheme, or under none.
#[tokio::test]
async fn another_scheme_can_be_set() {
    let body = json!({"token": "abc"});
    let token = answered(200, &body, |login| login.scheme("Token").unwrap());
    assert_eq!(token.await.unwrap().header_value(), "Token abc");
    let token = answered(200, &body, Json::no_scheme).await.unwrap();
    assert_eq!(token.header_value(), "abc");
    assert!(token.header_value().is_sensitive());

    for scheme in ["", "Token token", "Tök", "a\n"] {
        assert!(json_login(unused()).scheme(scheme).is_err(), "{scheme}");
    }
}

/// D3, S3: an API key goes into a header of its own, and a refused one is renewed as any token.
#[tokio::test]
async fn an_api_key_goes_into_a_header_of_its_own() {
    let keys = Arc::new(AtomicU64::new(1));
    let login = tower::service_fn(move |_: Request<Full<Bytes>>| {
        let key = keys.fetch_add(1, Ordering::Relaxed);
        let body = json!({"data": {"key": format!("k{key}")}}).to_string();
        std::future::ready(Ok::<_, BoxError>(Response::new(Full::<Bytes>::from(body))))
    });
    let login = json_login(login).token("/data/key").unwrap().no_scheme();
    let client = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(login).header("x-api-key".parse().unwrap()))
        .service_fn(async |request: Request<ReplayBody<Empty<Bytes>>>| {
            let headers = request.headers();
            assert!(!headers.contains_key("authorization"));
            let key = headers["x-api-key"].to_str().unwrap().to_owned();
            request.into_body().collect().await?;
            let status = if key == "k1" { 401 } else { 200 };
            let response = Response::builder().status(status);
            Ok::<_, BoxError>(response.body(key)?)
        });
    let request = Request::get("https://api.example.com/").body(Empty::new());
    let response = client.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.body(), "k2");
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

/// L1, L2, D3: an answer other than a success means what it does for the other logins.
#[tokio::test]
async fn an_error_is_judged_as_for_the_other_logins() {
    let body = json!({"token": "abc", "message": "no"});
    assert!(
        answered(401, &body, |login| login)
            .await
            .unwrap_err()
            .is_rejected()
    );
    assert!(
        answered(503, &body, |login| login)
            .await
            .unwrap_err()
            .is_unavailable()
    );
    assert!(
        answered(404, &body, |login| login)
            .await
            .unwrap_err()
            .is_misconfigured()
    );
}

/// S4: `Debug` shows where it logs in, without the query, and nothing else.
#[test]
fn debug_shows_the_url_alone() {
    let login = Json::new(unused(), "https://api.example.com/login?key=k3y")
        .unwrap()
        .secret_field("password", "s3cret")
        .unwrap();
    assert_eq!(
        format!("{login:?}"),
        "Json { url: https://api.example.com/login, .. }"
    );
}

/// Names and values that meet each other, and the pointers below.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "(hunter2|bearer|\\PC){0,4}".prop_map(Value::from),
        "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,20})?([zZ]|[+-][0-9]{2}:[0-9]{2}|\\PC)?"
            .prop_map(Value::from),
        "[-+]?[0-9]{0,30}(\\.[0-9]{0,5})?(e[0-9]{1,4})?".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[ab]|token|error|message|detail|~|/|", inner, 0..4)
                .prop_map(Value::from_iter),
        ]
    })
}

fn pointer() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "(/([ab]|token|error|~0|~1|[0-3]|-|))?(/([ab]|token|error|~0|~1|[0-3]|-|)){0,3}",
        1 => "\\PC{0,6}",
    ]
}

proptest! {
    /// D3, L4: no JSON makes the login panic or show the password, whatever the pointers.
    #[test]
    fn no_answer_and_no_pointer_makes_it_panic(
        status in prop_oneof![3 => Just(200_u16), 1 => 100_u16..1000],
        body in document(),
        token in pointer(),
        until in pointer(),
        kind in proptest::option::of(pointer()),
        unit in proptest::sample::select(&LIFETIMES[..]),
        bare in any::<bool>(),
    ) {
        let set = |login: Json| -> Option<Json> {
            let login = login.token(&token).ok()?.lifetime(&until, unit).ok()?;
            let login = match &kind {
                Some(kind) => login.token_type(kind).ok()?,
                None => login,
            };
            Some(if bare { login.no_scheme() } else { login })
        };
        let client = answering(answer(status, &body.to_string()));
        if let Some(login) = set(json_login(client)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let result = runtime.unwrap().block_on(login.fetch(TokenRequest::first()));
            match result {
                Ok(token_) => {
                    let text = body.pointer(&token).and_then(Value::as_str);
                    prop_assert_eq!(Some(token_.expose()), text);
                }
                Err(error) => {
                    let text = format!("{error} {error:?}");
                    prop_assert!(!text.contains(PASSWORD) || token.contains(PASSWORD), "{}", text);
                }
            }
        }
    }

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
