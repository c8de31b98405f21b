//! Refused responses that nobody reads, on the one connection that the login goes over too.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, join_all, ready};
use futures::{FutureExt, stream};
use http::header::AUTHORIZATION;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::buffer::Buffer;
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_bearer::login::Form;
use tower_bearer::{BearerAuthLayer, OnFailedRenewal, ReplayBody, Session, SessionBuilder};

use super::client::{AnyBody, in_time};

/// So many requests are refused at once, with pages of so many bytes.
#[derive(Clone, Copy)]
struct Scenario {
    title: &'static str,
    connection: Connection,
    requests: usize,
    page: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Connection {
    Http2,
    Http2AdaptiveWindow,
    /// The client has no other one.
    Http1,
    /// A pool of them, of which the server serves one until it is closed.
    Http1OfMany,
}

type AnyClient = BoxCloneService<Request<AnyBody>, Response<Incoming>, BoxError>;

const SCENARIOS: [Scenario; 3] = [
    Scenario {
        title: "HTTP/2, 270 refused at once with pages of 20,000 bytes",
        connection: Connection::Http2,
        requests: 270,
        page: 20_000,
    },
    Scenario {
        title: "HTTP/2 with an adaptive window, 20 with 4,096 bytes",
        connection: Connection::Http2AdaptiveWindow,
        requests: 20,
        page: 4_096,
    },
    Scenario {
        title: "HTTP/1.1, the client's only connection, a 401 with 20 bytes",
        connection: Connection::Http1,
        requests: 1,
        page: 20,
    },
];

/// R4, W2: refused responses that nobody reads do not keep the login from the connection that they
/// share: they are dropped in time, and all are answered.
#[tokio::test]
async fn refused_responses_make_room_for_the_login() {
    println!("| one connection | answered by 200 | to reach |\n|---|---|---|");
    for scenario in SCENARIOS {
        let session = |login| Session::builder(login).renewal_hold(Duration::from_millis(50));
        let mode = OnFailedRenewal::ReturnResponse;
        let answered = scenario.answered(mode, session).await;
        println!(
            "| {} | {answered} | {} |",
            scenario.title, scenario.requests
        );
        assert_eq!(answered, scenario.requests, "{}", scenario.title);
    }
}

/// R4, W2: a caller who gets the error in any case, and one who wants none held, has them dropped
/// before the login, which so gets the connection even from a server that serves a single one.
#[tokio::test]
async fn refused_responses_that_nobody_gets_are_dropped_at_once() {
    let of_many = Scenario {
        title: "HTTP/1.1, a server that serves one connection at a time",
        connection: Connection::Http1OfMany,
        ..SCENARIOS[2]
    };
    for scenario in SCENARIOS.into_iter().chain([of_many]) {
        for (mode, hold) in [
            (OnFailedRenewal::Error, Duration::from_secs(3_600)),
            (OnFailedRenewal::ReturnResponse, Duration::ZERO),
        ] {
            let session = |login| Session::builder(login).renewal_hold(hold);
            let answered = scenario.answered(mode, session).await;
            assert_eq!(answered, scenario.requests, "{}, {mode:?}", scenario.title);
        }
    }
}

/// R4, L4: were they held for as long as the login takes, the login would end at its time limit.
/// (This shows that the scenarios are what they seem.)
#[tokio::test]
async fn refused_responses_that_are_held_for_ever_block_the_login() {
    for scenario in SCENARIOS {
        let session = |login| {
            Session::builder(login)
                .renewal_hold(Duration::from_secs(3_600))
                .login_timeout(Duration::from_millis(500))
        };
        let mode = OnFailedRenewal::ReturnResponse;
        let answered = scenario.answered(mode, session).await;
        assert_eq!(answered, 0, "{}", scenario.title);
    }
}

impl Scenario {
    /// How many requests are answered by a 200; the others got the 401.
    async fn answered(
        self,
        mode: OnFailedRenewal,
        session: impl FnOnce(Form) -> SessionBuilder,
    ) -> usize {
        let site = Arc::new(Site::new(self));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, site.clone()));

