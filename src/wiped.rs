//! [`Wiped`]: JSON that may hold secrets.

use serde_json::Value;
use zeroize::Zeroize;

/// A JSON value whose texts are wiped when it is dropped.
pub(crate) struct Wiped(pub(crate) Value);

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// The parser lets in 128 levels at most, so the recursion is bounded.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S4: no text of what may hold secrets outlives it.
    #[test]
    fn every_text_is_wiped() {
        let mut answer = serde_json::json!({"a": "x", "b": [1, "y", {"c": "z"}]});
        wipe(&mut answer);
        assert_eq!(
            answer,
            serde_json::json!({"a": "", "b": [1, "", {"c": ""}]})
        );
    }
}
