//! The grammar of `WWW-Authenticate` ([RFC 9110, section 11.6.1]):
//!
//! ```text
//! WWW-Authenticate = #challenge
//! challenge        = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
//! auth-param       = token BWS "=" BWS ( token / quoted-string )
//! ```
//!
//! Commas separate challenges as well as parameters, and occur inside quotes too. What cannot be
//! read is skipped up to the next comma.
//!
//! [RFC 9110, section 11.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1

use std::borrow::Cow;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawChallenge<'a> {
    pub(crate) scheme: &'a [u8],
    pub(crate) params: Vec<(&'a [u8], Cow<'a, [u8]>)>,
}

impl RawChallenge<'_> {
    pub(crate) fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme.as_bytes())
    }

    /// Has it this parameter with this value, unquoted?
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.params.iter().any(|(its_name, its_value)| {
            its_name.eq_ignore_ascii_case(name.as_bytes()) && **its_value == *value.as_bytes()
        })
    }
}

/// The challenges of one header's value.
pub(crate) fn parse(value: &[u8]) -> Vec<RawChallenge<'_>> {
    let mut found: Vec<RawChallenge<'_>> = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let (mut item, behind) = split_at_comma(rest);
        rest = behind;
        item = item.trim_ascii();
        // A parameter has its "=" right behind its name; a scheme has a space or nothing.
        if auth_param(item).is_none() {
            let scheme = token(item);
            let (begins, after) = item.split_at(scheme);
            if scheme == 0 || !matches!(after.first(), None | Some(b' ' | b'\t')) {
                continue;
            }
            found.push(RawChallenge {
                scheme: begins,
                params: Vec::new(),
            });
            item = after.trim_ascii();
        }
        if let (Some(challenge), Some(param)) = (found.last_mut(), auth_param(item)) {
            challenge.params.push(param);
        }
    }
    found
}

/// Splits at the first comma outside quotes.
fn split_at_comma(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return (&bytes[..at], &bytes[at + 1..]),
            _ => {}
        }
    }
    (bytes, &[])
}

fn auth_param(item: &[u8]) -> Option<(&[u8], Cow<'_, [u8]>)> {
    let (name, rest) = item.split_at(token(item));
    let value = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii();
    match value {
        _ if name.is_empty() => None,
        [b'"', quoted @ .., b'"'] => Some((name, unescape(quoted)?)),
        // A lone "=" is the padding of a token68.
        _ if value.is_empty() || token(value) < value.len() => None,
        _ => Some((name, Cow::Borrowed(value))),
    }
}

/// `None` if the last quote is an escaped one, so that there is no end.
fn unescape(quoted: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !quoted.contains(&b'\\') {
        return Some(Cow::Borrowed(quoted));
    }
    let mut escaped = false;
    let bytes = quoted.iter().copied();
    let bytes = bytes
        .filter(|byte| {
            escaped = *byte == b'\\' && !escaped;
            !escaped
        })
        .collect();
    (!escaped).then_some(bytes)
}

/// The length in bytes of the token at the beginning.
fn token(bytes: &[u8]) -> usize {
    let end = bytes
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)));
    end.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests;
