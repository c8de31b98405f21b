//! [`LoginClient`]: the client of a login, whatever its type.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use futures::future::BoxFuture;
use http::response::Parts;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::{BoxError, Service, ServiceExt};
use zeroize::Zeroizing;

use self::sealed::Sealed;

/// The most that is read of a login's answer.
pub(super) const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// How long to wait for the body of an error. Its status alone says what to do, and a rejected
/// login must not become a timeout, after which it would be tried again.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// An HTTP client for the built-in logins.
///
/// It is implemented for every tower service that takes a `Request<Full<Bytes>>` and returns a
/// `Response<B>` with any body `B`, if
///
/// - the service is `Clone + Send + 'static`, but not necessarily `Sync`;
/// - its error is `Into<BoxError>`, and its future `Send`;
/// - `B` is `Send + 'static`, `B::Data` is `Send`, and `B::Error` is `Into<BoxError>`.
///
/// hyper-util's `Client` is one, and so is a [`BearerAuth`](crate::BearerAuth) around it. Wrap a
/// `reqwest::Client` in a `tower::service_fn`: [the recipe](crate::docs::recipes::reqwest) shows
/// how.
///
/// A login boxes its client, so the login has no type parameter:
///
/// ```
/// use tower_bearer::login::{Form, InvalidUrl, LoginClient};
///
/// struct Config {
///     login: Form,
/// }
///
/// fn config(client: impl LoginClient) -> Result<Config, InvalidUrl> {
///     Ok(Config { login: Form::new(client, "https://api.example.com", "me", "secret")? })
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an HTTP client that a login can be sent by",
    label = "not a login client",
    note = "a login client is a `tower::Service<Request<Full<Bytes>>, Response = Response<B>>` that is `Clone + Send + 'static`",
    note = "its error is `Into<BoxError>`, its future `Send`, and `B` a `Body + Send + 'static` whose error is `Into<BoxError>`",
    note = "wrap a `reqwest::Client` in `tower::service_fn`, as the recipe in `tower_bearer::docs::recipes::reqwest` does"
)]
pub trait LoginClient: Sealed {}

impl<S: Sealed> LoginClient for S {}

mod sealed {
    /// Out of reach, so that what a client has to be can change.
    pub trait Sealed {
        fn boxed(self) -> super::Client;
    }
}

/// A client without its type.
// No user meets it: only the sealed trait names it.
#[allow(missing_debug_implementations)]
pub struct Client(Box<dyn ErasedClient>);

/// An answer, read as far as a login's answer is.
pub(super) struct Reply {
    pub(super) head: Parts,
    pub(super) body: Result<Zeroizing<Vec<u8>>, Broken>,
}

/// Why there is no whole body.
pub(super) enum Broken {
    TooLong,
    TooSlow,
    Lost(BoxError),
}

impl Client {
    pub(super) fn new(client: impl LoginClient) -> Self {
        client.boxed()
    }

    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Reply, BoxError> {
        self.0.send(request).await
    }
}

trait ErasedClient: Send + Sync {
    fn send(&self, request: Request<Full<Bytes>>) -> BoxFuture<'static, Result<Reply, BoxError>>;
}

/// Cloned for each login. The lock makes a client that is not `Sync` do.
struct Shared<S>(Mutex<S>);

impl<S, B> Sealed for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    fn boxed(self) -> Client {
        Client(Box::new(Shared(Mutex::new(self))))
    }
}

impl<S, B> ErasedClient for Shared<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    fn send(&self, request: Request<Full<Bytes>>) -> BoxFuture<'static, Result<Reply, BoxError>> {
        let client = self.0.lock();
        let client = client.unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            let response = client.oneshot(request).await.map_err(Into::into)?;
            let (head, body) = response.into_parts();
            let body = if head.status.is_success() {
                receive(body).await
            } else {
                let body = tokio::time::timeout(ERROR_BODY_TIMEOUT, receive(body));
                body.await.unwrap_or(Err(Broken::TooSlow))
            };
            Ok(Reply { head, body })
        })
    }
}

async fn receive<B>(body: B) -> Result<Zeroizing<Vec<u8>>, Broken>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let expected = body.size_hint().exact().unwrap_or(4096);
    let capacity = usize::try_from(expected).map_or(MAX_RESPONSE_BYTES, |expected| {
        expected.min(MAX_RESPONSE_BYTES)
    });
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Broken::Lost(error.into()))?;
        if let Ok(data) = frame.into_data() {
            if data.remaining() > MAX_RESPONSE_BYTES - bytes.len() {
                return Err(Broken::TooLong);
            }
            if data.remaining() > bytes.capacity() - bytes.len() {
                // A buffer that grew by itself would leave an unwiped token behind.
                let mut larger = Zeroizing::new(Vec::with_capacity(MAX_RESPONSE_BYTES));
                larger.extend_from_slice(&bytes);
                bytes = larger;
            }
            bytes.put(data);
        }
    }
    Ok(bytes)
}
