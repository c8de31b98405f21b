//! Every public type, with secrets in it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_bearer::login::{
    ClientAuth, ClientCredentials, Custom, Datafiniti, Form, Json, Lifetime, Refresh, TokenFile,
};
use tower_bearer::testing::{Answer, Api, Trial, check_source, serve};
use tower_bearer::{
    AuthError, BearerAuthLayer, NoAuth, OnFailedRenewal, Origins, Refused, ReplayBody, Sent,
    Session, Sessions, Token, TokenRequest, TokenSource, source_fn,
};

use crate::texts::{PASSWORD, Secrets, Texts};

const TOKEN: &str = "pr1nt3dT0k3nXX";
const URL: &str = "https://user:us3rP4ss@api.example.com";

/// The names of the public types. The traits among them show nothing.
pub(crate) fn exported() -> impl Iterator<Item = &'static str> {
    let sources = [
        include_str!("../../src/lib.rs"),
        include_str!("../../src/login/mod.rs"),
        #[cfg(feature = "store")]
        include_str!("../../src/store/mod.rs"),
        include_str!("../../src/testing/mod.rs"),
    ];
    let uses = sources.into_iter().flat_map(|source| source.split(';'));
    // What this build does not have it cannot print.
    let uses = uses.filter(|item| {
        let has_store = cfg!(feature = "store") || !item.contains(r#"cfg(feature = "store")"#);
        let has_redis = cfg!(feature = "store-redis") || !item.contains("store-redis");
        has_store && has_redis
    });
    let uses = uses.filter_map(|item| item.split_once("pub use ").map(|(_, names)| names));
    let names = uses.flat_map(|names| names.split(|char: char| !char.is_alphanumeric()));
    names.filter(|name| {
        let is_trait = ["LoginClient", "TokenSource", "TokenStore"].contains(name);
        name.starts_with(|char: char| char.is_ascii_uppercase()) && !is_trait
    })
}

pub(crate) async fn all(texts: &mut Texts, secrets: &mut Secrets) {
    secrets.add(TOKEN);
    secrets.add("us3rP4ss");
    let token = || Token::new(TOKEN).unwrap().refresh_token(TOKEN);
    texts.debug("Token", &token());
    texts.debug("HeaderValue", token().header_value());
    texts.error(
        "InvalidToken",
        &Token::new(format!("{TOKEN}\u{1}")).unwrap_err(),
    );
    texts.error("InvalidOrigin", &Origins::only(URL).unwrap_err());
    texts.debug(
        "Origins",
        &Origins::only("https://api.example.com").unwrap(),
    );
    texts.debug("NoAuth", &NoAuth);

    let api = Api::new().account("me", PASSWORD);
    logins(&api, texts);
    redirected_login(&api, texts).await;
    stand_in(&api, texts).await;
    broken_source(texts).await;
    asked(texts).await;

    let source = source_fn(Origins::any(), move |_| async move { Ok(token()) });
    texts.debug("SourceFn", &source);
    let builder = Session::builder(source);
    texts.debug("SessionBuilder", &builder);
    let of_password = Sessions::new(|_: &&str| Err(AuthError::misconfigured("").into()));
    assert!(of_password.get(&PASSWORD).is_err());
    texts.debug("Sessions", &of_password);
    session(builder.build(), texts).await;
}

fn logins(api: &Api, texts: &mut Texts) {
    let login = Datafiniti::new(api.clone(), "me", PASSWORD);
    texts.debug("Datafiniti", &login);
    texts.error("InvalidUrl", &login.base_url(URL).unwrap_err());
    let form = Form::new(api.clone(), "https://api.example.com", "me", PASSWORD).unwrap();
    let form = form.path(&format!("/oauth/token?key={TOKEN}")).unwrap();
    texts.debug("Form", &form.secret_field("client_secret", TOKEN).unwrap());
    let json = Json::new(
        api.clone(),
        &format!("https://api.example.com/?key={TOKEN}"),
    );
    let json = json.unwrap().secret_field("password", PASSWORD).unwrap();
    texts.error(
        "InvalidPointer",
        &Json::new(api.clone(), "https://api.example.com")
            .unwrap()
            .token(TOKEN)
            .unwrap_err(),
    );
    texts.debug("Json", &json.token("/token").unwrap());
    texts.debug("Lifetime", &Lifetime::Seconds);
    let make = |_: &TokenRequest| Ok(Request::post(URL).body(TOKEN)?);
    let custom = Custom::new(api.clone(), Origins::any(), make, |_| {
        Ok(Token::new(TOKEN)?)
    });
    texts.debug("Custom", &custom);
    let file = TokenFile::new("/run/secrets/token", Origins::any());
    texts.debug("TokenFile", &file);
    oauth(api, texts);
    let error = Form::new(api.clone(), URL, "me", PASSWORD).unwrap_err();
    texts.error("InvalidUrl", &error);
}

