//! `gcloud-sdk`: a tower layer over `google-cloud-auth`'s credentials, made for tonic's channel.
//!
//! Tokens come and go as in `google.rs`; the headers of the last one are kept, and made anew only for another. It does
//! not look at responses: a 401 is the caller's. Headers that are there are replaced. It also sets `user-agent` and
//! `x-goog-api-client`, and reads the wall clock three times for its log. The future is boxed. There is no scope.
//!
//! What is timed: the response future of the layered service.

use std::convert::Infallible;

use gcloud_sdk::{GoogleAuthHeaders, GoogleAuthMiddlewareLayer};
use tower::Layer;

use crate::api::Inner;
use crate::client::Stack;
use crate::google::credentials;
use crate::peer::{About, Login, Peer};

pub async fn peer() -> Peer {
    let about = About {
        name: "gcloud-sdk",
        package: "gcloud-sdk",
        login: Login::Loopback,
        retries: false,
    };
    Peer::new(about, async |api| {
        let headers = GoogleAuthHeaders::from(credentials(api).await);
        let layer = GoogleAuthMiddlewareLayer::new(headers, None).expect("valid headers");
        Stack(layer.layer(Inner::<Infallible>::new(api)))
    })
    .await
}
