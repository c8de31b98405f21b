//! [`Sent`]: which token a request went out with.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::session::id::SessionId;
use crate::session::state::token::Issued;
use crate::token::Token;

/// A request extension that records which token the request was sent with, so that the caller can
/// report a refusal that only the caller sees: a gRPC status in the trailers, or an error in the
/// body of a 200.
///
/// Pass it to [`Session::invalidate`](crate::Session::invalidate). The report counts as a refusal
/// of exactly this token, so a late report does not affect a newer one. After a retry it contains
/// the token of the retry.
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
    /// Creates an empty record, to be filled when the request is sent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the request's token. `None` if the request was not sent yet, or was sent without a
    /// token.
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
