//! How the [`ErrorResponse`] of an answer is read, through the [`Mask`].

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
    let list = |name| answer.get(name).and_then(Value::as_array);
    response.error = text("error");
    response.message = text("message")
        .or_else(|| text("error_description"))
        .or_else(|| text("detail"));
    response.code = answer.get("code").and_then(|code| match code {
        Value::Number(code) => mask.clean(&code.to_string()),
        code => mask.clean(code.as_str()?),
    });
    response.uri = text("error_uri");
    // Told before the mask, which could hide a part of it.
    response.refuses_grant = answer
        .get("error")
        .is_some_and(|error| error == "invalid_grant");
    response.details = list("details")
        .into_iter()
        .chain(list("detail"))
        .flatten()
        .filter_map(|detail| error_detail(detail, mask))
        .take(MOST_KEPT)
        .collect();
    response
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
