//! One process of the fleet.

use std::env;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, stdin};
use tokio::time::sleep;
use tower::{BoxError, Layer, ServiceBuilder};
use tower_bearer::login::{ClientAuth, Form, LoginClient};
use tower_bearer::store::{File, Key, TokenCache};
use tower_bearer::{BearerAuthLayer, Session};

use super::server::WORKER;

pub(crate) const LOGIN: &str = "/oauth/token";

/// How long a login and a lease may take where nobody is to wait for long.
pub(crate) const HASTE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(1));

/// Between two requests.
const PAUSE: Duration = Duration::from_millis(20);

/// Sends requests until its standard input ends, and then prints how they ended.
pub(crate) async fn run() -> Result<(), BoxError> {
    let base = env::var("FLEET_URL")?;
    let http = Client::builder(TokioExecutor::new()).build_http();
    let client = BearerAuthLayer::from_session(session(&base)?).layer(http);
    let (mut accepted, mut refused, mut failed) = (0, 0, 0);
    let work = async {
        loop {
            let request = Request::get(format!("{base}/users/me")).body(Full::<Bytes>::default());
            match client.send(request?).await {
                Ok(response) if response.status() == 200 => accepted += 1,
                Ok(_) => refused += 1,
                Err(error) => {
                    failed += 1;
                    eprintln!("{error}");
                }
            }
            sleep(PAUSE).await;
        }
    };
    let mut until = [0];
    let mut input = stdin();
    tokio::select! {
        ended = work => return ended,
        _ = input.read(&mut until) => {}
    }
    let stats = client.session().stats();
    println!(
        "{accepted} {refused} {failed} {}",
        stats.logins_without_store
    );
    Ok(())
}

fn session(base: &str) -> Result<Session, BoxError> {
    let worker = HeaderValue::from_str(&env::var("FLEET_WORKER")?)?;
    let client = ServiceBuilder::new()
        .map_request(move |mut request: Request<_>| {
            request.headers_mut().insert(WORKER, worker.clone());
            request
        })
        .service(Client::builder(TokioExecutor::new()).build_http());
    let login = login(client, base, &env::var("FLEET_PASSWORD")?)?;
    let login = match env::var("FLEET_REFRESHES")?.as_str() {
        "true" => login.use_refresh_token(),
        _ => login,
    };
    let (session, cache) = (Session::builder(login), cache(&env::var("FLEET_STORE")?)?);
    Ok(match env::var("FLEET_HASTY")?.as_str() {
        "true" => {
            let session = session.login_timeout(HASTE.0);
            session.token_cache(cache.lease(HASTE.1)).build()
        }
        _ => session.token_cache(cache).build(),
    })
}

fn login(client: impl LoginClient, base: &str, password: &str) -> Result<Form, BoxError> {
    let login = Form::new(client, base, "alice", password)?.path(LOGIN)?;
    let login = login.field("grant_type", "password")?;
    Ok(login.client_auth(ClientAuth::public("fleet")))
}

/// Each scene has a namespace of its own.
fn cache(store: &str) -> Result<TokenCache, BoxError> {
    let key = Key::from_hex(&env::var("FLEET_KEY")?)?;
    let cache = match store.strip_prefix("redis:") {
        None => TokenCache::encrypted(File::in_dir(store), key),
        #[cfg(feature = "store-redis")]
        Some(_) => TokenCache::encrypted(tower_bearer::store::Redis::from_url(store)?, key),
        #[cfg(not(feature = "store-redis"))]
        Some(_) => return Err("this needs `--features store-redis`".into()),
    };
    Ok(cache.namespace(env::var("FLEET_SCENE")?))
}
