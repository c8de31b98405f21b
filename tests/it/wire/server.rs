//! A hyper server on a loopback address that notes what reaches it, and a client for it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tower::{BoxError, Layer};
use tower_bearer::{BearerAuth, BearerAuthLayer};

use super::client::{AnyBody, Inner, PATIENCE, Upload, in_time, send, upload};
use super::log::{End, Log, Received};
use crate::support::ScriptedSource;

/// Less than any socket has of its own accord: a few frames fill it.
const SMALL: u32 = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    pub(super) const BOTH: [Self; 2] = [Self::Http1, Self::Http2];
}

/// What the server does. A request with the token `t1` is refused, any other is accepted.
#[derive(Clone, Copy)]
pub(super) struct ServerBehavior {
    /// How many bytes of a refused request it reads before it answers; at most all.
    pub(super) reads_first: usize,
    /// What becomes of the rest.
    pub(super) rest: RestOfBody,
    pub(super) refusal: Refusal,
    /// Whether it answers an accepted request at once, with each frame as it comes. Otherwise the
    /// answer is the request's body in one piece.
    pub(super) echoes_frames: bool,
}

/// What the server does with the body of a refused request, apart from what it reads first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RestOfBody {
    Reads,
    /// Holds it unread until it is told what to do. The socket and the window of a stream are small.
    Holds,
    Drops,
}

/// The body of a 401.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    Small,
    Endless,
}

impl ServerBehavior {
    /// Reads the whole request before it refuses it.
    pub(super) const PATIENT: Self = Self {
        reads_first: usize::MAX,
        rest: RestOfBody::Reads,
        refusal: Refusal::Small,
        echoes_frames: false,
    };

    /// Refuses a request by its head.
    pub(super) const fn early(rest: RestOfBody) -> Self {
        Self {
            reads_first: 0,
            rest,
            ..Self::PATIENT
        }
    }
}

pub(super) struct Server {
    protocol: Protocol,
    manners: ServerBehavior,
    address: SocketAddr,
    site: Arc<Site>,
    accepting: AbortHandle,
}

struct Site {
    manners: ServerBehavior,
    log: watch::Sender<Log>,
    /// What to do with what is held: to read it once this is closed, to drop it for a permit.
    held: Semaphore,
}

/// Counts as long as the request's body or the response's is held.
struct Exchange(Arc<Site>);

struct Connection(Arc<Site>);

impl Server {
    pub(super) async fn start(protocol: Protocol, manners: ServerBehavior) -> Self {
        println!("over {protocol:?}");
        let site = Arc::new(Site {
            manners,
            log: watch::Sender::default(),
            held: Semaphore::new(0),
        });
        let listener = listen(manners);
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(accept(listener, protocol, site.clone()));
        Self {
            protocol,
            manners,
            address,
            site,
            accepting: accepting.abort_handle(),
        }
    }

    pub(super) fn client(&self, desk: &ScriptedSource) -> BearerAuth<Inner> {
        self.client_of(&BearerAuthLayer::new(desk.clone()))
    }

    pub(super) fn client_of(&self, layer: &BearerAuthLayer) -> BearerAuth<Inner> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        if self.manners.rest == RestOfBody::Holds {
            connector.set_send_buffer_size(Some(SMALL as usize));
        }
        let client = Client::builder(TokioExecutor::new())
            .http2_only(self.protocol == Protocol::Http2)
            .build(connector);
        layer.layer(client)
    }

    pub(super) fn post<B>(&self, body: B) -> Request<AnyBody>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let body = body.map_err(Into::into).boxed_unsync();
        let uri = format!("http://{}/", self.address);
        Request::post(uri).body(body).unwrap()
    }

    /// Waits until the log is as it should be.
    pub(super) async fn until(&self, is_so: impl FnMut(&Log) -> bool) {
        let mut log = self.site.log.subscribe();
        let waited = timeout(PATIENCE, log.wait_for(is_so)).await;
        let came = waited.is_ok();
        drop(waited);
        assert!(came, "this is how it stayed: {:#?}", self.site.log.borrow());
    }

    pub(super) fn log(&self) -> watch::Ref<'_, Log> {
        self.site.log.borrow()
    }

    /// No connection, no stream and no body is open any more, on either side. To be called when the
    /// client is gone.
    pub(super) async fn is_left_alone(&self) {
        self.until(|log| log.connections == 0 && log.exchanges == 0)
            .await;
        // What runs in a test's runtime is the server, the client's connections and our logins.
        let only_the_server_runs = async {
            while Handle::current().metrics().num_alive_tasks() > 1 {
                tokio::task::yield_now().await;
            }
        };
        in_time(only_the_server_runs).await;
        let log = self.log();
        let are_over = log.requests.iter().all(|request| request.end.is_some());
        assert!(are_over, "{log:#?}");
    }

    /// Has one request accepted and forgotten: an HTTP/2 client does not know the server's window
    /// for a stream before.
    pub(super) async fn is_known_to(&self, client: &BearerAuth<Inner>) {
        let mut request = self.post(Full::default());
        let own = HeaderValue::from_static("the caller's own");
        request.headers_mut().insert(AUTHORIZATION, own);
        let (status, _) = send(client, request).answer().await;
        assert_eq!(status, StatusCode::OK);
        self.until(|log| log.exchanges == 0).await;
        self.site.note(|log| log.requests.clear());
    }

    /// Reads what it holds, to the end.
    pub(super) fn read_on(&self) {
        self.site.held.close();
    }

    /// Drops what it holds.
    pub(super) fn let_go(&self) {
        self.site.held.add_permits(1);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn listen(manners: ServerBehavior) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    if manners.rest == RestOfBody::Holds {
        socket.set_recv_buffer_size(SMALL).unwrap();
    }
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    socket.listen(256).unwrap()
}

async fn accept(listener: TcpListener, protocol: Protocol, site: Arc<Site>) {
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
            if connection.0.manners.rest == RestOfBody::Holds {
                builder.initial_stream_window_size(SMALL);
            }
            builder.serve_connection(io, service).await
        }
    };
}

impl Site {
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
        } = self.manners;
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

    fn note<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
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
