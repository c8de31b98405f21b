//! One of the many who send requests, and judge what comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{sleep, timeout};
use tower::{BoxError, ServiceExt};
use tower_bearer::AuthError;

use crate::client::AuthClient;
use crate::content::{CLAIM, Claim};
use crate::exchanges::Exchanges;
use crate::rng::Rng;
use crate::tally::{Count, Tally};
use crate::upload::Upload;

/// More than two logins can take, and two slow uploads.
const DEADLINE: Duration = Duration::from_secs(10);
/// The layer's own: what it keeps of a body at most.
const CAP: usize = 64 * 1024;

pub(crate) struct Worker {
    pub(crate) client: AuthClient,
    pub(crate) tally: Arc<Tally>,
    pub(crate) exchanges: Arc<Exchanges>,
    pub(crate) base: String,
    pub(crate) stranger: String,
    pub(crate) http2: bool,
    pub(crate) rng: Rng,
    pub(crate) next: u64,
}

struct Sent {
    claim: Claim,
    stranger: bool,
    /// Its own body fails at some point.
    fails: bool,
}

impl Worker {
    pub(crate) async fn run(&mut self, chaos: &AtomicBool) {
        while chaos.load(Relaxed) {
            match self.one().await {
                // A caller who knows of no token yet does not ask in a tight loop.
                Count::NoToken | Count::Refused => sleep(self.rng.millis(5, 40)).await,
                _ if self.rng.permille(300) => sleep(self.rng.millis(1, 12)).await,
                _ => {}
            }
        }
    }

    /// One request of any kind. Returns what became of it.
    async fn one(&mut self) -> Count {
        let stranger = self.rng.permille(20);
        let (len, whole) = (self.size(), self.rng.permille(500));
        let fails = !whole && self.rng.permille(5);
        let patience = (self.rng.permille(40)).then(|| self.rng.millis(0, 40));
        self.send(len, whole, stranger, fails, patience).await
    }

    /// A small one, for the quiet at the end.
    pub(crate) async fn plain(&mut self) -> Count {
        let len = self.rng.below(2_000);
        self.send(len, true, false, false, None).await
    }

    async fn send(
        &mut self,
        len: usize,
        whole: bool,
        stranger: bool,
        fails: bool,
        patience: Option<Duration>,
    ) -> Count {
        let claim = self.claim(len, whole, stranger);
        let fails_at = fails.then(|| self.rng.below(len));
        let rng = Rng::of(self.rng.next(), claim.id);
        let body = Upload::new(claim.clone(), whole, fails_at, rng, self.tally.live());
        let base = if stranger { &self.stranger } else { &self.base };
        let request = Request::builder()
            .method(claim.method.clone())
            .uri(format!("{base}{}", claim.path()));
        let request = claim
            .header()
            .and_then(|header| request.header(CLAIM, header).body(body));
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                self.violation(format!("no request: {error}"));
                return Count::OtherViolations;
            }
        };
        let sent = Sent {
            claim,
            stranger,
            fails,
        };
        self.tally.count(Count::Requests);
        self.exchanges.begin(sent.claim.id);
        let limit = patience.unwrap_or(DEADLINE);
        let fate = match timeout(limit, self.exchange(&sent, request)).await {
            Ok(fate) => fate,
            Err(_) if patience.is_some() => Count::Dropped,
            Err(_) => {
                let what = format!("request {} was not answered", sent.claim.id);
                self.tally.violation(Count::Unanswered, what);
                return Count::Unanswered;
            }
        };
        self.tally.count(fate);
        fate
    }

    async fn exchange(&self, sent: &Sent, request: Request<Upload>) -> Count {
        match self.client.clone().oneshot(request).await {
            Ok(response) if response.status() == StatusCode::UNAUTHORIZED => {
                self.check_refusal(sent, &response);
                Count::Refused
            }
            Ok(response) if response.status() == StatusCode::OK => {
                self.check_answer(sent, response).await
            }
            Ok(_) => Count::OtherStatus,
            Err(error) => self.check_error(sent, &error),
        }
    }

    async fn check_answer(&self, sent: &Sent, response: Response<Incoming>) -> Count {
        let Ok(receipt) = response.into_body().collect().await else {
            return Count::Lost;
        };
        let (id, expected) = (sent.claim.id, sent.claim.receipt(sent.claim.sum()));
        let receipt = receipt.to_bytes();
        if receipt != expected {
            let what = format!("request {id}: {receipt:?} for {expected:?}");
            self.tally.violation(Count::WrongBodies, what);
        }
        Count::Answered
    }

    /// A refusal has to be explained.
    fn check_refusal(&self, sent: &Sent, response: &Response<Incoming>) {
        let id = sent.claim.id;
        let seen = self.exchanges.seen(id);
        match response.extensions().get::<AuthError>() {
            Some(error) if error.is_foreign_origin() == sent.stranger && !error.is_signed_out() => {
            }
            Some(error) => self.violation(format!("request {id} was refused: {error}")),
            None if sent.stranger => self.violation(format!("request {id}: no word of its origin")),
            None if sent.claim.len > CAP || seen.refusals == 2 || sent.fails => {}
            None => self.violation(format!("request {id} was refused without a word: {seen:?}")),
        }
    }

    fn check_error(&self, sent: &Sent, error: &BoxError) -> Count {
        let id = sent.claim.id;
        if let Some(error) = error.downcast_ref::<AuthError>() {
            if sent.stranger || error.is_signed_out() || error.is_foreign_origin() {
                self.violation(format!("request {id} failed by {error}"));
            }
            return Count::NoToken;
        }
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&**error);
        while let Some(error) = cause {
            if error.to_string().contains("taken over by the retry") {
                self.violation(format!(
                    "request {id}: its caller hears of the first attempt"
                ));
            }
            cause = error.source();
        }
        Count::Lost
    }

    fn claim(&mut self, len: usize, whole: bool, stranger: bool) -> Claim {
        let rng = &mut self.rng;
        let method = match len {
            0 => rng.pick(&[Method::GET, Method::DELETE, Method::POST].each_ref()),
            _ => rng.pick(&[Method::POST, Method::PUT, Method::PATCH].each_ref()),
        };
        let sized = whole || rng.permille(400);
        self.next += 1;
        Claim {
            id: self.next,
            len,
            method: method.clone(),
            sized,
            // Over HTTP/1.1 trailers have to be agreed on.
            trailers: !sized && self.http2 && !stranger && rng.permille(300),
        }
    }

    fn size(&mut self) -> usize {
        let rng = &mut self.rng;
        match rng.below(100) {
            0..=11 => 0,
            12..=54 => rng.between(1, 2_000),
            55..=79 => rng.between(2_000, 48_000),
            80..=87 => rng.between(CAP - 2, CAP + 2),
            88..=96 => rng.between(CAP, 256 * 1024),
            _ => rng.between(256 * 1024, 1024 * 1024),
        }
    }

    fn violation(&self, what: String) {
        self.tally.violation(Count::OtherViolations, what);
    }
}
