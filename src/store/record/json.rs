//! The JSON of a [`Record`]. Unknown fields are ignored, so that a later version may add some.

use std::process;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::error::response::{ErrorDetail, ErrorResponse};
use crate::store::clock::{since, unix_ms};
use crate::store::hex::{hex, unhex};
use crate::store::record::host::host;
use crate::store::record::{Latch, Record, StoredToken};
use crate::store::seal::MAX_BYTES;
use crate::token::Token;
use crate::wiped::Wiped;

/// How much of an error's text is passed on, in characters.
const MOST_TEXT: usize = 500;

impl Record {
    /// Contents for a [`Seal`](crate::store::seal::Seal).
    pub(crate) fn to_json(&self) -> Zeroizing<Vec<u8>> {
        let latches: Vec<_> = self.latches.iter().map(Latch::to_json).collect();
        let value = Wiped(json!({
            "written": unix_ms(),
            "host": host(),
            "pid": process::id(),
            "number": self.number,
            "token": self.token.as_ref().map(StoredToken::to_json),
            "latches": latches,
            "signed_out": self.is_signed_out,
        }));
        // A buffer that grew would leave an unwiped copy behind. A larger one is refused anyway.
        let mut contents = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
        // A `Value` with texts as keys can always be written, and a `Vec` takes all.
        let _ = serde_json::to_writer(&mut *contents, &value.0);
        contents
    }

    /// The record as it is now, and how long ago it was written: `known_age`, or what the wall
    /// clock says. `None` if it is no record.
    pub(crate) fn from_json(
        contents: &[u8],
        known_age: Option<Duration>,
    ) -> Option<(Self, Duration)> {
        let value = Wiped(serde_json::from_slice(contents).ok()?);
        let value = &value.0;
        let written = value["written"].as_u64()?;
        let token = match &value["token"] {
            Value::Null => None,
            token => Some(StoredToken::from_json(token)?),
        };
        let latches = value["latches"].as_array()?;
        let record = Self {
            number: value["number"].as_u64()?,
            token,
            // One of a kind that is not known yet says nothing to this version.
            latches: latches.iter().filter_map(Latch::from_json).collect(),
            is_signed_out: value["signed_out"].as_bool().unwrap_or_default(),
        };
        let age = known_age.unwrap_or_else(|| since(written));
        Some((record.aged(age), age))
    }
}

impl StoredToken {
    fn to_json(&self) -> Value {
        let token = &self.token;
        json!({
            "scheme": token.scheme(),
            "value": token.expose(),
            "refresh_token": token.expose_refresh_token(),
            "age_ms": ms(self.age),
            "lifetime_ms": token.lifetime().map(ms),
            "lifetime_is_claimed": !token.is_lifetime_told(),
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = value["value"].as_str()?;
        let token = match value["scheme"].as_str() {
            Some(scheme) => Token::with_scheme(scheme, text),
            None => Token::bare(text),
        };
        let mut token = token.ok()?;
        if let Some(lifetime) = value["lifetime_ms"].as_u64().map(Duration::from_millis) {
            token = match value["lifetime_is_claimed"].as_bool() {
                Some(true) => token.lives_by_its_claims(lifetime),
                _ => token.expires_in(lifetime),
            };
        }
        if let Some(refresh_token) = value["refresh_token"].as_str() {
            token = token.refresh_token(refresh_token);
        }
        let age = Duration::from_millis(value["age_ms"].as_u64()?);
        Some(Self { token, age })
    }
}

impl Latch {
    fn to_json(&self) -> Value {
        let kind = match self.error.is_rejected() {
            true => "rejected",
            false => "unavailable",
        };
        let text: String = self.error.text().chars().take(MOST_TEXT).collect();
        json!({
            "tag": hex(&*self.tag),
            "kind": kind,
            "text": text,
            "response": self.error.response().map(response_to_json),
            "rest_ms": ms(self.rest),
            "memory_ms": ms(self.memory),
            "count": self.count,
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = value["text"].as_str()?;
        let response = response_from_json(&value["response"]);
        let error = match (value["kind"].as_str()?, response) {
            ("rejected", Some(response)) => AuthError::rejected(response),
            ("rejected", None) => AuthError::rejected(text),
            ("unavailable", Some(response)) => AuthError::unavailable(response),
            ("unavailable", None) => AuthError::unavailable(text),
            _ => return None,
        };
        let count = value["count"].as_u64()?;
        Some(Self {
            tag: Zeroizing::new(unhex(value["tag"].as_str()?)?),
            // The one who logged in may have more to say than the response.
            error: error.masked_as(text.to_owned()),
            rest: Duration::from_millis(value["rest_ms"].as_u64()?),
            memory: Duration::from_millis(value["memory_ms"].as_u64()?),
            count: u32::try_from(count).unwrap_or(u32::MAX),
        })
    }
}

fn response_to_json(response: &ErrorResponse) -> Value {
    let detail = |detail: &ErrorDetail| {
        json!({
            "field": detail.field(),
            "message": detail.message(),
            "kind": detail.kind(),
        })
    };
    let details: Vec<_> = response.details().iter().map(detail).collect();
    json!({
        "status": response.status().as_u16(),
        "error": response.error(),
        "message": response.message(),
        "code": response.code(),
        "uri": response.uri(),
        "details": details,
        "refuses_grant": response.refuses_grant,
    })
}

fn response_from_json(value: &Value) -> Option<ErrorResponse> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let status = u16::try_from(value["status"].as_u64()?).ok()?;
    let status = StatusCode::from_u16(status).ok()?;
    let details = value["details"].as_array().into_iter().flatten();
    let details = details.map(|detail| ErrorDetail {
        field: text(&detail["field"]),
        message: text(&detail["message"]),
        kind: text(&detail["kind"]),
    });
    let mut response = ErrorResponse::of_status(status);
    response.error = text(&value["error"]);
    response.message = text(&value["message"]);
    response.code = text(&value["code"]);
    response.uri = text(&value["uri"]);
    response.details = details.collect();
    response.refuses_grant = value["refuses_grant"].as_bool().unwrap_or_default();
    Some(response)
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
