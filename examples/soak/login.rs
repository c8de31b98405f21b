//! The login endpoint, and everything that can go wrong there.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use tokio::time::sleep;

use crate::api::{Answer, Api, Conn, Reset, full};
use crate::rng::Rng;
use crate::rules::LOGIN_TIMEOUT;
use crate::tally::Count;
use crate::tokens::Good;

pub(crate) const USERNAME: &str = "alice";
pub(crate) const PASSWORD: &str = "correct horse & battery";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Hangs,
    Busy,
    Garbage,
    TooLarge,
    CutOff,
    Reset,
    Rejected,
}

pub(crate) async fn login(
    api: &Api,
    conn: &Conn,
    request: Request<Incoming>,
) -> Result<Answer, Reset> {
    let sent = request.into_body().collect().await.map_err(|_| Reset)?;
    let sent: Vec<_> = form_urlencoded::parse(&sent.to_bytes())
        .into_owned()
        .collect();
    let expected = [("username", USERNAME), ("password", PASSWORD)];
    if sent != expected.map(|(name, value)| (name.to_owned(), value.to_owned())) {
        let wrong = "a login came with other fields than were given";
        api.tally.violation(Count::WrongBodies, wrong);
    }
    if !api.is_chaotic() {
        return token(&api.tokens.issue(None));
    }
    let mut rng = api.next_login();
    if rng.permille(350) {
        sleep(slowness(&mut rng)).await;
    }
    answer(api, conn, &mut rng).await
}

async fn answer(api: &Api, conn: &Conn, rng: &mut Rng) -> Result<Answer, Reset> {
    match draw(rng) {
        Fault::None => {
            let again = api.tokens.again().filter(|_| rng.permille(500));
            let lifetime = rng
                .permille(250)
                .then(|| rng.pick(&[0, 250, 500, 1_000, 2_000]))
                .map(Duration::from_millis);
            token(&again.unwrap_or_else(|| api.tokens.issue(lifetime)))
        }
        Fault::Hangs => {
            sleep(LOGIN_TIMEOUT + Duration::from_millis(500)).await;
            Err(Reset)
        }
        Fault::Busy => {
            let mut busy = status(rng.pick(&[429, 500, 503]), Bytes::from("busy"))?;
            if rng.permille(300) {
                let wait = rng.pick(&["0", "1", "soon"]);
                busy.headers_mut()
                    .insert(RETRY_AFTER, http::HeaderValue::from_static(wait));
            }
            Ok(busy)
        }
        Fault::Garbage => {
            let garbage = [
                "<html>welcome</html>",
                "{}",
                "",
                "{\"access_token\": \"\"}",
                "{\"access_token\": \"t\", \"token_type\": \"mac\"}",
                "[[[[",
            ];
            status(200, Bytes::from(rng.pick(&garbage)))
        }
        Fault::TooLarge => {
            let pad = " ".repeat(rng.between(64 * 1024, 512 * 1024));
            status(200, format!("{{\"access_token\": \"large\"}}{pad}").into())
        }
        Fault::CutOff => {
            let (start, end) = (
                &b"{\"access_token\": \"half"[..],
                io::Error::other("cut off"),
            );
            let frames = [Ok(Frame::data(Bytes::from_static(start))), Err(end)];
            let mut cut =
                Response::new(StreamBody::new(stream::iter(frames).boxed()).boxed_unsync());
            if rng.permille(500) {
                cut.headers_mut().insert(CONTENT_LENGTH, 200.into());
            }
            Ok(cut)
        }
        Fault::Reset => {
            api.tally.count(Count::Resets);
            if rng.permille(300) {
                conn.kill.notify_one();
            }
            Err(Reset)
        }
        Fault::Rejected => status(
            rng.pick(&[400, 401, 403]),
            Bytes::from("{\"detail\": \"no\"}"),
        ),
    }
}

fn draw(rng: &mut Rng) -> Fault {
    match rng.below(100) {
        0..=65 => Fault::None,
        66 => Fault::Hangs,
        67..=76 => Fault::Busy,
        77..=81 => Fault::Garbage,
        82..=85 => Fault::TooLarge,
        86..=90 => Fault::CutOff,
        91..=96 => Fault::Reset,
        _ => Fault::Rejected,
    }
}

/// Mostly a little, now and then up to a second.
fn slowness(rng: &mut Rng) -> Duration {
    match rng.permille(150) {
        true => rng.millis(200, 1_000),
        false => rng.millis(1, 60),
    }
}

fn token(good: &Good) -> Result<Answer, Reset> {
    let lifetime = good.expires.map(|(lifetime, _)| lifetime.as_secs_f64());
    let lifetime = lifetime.map_or(String::new(), |it| format!(", \"expires_in\": {it}"));
    let token = &good.token;
    let text = format!("{{\"access_token\": \"{token}\", \"token_type\": \"bearer\"{lifetime}}}");
    status(200, text.into())
}

fn status(status: u16, body: Bytes) -> Result<Answer, Reset> {
    let status = StatusCode::from_u16(status).map_err(|_| Reset)?;
    let mut answer = full(Full::new(body));
    *answer.status_mut() = status;
    Ok(answer)
}
