//! Any service, on a loopback port.

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::time::Duration;

use futures::future::select;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::{BoxError, Service};

/// A service on a loopback port. Started by [`serve`].
///
/// Dropping it stops it: it answers nothing more, its port is closed, and its connections are cut,
/// with the requests under way on them.
#[must_use = "a server stops when it is dropped"]
pub struct Server {
    url: String,
    // Never used, only dropped: that ends the server's tasks.
    _running: watch::Sender<()>,
}

/// Serves a service on a free port of 127.0.0.1, over HTTP/1.1 and HTTP/2 without TLS, until the
/// returned [`Server`] is dropped.
///
/// Use it for clients that take a URL, and for tests of connections. The service can be an
/// [`Api`](super::Api), an API of your own that [`Api::guard`](super::Api::guard) guards, an axum
/// `Router`, or any other. Each request is served by a clone of it.
///
/// If the service fails, no response is sent: over HTTP/1.1 the connection is closed, over HTTP/2
/// the request's stream is reset. So to a client, an [`Answer::TransportError`] of any kind is a
/// server that hangs up.
///
/// Do not pause tokio's time: the sockets do not wait for it.
///
/// # Errors
///
/// Fails if no port can be bound.
///
/// # Panics
///
/// Panics outside a tokio runtime with its I/O driver.
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_bearer::testing::{Api, serve};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower::BoxError> {
/// // Your own fake of the API. It needs a token, and knows nothing of that.
/// let api = Api::new().account("alice", "correct horse");
/// let fake = Router::new().route("/orders", get(async || "two orders"));
/// let server = serve(api.guard(fake)).await?;
///
/// // Your own client goes here. All it needs is the URL.
/// let orders = reqwest::Client::new().get(format!("{}/orders", server.url()));
/// let token = api.issue("alice").unwrap();
/// let orders = orders.header("authorization", token.header_value());
/// assert_eq!(orders.send().await?.text().await?, "two orders");
/// # Ok(())
/// # }
/// ```
///
/// [`Answer::TransportError`]: super::Answer::TransportError
pub async fn serve<S, B>(service: S) -> io::Result<Server>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (running, server) = watch::channel(());
    let of_connections = server.clone();
    tokio::spawn(until_dropped(server, async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // The client is gone already, or there are too many open files: not for ever.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            // Otherwise a small frame may wait until the last one is acknowledged.
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(until_dropped(of_connections.clone(), async {
                let server = auto::Builder::new(TokioExecutor::new());
                // How a connection ends is for the client to see.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }));
        }
    }));
    Ok(Server {
        url,
        _running: running,
    })
}

impl Server {
    /// Returns its scheme, host and port, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Nothing of `work` happens after the server was dropped: that is asked for first.
async fn until_dropped(mut server: watch::Receiver<()>, work: impl Future<Output = ()>) {
    // Nothing is ever sent, so it ends with an error when the sender is dropped.
    let dropped = pin!(server.changed());
    select(dropped, pin!(work)).await;
}
