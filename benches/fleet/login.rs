//! A login server that many processes log in at, each by a source of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tower_bearer::{Origins, Token, TokenSource, source_fn};

#[derive(Clone)]
pub(crate) struct LoginServer {
    takes: Duration,
    lifetime: Duration,
    logins: Arc<AtomicU64>,
}

impl LoginServer {
    pub(crate) fn new(takes: Duration, lifetime: Duration) -> Self {
        Self {
            takes,
            lifetime,
            logins: Arc::default(),
        }
    }

    pub(crate) fn logins(&self) -> u64 {
        self.logins.load(Ordering::Relaxed)
    }

    pub(crate) fn source(&self) -> impl TokenSource {
        let server = self.clone();
        source_fn(Origins::any(), move |_| {
            let server = server.clone();
            async move {
                let number = server.logins.fetch_add(1, Ordering::Relaxed) + 1;
                tokio::time::sleep(server.takes).await;
                Ok(Token::new(format!("token-{number}"))?.expires_in(server.lifetime))
            }
        })
    }
}
