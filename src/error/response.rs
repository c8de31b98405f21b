//! [`ErrorResponse`]: what a login endpoint said when it gave no token.

use std::error::Error;
use std::fmt;

use http::StatusCode;

/// How many details its `Display` shows.
const MOST_SHOWN: usize = 3;

/// The response of a login endpoint that returned no token: its status, and the fields of a JSON
/// body that are documented here:
///
/// | document | fields |
/// |---|---|
/// | [Datafiniti] | `error`, `message`, `code`, `requestId`, `details` with `field` and `message` |
/// | OAuth, [RFC 6749, section 5.2], and GitHub | `error`, `error_description`, `error_uri` |
/// | [Google], Firebase and Microsoft | `error`, an object with `status`, `code` and `message` |
/// | [FastAPI] | `detail`: a text, or a list with `loc`, `msg` and `type` |
///
/// No other field is read, and nothing of a body that is not JSON. Every text is one line of at
/// most 200 characters. Any secret in it that was sent or received is replaced by `***`, because
/// validation errors often repeat the password.
///
/// [`AuthError::response`](crate::AuthError::response) returns it:
///
/// ```
/// # use bytes::Bytes;
/// # use http::{Request, Response, StatusCode};
/// # use http_body_util::Full;
/// # use tower_bearer::{TokenRequest, TokenSource, login::Datafiniti};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let client = tower::service_fn(async |_: Request<Full<Bytes>>| {
///     let body = r#"{"error": "Unauthorized", "message": "Wrong password", "code": 401}"#;
///     let mut response = Response::new(Full::new(Bytes::from(body)));
///     *response.status_mut() = StatusCode::UNAUTHORIZED;
///     Ok::<_, std::convert::Infallible>(response)
/// });
/// let error = Datafiniti::new(client, "me@example.com", "secret").fetch(TokenRequest::first()).await.unwrap_err();
/// assert_eq!(error.to_string(), "login rejected: 401 Unauthorized: Wrong password");
///
/// let response = error.response().unwrap();
/// assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
/// assert_eq!(response.code(), Some("401"));
/// assert!(response.details().is_empty());
/// # }
/// ```
///
/// [Datafiniti]: https://docs.datafiniti.co/
/// [RFC 6749, section 5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
/// [Google]: https://google.aip.dev/193
/// [FastAPI]: https://fastapi.tiangolo.com/tutorial/handling-errors/
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    pub(crate) status: StatusCode,
    pub(crate) error: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) details: Vec<ErrorDetail>,
    /// A rejection of the refresh token that was sent, or of what else was to be exchanged for a
    /// token.
    pub(crate) refuses_grant: bool,
    /// Our own explanation, for the reader of the text.
    remark: Option<String>,
}

/// One problem that a login endpoint found in a login request.
///
/// ```
/// # use tower_bearer::ErrorDetail;
/// fn explain(detail: &ErrorDetail) -> String {
///     let field = detail.field().unwrap_or("request");
///     format!("{field}: {}", detail.message().unwrap_or("not valid"))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetail {
    pub(crate) field: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) kind: Option<String>,
}

impl ErrorResponse {
    /// What is known without a body.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        Self {
            status,
            error: None,
            message: None,
            code: None,
            uri: None,
            request_id: None,
            details: Vec::new(),
            refuses_grant: false,
            remark: None,
        }
    }

    /// The remark is shown as it is: what it quotes of the server has to be clean.
    pub(crate) fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = Some(remark.into());
        self
    }

    pub(crate) fn remark_if_none(self, remark: &str) -> Self {
        match self.remark {
            Some(_) => self,
            None => self.remark(remark),
        }
    }

    #[cfg(feature = "login")]
    pub(crate) fn without_remark(self) -> Self {
        Self {
            remark: None,
            ..self
        }
    }

    #[cfg(feature = "login")]
    pub(crate) fn refuses_grant(&self) -> bool {
        self.refuses_grant
    }

    /// Returns the status of the HTTP response.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the kind of the error: Datafiniti's `Unauthorized`, OAuth's `invalid_grant`. If the
    /// error is an object, its `status`, else its `code` if that is a text.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Returns a description of what went wrong: `message`, else `error_description`, else
    /// FastAPI's `detail`, else the `message` of an error that is an object.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns the error code, a number as its digits: Datafiniti's `code`, the `code` of an error
    /// that is an object, or a number in the place of the error or its `status`.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns a link to more information: OAuth's `error_uri`. It is returned as the server sent
    /// it, and no `Display` shows it.
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// Returns the server's id of the request, for its support to look up: Datafiniti's
    /// `requestId`. No `Display` shows it, because it differs each time.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Returns the problems of individual fields: Datafiniti's `details`, FastAPI's list in
    /// `detail`. At most the first 16; empty if there are none.
    pub fn details(&self) -> &[ErrorDetail] {
        &self.details
    }
}

impl ErrorDetail {
    /// Returns the name of the field: Datafiniti's `field`, or FastAPI's `loc`, such as
    /// `body.password`.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Returns a description of the problem: Datafiniti's `message`, FastAPI's `msg`.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns the kind of the problem: FastAPI's `type`, such as `missing`.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.status.canonical_reason();
        write!(f, "{}", self.status.as_u16())?;
        reason
            .iter()
            .try_for_each(|reason| write!(f, " {reason}"))?;

        // Datafiniti's `error` repeats the status, OAuth's says more than it.
        let error = self.error.as_deref().filter(|error| {
            let repeats =
                |other: Option<&str>| other.is_some_and(|o| o.eq_ignore_ascii_case(error));
            !repeats(reason) && !repeats(self.message())
        });
        let details = self.details[..]
            .iter()
            .take(MOST_SHOWN)
            .map(ToString::to_string);
        let more = self.details.len().saturating_sub(MOST_SHOWN);
        let texts = [error, self.message()]
            .into_iter()
            .flatten()
            .map(str::to_owned);
        let texts = texts
            .chain(details)
            .chain((more > 0).then(|| format!("{more} more")))
            .chain(self.remark.clone());
        for (n, text) in texts.enumerate() {
            write!(f, "{} {text}", if n == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl fmt::Display for ErrorDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.message().or(self.kind());
        match (self.field(), text) {
            (Some(field), Some(text)) => write!(f, "{field}: {text}"),
            (field, text) => f.write_str(field.or(text).unwrap_or_default()),
        }
    }
}

impl Error for ErrorResponse {}