fn oauth(api: &Api, texts: &mut Texts) {
    let url = format!("https://auth.example.com/token?key={TOKEN}");
    let auth = ClientAuth::new("app", TOKEN);
    texts.debug("ClientAuth", &auth);
    let login = ClientCredentials::new(api.clone(), &url, auth.clone(), Origins::any()).unwrap();
    let login = login.secret_field("client_assertion", TOKEN).unwrap();
    texts.debug("ClientCredentials", &login);
    texts.debug("Account", &login.account().unwrap());
    texts.error("ReservedField", &login.field("scope", TOKEN).unwrap_err());
    let refresh = Refresh::from_token(api.clone(), &url, TOKEN, Origins::any()).unwrap();
    texts.debug("Refresh", &refresh.client_auth(auth));
}

/// By a server that puts secrets where a browser would show them.
async fn redirected_login(api: &Api, texts: &mut Texts) {
    let location = format!("http://{TOKEN}@example.com/?password={TOKEN}");
    let redirect = Response::builder().status(302).header("location", location);
    api.script_login(redirect.body("").unwrap());
    let login = Datafiniti::new(api.clone(), "me", TOKEN);
    texts.error(
        "AuthError",
        &login.fetch(TokenRequest::first()).await.unwrap_err(),
    );
}

async fn stand_in(api: &Api, texts: &mut Texts) {
    let body = serde_json::json!({ "email": "me", "password": PASSWORD }).to_string();
    let login = Request::post("/v4/auth").header("content-type", "application/json");
    let login = api.clone().oneshot(login.body(body.clone()).unwrap());
    assert_eq!(login.await.unwrap().status(), 200);
    api.script_login(Response::new(body.clone()));
    texts.debug("Api", api);
    texts.debug("Server", &serve(api.clone()).await.unwrap());
    texts.debug("Answer", &Answer::from(Response::new(body.clone())));
    texts.debug("Counts", &api.counts());
    texts.debug("Guard", &api.guard("the fake"));
    texts.debug("Hold", &api.hold_logins());
    let future = api.clone().call(Request::new(body));
    texts.debug("ResponseFuture", &future);
}

/// One whose errors show the token that it brought.
async fn broken_source(texts: &mut Texts) {
    let source = source_fn(
        Origins::any(),
        async |request: TokenRequest| match request.stale() {
            Some(stale) => Err(AuthError::rejected(stale.expose().to_owned())),
            None => Ok(Token::new(TOKEN)?),
        },
    );
    let broken = check_source(source).await.unwrap_err();
    texts.error("BrokenSource", &broken);
    for fault in broken.faults() {
        texts.display("Fault", fault);
    }
    texts.display("Trial", &Trial::Renewal);
}

/// What a source is told, in a session of its own.
async fn asked(texts: &mut Texts) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let told = requests.clone();
    let source = source_fn(Origins::any(), move |request: TokenRequest| {
        told.lock().unwrap().push(request);
        async { Ok(Token::new(TOKEN)?.refresh_token(TOKEN)) }
    });
    let builder = Session::builder(source).name("reports");
    let given = Token::new(format!("given-{TOKEN}"))
        .unwrap()
        .refresh_token(TOKEN);
    let builder = builder.token(given);
    texts.debug("SessionBuilder", &builder);
    let session = builder.build();
    texts.debug("Session", &session);
    let refuses = service_fn(async |request: Request<ReplayBody<Full<Bytes>>>| {
        let value = request.headers()["authorization"].to_str().unwrap();
        let status = if value.contains("given") { 401 } else { 200 };
        let challenge =
            format!(r#"Bearer realm="{TOKEN}", error="invalid_token", error="{TOKEN}""#);
        let response = Response::builder().status(status);
        let response = response.header("www-authenticate", challenge);
        Ok::<_, BoxError>(response.body("").unwrap())
    });
    let layer = BearerAuthLayer::from_session(session).replay_limit(3);
    let client = layer.layer(refuses);
    let request = |body| Request::post("https://api.example.com/").body(Full::from(body));
    let large = client.send(request(PASSWORD).unwrap()).await.unwrap();
    let error = large.extensions().get::<AuthError>();
    texts.error("AuthError", error.unwrap());
    let small = client.send(request("").unwrap()).await.unwrap();
    assert_eq!(small.status(), 200);
    let requests = requests.lock().unwrap();
    let [request] = &requests[..] else {
        panic!("{} logins", requests.len())
    };
    assert!(request.stale().unwrap().expose().contains(TOKEN));
    texts.debug("TokenRequest", request);
    texts.debug("Cause", &request.cause());
    texts.debug("Challenge", &request.challenges()[0]);
}

