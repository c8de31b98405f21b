//! [`Client`]: what is measured.

use std::fmt::Debug;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::Full;
use tower::{Service, ServiceExt};

/// Where the requests go.
pub const ORIGIN: &str = "https://api.example.com";
/// The target of each request.
pub const URL: &str = "https://api.example.com/v1/items/search?limit=10";
/// The four headers of each request.
pub const HEADERS: [(header::HeaderName, &str); 4] = [
    (header::CONTENT_TYPE, "application/json"),
    (header::ACCEPT, "application/json"),
    (header::USER_AGENT, "peers/0"),
    (header::ACCEPT_LANGUAGE, "en"),
];
/// The length of each request's body.
pub const BODY: usize = 1024;

/// A client that puts the token on its requests: a peer around the service that is the same for all.
pub trait Client: Clone + Send + 'static {
    /// The request, of the types that the peer takes.
    type Request: Send;

    /// Builds a request. Not part of what is timed and counted.
    fn request(&self) -> Self::Request;

    /// Sends it, and drops the response but for its status.
    fn send(&mut self, request: Self::Request) -> impl Future<Output = StatusCode> + Send;
}

/// The request of all peers that take the types of `http`.
pub fn request() -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::from(vec![b'x'; BODY]));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static(URL);
    for (name, value) in HEADERS {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    request
}

/// A status for what is no response.
pub fn failed(error: impl Debug) -> StatusCode {
    eprintln!("no response: {error:?}");
    StatusCode::BAD_GATEWAY
}

/// A tower service as a [`Client`].
#[derive(Clone)]
pub struct Stack<S>(pub S);

impl<S, R> Client for Stack<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>, Error: Debug, Future: Send>
        + Clone
        + Send
        + 'static,
{
    type Request = Request<Full<Bytes>>;

    fn request(&self) -> Self::Request {
        request()
    }

    async fn send(&mut self, request: Self::Request) -> StatusCode {
        let ready = match self.0.ready().await {
            Ok(ready) => ready,
            Err(error) => return failed(error),
        };
        ready
            .call(request)
            .await
            .map_or_else(failed, |response| response.status())
    }
}
