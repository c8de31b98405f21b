//! Which sessions share a record, and what of an account can be seen.

use std::convert::Infallible;
use std::sync::{Arc, mpsc};
use std::thread;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower_bearer::login::{
    ClientAuth, ClientCredentials, Datafiniti, Form, Json, LoginClient, Refresh,
};
use tower_bearer::store::{Key, TokenCache};
use tower_bearer::{
    Account, AuthError, Origins, Session, Token, TokenRequest, TokenSource, source_fn,
};

use super::{BASE, SECOND, World, pass};

/// A server that rejects every login.
fn denies() -> impl LoginClient {
    tower::service_fn(async |_: Request<Full<Bytes>>| {
        let mut denied = Response::new(Full::<Bytes>::default());
        *denied.status_mut() = StatusCode::UNAUTHORIZED;
        Ok::<_, Infallible>(denied)
    })
}

fn origins() -> Origins {
    Origins::only(BASE).unwrap()
}

fn form(user: &str) -> Form {
    Form::new(denies(), BASE, user, "s3cret").unwrap()
}

fn client(scopes: &[&str]) -> ClientCredentials {
    let auth = ClientAuth::new("app", "s3cret");
    let url = format!("{BASE}/oauth/token");
    let login = ClientCredentials::new(denies(), &url, auth, origins());
    login.unwrap().scopes(scopes)
}

fn json(url: &str) -> Json {
    let login = Json::new(denies(), url).unwrap();
    let login = login.field("user", "alice").unwrap();
    login.secret_field("key", "s3cret").unwrap()
}

/// Makes a session of one of them.
type Start = Box<dyn Fn(&TokenCache) -> Session>;

fn sources() -> Vec<(&'static str, Start)> {
    fn by<S: TokenSource>(make: impl Fn() -> S + 'static) -> Start {
        Box::new(move |cache| Session::builder(make()).token_cache(cache.clone()).build())
    }
    let refresh = |path: &str| {
        let url = format!("{BASE}{path}");
        Refresh::new(denies(), &url, form("alice")).unwrap()
    };
    vec![
        ("form", by(|| form("alice"))),
        ("another user", by(|| form("bob"))),
        ("another path", by(|| form("alice").path("/login").unwrap())),
        ("a scope", by(|| form("alice").field("scope", "x").unwrap())),
        (
            "a client",
            by(|| form("alice").client_auth(ClientAuth::public("app"))),
        ),
        ("client credentials", by(|| client(&[]))),
        ("scopes", by(|| client(&["x"]))),
        ("other scopes", by(|| client(&["x", "y"]))),
        ("an audience", by(|| client(&[]).audience("x"))),
        (
            "datafiniti",
            by(|| Datafiniti::new(denies(), "alice", "s3cret")),
        ),
        ("json", by(|| json("https://api.example.com/auth/login"))),
        (
            "a query",
            by(|| json("https://api.example.com/auth/login?key=k1")),
        ),
        (
            "another query",
            by(|| json("https://api.example.com/auth/login?key=k2")),
        ),
        (
            "a pointer",
            by(|| {
                json("https://api.example.com/auth/login")
                    .token("/id")
                    .unwrap()
            }),
        ),
        ("refresh", by(move || refresh("/oauth/token"))),
        ("refresh elsewhere", by(move || refresh("/oauth/refresh"))),
    ]
}

/// F19, M3: logins that differ in anything but a secret have records of their own.
#[tokio::test(start_paused = true)]
async fn each_account_has_a_record_of_its_own() {
    let world = World::new();
    for (known, (what, session)) in sources().into_iter().enumerate() {
        let error = session(&world.cache()).token().await.unwrap_err();
        assert!(error.is_rejected(), "{what}: {error}");
        assert_eq!(world.store.names().len(), known + 1, "{what}");
    }
}

