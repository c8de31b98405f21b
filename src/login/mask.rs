//! [`Mask`]: how secrets are kept out of texts.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::login::body::{form_body, json_body};

/// The longest text of a server that is kept, in characters.
const LONGEST: usize = 200;

/// What must not be read in any text of a server.
pub(super) struct Mask {
    spellings: Vec<Zeroizing<String>>,
}

impl Mask {
    /// Hides the secrets that were sent, and the tokens that came back: what the answer has where
    /// the login looks for it, and under any name that ends in "token".
    pub(super) fn new(sent: &[&str], answer: Option<&Value>, token_at: &str) -> Self {
        let mut secrets = sent.to_vec();
        if let Some(answer) = answer {
            secrets.extend(answer.pointer(token_at).and_then(Value::as_str));
            add_tokens(&mut secrets, answer);
        }
        let mut spellings: Vec<_> = secrets.into_iter().flat_map(spellings).collect();
        // A server may send the same one a thousand times, and each is looked for.
        spellings.sort_unstable_by(|a, b| a.as_str().cmp(b));
        spellings.dedup();
        Self { spellings }
    }

    /// The text in one line, without secrets, and cut. `None` if nothing is left.
    pub(super) fn clean(&self, text: &str) -> Option<String> {
        // Masked as it will be shown: a secret could come about by making one line of a text.
        let masked = self.masked(&one_line(text));
        let mut chars = masked.trim().chars();
        let mut cut: String = chars.by_ref().take(LONGEST).collect();
        if chars.next().is_some() {
            cut.push('…');
        }
        (!cut.is_empty()).then_some(cut)
    }

    fn masked(&self, text: &str) -> String {
        // One secret may be a part of another: what any of them covers is hidden. A flag for each
        // byte takes the same room however many secrets there are, and however often they occur.
        let mut covered = vec![false; text.len()];
        for secret in &self.spellings {
            for (start, hit) in text.match_indices(secret.as_str()) {
                covered[start..start + hit.len()].fill(true);
            }
        }
        let mut masked = String::new();
        let mut hidden = false;
        for (at, char) in text.char_indices() {
            match (hidden, covered[at]) {
                (_, false) => masked.push(char),
                (false, true) => masked.push_str("***"),
                (true, true) => {}
            }
            hidden = covered[at];
        }
        masked
    }
}

/// The recursion is bounded as that of [`wipe`] is.
fn add_tokens<'a>(secrets: &mut Vec<&'a str>, value: &'a Value) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| add_tokens(secrets, value)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name.to_ascii_lowercase().ends_with("token") => {
                        secrets.push(text);
                    }
                    value => add_tokens(secrets, value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A server that echoes the body, and not the field, spells a secret as the body did.
fn spellings(secret: &str) -> impl Iterator<Item = Zeroizing<String>> + use<> {
    // A newline behind it, as files have one, may be gone.
    let secret = secret.trim();
    // By what writes the bodies, whose buffers never grow.
    let form = form_body(&[("", secret)]);
    let form = form.strip_prefix(b"=");
    let json = json_body(&[("", secret)]).unwrap_or_default();
    let json = json.strip_prefix(br#"{"":""#);
    let json = json.and_then(|json| json.strip_suffix(br#""}"#));
    let bodies = [form, json].map(|spelling| {
        let spelling = spelling.and_then(|spelling| std::str::from_utf8(spelling).ok());
        one_line(spelling.unwrap_or_default())
    });
    [one_line(secret)]
        .into_iter()
        .chain(bodies)
        .filter(|spelling| !spelling.is_empty())
}

fn one_line(text: &str) -> Zeroizing<String> {
    // No character gets longer: the buffer never grows, and leaves no unwiped copy behind.
    let mut line = Zeroizing::new(String::with_capacity(text.len()));
    line.extend(text.chars().map(|char| match char {
        '\u{2028}' | '\u{2029}' => ' ',
        char if char.is_control() => ' ',
        char => char,
    }));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L4: what any secret covers is hidden, also where one secret is a part of another, and the
    /// spellings of both bodies are hidden too.
    #[test]
    fn every_spelling_of_every_secret_is_masked() {
        let mask = Mask::new(&["hunter", "hunter2", "", "a \"b\" ü"], None, "");
        assert_eq!(mask.clean("x hunter2 y").as_deref(), Some("x *** y"));
        assert_eq!(mask.clean("hunter3").as_deref(), Some("***3"));
        assert_eq!(mask.clean("<a \"b\" ü>").as_deref(), Some("<***>"));
        assert_eq!(mask.clean(r#"<a \"b\" ü>"#).as_deref(), Some("<***>"));
        assert_eq!(mask.clean("p=a+%22b%22+%C3%BC").as_deref(), Some("p=***"));
        assert_eq!(mask.clean(" \n ").as_deref(), None);
    }

    /// S4: a spelling never outgrows its buffer, since what a grown buffer leaves behind is not wiped.
    #[test]
    fn a_spelling_never_outgrows_its_buffer() {
        for spelling in spellings(&"a \"b\" \u{fc}".repeat(50)) {
            assert_eq!(spelling.capacity(), spelling.len());
        }
    }

    /// L4: a secret is hidden that only comes about by making one line of a text, and one that has
    /// such characters itself.
    #[test]
    fn a_text_is_masked_as_it_is_shown() {
        let mask = Mask::new(&["correct horse", "l1ne\nbr3ak"], None, "");
        assert_eq!(mask.clean("<correct\nhorse>").as_deref(), Some("<***>"));
        assert_eq!(mask.clean("<l1ne\nbr3ak>").as_deref(), Some("<***>"));
        assert_eq!(mask.clean("<l1ne br3ak>").as_deref(), Some("<***>"));
        assert_eq!(mask.clean(r"<l1ne\nbr3ak>").as_deref(), Some("<***>"));
        assert_eq!(mask.clean("\u{1b}").as_deref(), None);

        let mask = Mask::new(&["hunter2\n", " "], None, "");
        assert_eq!(mask.clean("a hunter2 b").as_deref(), Some("a *** b"));
    }

    /// L4: an answer full of tokens, and of a text that they cover, costs neither gigabytes nor
    /// minutes.
    #[test]
    fn masking_takes_little_whatever_is_sent() {
        let tokens = (0..2000).map(|n| (format!("{n}token"), "x".into()));
        let mask = Mask::new(&[], Some(&Value::Object(tokens.collect())), "");
        assert_eq!(mask.clean(&"x".repeat(30_000)).as_deref(), Some("***"));
    }

    /// L4: a text is masked before it is cut, so that no part of a secret stays at the end.
    #[test]
    fn a_text_is_masked_before_it_is_cut() {
        let mask = Mask::new(&["hunter2"], None, "");
        let text = format!("{}hunter2{}", "ü".repeat(196), "x".repeat(9));
        let expected = format!("{}***x…", "ü".repeat(196));
        assert_eq!(mask.clean(&text), Some(expected));
    }
}