/// Requests that go without a token, with secrets of their own, for the trace.
async fn left_alone_and_foreign(session: &Session) {
    let layer = BearerAuthLayer::from_session(session.clone());
    let elsewhere = Origins::only("https://other.example.com").unwrap();
    let url = format!("https://api.example.com/?key={TOKEN}");
    let client = layer.origins(elsewhere).layer(Api::new());
    let request = || Request::get(&url).body(Full::<Bytes>::from(PASSWORD));
    let foreign = client.send(request().unwrap()).await.unwrap();
    assert!(foreign.extensions().get::<AuthError>().is_some());
    let mut own = request().unwrap();
    let mut value = HeaderValue::from_str(TOKEN).unwrap();
    value.set_sensitive(true);
    own.headers_mut().insert("authorization", value);
    client.send(own).await.unwrap();
}

/// A session whose last login failed.
async fn failed(texts: &mut Texts) {
    let source = source_fn(Origins::any(), |_| async {
        Err(AuthError::rejected("wrong password"))
    });
    let session = Session::new(source);
    session.token().await.unwrap_err();
    assert!(session.status().last_error().is_some());
    texts.debug("Status", &session.status());
}

/// While it waits for a login, with a token, and between the two.
async fn session(session: Session, texts: &mut Texts) {
    let layer = BearerAuthLayer::from_session(session.clone());
    let body = || Full::<Bytes>::from(PASSWORD);
    let request = || Request::post("https://api.example.com/").body(body());
    texts.debug("ReplayBody", &ReplayBody::new(body()));

    let mut client = layer.layer(Api::new());
    let mut response = ServiceExt::<Request<Full<Bytes>>>::ready(&mut client)
        .await
        .unwrap()
        .call(request().unwrap());
    assert!((&mut response).now_or_never().is_none());
    let mut token = session.token();
    assert!((&mut token).now_or_never().is_none());
    texts.debug("ResponseFuture", &response);
    texts.debug("TokenFuture", &token);
    texts.debug("Session", &session);
    texts.debug("Stats", &session.stats());
    texts.debug("OnFailedRenewal", &OnFailedRenewal::Error);

    assert!(session.status().is_logging_in());
    texts.debug("Status", &session.status());
    token.await.unwrap();
    texts.debug("Status", &session.status());
    assert!(session.status().token().is_some());
    let mut at_once = ServiceExt::<Request<Full<Bytes>>>::ready(&mut client)
        .await
        .unwrap()
        .call(request().unwrap());
    texts.debug("ResponseFuture", &at_once);
    let _ = (&mut at_once).now_or_never();
    texts.debug("BearerAuth", &client);
    texts.debug("BearerAuthLayer", &layer);
    texts.debug("Response", &response.await.unwrap());

    let client = layer.layer(Api::new());
    let sent = Sent::new();
    texts.debug("Sent", &sent);
    let mut request = request().unwrap();
    request.extensions_mut().insert(sent.clone());
    let mut sending = client.send(request);
    texts.debug("SendFuture", &sending);
    let _ = (&mut sending).now_or_never();
    texts.debug("SendFuture", &sending);
    let token = sent.token().unwrap();
    assert_eq!(token.expose(), TOKEN);
    texts.debug("Sent", &sent);
    texts.debug("Refused", &Refused::from(&sent));
    texts.debug("Refused", &Refused::from(&token));
    assert!(session.invalidate(&sent));
    texts.debug("Session", &session);
    left_alone_and_foreign(&session).await;

    let signed_out = session.sign_out();
    texts.debug("SignOut", &signed_out);
    assert!(signed_out.await.is_some());
    failed(texts).await;
    texts.error(
        "AuthError",
        &AuthError::from(Token::new(format!("{TOKEN} ")).unwrap_err()),
    );
}