/// F19: an account is told by what is no secret, and shows nothing else.
#[test]
fn an_account_shows_no_secret() {
    let accounts: Vec<Account> = vec![
        form("alice").account().unwrap(),
        form("alice")
            .secret_field("pin", "s3cret")
            .unwrap()
            .account()
            .unwrap(),
        form("alice")
            .client_auth(ClientAuth::new("app", "s3cret"))
            .account()
            .unwrap(),
        client(&["x"]).account().unwrap(),
        json("https://api.example.com/login?key=s3cret")
            .account()
            .unwrap(),
        Datafiniti::new(denies(), "alice", "s3cret")
            .account()
            .unwrap(),
        Refresh::new(denies(), BASE, form("alice"))
            .unwrap()
            .account()
            .unwrap(),
        Refresh::from_token(denies(), BASE, "s3cret", origins())
            .unwrap()
            .account()
            .unwrap(),
        Arc::new(form("alice")).account().unwrap(),
    ];
    for account in &accounts {
        let shown = format!("{account:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    let shown = format!("{:?}", accounts[0]);
    assert!(shown.contains("alice") && shown.contains("https://api.example.com/auth/login"));
}

/// F19: two logins of one account share its token, whatever their passwords are; in another
/// namespace they do not.
#[tokio::test(start_paused = true)]
async fn one_account_is_one_record() {
    let world = World::new();
    world.process().ok().await;
    world.process_with("another password").ok().await;
    assert_eq!(world.logins(), 1);
    let staging = world.cache().namespace("staging");
    let builder = world.builder(world.form("correct horse"));
    world.start(builder.token_cache(staging)).ok().await;
    assert_eq!((world.logins(), world.store.names().len()), (2, 2));
}

/// F19: a source that does not know its account needs one.
#[tokio::test(start_paused = true)]
async fn an_account_has_to_be_set() {
    let world = World::new();
    let source = || source_fn(Origins::any(), async |_| Ok(Token::new("good")?));
    let nameless = world.builder(source()).build();
    let seeded = Refresh::from_token(world.api.clone(), BASE, "seed", origins()).unwrap();
    let seeded = world.builder(seeded).build();
    for session in [nameless, seeded] {
        let error = session.token().await.unwrap_err();
        assert!(error.is_misconfigured());
        assert!(error.to_string().contains("TokenCache::account"), "{error}");
        assert_eq!(session.stats().logins, 0);
    }
    let named = world
        .builder(source())
        .token_cache(world.cache().account("alice"));
    assert_eq!(named.build().token().await.unwrap().expose(), "good");
    assert!(world.store.names().len() == 1);
}

/// F22: while the key is replaced in two steps there is one login per rotation, whoever has which
/// key.
#[tokio::test(start_paused = true)]
async fn a_key_is_replaced_without_a_login() {
    let world = World::new();
    let key = |byte| Key::new([byte; 32]);
    let process = |writes, reads: Option<u8>| {
        let mut cache = TokenCache::encrypted(world.store.clone(), key(writes));
        if let Some(reads) = reads {
            cache = cache.also_reads(key(reads));
        }
        let builder = world.builder(world.form("correct horse"));
        world.start(builder.token_cache(cache))
    };
    let steps = [
        [process(1, None), process(1, None)],
        [process(1, None), process(1, Some(2))],
        [process(1, Some(2)), process(1, Some(2))],
        [process(1, Some(2)), process(2, Some(1))],
        [process(2, Some(1)), process(2, Some(1))],
        [process(2, None), process(2, Some(1))],
    ];
    for (step, fleet) in steps.into_iter().enumerate() {
        super::all_ok(&fleet).await;
        assert_eq!(world.logins(), step as u64 + 1);
        pass(3600 * SECOND).await;
    }
}

/// F23: neither the store nor an error of it shows a secret.
#[tokio::test(start_paused = true)]
async fn a_store_shows_no_secret() {
    let world = World::new();
    let process = world.process();
    process.ok().await;
    let token = process
        .session()
        .status()
        .token()
        .unwrap()
        .expose()
        .to_owned();
    let record = world.store.record(&world.name()).unwrap();
    let record = String::from_utf8_lossy(&record);
    for secret in [token.as_str(), "correct horse", "alice"] {
        assert!(!record.contains(secret));
        assert!(!world.name().contains(secret));
        assert!(!format!("{:?} {:?}", process.session(), world.cache()).contains(secret));
    }
}

/// A source that looks at the session it is given to when it is asked for its account.
struct LooksAtTheSession(Session);

impl TokenSource for LooksAtTheSession {
    fn origins(&self) -> Origins {
        origins()
    }

    async fn fetch(&self, _: TokenRequest) -> Result<Token, AuthError> {
        Ok(Token::new("t1")?)
    }

    fn account(&self) -> Option<Account> {
        let session = self.0.clone();
        let (sender, looked) = mpsc::channel();
        // On a thread of its own, so that the test fails where it would hang.
        thread::spawn(move || sender.send(session.status().token().is_some()));
        let looked = looked.recv_timeout(20 * SECOND);
        assert!(looked.is_ok(), "the session is locked");
        Some(Account::new("reports"))
    }
}

/// T7, F19: another source is asked for its account outside the session's lock, and shares the
/// record of that account from then on.
#[tokio::test(start_paused = true)]
async fn a_source_may_look_at_the_session_that_asks_for_its_account() {
    let world = World::new();
    let session = world.builder(world.form("correct horse")).build();
    session.token().await.unwrap();
    session.replace_source(LooksAtTheSession(session.clone()));
    assert_eq!(session.token().await.unwrap().expose(), "t1");
    assert_eq!(world.store.names().len(), 2);
}

/// L3, F10: without an account no login is made, and looks at the store do not prolong the pause.
#[tokio::test(start_paused = true)]
async fn looks_without_an_account_are_no_failures() {
    let world = World::new();
    let source = source_fn(Origins::any(), async |_| Ok(Token::new("never")?));
    let process = world.start(world.builder(source));
    for pause in [1, 2] {
        let error = process.fails().await;
        assert!(error.is_misconfigured(), "{error}");
        assert_eq!(error.retry_after(), Some(pause * SECOND));
        pass(SECOND / 2).await;
        let error = process.fails().await;
        assert_eq!(error.retry_after(), Some(pause * SECOND - SECOND / 2));
        pass(pause * SECOND - SECOND / 2).await;
    }
}