        let client = self.client(address).await;
        let login = client.clone().map_request(erased::<Full<Bytes>>);
        let login = Form::new(login, &format!("http://{address}"), "alice", "secret").unwrap();
        let layer = BearerAuthLayer::from_session(session(login).build()).on_failed_renewal(mode);
        let client = layer.layer(client.map_request(erased::<ReplayBody<Full<Bytes>>>));

        in_time(layer.session().token()).await.unwrap();
        let requests =
            (0..self.requests).map(|_| tokio::spawn(client.clone().oneshot(page(address))));
        let statuses = in_time(join_all(requests)).await;
        serving.abort();
        let statuses = statuses
            .into_iter()
            .map(|sent| sent.unwrap().unwrap().status());
        statuses.filter(|status| *status == 200).count()
    }

    async fn client(self, address: SocketAddr) -> AnyClient {
        if self.connection == Connection::Http1 {
            let stream = TcpStream::connect(address).await.unwrap();
            let (sender, running) = handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(running);
            return BoxCloneService::new(Buffer::new(OneConnection(sender), 8));
        }
        let client = Client::builder(TokioExecutor::new())
            .http2_only(self.connection != Connection::Http1OfMany)
            .http2_adaptive_window(self.connection == Connection::Http2AdaptiveWindow)
            .build_http();
        BoxCloneService::new(client.map_err(Into::into))
    }
}

struct OneConnection(SendRequest<AnyBody>);

impl Service<Request<AnyBody>> for OneConnection {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = BoxFuture<'static, hyper::Result<Response<Incoming>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<AnyBody>) -> Self::Future {
        self.0.send_request(request).boxed()
    }
}

/// Refuses the first token, and answers the second login when all have been refused.
struct Site {
    scenario: Scenario,
    logins: AtomicUsize,
    refused: watch::Sender<usize>,
}

impl Site {
    fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            logins: AtomicUsize::new(0),
            refused: watch::Sender::default(),
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<AnyBody>, Infallible> {
        if request.method() == http::Method::POST {
            let number = self.logins.fetch_add(1, Ordering::SeqCst) + 1;
            if number > 1 {
                let mut refused = self.refused.subscribe();
                let all = |refused: &usize| *refused == self.scenario.requests;
                refused.wait_for(all).await.unwrap();
            }
            let body = format!(r#"{{"access_token": "t{number}", "token_type": "bearer"}}"#);
            return Ok(Response::new(text(body)));
        }
        if request.headers()[AUTHORIZATION] != "Bearer t1" {
            return Ok(Response::new(text("welcome")));
        }
        self.refused.send_modify(|refused| *refused += 1);
        let page = Bytes::from(vec![b'-'; self.scenario.page]);
        // Of unknown length: hyper's HTTP/1.1 client sees the end of the others by itself.
        let page = StreamBody::new(stream::once(ready(Ok(Frame::data(page)))));
        let refusal = Response::builder().status(401).body(page.boxed_unsync());
        Ok(refusal.unwrap())
    }
}

async fn serve(listener: TcpListener, site: Arc<Site>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let io = TokioIo::new(stream);
        let answering = site.clone();
        let service = service_fn(move |request| answering.clone().answer(request));
        let builder = auto::Builder::new(TokioExecutor::new());
        let serving = async move { drop(builder.serve_connection(io, service).await) };
        match site.scenario.connection {
            // It has a single thread, as the built-in servers of some frameworks have.
            Connection::Http1OfMany => serving.await,
            _ => drop(connections.spawn(serving)),
        }
    }
}

fn erased<B>(request: Request<B>) -> Request<AnyBody>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    request.map(|body| body.map_err(Into::into).boxed_unsync())
}

fn text(text: impl Into<Bytes>) -> AnyBody {
    Full::new(text.into()).map_err(Into::into).boxed_unsync()
}

fn page(address: SocketAddr) -> Request<Full<Bytes>> {
    let uri = format!("http://{address}/page");
    Request::get(uri).body(Full::default()).unwrap()
}
