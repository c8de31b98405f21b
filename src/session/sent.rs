//! [`Sent`]: which token a request went out with.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::session::id::SessionId;
use crate::session::state::token::Issued;
use crate::token::Token;

/// An extension of a request that tells the caller which token that request went out with, to
/// report it when only the caller can see that it was refused: a gRPC status in the trailers, an
/// error in the body of a 200.
///
/// [`Session::invalidate`](crate::Session::invalidate) takes it. A report counts as a refusal of
/// that very token, so one that comes late throws no newer token away. After a retry it is the
/// token of the retry.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::{BodyExt, Full};
/// use tower::{Layer, ServiceExt};
/// use tower_bearer::{BearerAuthLayer, Sent};
/// # use http::Response;
/// # use tower::service_fn;
/// # use tower_bearer::{Origins, ReplayBody, Token, source_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower::BoxError> {
/// # let source = source_fn(Origins::any(), |_| async { Ok(Token::new("mF_9.B5f-4.1JqM")?) });
/// # let http_client = service_fn(async |_: Request<ReplayBody<Full<Bytes>>>| {
/// #     Ok::<_, tower::BoxError>(Response::new(Full::new(Bytes::from(r#"{"ok": false}"#))))
/// # });
/// let client = BearerAuthLayer::new(source).layer(http_client);
/// let session = client.session().clone();
///
/// let sent = Sent::new();
/// let request = Request::get("https://api.example.com/me")
///     .extension(sent.clone())
///     .body(Full::<Bytes>::default())?;
/// let response = client.oneshot(request).await?;
///
/// if response.into_body().collect().await?.to_bytes() == r#"{"ok": false}"# {
///     // The next request logs in.
///     assert!(session.invalidate(&sent));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sent {
    slot: Arc<Mutex<Option<(SessionId, Issued)>>>,
}

impl Sent {
    /// Makes an empty one, to be filled when the request goes out.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the token that the request went out with. `None` if it has not gone out yet, or went
    /// out without one.
    pub fn token(&self) -> Option<Token> {
        let slot = self.slot();
        slot.as_ref().map(|(_, issued)| issued.token.clone())
    }

    pub(crate) fn note(&self, session: SessionId, issued: &Issued) {
        let earlier = self.slot().replace((session, issued.clone()));
        drop(earlier);
    }

    pub(super) fn issued_by(&self, session: SessionId) -> Option<Issued> {
        let slot = self.slot();
        let (by, issued) = slot.as_ref()?;
        (*by == session).then(|| issued.clone())
    }

    fn slot(&self) -> MutexGuard<'_, Option<(SessionId, Issued)>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
