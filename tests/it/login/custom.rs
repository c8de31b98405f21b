//! D6: logins that no preset covers.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{BoxError, service_fn};
use tower_bearer::login::Custom;
use tower_bearer::{AuthError, Cause, Origins, Session, Token, TokenRequest, TokenSource};

use super::{PASSWORD, answer, answering};

const URL: &str = "https://login.example.com/token?key=k3y-of-mine";

fn api() -> Origins {
    Origins::only("https://api.example.com").unwrap()
}

/// The body is the token.
fn read(response: &Response<Bytes>) -> Result<Token, BoxError> {
    Ok(Token::new(std::str::from_utf8(response.body())?)?)
}

fn answered(response: Response<String>) -> Custom {
    let make = |_: &TokenRequest| Ok(Request::post(URL).body(PASSWORD)?);
    Custom::new(answering(response), api(), make, read).secret(PASSWORD)
}

async fn error_of(login: Custom) -> AuthError {
    login.fetch(TokenRequest::first()).await.unwrap_err()
}

/// D6: the request goes out as the function made it, whatever it is.
#[tokio::test]
async fn the_request_is_sent_as_it_was_made() {
    let client = service_fn(|request: Request<Full<Bytes>>| async move {
        assert_eq!(request.method(), Method::PUT);
        assert_eq!(request.uri(), URL);
        assert_eq!(request.headers().len(), 1);
        assert_eq!(request.headers()["x-api-key"], "k");
        Ok::<_, BoxError>(Response::new(Full::new(Bytes::from("t0k"))))
    });
    let make = |_: &TokenRequest| Ok(Request::put(URL).header("x-api-key", "k").body("")?);
    let login = Custom::new(client, api(), make, read);
    let token = login.fetch(TokenRequest::first()).await.unwrap();
    assert_eq!(token.header_value(), "Bearer t0k");
    assert!(
        login
            .origins()
            .contains(&"https://api.example.com/a".parse().unwrap())
    );
    assert!(!login.origins().contains(&URL.parse().unwrap()));
}

/// D6, D5: the function sees which token is to be replaced, with its refresh token, and why.
#[tokio::test(start_paused = true)]
async fn the_token_to_replace_is_told() {
    let make = |request: &TokenRequest| {
        let stale = request.stale().and_then(Token::expose_refresh_token);
        let body = format!("{:?} {}", request.cause(), stale.unwrap_or("none"));
        Ok(Request::post(URL).body(body)?)
    };
    let client = service_fn(|request: Request<Full<Bytes>>| async move {
        Ok::<_, BoxError>(Response::new(request.into_body()))
    });
    let read = |response: &Response<Bytes>| {
        let told = std::str::from_utf8(response.body())?.replace(' ', "-");
        let token = Token::new(&told)?.refresh_token(format!("after-{told}"));
        Ok(token.expires_in(Duration::from_secs(60)))
    };
    let session = Session::new(Custom::new(client, api(), make, read));
    assert_eq!(session.token().await.unwrap().expose(), "First-none");
    tokio::time::sleep(Duration::from_secs(61)).await;
    let second = session.token().await.unwrap();
    assert_eq!(second.expose(), "Expired-after-First-none");
}

