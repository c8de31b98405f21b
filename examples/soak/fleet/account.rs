//! An account of the API: its login, its tokens, and what its tokens open.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tower::{BoxError, Service};

use super::referee::{Referee, Use};
use crate::referee::bearer;
use crate::rng::Rng;
use crate::tally::Count;
use crate::tokens::Tokens;

pub(super) const BASE: &str = "https://api.example.com";
pub(super) const LOGIN: &str = "/oauth/token";
pub(super) const PASSWORD: &str = "correct horse";

/// Short enough for many rotations, and a part of a second, which is counted as it is told.
pub(super) const LIFETIME: Duration = Duration::from_millis(400);

/// As long as it takes to kill somebody in it.
const SLOW_LOGIN: Duration = Duration::from_millis(300);

pub(super) struct Account {
    pub(super) name: &'static str,
    kind: Kind,
    tokens: Tokens,
    grants: Mutex<Grants>,
    /// Which process logs in, while logins are slow.
    pub(super) logs_in: watch::Sender<Option<u64>>,
    is_slow: watch::Sender<bool>,
    /// How many logins have ended in a token.
    granted: watch::Sender<u64>,
    referee: Arc<Referee>,
}

/// What the server does with logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Gives refresh tokens that are good once. A second use ends all that came of that login.
    Rotates,
    /// Ends the token before at each login.
    KeepsOne,
}

#[derive(Default)]
struct Grants {
    number: u64,
    good: HashSet<String>,
    used: HashMap<String, Use>,
    last_login: Option<Instant>,
}

/// The API as one process sees it.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) account: Arc<Account>,
    pub(super) process: u64,
}

type Answer = Response<Full<Bytes>>;

impl Account {
    pub(super) fn new(name: &'static str, kind: Kind, referee: Arc<Referee>) -> Self {
        Self {
            name,
            kind,
            tokens: Tokens::default(),
            grants: Mutex::default(),
            logs_in: watch::Sender::default(),
            is_slow: watch::Sender::default(),
            granted: watch::Sender::default(),
            referee,
        }
    }

    pub(super) fn keeps_one(&self) -> bool {
        self.kind == Kind::KeepsOne
    }

    pub(super) fn slow_down(&self, is_slow: bool) {
        self.is_slow.send_replace(is_slow);
    }

    pub(super) fn granted(&self) -> watch::Receiver<u64> {
        self.granted.subscribe()
    }

    pub(super) fn revoke_all(&self) {
        self.tokens.revoke_all();
    }

    async fn log_in(&self, process: u64, sent: &[u8]) -> Answer {
        let fields: HashMap<_, _> = form_urlencoded::parse(sent).into_owned().collect();
        let mut rng = Rng::of(process, self.begin(process));
        if *self.is_slow.borrow() {
            self.logs_in.send_replace(Some(process));
        }
        // What a client loses that dies meanwhile: nothing, or what was given to it.
        match rng.permille(500) {
            true => {
                self.dawdle(&mut rng).await;
                self.judge(process, &fields)
            }
            false => {
                let answer = self.judge(process, &fields);
                self.dawdle(&mut rng).await;
                answer
            }
        }
    }

    /// Returns the number of the login.
    fn begin(&self, process: u64) -> u64 {
        let now = Instant::now();
        let mut grants = self.grants();
        let last = grants.last_login.replace(now);
        grants.number += 1;
        let since = last.map(|last| now - last);
        self.referee.login(self.name, process, since);
        grants.number
    }

    async fn dawdle(&self, rng: &mut Rng) {
        let pause = rng.millis(2, 15);
        let is_slow = *self.is_slow.borrow();
        sleep(if is_slow { SLOW_LOGIN } else { pause }).await;
    }

    fn judge(&self, process: u64, fields: &HashMap<String, String>) -> Answer {
        let field = |name| fields.get(name).map_or("", String::as_str);
        let is_granted = match field("grant_type") {
            "password" if field("password") == PASSWORD => field("username") == self.name,
            "password" => {
                let who = format!("{} {}", self.name, field("password"));
                self.referee.wrong_password(&who);
                false
            }
            _ => self.refresh(process, field("refresh_token")),
        };
        match is_granted {
            true => self.grant(),
            false => answer(StatusCode::BAD_REQUEST, r#"{"error": "invalid_grant"}"#),
        }
    }

    fn refresh(&self, process: u64, refresh_token: &str) -> bool {
        let mut grants = self.grants();
        if grants.good.remove(refresh_token) {
            let used = Use {
                process,
                at: Instant::now(),
            };
            grants.used.insert(refresh_token.to_owned(), used);
            self.referee.refreshed();
            return true;
        }
        if let Some(before) = grants.used.get(refresh_token) {
            self.referee.reuse(self.name, before);
            grants.good.clear();
            self.tokens.revoke_all();
        }
        false
    }

    fn grant(&self) -> Answer {
        if self.keeps_one() {
            self.tokens.revoke_all();
        }
        self.granted.send_modify(|granted| *granted += 1);
        let token = self.tokens.issue(Some(LIFETIME)).token;
        let name = self.name;
        let lifetime = format!(r#", "expires_in": {}"#, LIFETIME.as_secs_f64());
        let refresh = match self.kind {
            Kind::Rotates => {
                let refresh = format!("{token}-again");
                self.grants().good.insert(refresh.clone());
                format!(r#", "refresh_token": "{refresh}""#)
            }
            Kind::KeepsOne => String::new(),
        };
        let text = format!(
            r#"{{"access_token": "{name}.{token}", "token_type": "bearer"{lifetime}{refresh}}}"#
        );
        answer(StatusCode::OK, &text)
    }

    fn open(&self, token: Option<&str>) -> Answer {
        let parts = token.and_then(|token| token.split_once('.'));
        let status = match parts {
            Some((name, token)) if name == self.name => match self.tokens.is_good(token) {
                true => StatusCode::OK,
                false => StatusCode::UNAUTHORIZED,
            },
            _ => {
                let what = format!("{} was sent another's token, or none", self.name);
                let tally = &self.referee.tally;
                tally.violation(Count::OtherViolations, what);
                StatusCode::FORBIDDEN
            }
        };
        answer(status, "")
    }

    fn grants(&self) -> MutexGuard<'_, Grants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Service<Request<B>> for Endpoint
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Answer, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (account, process) = (self.account.clone(), self.process);
        Box::pin(async move {
            if request.uri().path() != LOGIN {
                return Ok(account.open(bearer(request.headers())));
            }
            let sent = request.into_body().collect().await.map_err(Into::into)?;
            Ok(account.log_in(process, &sent.to_bytes()).await)
        })
    }
}

fn answer(status: StatusCode, text: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *answer.status_mut() = status;
    answer
}
