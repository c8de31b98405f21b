//! How a text may be meant: the escapes of URLs, of JSON and of HTML.

use std::ops::Range;

use zeroize::Zeroizing;

/// How often one escape may stand in another: an HTML page may quote JSON that quotes a URL.
const DEEPEST: usize = 2;

/// A text as one of its readers decodes it, and where in the text each decoded part begins.
pub(super) struct Reading {
    text: Zeroizing<String>,
    /// Of each byte, and of the end.
    from: Vec<usize>,
}

impl Reading {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What of the original text these bytes were read from.
    pub(super) fn origin(&self, bytes: Range<usize>) -> Range<usize> {
        self.from[bytes.start]..self.from[bytes.end]
    }
}

type Unescape = fn(&str) -> Option<(usize, Unescaped)>;

/// What an escape means: characters, or the bytes of UTF-8, each of which took three.
enum Unescaped {
    Char(char),
    Bytes(Vec<u8>),
}

/// The text as it is, and with the escapes of each kind undone, also of two kinds one after the
/// other. A reading is never longer than the text, and there are a few at most.
pub(super) fn readings(text: &str) -> Vec<Reading> {
    let mut readings = vec![Reading {
        text: Zeroizing::new(text.to_owned()),
        from: (0..=text.len()).collect(),
    }];
    let mut begin = 0;
    for _ in 0..DEEPEST {
        let end = readings.len();
        for at in begin..end {
            for unescape in [form, percent, json, html] {
                readings.extend(read(&readings[at], unescape));
            }
        }
        begin = end;
    }
    readings
}

/// `None` if there is nothing to undo.
fn read(reading: &Reading, unescape: Unescape) -> Option<Reading> {
    let source = reading.text();
    // No escape is shorter than what it means: the buffer never grows, and leaves no copy unwiped.
    let mut text = Zeroizing::new(String::with_capacity(source.len()));
    let mut from = Vec::with_capacity(source.len() + 1);
    let (mut at, mut found) = (0, false);
    let mut push = |char: char, at: usize| {
        // As the texts are compared: in one line.
        let char = if is_in_line(char) { char } else { ' ' };
        text.push(char);
        from.resize(text.len(), reading.from[at]);
    };
    while let Some(char) = source[at..].chars().next() {
        match unescape(&source[at..]) {
            Some((length, unescaped)) => {
                found = true;
                match unescaped {
                    Unescaped::Char(char) => push(char, at),
                    Unescaped::Bytes(bytes) => {
                        let mut byte_at = at;
                        for chunk in bytes.utf8_chunks() {
                            for char in chunk.valid().chars() {
                                push(char, byte_at);
                                byte_at += 3 * char.len_utf8();
                            }
                            for byte in chunk.invalid() {
                                // Of Latin-1, as old servers have it.
                                push(char::from(*byte), byte_at);
                                byte_at += 3;
                            }
                        }
                    }
                }
                at += length;
            }
            None => {
                push(char, at);
                at += char.len_utf8();
            }
        }
    }
    from.push(reading.from[at]);
    found.then_some(Reading { text, from })
}

pub(super) fn is_in_line(char: char) -> bool {
    !char.is_control() && !matches!(char, '\u{2028}' | '\u{2029}')
}

/// `%2F`, `%2f`, and `+` for a space.
fn form(text: &str) -> Option<(usize, Unescaped)> {
    match text.strip_prefix('+') {
        Some(_) => Some((1, Unescaped::Char(' '))),
        None => percent(text),
    }
}

/// `%2F`, `%2f`: as many as follow each other, since a character may take some of them.
fn percent(text: &str) -> Option<(usize, Unescaped)> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(after) = rest.strip_prefix('%') {
        let Some(byte) = after.get(..2).and_then(hex) else {
            break;
        };
        bytes.extend(u8::try_from(byte));
        rest = &after[2..];
    }
    (!bytes.is_empty()).then(|| (3 * bytes.len(), Unescaped::Bytes(bytes)))
}

/// `\/`, `\n`, `\u00e9`, two of these for a character beyond them, and `\u{e9}` and `\xe9`.
fn json(text: &str) -> Option<(usize, Unescaped)> {
    let char = |length, char| Some((length, Unescaped::Char(char)));
    let escape = text.strip_prefix('\\')?;
    let kind = escape.chars().next()?;
    let rest = &escape[kind.len_utf8()..];
    match kind {
        '"' | '\\' | '/' | '\'' => char(2, kind),
        'b' | 'f' | 'n' | 'r' | 't' => char(2, ' '),
        'x' => char(4, char::from_u32(hex(rest.get(..2)?)?)?),
        'u' => {
            if let Some(rest) = rest.strip_prefix('{') {
                // Six digits at most, and no search to the end of a text.
                let end = rest.bytes().take(7).position(|byte| byte == b'}')?;
                let digits = &rest[..end];
                return char(digits.len() + 4, char::from_u32(hex(digits)?)?);
            }
            let first = hex(rest.get(..4)?)?;
            if let Some(first) = char::from_u32(first) {
                return char(6, first);
            }
            let second = hex(rest.get(4..)?.strip_prefix("\\u")?.get(..4)?)?;
            let units = [first, second].map(|unit| u16::try_from(unit).unwrap_or_default());
            char(12, char::decode_utf16(units).next()?.ok()?)
        }
        _ => None,
    }
}

/// `&amp;`, `&#39;`, `&#x27;`. Other names stand for what no password is escaped by.
fn html(text: &str) -> Option<(usize, Unescaped)> {
    let escape = text.strip_prefix('&')?;
    // The longest is `&#x10FFFF;`, or one with some zeros before its digits.
    let end = escape.bytes().take(10).position(|byte| byte == b';')?;
    let name = &escape[..end];
    let char = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => hex(digits)?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((end + 2, Unescaped::Char(char)))
}

/// Digits alone: the parser of numbers takes a sign too.
fn hex(digits: &str) -> Option<u32> {
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    are_digits.then(|| u32::from_str_radix(digits, 16).ok())?
}
