//! A hyper server on a loopback address that notes what reaches it, and a client for it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tower::{BoxError, Layer};
use tower_bearer::{BearerAuth, BearerAuthLayer, TokenSource};

use super::behavior::{Protocol, RestOfBody, SMALL, ServerBehavior};
use super::client::{AnyBody, Inner, PATIENCE, Sent, Upload, in_time, send, upload};
use super::log::{End, Log};
use super::site::{Site, accept};
use crate::support::ScriptedSource;

/// A server, and a client of it whose logins end at once.
pub(super) async fn connected(
    protocol: Protocol,
    behavior: ServerBehavior,
) -> (Server, BearerAuth<Inner>) {
    connected_by(&ScriptedSource::open(), protocol, behavior).await
}

/// A server, and a client of it that logs in by this.
pub(super) async fn connected_by(
    source: &(impl TokenSource + Clone),
    protocol: Protocol,
    behavior: ServerBehavior,
) -> (Server, BearerAuth<Inner>) {
    let server = Server::start(protocol, behavior).await;
    let client = server.client_of(&BearerAuthLayer::new(source.clone()));
    (server, client)
}

pub(super) struct Server {
    protocol: Protocol,
    behavior: ServerBehavior,
    address: SocketAddr,
    site: Arc<Site>,
    accepting: AbortHandle,
}

impl Server {
    pub(super) async fn start(protocol: Protocol, behavior: ServerBehavior) -> Self {
        println!("over {protocol:?}");
        let site = Arc::new(Site::new(behavior));
        let listener = listen(behavior);
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(accept(listener, protocol, site.clone()));
        Self {
            protocol,
            behavior,
            address,
            site,
            accepting: accepting.abort_handle(),
        }
    }

    pub(super) fn client_of(&self, layer: &BearerAuthLayer) -> BearerAuth<Inner> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        if self.behavior.rest == RestOfBody::Holds {
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

    /// Sends a request whose body is fed by the test.
    pub(super) fn upload_from(&self, client: &BearerAuth<Inner>) -> (Upload, Sent) {
        let (upload, body) = upload();
        (upload, send(client, self.post(body)))
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

    /// Waits until no request is under way any more. They have ended like this.
    pub(super) async fn has_seen(&self, ends: &[End]) {
        self.until(|log| log.exchanges == 0).await;
        assert_eq!(self.log().ends(), ends);
    }

    /// Drops the client. No connection, no stream and no body is open any more, on either side.
    pub(super) async fn is_left_alone_by(&self, client: BearerAuth<Inner>) {
        drop(client);
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

fn listen(behavior: ServerBehavior) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    if behavior.rest == RestOfBody::Holds {
        socket.set_recv_buffer_size(SMALL).unwrap();
    }
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    socket.listen(256).unwrap()
}
