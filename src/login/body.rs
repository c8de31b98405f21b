//! The bodies of a login, in buffers that are wiped.

use form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

/// A JSON object of strings, in a buffer that is wiped when dropped.
pub(super) fn json_body(fields: &[(&str, &str)]) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    // An escape takes six bytes at most. A buffer that grew would leave an unwiped copy behind.
    let capacity = 2 + fields_len(fields, 6);
    let mut body = Zeroizing::new(Vec::with_capacity(capacity));
    let mut separator = b'{';
    for (name, value) in fields {
        body.push(separator);
        serde_json::to_writer(&mut *body, name)?;
        body.push(b':');
        serde_json::to_writer(&mut *body, value)?;
        separator = b',';
    }
    if fields.is_empty() {
        body.push(b'{');
    }
    body.push(b'}');
    debug_assert!(body.len() <= capacity);
    Ok(body)
}

/// Fields as `application/x-www-form-urlencoded`, in a buffer that is wiped when dropped.
pub(super) fn form_body(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    let capacity = fields_len(fields, 3);
    let mut body = Zeroizing::new(Vec::with_capacity(capacity));
    for (name, value) in fields {
        if !body.is_empty() {
            body.push(b'&');
        }
        byte_serialize(name.as_bytes()).for_each(|part| body.extend_from_slice(part.as_bytes()));
        body.push(b'=');
        byte_serialize(value.as_bytes()).for_each(|part| body.extend_from_slice(part.as_bytes()));
    }
    debug_assert!(body.len() <= capacity);
    body
}

/// How long fields get at most, with what surrounds each of them.
fn fields_len(fields: &[(&str, &str)], per_byte: usize) -> usize {
    let around = 6;
    fields
        .iter()
        .map(|(name, value)| per_byte * (name.len() + value.len()) + around)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S4: a body never outgrows its buffer, since what a grown buffer leaves behind is not wiped.
    #[test]
    fn a_body_never_outgrows_its_buffer() -> serde_json::Result<()> {
        let worst = "\u{1}\u{2}ü".repeat(50);
        // The bodies assert it themselves.
        json_body(&[(&worst, &worst), ("", ""), (&worst, "")])?;
        form_body(&[(&worst, &worst), ("", ""), (&worst, "")]);
        Ok(())
    }
}
