//! Every public type, with secrets in it.

use bytes::Bytes;
use futures::FutureExt;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, ServiceExt};
use tower_bearer::login::{
    ClientAuth, ClientCredentials, Datafiniti, Form, Json, Lifetime, Refresh,
};
use tower_bearer::testing::{Answer, Api, Trial, check_source};
use tower_bearer::{
    AuthError, BearerAuthLayer, Cause, NoAuth, OnFailedRenewal, Origins, ReplayBody, Session,
    Token, TokenRequest, TokenSource, challenges, source_fn,
};

use crate::texts::{PASSWORD, Secrets, Texts};

const TOKEN: &str = "pr1nt3dT0k3nXX";
const URL: &str = "https://user:us3rP4ss@api.example.com";

/// The names of the public types. The traits among them show nothing.
pub(crate) fn exported() -> impl Iterator<Item = &'static str> {
    let sources = [
        include_str!("../../src/lib.rs"),
        include_str!("../../src/login/mod.rs"),
        include_str!("../../src/testing/mod.rs"),
    ];
    let uses = sources.into_iter().flat_map(|source| source.split(';'));
    let uses = uses.filter_map(|item| item.split_once("pub use ").map(|(_, names)| names));
    let names = uses.flat_map(|names| names.split(|char: char| !char.is_alphanumeric()));
    names.filter(|name| {
        let is_trait = ["LoginClient", "TokenSource"].contains(name);
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
    asked(token(), texts);

    let api = Api::new().account("me", PASSWORD);
    logins(&api, texts);
    redirected_login(&api, texts).await;
    stand_in(&api, texts).await;
    broken_source(texts).await;

    let source = source_fn(Origins::any(), move |_| async move { Ok(token()) });
    texts.debug("SourceFn", &source);
    let builder = Session::builder(source);
    texts.debug("SessionBuilder", &builder);
    session(builder.build(), texts).await;
}

/// What a source is asked, with the challenges of a server.
fn asked(stale: Token, texts: &mut Texts) {
    let challenge = http::HeaderValue::from_static("Bearer error=\"invalid_token\"");
    let headers = http::HeaderMap::from_iter([(http::header::WWW_AUTHENTICATE, challenge)]);
    let challenges = challenges(&headers);
    texts.debug("Challenge", &challenges[0]);
    let request = TokenRequest::replacing(stale, Cause::Refused).with_challenges(challenges);
    texts.debug("Cause", &request.cause());
    texts.debug("TokenRequest", &request);
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
    texts.debug("Answer", &Answer::from(Response::new(body.clone())));
    texts.debug("Counts", &api.counts());
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

    token.await.unwrap();
    let mut at_once = ServiceExt::<Request<Full<Bytes>>>::ready(&mut client)
        .await
        .unwrap()
        .call(request().unwrap());
    texts.debug("ResponseFuture", &at_once);
    let _ = (&mut at_once).now_or_never();
    texts.debug("BearerAuth", &client);
    texts.debug("BearerAuthLayer", &layer);
    texts.debug("Response", &response.await.unwrap());
    texts.error(
        "AuthError",
        &AuthError::from(Token::new(format!("{TOKEN} ")).unwrap_err()),
    );
}
