//! Puts the layer around a `reqwest::Client`, streamed bodies included, against a stand-in on
//! loopback. The counts are the server's.
//!
//! ```text
//! cargo run --example reqwest
//! ```

mod common;

use bytes::Bytes;
use futures::channel::mpsc;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use reqwest::redirect::Policy;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_bearer::BearerAuthLayer;
use tower_bearer::login::Form;
use tower_bearer::testing::Api;

use self::common::{serve, step};

/// A `reqwest::Client` that takes the `http` crate's requests, with any body.
fn http<B>(
    client: reqwest::Client,
) -> impl Service<Request<B>, Response = Response<reqwest::Body>, Error = BoxError, Future: Send> + Clone
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Sync + 'static,
{
    service_fn(move |request: Request<B>| {
        let client = client.clone();
        async move {
            let request = request.map(reqwest::Body::wrap).try_into()?;
            Ok(client.execute(request).await?.into())
        }
    })
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let base = serve(api.clone()).await?;
    println!("a stand-in listens on {base}\n");

    // reqwest follows redirects by default. At a login it would send the password on; of a request
    // the layer would not see where the token goes. `tower_http::follow_redirect` around the layer
    // follows them within its sight.
    let reqwest = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()?;
    let login = Form::new(
        http::<Full<Bytes>>(reqwest.clone()),
        &base,
        "alice",
        "correct horse",
    )?;
    let client = ServiceBuilder::new()
        .layer(BearerAuthLayer::new(login))
        .service(http(reqwest));
    let echo = || Request::post(format!("{base}/echo"));
    let counted = || format!("{} logins in all", api.counts().logins);

    let request = echo().body(reqwest::Body::from("hello"))?;
    let response = client.clone().oneshot(request).await?;
    let body = response.into_body().collect().await?.to_bytes();
    step(
        "a request",
        counted(),
        body == "hello" && api.counts().logins == 1,
    )?;

    // The layer keeps the beginning of a stream as it passes.
    api.revoke_all();
    let (frames, stream) = mpsc::unbounded::<Result<Frame<Bytes>, BoxError>>();
    for part in ["not ", "lost"] {
        frames.unbounded_send(Ok(Frame::data(part.into())))?;
    }
    drop(frames);
    let request = echo().body(reqwest::Body::wrap(StreamBody::new(stream)))?;
    let response = client.clone().oneshot(request).await?;
    // Back in reqwest's own type, for its conveniences.
    let response = reqwest::Response::from(response);
    let body = response.error_for_status()?.text().await?;
    step(
        "a stream, the token revoked",
        format!("{body:?} came back, {}", counted()),
        body == "not lost" && api.counts().logins == 2,
    )
}
