//! Puts the layer around a `reqwest::Client`, streamed bodies included. The API is a stand-in on a
//! loopback port, and the counts are the server's.
//!
//! ```text
//! cargo run --example reqwest --features testing
//! ```

use bytes::Bytes;
use futures::stream;
use http::{Request, Response};
use http_body_util::StreamBody;
use hyper::body::Frame;
use reqwest::redirect::Policy;
use tower::{BoxError, Layer, Service, service_fn};
use tower_bearer::BearerAuthLayer;
use tower_bearer::login::Form;
use tower_bearer::testing::{Api, serve};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let server = serve(api.clone()).await?;
    let echo = || Request::post(format!("{}/echo", server.url()));

    // reqwest follows redirects by default. A login would send the password on, and the layer would
    // not see where a request's token goes. `tower_http::follow_redirect` around the layer follows
    // them within its sight.
    let reqwest = reqwest::Client::builder().redirect(Policy::none());
    let reqwest = reqwest.build()?;
    let login = Form::new(
        http(reqwest.clone()),
        server.url(),
        "alice",
        "correct horse",
    )?;
    let client = BearerAuthLayer::new(login).layer(http(reqwest));

    let request = echo().body(reqwest::Body::from("hello"))?;
    // Back in reqwest's own type, for its conveniences.
    let response = reqwest::Response::from(client.send(request).await?);
    let text = response.error_for_status()?.text().await?;
    println!(
        "a request: {text:?} came back, {} login",
        api.counts().logins
    );
    assert_eq!((&*text, api.counts().logins), ("hello", 1));

    // The layer keeps the beginning of a stream as it passes, for a retry.
    api.revoke_all();
    let parts = ["not ", "lost"].map(|part| Ok::<_, BoxError>(Frame::data(Bytes::from(part))));
    let stream = StreamBody::new(stream::iter(parts));
    let request = echo().body(reqwest::Body::wrap(stream))?;
    let response = reqwest::Response::from(client.send(request).await?);
    let text = response.error_for_status()?.text().await?;
    println!(
        "the token revoked, a stream: {text:?} came back, {} logins in all",
        api.counts().logins
    );
    assert_eq!((&*text, api.counts().logins), ("not lost", 2));
    Ok(())
}

/// What there is to copy: a `reqwest::Client` that takes the `http` crate's requests, with any body.
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
