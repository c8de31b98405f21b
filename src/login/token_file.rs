//! [`TokenFile`]: a token in a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::login::jwt::jwt_rest;
use crate::origins::Origins;
use crate::source::{Cause, TokenRequest, TokenSource};
use crate::token::Token;

/// A token in a file that another process rewrites, such as the [projected token] of a Kubernetes
/// service account.
///
/// The file is read when a token is first needed, when the current token is about to expire or has
/// expired, and when it is refused. Unless the last token read was refused or has expired, the file
/// is read at most once per minute. A read that fails is repeated after the session's [outage
/// back-off](crate::SessionBuilder::outage_backoff). The file is read on tokio's thread pool for
/// blocking work.
///
/// If the token is a JWT with `exp` and `iat`, its lifetime is what is left of it by the system
/// clock. One that has expired by that clock has its whole lifetime again, because the clock may be
/// wrong. Any other token is used until it is refused. While the file cannot be read, the current
/// token is used until it expires.
///
/// ```
/// use tower_bearer::login::TokenFile;
/// use tower_bearer::{BearerAuthLayer, Origins};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("tower-bearer-token-{}", std::process::id()));
/// # std::fs::write(&path, "mF_9.B5f-4.1JqM\n")?;
/// // Such as /var/run/secrets/kubernetes.io/serviceaccount/token
/// let source = TokenFile::new(&path, Origins::only("https://api.example.com")?);
/// let layer = BearerAuthLayer::new(source);
/// assert_eq!(layer.session().token().await?.expose(), "mF_9.B5f-4.1JqM");
/// # std::fs::remove_file(path)?;
/// # Ok(())
/// # }
/// ```
///
/// [projected token]: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
#[derive(Debug)]
pub struct TokenFile {
    path: Arc<Path>,
    origins: Origins,
    last: Mutex<Option<LastRead>>,
}

#[derive(Clone, Debug)]
struct LastRead {
    at: Instant,
    token: Token,
}

/// A token is no larger. Neither is what a login answers.
const MAX_BYTES: u64 = 64 * 1024;

const INTERVAL: Duration = Duration::from_secs(60);

impl TokenFile {
    /// Creates a source that reads the token from this file. The token may be sent to these
    /// origins.
    pub fn new(path: impl Into<PathBuf>, origins: Origins) -> Self {
        Self {
            path: path.into().into(),
            origins,
            last: Mutex::new(None),
        }
    }

    async fn read(&self) -> Result<Token, AuthError> {
        let path = self.path.clone();
        let text = spawn_blocking(move || read(&path)).await;
        let text = text.map_err(AuthError::unavailable)?;
        let text = text.map_err(|error| {
            AuthError::unavailable(format!("cannot read {}: {error}", self.path.display()))
        })?;
        let token = Token::new(text.trim_end()).map_err(|error| {
            AuthError::misconfigured(format!("{}: {error}", self.path.display()))
        })?;
        Ok(match jwt_rest(token.expose(), SystemTime::now()) {
            Some(rest) => token.lives_by_its_claims(rest),
            None => token,
        })
    }

    fn last(&self) -> Option<LastRead> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }
}

impl TokenSource for TokenFile {
    /// Those that it was given.
    fn origins(&self) -> Origins {
        self.origins.clone()
    }

    async fn fetch(&self, request: TokenRequest) -> Result<Token, AuthError> {
        if let Some(last) = self.last().filter(|_| request.cause() != Cause::Refused) {
            let age = last.at.elapsed();
            match last.token.lifetime() {
                _ if age >= INTERVAL => {}
                Some(lifetime) if age >= lifetime => {}
                // What is left of it: it has lived since it was read.
                Some(lifetime) => return Ok(last.token.lives_by_its_claims(lifetime - age)),
                None => return Ok(last.token),
            }
        }
        let at = Instant::now();
        let token = self.read().await?;
        let last = LastRead {
            at,
            token: token.clone(),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        Ok(token)
    }
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is larger than 64 KiB"));
    }
    Ok(text)
}
