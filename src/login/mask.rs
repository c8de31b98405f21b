//! [`Mask`]: how secrets are kept out of texts.

use std::error::Error;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::login::decode::{is_in_line, readings};

/// The longest text of a server that is kept, in characters.
const LONGEST: usize = 200;

/// How many causes of a client's error are shown.
const MOST_CAUSES: usize = 16;

/// How many secrets a text is searched for. An answer with more tokens is none to a login, and a
/// search for each would take its time.
const MOST_SECRETS: usize = 100;

/// What must not be read in any text of a server, nor of a client.
pub(super) struct Mask {
    secrets: Vec<Zeroizing<String>>,
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
        // A newline at the end, as files have one, may be gone.
        let secrets = secrets.into_iter().map(|secret| one_line(secret.trim()));
        let mut secrets: Vec<_> = secrets.filter(|secret| !secret.is_empty()).collect();
        // A server may send the same one a thousand times, and each is looked for.
        secrets.sort_unstable_by(|a, b| a.as_str().cmp(b));
        secrets.dedup();
        Self { secrets }
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

    /// What a client says: its error and what that was caused by, each text once.
    pub(super) fn chain(&self, error: &(dyn Error + 'static)) -> String {
        let mut shown = String::new();
        let mut next = Some(error);
        for _ in 0..MOST_CAUSES {
            let Some(error) = next else { break };
            let text = self.clean(&error.to_string()).unwrap_or_default();
            // Some errors have their cause's text in their own.
            if !shown.ends_with(&text) {
                let colon = if shown.is_empty() { "" } else { ": " };
                shown.push_str(colon);
                shown.push_str(&text);
            }
            next = error.source();
        }
        shown
    }

    fn masked(&self, text: &str) -> String {
        if self.secrets.len() > MOST_SECRETS {
            return "***".to_owned();
        }
        // One secret may be a part of another: what any of them covers is hidden. A flag for each
        // byte takes the same room however many secrets there are, and however often they occur.
        let mut covered = vec![false; text.len()];
        for reading in readings(text) {
            for secret in &self.secrets {
                for (start, hit) in reading.text().match_indices(secret.as_str()) {
                    covered[reading.origin(start..start + hit.len())].fill(true);
                }
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

/// The recursion is bounded by the parser, which lets in 128 levels at most.
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

fn one_line(text: &str) -> Zeroizing<String> {
    // No character gets longer: the buffer never grows, and leaves no unwiped copy behind.
    let mut line = Zeroizing::new(String::with_capacity(text.len()));
    line.extend(
        text.chars()
            .map(|char| if is_in_line(char) { char } else { ' ' }),
    );
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
