//! [`Api`]: the two servers that a peer meets, the one that is asked for tokens and the one that takes them, and
//! [`Inner`], the service below every peer.

use std::convert::Infallible;
use std::hint::black_box;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tower::Service;

/// How long a token lives, as the login tells it: no peer renews one while it is measured.
pub const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// How long a login takes in a storm.
const TICK: Duration = Duration::from_millis(5);

/// What becomes of the requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scenario {
    /// Each is accepted; nobody looks at its token.
    Accepted,
    /// Before each, the token in hand is revoked: it is refused, and accepted with the next one.
    RefusedOnce,
    /// The token is revoked once, and many requests are under way by then.
    Storm,
}

/// An API and its login. Lives as long as the program, so that a reference to it costs nothing.
pub struct Api {
    pub scenario: Scenario,
    valid: AtomicU64,
    logins: AtomicU64,
    requests: AtomicU64,
    slow: AtomicBool,
}

impl Api {
    pub fn leak(scenario: Scenario) -> &'static Self {
        Box::leak(Box::new(Self {
            scenario,
            valid: AtomicU64::new(1),
            logins: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            slow: AtomicBool::new(false),
        }))
    }

    /// The token that is good now: a JWT of 460 characters, of which the last ten tell it from the others.
    pub fn token(&self) -> String {
        format!("{}{:010}", *JWT, self.valid.load(Ordering::Relaxed))
    }

    /// A login.
    pub async fn login(&self) -> String {
        self.logins.fetch_add(1, Ordering::Relaxed);
        if self.slow.load(Ordering::Relaxed) {
            tokio::time::sleep(TICK).await;
        }
        self.token()
    }

    pub fn revoke(&self) {
        self.valid.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on a login takes a while, and a response comes only when every request has been sent.
    pub fn slow_down(&self) {
        self.slow.store(true, Ordering::Relaxed);
    }

    pub fn logins(&self) -> u64 {
        self.logins.load(Ordering::Relaxed)
    }

    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// What the API says to a request, and whether the response is late.
    pub fn judge(&self, authorization: impl FnOnce() -> Option<u64>) -> (StatusCode, bool) {
        if self.scenario == Scenario::Accepted {
            return (StatusCode::OK, false);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let accepted = authorization() == Some(self.valid.load(Ordering::Relaxed));
        let status = if accepted {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        };
        (status, self.slow.load(Ordering::Relaxed))
    }
}

/// The number in an `Authorization` header with one of our tokens.
pub fn number(authorization: &str) -> Option<u64> {
    let token = authorization.strip_prefix("Bearer ")?;
    token.strip_prefix(JWT.as_str())?.parse().ok()
}

/// A token but for its end. It is a JWT since one of the peers takes no other.
static JWT: LazyLock<String> = LazyLock::new(|| {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let claims = format!(
        r#"{{"sub":"bench","iat":{now},"exp":{}}}"#,
        now + LIFETIME.as_secs()
    );
    format!(
        "{head}.{}.{}",
        URL_SAFE_NO_PAD.encode(claims),
        "s".repeat(332)
    )
});

/// The service below every peer: reads the request's body, as a client would to send it, and answers.
pub struct Inner<E = Infallible> {
    api: &'static Api,
    error: PhantomData<fn() -> E>,
}

impl<E> Inner<E> {
    pub fn new(api: &'static Api) -> Self {
        Self {
            api,
            error: PhantomData,
        }
    }
}

impl<E> Clone for Inner<E> {
    fn clone(&self) -> Self {
        Self::new(self.api)
    }
}

impl<B: Body + Unpin, E> Service<Request<B>> for Inner<E> {
    type Response = Response<Full<Bytes>>;
    type Error = E;
    type Future = Answer<B, E>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answer<B, E> {
        let request = black_box(request);
        let (status, late) = self.api.judge(|| {
            let value = request.headers().get(AUTHORIZATION)?;
            number(value.to_str().ok()?)
        });
        Answer {
            status,
            late,
            body: request.into_body(),
            error: PhantomData,
        }
    }
}

/// The future of [`Inner`].
pub struct Answer<B, E> {
    status: StatusCode,
    late: bool,
    body: B,
    error: PhantomData<fn() -> E>,
}

impl<B: Body + Unpin, E> Future for Answer<B, E> {
    type Output = Result<Response<Full<Bytes>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        while let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            assert!(black_box(frame).is_ok(), "a body without an end");
        }
        if self.late {
            self.late = false;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut response = Response::new(Full::default());
        *response.status_mut() = self.status;
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Poll::Ready(Ok(response))
    }
}