/// D6, L1, L2, L3: a status means what it means in every login, and the reader does not see it.
#[tokio::test]
async fn a_status_is_judged_as_in_other_logins() {
    let error = error_of(answered(answer(401, r#"{"error": "no such user"}"#))).await;
    assert!(error.is_rejected(), "{error}");
    assert_eq!(
        error.to_string(),
        "login rejected: 401 Unauthorized: no such user"
    );
    let mut busy = answer(503, "");
    busy.headers_mut().insert("retry-after", 7.into());
    let error = error_of(answered(busy)).await;
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    for status in [301, 404] {
        let error = error_of(answered(answer(status, "t0k"))).await;
        assert!(error.is_misconfigured(), "{error}");
    }
}

/// D6: what the answer lacks is told, and an answer that names an error is judged by that.
#[tokio::test]
async fn an_answer_without_a_token_is_judged_by_what_it_says() {
    let make = |_: &TokenRequest| Ok(Request::post(URL).body("")?);
    let read = |_: &Response<Bytes>| Err("there is no session id".into());
    let login = |body| Custom::new(answering(answer(200, body)), api(), make, read);
    let error = error_of(login("<html>")).await;
    assert!(error.is_misconfigured(), "{error}");
    assert_eq!(
        error.to_string(),
        "login misconfigured: 200 OK: there is no session id"
    );
    let error = error_of(login(r#"{"error": "invalid_grant"}"#)).await;
    assert!(error.is_rejected(), "{error}");
    let error = error_of(login(r#"{"error": "slow_down"}"#)).await;
    assert!(error.is_unavailable(), "{error}");
}

/// D6: who reads the answer may know better what it means.
#[tokio::test]
async fn the_reader_may_judge_for_itself() {
    let make = |_: &TokenRequest| Ok(Request::post(URL).body("")?);
    let read = |response: &Response<Bytes>| match &response.body()[..] {
        b"no" => Err(AuthError::rejected("the server says no").into()),
        _ => Err(AuthError::unavailable("the server says later").into()),
    };
    let login = |body| Custom::new(answering(answer(200, body)), api(), make, read);
    let error = error_of(login("no")).await;
    assert!(error.is_rejected(), "{error}");
    assert_eq!(error.to_string(), "login rejected: the server says no");
    assert!(error_of(login("later")).await.is_unavailable());
}

/// D6, S4: neither what was sent nor what came back is in a text, whoever quotes it.
#[tokio::test]
async fn no_secret_gets_into_an_error() {
    let echo = format!(r#"{{"error": "not {PASSWORD}, nor k3y-of-mine"}}"#);
    let error = error_of(answered(answer(401, &echo))).await;
    assert_eq!(
        error.to_string(),
        "login rejected: 401 Unauthorized: not ***, nor ***"
    );
    let client = service_fn(|_: Request<Full<Bytes>>| async {
        Err::<Response<Full<Bytes>>, BoxError>(format!("cannot send {PASSWORD} to {URL}").into())
    });
    let make = |_: &TokenRequest| Ok(Request::get(URL).body(PASSWORD)?);
    let login = Custom::new(client, api(), make, read).secret(PASSWORD);
    let shown = format!("{login:?}");
    let error = error_of(login).await;
    let text = error.to_string();
    assert!(error.is_unavailable() && text.contains("GET https://login.example.com/token"));
    let body = format!(r#"{{"access_token": "t0p-secret", "for": "{PASSWORD}"}}"#);
    let read = |response: &Response<Bytes>| {
        let text = std::str::from_utf8(response.body())?;
        Err(format!("cannot read {text}").into())
    };
    let login = Custom::new(answering(answer(200, &body)), api(), make, read).secret(PASSWORD);
    let unread = error_of(login).await.to_string();
    assert!(unread.contains("cannot read"), "{unread}");
    for text in [shown, text, unread] {
        for secret in [PASSWORD, "k3y-of-mine", "t0p-secret"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// L4, S4: the token being replaced and its refresh token may have been sent, so no error shows
/// them.
#[tokio::test]
async fn the_token_to_replace_is_not_shown() {
    let make = |request: &TokenRequest| {
        let refresh_token = request.stale().and_then(Token::expose_refresh_token);
        Ok(Request::post(URL).body(refresh_token.unwrap_or("none").to_owned())?)
    };
    let echo = answer(400, r#"{"error": "r1-s3cret of t1-s3cret is not known"}"#);
    let login = Custom::new(answering(echo), api(), make, read);
    let stale = Token::new("t1-s3cret").unwrap().refresh_token("r1-s3cret");
    let request = TokenRequest::replacing(stale, Cause::Expired);
    let error = login.fetch(request).await.unwrap_err().to_string();
    assert!(error.ends_with("*** of *** is not known"), "{error}");
}

/// D6, S2: nothing is sent over plain http unless that is allowed, nor where it cannot be sent.
#[tokio::test]
async fn a_request_that_may_not_be_sent_is_not() {
    let login = |url: &'static str| {
        let client = service_fn(|_: Request<Full<Bytes>>| async {
            Ok::<_, BoxError>(Response::new(Full::new(Bytes::from("t0k"))))
        });
        let make = move |_: &TokenRequest| Ok(Request::get(url).body("")?);
        Custom::new(client, api(), make, read)
    };
    let plain = "http://login.example.com/";
    assert!(error_of(login(plain)).await.is_insecure());
    let allowed = login(plain).allow_plain_http();
    allowed.fetch(TokenRequest::first()).await.unwrap();
    login("http://127.0.0.1/")
        .fetch(TokenRequest::first())
        .await
        .unwrap();
    for url in [
        "/token",
        "ftp://login.example.com/",
        "https://me:x@login.example.com/",
    ] {
        let error = error_of(login(url)).await;
        assert!(error.is_misconfigured(), "{url}: {error}");
    }
}

/// D6: a request that cannot be made is a fault of the set-up, unless the function says otherwise.
#[tokio::test]
async fn an_error_of_the_maker_is_the_logins() {
    let failing = |make: fn(&TokenRequest) -> Result<Request<&'static str>, BoxError>| {
        error_of(Custom::new(
            answering(answer(200, "t0k")),
            api(),
            make,
            read,
        ))
    };
    let error = failing(|_| Err("no key file".into())).await;
    assert!(error.is_misconfigured(), "{error}");
    let error = failing(|_| Err(AuthError::unavailable("the signer is down").into())).await;
    assert!(error.is_unavailable(), "{error}");
}

/// D6: an answer larger than 64 KiB is not read.
#[tokio::test]
async fn a_long_answer_is_not_read() {
    let error = error_of(answered(answer(200, &"t".repeat(64 * 1024 + 1)))).await;
    assert!(error.to_string().contains("larger than 64 KiB"), "{error}");
    let longest = answered(answer(200, &"t".repeat(8 * 1024)));
    longest.fetch(TokenRequest::first()).await.unwrap();
    assert_eq!(answer(200, "").status(), StatusCode::OK);
}

/// D6: a value that came with the token stays with it, as long as the session has it.
#[tokio::test]
async fn a_token_carries_a_value() {
    #[derive(Debug, PartialEq)]
    struct Base(String);
    let make = |_: &TokenRequest| Ok(Request::post(URL).body("")?);
    let read = |response: &Response<Bytes>| {
        let base = Base(std::str::from_utf8(response.body())?.to_owned());
        Ok(Token::new("t0k")?.with_extension(1_u8).with_extension(base))
    };
    let login = Custom::new(answering(answer(200, "eu")), api(), make, read);
    let token = Session::new(login).token().await.unwrap();
    assert_eq!(token.extension(), Some(&Base("eu".to_owned())));
    assert_eq!(token.extension::<u8>(), None);
    assert!(!format!("{token:?}").contains("eu"));
    let stale = TokenRequest::replacing(token, Cause::Refused);
    assert!(stale.stale().unwrap().extension::<Base>().is_some());
}
