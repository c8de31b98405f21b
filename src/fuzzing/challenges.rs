use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::input::Input;
use crate::refusal::challenge::parse::{RawChallenge, parse};
use crate::refusal::is_refusal;

type Written = Vec<(Vec<u8>, Vec<(Vec<u8>, Vec<u8>)>)>;

/// Any bytes as the value of `WWW-Authenticate`, and any challenges written in any of the forms
/// that RFC 9110 allows.
pub fn challenges(data: &[u8]) {
    any_bytes(data);
    any_challenges(data);

    let values = data.split(|byte| *byte == b'\n');
    let headers: HeaderMap = values
        .filter_map(|value| HeaderValue::from_bytes(value).ok())
        .map(|value| (WWW_AUTHENTICATE, value))
        .collect();
    is_refusal(StatusCode::UNAUTHORIZED, &headers);
    assert!(!is_refusal(StatusCode::FORBIDDEN, &headers));
}

fn any_bytes(data: &[u8]) {
    let found = parse(data);
    let commas = data.iter().filter(|byte| **byte == b',').count();
    let params = found.iter().flat_map(|challenge| &challenge.params);
    assert!(found.len() <= commas + 1 && params.clone().count() <= commas + 1);
    let names = found.iter().map(|challenge| challenge.scheme);
    let names = names.chain(params.clone().map(|(name, _)| *name));
    assert!(names.clone().all(is_token));
    let len = names.map(<[u8]>::len).sum::<usize>();
    let values = params.map(|(_, value)| value.len()).sum::<usize>();
    assert!(len + values <= data.len());

    let found = owned(&found);
    assert_eq!(owned(&parse(&write(&found))), found);
}

/// In quotes, and with nothing more than has to be there.
fn write(challenges: &Written) -> Vec<u8> {
    let mut text = Vec::new();
    for (scheme, params) in challenges {
        text.extend_from_slice(scheme);
        for (name, value) in params {
            text.push(b' ');
            text.extend_from_slice(name);
            text.push(b'=');
            quote(value, &mut text);
            text.push(b',');
        }
        text.push(b',');
    }
    text
}

/// A byte of flags for each element, then a name and a value, each up to a zero.
fn any_challenges(data: &[u8]) {
    let mut input = Input::new(data);
    let (mut text, mut expected) = (Vec::new(), Written::new());
    while !input.is_empty() {
        let flags = input.byte();
        let name = tokenlike(input.until(0));
        let value = input.until(0);
        let spaces = [&b""[..], b" ", b"\t", b" \t "][usize::from(flags >> 2 & 3)];
        let begins = flags & 3 != 3 || expected.is_empty();
        if begins {
            expected.push((name.clone(), Vec::new()));
            text.extend_from_slice(&name);
            text.push(b' ');
        }
        match flags & 3 {
            0 => {}
            1 => {
                // A token68, which tells nothing that is asked for.
                text.extend(value.iter().map(|byte| pick(b"azAZ09-._~+/", *byte)));
                text.extend_from_slice(&b"=="[..usize::from(flags >> 4 & 3).min(2)]);
            }
            _ => {
                text.extend_from_slice(&name);
                text.extend_from_slice(spaces);
                text.push(b'=');
                text.extend_from_slice(spaces);
                if flags & 16 == 0 && is_token(value) {
                    text.extend_from_slice(value);
                } else {
                    quote(value, &mut text);
                }
                let (_, params) = expected.last_mut().unwrap();
                params.push((name, value.to_vec()));
            }
        }
        text.extend_from_slice(spaces);
        text.extend_from_slice(&b",,"[usize::from(flags >> 5 & 1)..]);
        text.extend_from_slice(spaces);
    }
    assert_eq!(owned(&parse(&text)), expected, "{:?}", text.escape_ascii());
}

fn owned(challenges: &[RawChallenge<'_>]) -> Written {
    let owned = challenges.iter().map(|challenge| {
        let params = challenge.params.iter();
        let params = params.map(|(name, value)| (name.to_vec(), value.to_vec()));
        (challenge.scheme.to_vec(), params.collect())
    });
    owned.collect()
}

fn quote(value: &[u8], text: &mut Vec<u8>) {
    text.push(b'"');
    for byte in value {
        if matches!(byte, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    text.push(b'"');
}

fn tokenlike(bytes: &[u8]) -> Vec<u8> {
    let token = |byte: &u8| match *byte {
        byte if is_token(&[byte]) => byte,
        byte => pick(b"!#$%&'*+-.^_`|~", byte),
    };
    match bytes {
        [] => b"x".to_vec(),
        bytes => bytes.iter().map(token).collect(),
    }
}

fn pick(from: &[u8], byte: u8) -> u8 {
    from[usize::from(byte) % from.len()]
}

fn is_token(bytes: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(is_tchar)
}
