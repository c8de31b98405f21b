mod outcome;

use std::cell::OnceCell;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::Full;
use tokio::runtime::{Builder, Runtime};

use super::input::Input;
use crate::login::{Datafiniti, Form, Json, Lifetime, Refresh};
use crate::script::{Script, Step, script};
use crate::{AuthError, Origins, Token, TokenRequest, TokenSource};

/// None of our own texts has one of them in it.
const PASSWORDS: [&str; 4] = [
    "hunter2hunter2",
    "correct horse",
    "pä\"&\\ß%7",
    "l1ne\nbr3ak\u{2028}",
];

/// The most that a login reads, as documented.
const LIMIT: usize = 64 * 1024;

/// Where the third preset finds its token.
const NESTED: &str = "/data/token";

/// Any answer to a login.
///
/// A byte of flags, two for the status, one for the length of the frames, one for how many KiB of
/// white space stand behind the body, the lines of two headers, and the body.
pub fn login_answer(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let status = 100 + u16::from_be_bytes([input.byte(), input.byte()]) % 900;
    let chunk = usize::from(input.byte());
    let padding = usize::from(input.byte() % 80) * 1024;
    let headers = [RETRY_AFTER, LOCATION].map(|name| (name, input.until(b'\n')));
    let headers = headers.into_iter().filter_map(|(name, value)| {
        let value = HeaderValue::from_bytes(value).ok()?;
        (!value.is_empty()).then_some((name, value))
    });
    let mut body = input.rest().to_vec();
    let unpadded = body.len();
    body.resize(unpadded + padding, b' ');
    let answer = Answer {
        preset: flags & 3,
        password: PASSWORDS[usize::from(flags >> 2 & 3)],
        status,
        headers: headers.collect(),
        delivery: Delivery {
            chunk: if chunk == 0 { LIMIT } else { chunk },
            unpadded,
            pauses: flags & 16 != 0,
            breaks: flags & 32 != 0,
            trailers: flags & 64 != 0,
            hint: flags & 128 != 0,
        },
        body: body.into(),
    };
    answer.check(&answer.fetch());
}

#[derive(Clone)]
struct Answer {
    preset: u8,
    password: &'static str,
    status: u16,
    headers: HeaderMap,
    delivery: Delivery,
    body: Bytes,
}

#[derive(Clone, Copy)]
struct Delivery {
    /// How long the frames are, until the white space comes in one.
    chunk: usize,
    unpadded: usize,
    pauses: bool,
    breaks: bool,
    trailers: bool,
    hint: bool,
}

impl Delivery {
    fn script(self, body: &Bytes) -> Script {
        let (text, padding) = body.split_at(self.unpadded);
        let padding = (!padding.is_empty()).then_some(padding);
        let frames = text.chunks(self.chunk).chain(padding);
        let mut steps: Vec<_> = frames
            .map(|data| Step::Data(body.slice_ref(data)))
            .collect();
        if self.breaks {
            steps.push(Step::Fail);
        } else if self.trailers {
            steps.push(Step::Trailers(HeaderMap::new()));
        }
        if self.pauses {
            let paused = steps.into_iter().flat_map(|step| [Step::Pending, step]);
            steps = paused.chain([Step::Pending]).collect();
        }
        Script {
            exact: self.hint,
            ..script(steps)
        }
    }
}

impl Answer {
    fn fetch(&self) -> Result<Token, AuthError> {
        let calls = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (Arc::clone(&calls), self.clone());
        let client = tower::service_fn(move |_: Request<Full<Bytes>>| {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok::<_, Infallible>(answer.response()))
        });
        let outcome = match self.preset {
            1 => fetch(&Form::new(client, "https://api.example.com", "me", self.password).unwrap()),
            2 => {
                let login = Json::new(client, "https://api.example.com/session").unwrap();
                let login = login.secret_field("password", self.password).unwrap();
                let login = login
                    .token(NESTED)
                    .unwrap()
                    .token_type("/data/type")
                    .unwrap();
                fetch(&login.lifetime("/data/expires", Lifetime::Rfc3339).unwrap())
            }
            3 => {
                let url = "https://api.example.com/token";
                fetch(&Refresh::from_token(client, url, self.password, Origins::any()).unwrap())
            }
            _ => fetch(&Datafiniti::new(client, "me@example.com", self.password)),
        };
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        outcome
    }

    fn response(&self) -> Response<Script> {
        let mut response = Response::new(self.delivery.script(&self.body));
        *response.status_mut() = self.status.try_into().unwrap();
        *response.headers_mut() = self.headers.clone();
        response
    }
}

fn fetch(login: &impl TokenSource) -> Result<Token, AuthError> {
    thread_local! {
        static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
    }
    RUNTIME.with(|runtime| {
        let runtime =
            runtime.get_or_init(|| Builder::new_current_thread().enable_time().build().unwrap());
        runtime.block_on(login.fetch(TokenRequest::first()))
    })
}
