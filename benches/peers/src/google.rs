//! `google-cloud-auth`: Google's credentials, here those of a user (a refresh token).
//!
//! A task per credentials logs in through its own reqwest client when they are built, and renews by the clock; requests
//! read its last token. It never sees a response, so a 401 is the caller's. There is no layer: it gives a `HeaderMap`,
//! made anew for each request, or none if the caller has shown that it has the newest already (see `gcloud.rs`). There is
//! no scope.
//!
//! What is timed: the future of `Credentials::headers`, the insertion of what it gives, and the response future of the
//! inner service.

use std::convert::Infallible;

use google_cloud_auth::credentials::{CacheableResource, Credentials, user_account};
use http::{Extensions, Request, StatusCode};
use serde_json::json;
use tower::Service;

use crate::api::{Api, Inner};
use crate::client::{self, Client};
use crate::loopback;
use crate::peer::{About, Login, Peer};

pub async fn peer() -> Peer {
    let about = About {
        name: "google-cloud-auth",
        package: "google-cloud-auth",
        login: Login::Loopback,
        retries: false,
    };
    Peer::new(about, async |api| WithHeaders {
        credentials: credentials(api).await,
        inner: Inner::new(api),
    })
    .await
}

/// Credentials of which the login is on 127.0.0.1, with a token in hand.
pub async fn credentials(api: &'static Api) -> Credentials {
    let user = json!({
        "type": "authorized_user",
        "client_id": "bench",
        "client_secret": "secret",
        "refresh_token": "refresh",
    });
    let builder = user_account::Builder::new(user).with_token_uri(loopback::login(api).await);
    let credentials = builder.build().expect("the credentials are complete");
    credentials
        .headers(Extensions::new())
        .await
        .expect("the login works");
    credentials
}

#[derive(Clone)]
struct WithHeaders {
    credentials: Credentials,
    inner: Inner<Infallible>,
}

impl Client for WithHeaders {
    type Request = Request<http_body_util::Full<bytes::Bytes>>;

    fn request(&self) -> Self::Request {
        client::request()
    }

    async fn send(&mut self, mut request: Self::Request) -> StatusCode {
        match self.credentials.headers(Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => request.headers_mut().extend(data),
            Ok(CacheableResource::NotModified) => unreachable!("there was nothing to compare with"),
            Err(error) => return client::failed(error),
        }
        let Ok(response) = self.inner.call(request).await;
        response.status()
    }
}
