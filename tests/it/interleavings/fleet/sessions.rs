//! Sessions over the gated store, and their logins, which end when they are let.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;
use tower_bearer::store::TokenCache;
use tower_bearer::testing::Memory;
use tower_bearer::{AuthError, Origins, Session, Token, TokenRequest, TokenSource};

use super::store::{Books, Gated};
use crate::support::token;

/// Nothing takes so long: time passes for those alone who wait for a lease.
const LONG: Duration = Duration::from_secs(86_400);

pub(super) const LIFETIME: Duration = Duration::from_secs(3600);

/// One that the source was asked for. Its token is known by its place.
pub(super) struct Login {
    pub(super) session: usize,
    /// How many operations were done before it.
    pub(super) began_at: usize,
    /// `None`: it has ended.
    pub(super) gate: Option<oneshot::Sender<()>>,
}

struct Source {
    session: usize,
    store: Arc<Mutex<Books>>,
    logins: Arc<Mutex<Vec<Login>>>,
}

impl TokenSource for Source {
    fn origins(&self) -> Origins {
        Origins::any()
    }

    async fn fetch(&self, _: TokenRequest) -> Result<Token, AuthError> {
        let began_at = self.store.lock().unwrap().done;
        let (gate, opened) = oneshot::channel();
        let number = {
            let mut logins = self.logins.lock().unwrap();
            let under_way = logins.iter().filter(|login| login.gate.is_some());
            assert_eq!(under_way.count(), 0, "F2: one login at a time");
            logins.push(Login {
                session: self.session,
                began_at,
                gate: Some(gate),
            });
            logins.len() - 1
        };
        opened.await.unwrap();
        Ok(token(&format!("t{number}")).expires_in(LIFETIME))
    }
}

pub(super) fn session_of(
    session: usize,
    memory: &Memory,
    store: &Arc<Mutex<Books>>,
    logins: &Arc<Mutex<Vec<Login>>>,
) -> Session {
    let source = Source {
        session,
        store: store.clone(),
        logins: logins.clone(),
    };
    let gated = Gated {
        session,
        memory: memory.clone(),
        books: store.clone(),
    };
    let cache = TokenCache::plain_text(gated).account("alice");
    let cache = cache.lease(LONG).store_timeout(LONG);
    let session = Session::builder(source).token_cache(cache);
    let session = session.login_timeout(LONG).wait_timeout(LONG);
    session.renew_jitter(0.0).renewal_hold(LONG).build()
}
