//! `qcs-api-client-grpc`: a layer for tonic, `RefreshLayer`, over the session of a `ClientConfiguration`, here with a
//! function as the source of tokens.
//!
//! Tokens have to be JWTs: each is decoded, for its `exp`, on every request. One that has expired is renewed, by one
//! login at a time. A 401, a 403 and gRPC's `UNAUTHENTICATED` and `PERMISSION_DENIED` in the headers are noticed, and
//! the request is sent again, once, with whatever token is good by the clock: the same one, unless it has just expired.
//! So a token that was revoked is not renewed, and there is no `refused once`. For the second attempt each request is
//! read to its end before the first, and made anew twice, without its extensions. A header that is there is replaced.
//! There is no scope. The layer takes a `GrpcService` with tonic's body and error, and boxes its future.
//!
//! What is timed: the response future of the layered service, over requests with tonic's (boxed) body.

use http::{Request, StatusCode};
use qcs_api_client_common::configuration::ClientConfiguration;
use qcs_api_client_common::configuration::settings::AuthServer;
use qcs_api_client_common::configuration::tokens::{ExternallyManaged, OAuthSession};
use qcs_api_client_grpc::tonic::{RefreshLayer, RefreshService};
use tonic::body::Body;
use tonic::client::GrpcService;
use tower::Layer;

use crate::api::{Api, Inner};
use crate::client::{self, Client};
use crate::peer::{About, Login, Peer};

pub async fn peer() -> Peer {
    let about = About {
        name: "qcs-api-client-grpc",
        package: "qcs-api-client-grpc",
        login: Login::InProcess,
        retries: false,
    };
    Peer::new(about, async |api| {
        Grpc(RefreshLayer::with_config(configuration(api)).layer(Inner::new(api)))
    })
    .await
}

fn configuration(api: &'static Api) -> ClientConfiguration {
    let source = ExternallyManaged::from_async(move |_| async move { Ok(api.login().await) });
    let server = AuthServer::new("bench".to_owned(), client::ORIGIN.to_owned(), None);
    let session = OAuthSession::from_externally_managed(source, server, None);
    let configuration = ClientConfiguration::builder()
        .oauth_session(Some(session))
        .build();
    configuration.expect("the rest has defaults")
}

/// As [`Stack`](crate::client::Stack), for what is a `GrpcService` only.
#[derive(Clone)]
struct Grpc(RefreshService<Inner<tonic::transport::Error>, ClientConfiguration>);

impl Client for Grpc {
    type Request = Request<Body>;

    fn request(&self) -> Request<Body> {
        client::request().map(Body::new)
    }

    async fn send(&mut self, request: Request<Body>) -> StatusCode {
        if let Err(error) = std::future::poll_fn(|cx| self.0.poll_ready(cx)).await {
            return client::failed(error);
        }
        self.0
            .call(request)
            .await
            .map_or_else(client::failed, |response| response.status())
    }
}
