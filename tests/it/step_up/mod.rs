//! Stronger tokens, where a server asks for them.

mod accounts;
mod challenges;
mod paced;
mod renewed;
mod repeats;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{BoxError, Service, service_fn};
use tower_bearer::{
    AuthError, Cause, Origins, ReplayBody, Token, TokenRequest, TokenSource, source_fn,
};

use crate::support::{Body, token};

const ADMIN: &str = "https://api.example.com/admin";
const READ: &str = "https://api.example.com/read";

/// Endpoints that want the scope of their path, beside `/read`, which wants any token.
#[derive(Clone, Default)]
struct Scoped {
    seen: Arc<Mutex<Vec<String>>>,
}

impl Scoped {
    fn service(
        &self,
        status: u16,
        error: &'static str,
    ) -> impl Service<
        Request<ReplayBody<Body>>,
        Response = Response<String>,
        Error = BoxError,
        Future: Send,
    > + Clone {
        let seen = self.seen.clone();
        service_fn(move |request: Request<ReplayBody<Body>>| {
            let seen = seen.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let token = head.headers["authorization"].to_str()?;
                let token = token.trim_start_matches("Bearer ").to_owned();
                let wanted = head.uri.path().trim_start_matches('/');
                let is_good = wanted == "read" || token.starts_with(wanted);
                seen.lock().unwrap().push(format!("{wanted} {token}"));
                let body = String::from_utf8(body.to_vec())?;
                let mut response = Response::new(body);
                if !is_good {
                    *response.status_mut() = StatusCode::from_u16(status)?;
                    let challenge = format!(r#"Bearer error="{error}", scope="{wanted}""#);
                    let headers = response.headers_mut();
                    headers.insert("www-authenticate", challenge.parse()?);
                }
                Ok::<_, BoxError>(response)
            }
        })
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// What a source was asked for.
type Asked = Arc<Mutex<Vec<String>>>;

/// A source of `plain1`, and of stronger tokens that are named by the scope that is asked for.
fn source<F>(asked: &Asked, step_up: F) -> impl TokenSource + use<F>
where
    F: Fn(&str) -> Result<Token, AuthError> + Send + Sync + 'static,
{
    let asked = asked.clone();
    source_fn(Origins::any(), move |request: TokenRequest| {
        let mut asked = asked.lock().unwrap();
        std::future::ready(match request.cause() {
            Cause::StepUp => {
                let scope = request.challenges()[0].param("scope").unwrap();
                asked.push(scope.to_owned());
                step_up(scope)
            }
            cause => {
                asked.push(format!("{cause:?}"));
                Ok(token("plain1"))
            }
        })
    })
}

fn stronger(scope: &str) -> Result<Token, AuthError> {
    Ok(token(&format!("{scope}1")))
}

/// A server that answers `plain1` by a challenge, and a stronger token by what this says of it.
fn judging<F>(
    judge: F,
) -> impl Service<Request<ReplayBody<Body>>, Response = Response<()>, Error = BoxError, Future: Send>
+ Clone
where
    F: Fn(&str) -> (u16, &'static str) + Clone + Send + 'static,
{
    service_fn(move |request: Request<ReplayBody<Body>>| {
        let token = request.headers()["authorization"].to_str().unwrap();
        let (status, challenge) = match token {
            "Bearer plain1" => (403, r#"Bearer error="insufficient_scope", scope="admin""#),
            token => judge(token.trim_start_matches("Bearer ")),
        };
        let response = Response::builder().status(status);
        let response = response.header("www-authenticate", challenge).body(());
        std::future::ready(response.map_err(BoxError::from))
    })
}

/// A stronger token that is another one each time.
fn counting(prefix: &'static str) -> impl Fn(&str) -> Result<Token, AuthError> + Send + Sync {
    let tokens = AtomicU64::new(0);
    move |_| {
        let number = tokens.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(token(&format!("{prefix}{number}")))
    }
}
