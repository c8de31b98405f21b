//! The API behind all servers: it gives out tokens, wants to see them, and checks what it is sent.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::content::{Claim, Sum};
use crate::download::{Broken, Download};
use crate::exchanges::Exchanges;
use crate::login::login;
use crate::plan::{ALL, Fault, Plan, Refusal, When};
use crate::referee::bearer;
use crate::rng::Rng;
use crate::tally::{Count, Tally};
use crate::tokens::Tokens;

pub(crate) type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

pub(crate) struct Api {
    pub(crate) seed: u64,
    pub(crate) tally: Arc<Tally>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) exchanges: Arc<Exchanges>,
    pub(crate) chaos: Arc<AtomicBool>,
    pub(crate) logins: AtomicU64,
}

/// The connection that a request came by.
pub(crate) struct Conn {
    pub(crate) kill: Notify,
    /// Of a server that no token is meant for.
    pub(crate) stranger: bool,
}

/// The stream is reset; over HTTP/1.1 the connection ends.
#[derive(Debug)]
pub(crate) struct Reset;

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reset on purpose")
    }
}

impl std::error::Error for Reset {}

impl Api {
    pub(crate) fn is_chaotic(&self) -> bool {
        self.chaos.load(Relaxed)
    }

    /// What the next login's choices are drawn from.
    pub(crate) fn next_login(&self) -> Rng {
        let number = self.logins.fetch_add(1, Relaxed);
        let mut rng = Rng::of(self.seed, 0x1061_0000_0000 + number);
        match rng.permille(500) {
            // Faults come in rows as well, so that pauses double.
            true => Rng::of(self.seed, 0x1062_0000_0000 + number / 4),
            false => rng,
        }
    }

    pub(crate) async fn handle(
        self: Arc<Self>,
        conn: Arc<Conn>,
        request: Request<Incoming>,
    ) -> Result<Answer, Reset> {
        let _live = self.tally.live();
        if request.uri().path() == "/auth/login" {
            return login(&self, &conn, request).await;
        }
        let (head, body) = request.into_parts();
        let claim = Claim::of(&head).map_err(|wrong| self.wrong(wrong))?;
        let token = self.token(&claim, &head.headers, &conn)?;
        let attempt = self.exchanges.arrive(claim.id, token);
        let plan = match self.is_chaotic() {
            true => Plan::draw(
                &mut Rng::of(self.seed ^ claim.id, u64::from(attempt)),
                claim.len,
            ),
            false => Plan::calm(),
        };
        let download = Download::new(body, claim.clone(), self.tally.live());
        self.protected(&conn, &claim, token, plan, download).await
    }

    async fn protected(
        &self,
        conn: &Conn,
        claim: &Claim,
        token: Option<&str>,
        plan: Plan,
        mut download: Download,
    ) -> Result<Answer, Reset> {
        sleep(plan.delay).await;
        let mut sum = Sum::default();
        for when in ALL {
            let read = match when {
                When::Early => Ok(()),
                When::Midway => download.reach(plan.midway).await,
                When::Late => download.finish().await.map(|all| sum = all),
            };
            read.map_err(|broken| self.broken(broken))?;
            if plan.fault == Fault::Reset(when) || plan.fault == Fault::Kill(when) {
                self.tally.count(Count::Resets);
                if plan.fault == Fault::Kill(when) {
                    conn.kill.notify_one();
                }
                return Err(Reset);
            }
            if plan.check == when {
                let good = token.is_none_or(|token| self.tokens.is_good(token));
                if !good || plan.fault == Fault::Mistaken {
                    return Ok(self.refuse(claim, &plan, download));
                }
            }
        }
        self.tally.add(Count::Bytes, claim.len as u64);
        if let Fault::Status(status) = plan.fault {
            return Ok(empty(status));
        }
        let receipt = claim.receipt(sum);
        if plan.fault == Fault::CutOff {
            self.tally.count(Count::Resets);
            return Ok(cut_off(StatusCode::OK, receipt));
        }
        Ok(full(Full::new(receipt.into())))
    }

    fn token<'a>(
        &self,
        claim: &Claim,
        headers: &'a HeaderMap,
        conn: &Conn,
    ) -> Result<Option<&'a str>, Reset> {
        let (number, id) = (headers.get_all(AUTHORIZATION).iter().count(), claim.id);
        match (conn.stranger, number, bearer(headers)) {
            (true, 0, None) => Ok(None),
            (true, ..) => Err(self.wrong(format!("request {id}: a token left its origins"))),
            (false, 1, Some(token)) => Ok(Some(token)),
            (false, ..) => Err(self.wrong(format!("request {id} came with {number} tokens"))),
        }
    }

    fn refuse(&self, claim: &Claim, plan: &Plan, mut download: Download) -> Answer {
        self.exchanges.refuse(claim.id);
        if plan.reads_on {
            let tally = self.tally.clone();
            tokio::spawn(async move {
                if let Err(Broken::Wrong(wrong)) = download.finish().await {
                    tally.violation(Count::WrongBodies, wrong);
                }
            });
        }
        let mut answer = match plan.refusal {
            Refusal::Empty => empty(StatusCode::UNAUTHORIZED),
            Refusal::Large => full(Full::new(vec![b'-'; 100_000].into())),
            Refusal::CutOff => cut_off(StatusCode::UNAUTHORIZED, "no".to_owned()),
            Refusal::Endless => {
                let live = self.tally.live();
                let drops = stream::repeat(()).then(move |()| {
                    let _live = &live;
                    async {
                        sleep(Duration::from_millis(20)).await;
                        Ok(Frame::data(Bytes::from_static(b"-")))
                    }
                });
                Response::new(StreamBody::new(drops).boxed_unsync())
            }
        };
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
        answer
    }

    fn wrong(&self, wrong: String) -> Reset {
        self.tally.violation(Count::OtherViolations, wrong);
        Reset
    }

    fn broken(&self, broken: Broken) -> Reset {
        if let Broken::Wrong(wrong) = broken {
            self.tally.violation(Count::WrongBodies, wrong);
        }
        Reset
    }
}

pub(crate) fn full(body: Full<Bytes>) -> Answer {
    Response::new(body.map_err(|never| match never {}).boxed_unsync())
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = full(Full::default());
    *answer.status_mut() = status;
    answer
}

/// A beginning, and then an error.
fn cut_off(status: StatusCode, beginning: String) -> Answer {
    let frames = [
        Ok(Frame::data(Bytes::from(beginning))),
        Err(io::Error::other("cut off on purpose")),
    ];
    let mut answer = Response::new(StreamBody::new(stream::iter(frames)).boxed_unsync());
    *answer.status_mut() = status;
    answer
}
