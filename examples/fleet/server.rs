//! The stand-in, which also says who logs in.

use bytes::Bytes;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::{BoxError, ServiceExt, service_fn};
use tower_bearer::testing::Api;

/// By this header a worker says which one it is.
pub(crate) const WORKER: &str = "x-worker";

/// Who has logged in last, and how many did.
pub(crate) type LastLogin = watch::Receiver<(u64, Option<usize>)>;

/// Serves it for as long as the program runs.
pub(crate) async fn serve(api: Api) -> Result<(String, LastLogin), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let (login, last) = watch::channel((0, None));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (api, login) = (api.clone(), login.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                if request.uri().path() == super::worker::LOGIN {
                    let worker = request.headers().get(WORKER).and_then(number);
                    login.send_modify(|last| *last = (last.0 + 1, worker));
                }
                api.clone().oneshot(request)
            });
            let service = TowerToHyperService::new(service);
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                // A client that hangs up, or is killed, is no concern of the stand-in's.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok((base, last))
}

fn number(value: &HeaderValue) -> Option<usize> {
    let value = Bytes::copy_from_slice(value.as_bytes());
    std::str::from_utf8(&value).ok()?.parse().ok()
}
