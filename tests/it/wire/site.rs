//! What goes on in the server: it answers as it was told to, and notes what reaches it.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::BoxError;

use super::behavior::{Protocol, Refusal, RestOfBody, SMALL, ServerBehavior};
use super::client::{AnyBody, Upload, upload};
use super::log::{End, Log, Received};

/// What all that runs in the server shares.
pub(super) struct Site {
    behavior: ServerBehavior,
    pub(super) log: watch::Sender<Log>,
    /// What to do with what is held: to read it once this is closed, to drop it for a permit.
    pub(super) held: Semaphore,
}

/// Counts as long as the request's body or the response's is held.
struct Exchange(Arc<Site>);

struct Connection(Arc<Site>);

pub(super) async fn accept(listener: TcpListener, protocol: Protocol, site: Arc<Site>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(serve(stream, protocol, Connection::opened(&site)));
    }
}

async fn serve(stream: TcpStream, protocol: Protocol, connection: Connection) {
    stream.set_nodelay(true).unwrap();
    let io = TokioIo::new(stream);
    let service = service_fn(|request| connection.0.clone().answer(request));
    // However it ends: what matters is what became of the requests.
    let _ = match protocol {
        Protocol::Http1 => http1::Builder::new().serve_connection(io, service).await,
        Protocol::Http2 => {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            if connection.0.behavior.rest == RestOfBody::Holds {
                builder.initial_stream_window_size(SMALL);
            }
            builder.serve_connection(io, service).await
        }
    };
}

impl Site {
    pub(super) fn new(behavior: ServerBehavior) -> Self {
        Self {
            behavior,
            log: watch::Sender::default(),
            held: Semaphore::new(0),
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<AnyBody>, Infallible> {
        let exchange = Arc::new(Exchange::opened(&self));
        let (head, body) = request.into_parts();
        let received = Received::new(&head);
        let refused = received.token == "Bearer t1";
        let number = self.note(|log| {
            log.requests.push(received);
            log.requests.len() - 1
        });
        let ServerBehavior {
            reads_first,
            rest,
            refusal,
            echoes_frames,
        } = self.behavior;
        let (echo, frames) = upload();
        // Reads by itself: the connection may drop this future before it sees the end.
        let rest = if refused { rest } else { RestOfBody::Reads };
        let reading = self
            .clone()
            .read(number, body, rest, echo, exchange.clone());
        tokio::spawn(reading);

        let answer = if refused {
            self.has_read(number, reads_first).await;
            match refusal {
                Refusal::Small => Full::from("who are you?")
                    .map_err(Into::into)
                    .boxed_unsync(),
                Refusal::Endless => endless(),
            }
        } else if echoes_frames {
            frames.boxed_unsync()
        } else {
            self.has_read(number, usize::MAX).await;
            let body = self.log.borrow().requests[number].body.clone();
            Full::from(body).map_err(Into::into).boxed_unsync()
        };
        // The exchange lives in the closure, and so as long as the response's body.
        let answer = answer.map_err(move |error: BoxError| {
            let _ = &exchange;
            error
        });
        let mut response = Response::new(answer.boxed_unsync());
        if refused {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        Ok(response)
    }

    async fn read(
        self: Arc<Self>,
        number: usize,
        mut body: Incoming,
        rest: RestOfBody,
        echo: Upload,
        _exchange: Arc<Exchange>,
    ) {
        let dropped = match rest {
            RestOfBody::Reads => false,
            RestOfBody::Holds => self.held.acquire().await.is_ok(),
            RestOfBody::Drops => true,
        };
        let end = loop {
            if dropped {
                break End::Dropped;
            }
            match body.frame().await {
                Some(Ok(frame)) => {
                    self.note(|log| log.requests[number].add(&frame));
                    echo.try_frame(frame);
                }
                Some(Err(_)) => break End::Broken,
                None => break End::Whole,
            }
        };
        drop(body);
        self.note(|log| log.requests[number].end = Some(end));
    }

    async fn has_read(&self, number: usize, bytes: usize) {
        let mut log = self.log.subscribe();
        let enough = |log: &Log| {
            let request = &log.requests[number];
            request.body.len() >= bytes || request.end.is_some()
        };
        log.wait_for(enough).await.unwrap();
    }

    pub(super) fn note<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        let mut told = None;
        self.log.send_modify(|log| told = Some(change(log)));
        told.unwrap()
    }
}

impl Connection {
    fn opened(site: &Arc<Site>) -> Self {
        site.note(|log| {
            log.accepted += 1;
            log.connections += 1;
        });
        Self(site.clone())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.note(|log| log.connections -= 1);
    }
}

impl Exchange {
    fn opened(site: &Arc<Site>) -> Self {
        site.note(|log| log.exchanges += 1);
        Self(site.clone())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.note(|log| log.exchanges -= 1);
    }
}

fn endless() -> AnyBody {
    let (body, frames) = upload();
    body.data("who are you?");
    // Lives as long as the body, and sends nothing more.
    frames
        .map_err(move |error| {
            let _ = &body;
            error
        })
        .boxed_unsync()
}
