//! [`Exchange`]: one request of a login, and what its answer comes to.

use bytes::Bytes;
use http::response::Parts;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::Value;
use tower::BoxError;
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::error::verdict::judge;
use crate::login::answer::Answer;
use crate::login::client::{Broken, Client, Reply};
use crate::login::error_body::{error_names, error_response};
use crate::login::mask::Mask;
use crate::login::url::Endpoint;
use crate::login::verdict::verdict;
use crate::session::SessionId;
use crate::token::Token;

pub(super) struct Exchange<'a> {
    pub(super) client: &'a Client,
    pub(super) endpoint: &'a Endpoint,
    /// What was sent and must not come back in an error's text.
    pub(super) secrets: Vec<&'a str>,
    /// Where the answer has the token, as a JSON pointer, so that it does not get into a text.
    pub(super) token_at: &'a str,
}

/// A 2xx.
pub(super) struct Success {
    pub(super) head: Parts,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// Why there is no token in a success.
pub(super) enum Problem {
    /// Whose text quotes the server only through the mask. Whether another login would help is for
    /// the answer to say.
    Text(String),
    /// That is said already.
    Judged(AuthError),
}

impl Exchange<'_> {
    /// Sends the request. `read` takes the token out of the answer, which is JSON or not.
    pub(super) async fn run(
        &self,
        mut request: Request<Full<Bytes>>,
        read: impl FnOnce(Success, Option<&Value>, &Mask) -> Result<Token, Problem> + Send,
    ) -> Result<Token, AuthError> {
        // By this a session knows its own login, should it pass through the stack that it serves.
        if let Some(session) = SessionId::of_this_login() {
            request.extensions_mut().insert(session);
        }
        let method = request.method().clone();
        let reply = self.client.send(request).await;
        let Reply { head, body } = reply.map_err(|error| self.lost(&method, error))?;

        let answer = body.as_ref().ok().and_then(|body| Answer::parse(body));
        let json = answer.as_ref().map(Answer::json);
        let mask = Mask::new(&self.secrets, json, self.token_at);
        if !head.status.is_success() {
            return Err(verdict(&head, json, self.endpoint, &mask));
        }
        let (status, headers) = (head.status, head.headers.clone());
        let token = match body {
            Ok(body) => read(Success { head, body }, json, &mask),
            Err(Broken::Lost(error)) => return Err(self.lost(&method, error)),
            Err(Broken::TooLong) => Err("the login response is larger than 64 KiB".into()),
            Err(Broken::TooSlow) => Err("the login response did not end in time".into()),
        };
        token.map_err(|problem| match problem {
            Problem::Judged(error) => error,
            Problem::Text(text) => {
                let response = error_response(status, json, &mask);
                // Beside a token, of whatever use it is, an error is none.
                let json = json.filter(|json| !has_text(json, self.token_at));
                let named = error_names(status, json);
                judge(response.remark(text), named.as_deref(), &headers, None)
            }
        })
    }

    /// The client's own error may show the URL with its query, or what else it was sent.
    fn lost(&self, method: &Method, error: BoxError) -> AuthError {
        let mask = Mask::new(&self.secrets, None, "");
        let text = format!("{method} {}: {}", self.endpoint, mask.chain(&*error));
        AuthError::unavailable(error).masked_as(text)
    }
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

fn has_text(json: &Value, pointer: &str) -> bool {
    let text = json.pointer(pointer).and_then(Value::as_str);
    text.is_some_and(|text| !text.trim().is_empty())
}
