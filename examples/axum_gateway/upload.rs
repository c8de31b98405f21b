//! An upload that is refused at first, and is streamed both ways.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tokio::time::timeout;
use tower::BoxError;
use tower_bearer::testing::Api;

/// Sends 1 MiB, each chunk when the last one is back: far more than the layer keeps for a retry.
pub(crate) async fn upload(
    api: &Api,
    caller: &Client<HttpConnector, Body>,
    gateway: &str,
) -> Result<(), BoxError> {
    // The upstream refuses before the upload has ended.
    api.refuse_early(true);
    api.revoke_all();
    let (mut upload, body) = mpsc::channel::<Result<Bytes, BoxError>>(1);
    let request = Request::post(format!("{gateway}/echo")).header("x-tenant", "alice");
    let request = request.body(Body::from_stream(body))?;
    let streamed = async {
        let chunk = Bytes::from(vec![7; 16 * 1024]);
        upload.send(Ok(chunk.clone())).await?;
        let response = caller.request(request).await?;
        let mut echo = Body::new(response.into_body()).into_data_stream();
        for number in 1..=64 {
            let mut missing = chunk.len();
            while missing > 0 {
                missing -= echo.next().await.ok_or("it has ended early")??.len();
            }
            if number < 64 {
                upload.send(Ok(chunk.clone())).await?;
            }
        }
        drop(upload);
        assert!(echo.next().await.is_none());
        Ok::<_, BoxError>(())
    };
    // If something were not streamed, it would be waited for without end.
    timeout(Duration::from_secs(60), streamed).await??;
    println!("an upload of 1 MiB: each chunk came back before the next one was sent");
    Ok(())
}
