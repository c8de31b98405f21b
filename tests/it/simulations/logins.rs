//! A login over HTTP that answers as a test says, and the tokens that it issues.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::time::sleep;
use tower::service_fn;
use tower_bearer::login::{Form, LoginClient};

use super::world::{Asked, World};
use crate::support::{millis, secs};

/// What a login is answered.
type Answer = dyn Fn(&Login) -> Reply + Send + Sync;

pub(super) struct Login {
    pub(super) number: u64,
    pub(super) at: Duration,
    /// The form that was sent.
    pub(super) form: String,
}

/// A response, and how long it takes.
pub(super) struct Reply {
    after: Duration,
    response: Response<String>,
}

#[derive(Clone)]
pub(super) struct LoginServer {
    world: World,
    answer: Arc<Answer>,
    asked_at: Arc<Mutex<Vec<Duration>>>,
}

/// When each token was made, by its number, and how long it is good for.
#[derive(Clone)]
pub(super) struct Tokens {
    lives: Duration,
    made: Arc<Mutex<HashMap<u64, Duration>>>,
}

impl LoginServer {
    pub(super) fn new<R: Into<Reply>>(
        world: &World,
        answer: impl Fn(&Login) -> R + Send + Sync + 'static,
    ) -> Self {
        Self {
            world: world.clone(),
            answer: Arc::new(move |login| answer(login).into()),
            asked_at: Arc::default(),
        }
    }

    pub(super) fn form(&self) -> Form {
        Form::new(self.client(), "https://api.example.com", "me", "secret").unwrap()
    }

    pub(super) fn client(&self) -> impl LoginClient + use<> {
        let server = self.clone();
        service_fn(move |request| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.login(request).await) }
        })
    }

    /// When each login was asked for.
    pub(super) fn asked_at(&self) -> Vec<Duration> {
        self.asked_at.lock().unwrap().clone()
    }

    async fn login(&self, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
        let Ok(body) = request.into_body().collect().await;
        let login = Login {
            number: self.world.login_begins(),
            at: self.world.at(),
            form: String::from_utf8(body.to_bytes().to_vec()).unwrap(),
        };
        self.asked_at.lock().unwrap().push(login.at);
        let Reply { after, response } = (self.answer)(&login);
        sleep(after).await;
        response.map(|body| Full::new(body.into()))
    }
}

impl Login {
    pub(super) fn is_refresh(&self) -> bool {
        self.form.starts_with("grant_type=refresh_token")
    }
}

impl Reply {
    pub(super) fn after(response: Response<String>, after: Duration) -> Self {
        Self { after, response }
    }

    /// None ever comes.
    pub(super) fn never() -> Self {
        Self::after(Response::default(), Duration::MAX)
    }
}

impl From<Response<String>> for Reply {
    fn from(response: Response<String>) -> Self {
        Self::after(response, millis(50))
    }
}

impl Tokens {
    pub(super) fn living(lives: Duration) -> Self {
        Self {
            lives,
            made: Arc::default(),
        }
    }

    pub(super) fn make(&self, number: u64, at: Duration) {
        self.made.lock().unwrap().insert(number, at);
    }

    /// The newest one, and when it was made.
    pub(super) fn newest(&self) -> Option<(u64, Duration)> {
        let made = self.made.lock().unwrap();
        made.iter().map(|(number, at)| (*number, *at)).max()
    }

    pub(super) fn is_good(&self, asked: &Asked<'_>) -> bool {
        asked.at < self.end_of(asked.token)
    }

    pub(super) fn end_of(&self, number: u64) -> Duration {
        self.made.lock().unwrap()[&number] + self.lives
    }
}

/// A response with nothing but a status.
pub(super) fn status(status: u16) -> Response<String> {
    answer(status, "")
}

pub(super) fn answer(status: u16, body: &str) -> Response<String> {
    let response = Response::builder().status(status);
    response.body(body.to_owned()).unwrap()
}

pub(super) fn retry_after(status: u16, value: &str) -> Response<String> {
    let response = Response::builder().status(status);
    let response = response.header("retry-after", value);
    response.body(String::new()).unwrap()
}

/// A `Retry-After` that is a date.
pub(super) fn retry_at(status: u16, after: u64) -> Response<String> {
    // No test takes a second of real time for it.
    let date = SystemTime::now() + secs(after);
    retry_after(status, &httpdate::fmt_http_date(date))
}

/// The token of that number.
pub(super) fn granted(number: u64, lifetime: Option<u64>) -> Response<String> {
    let token = format!("t{number}");
    answer(
        200,
        &match lifetime {
            Some(seconds) => format!(r#"{{"access_token": "{token}", "expires_in": {seconds}}}"#),
            None => format!(r#"{{"access_token": "{token}"}}"#),
        },
    )
}
