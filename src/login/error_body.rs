//! How the [`ErrorResponse`] of an answer is read, through the [`Mask`].

use std::borrow::Cow;

use http::StatusCode;
use serde_json::Value;

use crate::error::response::{ErrorDetail, ErrorResponse};
use crate::login::mask::Mask;

/// How many details of one response are kept.
const MOST_KEPT: usize = 16;

pub(super) fn error_response(
    status: StatusCode,
    answer: Option<&Value>,
    mask: &Mask,
) -> ErrorResponse {
    let mut response = ErrorResponse::of_status(status);
    let Some(answer) = answer else {
        return response;
    };
    let text = |name| text(answer, name, mask);
    let nested = |name| self::text(nested_error(answer)?, name, mask);
    let list = |name| answer.get(name).and_then(Value::as_array);
    response.error = text("error")
        .or_else(|| nested("status"))
        .or_else(|| nested("code"));
    response.message = text("message")
        .or_else(|| text("error_description"))
        .or_else(|| text("detail"))
        .or_else(|| nested("message"));
    response.code = codes(answer).find_map(|code| mask.clean(&code));
    response.uri = text("error_uri");
    response.request_id = text("requestId");
    response.details = list("details")
        .into_iter()
        .chain(list("detail"))
        .flatten()
        .filter_map(|detail| error_detail(detail, mask))
        .take(MOST_KEPT)
        .collect();
    response
}

/// What the answer calls the error. `None`: it is a success without an error, or has no JSON.
///
/// A number may be any application's own, so of a 4xx the status itself is believed.
pub(super) fn error_names(status: StatusCode, answer: Option<&Value>) -> Option<Vec<Cow<'_, str>>> {
    let answer = answer?;
    let is_success = status.is_success();
    if is_success && !answer.get("error").is_some_and(says_something) {
        return None;
    }
    let nested = nested_error(answer);
    let kind = nested.and_then(|nested| nested.get("status"));
    let message = nested.and_then(|nested| nested.get("message"));
    // Firebase's reason is its beginning: `TOO_MANY_ATTEMPTS_TRY_LATER : Access to this account …`.
    let message = message.and_then(|message| message.as_str()?.split(':').next());
    let texts = [answer.get("error"), kind].into_iter().flatten();
    let texts = texts.filter_map(Value::as_str).chain(message);
    let names = texts.map(|text| text.trim().into()).chain(codes(answer));
    let names = names.filter(|name: &Cow<str>| is_success || name.parse::<u64>().is_err());
    Some(names.collect())
}

/// Google, Firebase and Microsoft have an object for an error.
fn nested_error(answer: &Value) -> Option<&Value> {
    answer.get("error").filter(|error| error.is_object())
}

/// Neither `null`, `false` nor empty, nor a success by its name, its number or its `code`.
fn says_something(error: &Value) -> bool {
    match error {
        Value::Null => false,
        Value::Bool(is_error) => *is_error,
        Value::Number(code) => code.as_f64() != Some(0.0),
        Value::String(name) => !name.trim().is_empty() && !is_success(name),
        Value::Array(errors) => !errors.is_empty(),
        Value::Object(fields) => {
            let code = fields.get("code").and_then(text_or_digits);
            !fields.is_empty() && !code.is_some_and(|code| is_success(&code))
        }
    }
}

fn is_success(name: &str) -> bool {
    let names = ["0", "ok", "success", "none"];
    names.iter().any(|it| name.trim().eq_ignore_ascii_case(it))
}

/// The `code`, that of an error that is an object, and a number that is the error or its `status`.
fn codes(answer: &Value) -> impl Iterator<Item = Cow<'_, str>> {
    let nested = nested_error(answer);
    let is_number = |value: &&Value| value.is_number();
    let codes = [
        answer.get("code"),
        nested.and_then(|nested| nested.get("code")),
        answer.get("error").filter(is_number),
        nested.and_then(|nested| nested.get("status").filter(is_number)),
    ];
    codes.into_iter().flatten().filter_map(text_or_digits)
}

fn text_or_digits(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Number(number) => Some(number.to_string().into()),
        text => Some(text.as_str()?.trim().into()),
    }
}

/// FastAPI's `input` and `ctx` repeat what was sent: they are never read.
fn error_detail(detail: &Value, mask: &Mask) -> Option<ErrorDetail> {
    let text = |name| text(detail, name, mask);
    let path = || {
        let parts = detail
            .get("loc")?
            .as_array()?
            .iter()
            .filter_map(|part| match part {
                Value::String(name) => Some(name.clone()),
                Value::Number(index) => Some(index.to_string()),
                _ => None,
            });
        mask.clean(&parts.collect::<Vec<_>>().join("."))
    };
    let detail = ErrorDetail {
        field: text("field").or_else(path),
        message: text("message").or_else(|| text("msg")),
        kind: text("type"),
    };
    let empty = detail.field.is_none() && detail.message.is_none() && detail.kind.is_none();
    (!empty).then_some(detail)
}

fn text(value: &Value, name: &str, mask: &Mask) -> Option<String> {
    mask.clean(value.get(name)?.as_str()?)
}
