//! Real servers on loopback.

use std::sync::Arc;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tower::BoxError;

use crate::api::{Api, Conn};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http1,
    Http2,
    /// Over HTTP/1.1, and at an origin that is none of the tokens'.
    Stranger,
}

pub(crate) struct Server {
    pub(crate) base: String,
    accepts: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(api: Arc<Api>, kind: Kind) -> Result<Self, BoxError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let accepts = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(api.clone(), stream, kind));
            }
        });
        Ok(Self { base, accepts })
    }
}

/// No more connections; those that are open stay so.
impl Drop for Server {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

async fn serve(api: Arc<Api>, stream: TcpStream, kind: Kind) {
    let _live = api.tally.live();
    // Without it every small frame would wait for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let conn = Arc::new(Conn {
        kill: Notify::new(),
        stranger: kind == Kind::Stranger,
    });
    let stream = TokioIo::new(stream);
    let killed = conn.clone();
    let service = service_fn(move |request| api.clone().handle(conn.clone(), request));
    let served = async {
        // How a connection ends is the client's affair, and sometimes ours.
        if kind == Kind::Http2 {
            let server = http2::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(stream, service).await;
        } else {
            let server = http1::Builder::new();
            let _ = server.serve_connection(stream, service).await;
        }
    };
    tokio::select! {
        () = served => {}
        () = killed.kill.notified() => {}
    }
}
