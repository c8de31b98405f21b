//! A source and an inner service that do nothing until the scheduler lets them, and the books that
//! both of them keep.

use std::convert::Infallible;
use std::mem;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use tokio::sync::oneshot;
use tower::Service;
use tower_bearer::{AuthError, Origins, ReplayBody, Token, TokenRequest, TokenSource};

use crate::support::{Body, token};

/// How a login ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a token that no other login brings.
    New,
    /// With the token that it was to replace, where there was one.
    Same,
    Unavailable,
    Panic,
}

/// Whose request this is, as an extension that its retry carries as well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender {
    pub(crate) request: usize,
    pub(crate) caller: usize,
}

#[derive(Clone, Default)]
pub(crate) struct Books {
    inner: Arc<Mutex<Entries>>,
}

#[derive(Default)]
pub(crate) struct Entries {
    /// In the order in which the source was asked.
    pub(crate) fetches: Vec<Fetch>,
    /// In the order in which they were sent.
    pub(crate) calls: Vec<Call>,
    /// Inner services that were polled ready, and not called since.
    pub(crate) reserved: usize,
    /// By the number of the caller; `None` where the inner service is always ready.
    pub(crate) readiness: Vec<Option<Readiness>>,
}

pub(crate) struct Fetch {
    pub(crate) source: usize,
    pub(crate) stale: Option<String>,
    pub(crate) brings: String,
    /// `None`: it has ended. Closed: it was dropped.
    pub(crate) gate: Option<oneshot::Sender<End>>,
}

impl Fetch {
    pub(crate) fn is_under_way(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| !gate.is_closed())
    }
}

pub(crate) struct Call {
    pub(crate) request: usize,
    pub(crate) token: String,
    /// `None`: it was answered.
    pub(crate) answer: Option<oneshot::Sender<StatusCode>>,
}

#[derive(Default)]
pub(crate) struct Readiness {
    pub(crate) granted: bool,
    pub(crate) waiting: Option<Waker>,
}

impl Books {
    pub(crate) fn open(&self) -> MutexGuard<'_, Entries> {
        self.inner.lock().unwrap()
    }
}

/// The text of a token tells nothing but the login that brought it.
pub(crate) struct Source {
    pub(crate) number: usize,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) books: Books,
}

impl TokenSource for Source {
    fn origins(&self) -> Origins {
        Origins::any()
    }

    async fn fetch(&self, request: TokenRequest) -> Result<Token, AuthError> {
        let (gate, opened) = oneshot::channel();
        let stale = request.stale().map(|token| token.expose().to_owned());
        let (login, fresh) = {
            let fetches = &mut self.books.open().fetches;
            let fresh = format!("t{}", fetches.len());
            fetches.push(Fetch {
                source: self.number,
                stale: stale.clone(),
                brings: fresh.clone(),
                gate: Some(gate),
            });
            (fetches.len() - 1, fresh)
        };
        let brings = match opened.await {
            Ok(End::New) => fresh,
            Ok(End::Same) => stale.unwrap_or(fresh),
            Ok(End::Panic) => resume_unwind(Box::new("as told")),
            Ok(End::Unavailable) | Err(_) => {
                return Err(AuthError::unavailable(format!("login {login}")));
            }
        };
        self.books.open().fetches[login].brings.clone_from(&brings);
        let token = token(&brings);
        Ok(match self.lifetime {
            Some(lifetime) => token.expires_in(lifetime),
            None => token,
        })
    }
}

/// One instance for each caller, and its clones.
pub(crate) struct Inner {
    caller: usize,
    ready: bool,
    books: Books,
}

impl Inner {
    pub(crate) fn new(caller: usize, books: &Books) -> Self {
        Self {
            caller,
            ready: false,
            books: books.clone(),
        }
    }
}

/// A clone was never polled ready.
impl Clone for Inner {
    fn clone(&self) -> Self {
        Self::new(self.caller, &self.books)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.ready {
            self.books.open().reserved -= 1;
        }
    }
}

impl Service<Request<ReplayBody<Body>>> for Inner {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if !self.ready {
            let mut books = self.books.open();
            if let Some(readiness) = &mut books.readiness[self.caller] {
                if !mem::take(&mut readiness.granted) {
                    readiness.waiting = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
            books.reserved += 1;
            self.ready = true;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReplayBody<Body>>) -> Self::Future {
        assert!(mem::take(&mut self.ready), "W1: called, and not ready");
        let headers: Vec<_> = request.headers().get_all("authorization").iter().collect();
        assert_eq!(headers.len(), 1, "R5: one Authorization header");
        let token = headers[0].to_str().unwrap().strip_prefix("Bearer ");
        let sender: Sender = *request.extensions().get().unwrap();
        assert_eq!(sender.caller, self.caller, "it went through another's");
        let (answer, answered) = oneshot::channel();
        let mut books = self.books.open();
        books.reserved -= 1;
        books.calls.push(Call {
            request: sender.request,
            token: token.unwrap().to_owned(),
            answer: Some(answer),
        });
        Box::pin(async move {
            let mut response = Response::new(());
            *response.status_mut() = answered.await.unwrap();
            Ok(response)
        })
    }
}
