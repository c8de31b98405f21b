//! What a login may make of an answer: the token that it has, or an error of the right kind that
//! shows no secret.

use form_urlencoded::byte_serialize;
use http::header::RETRY_AFTER;
use serde_json::Value;

use super::{Answer, LIMIT, NESTED};
use crate::{AuthError, Token};

/// No `Display` of an error is longer, in characters.
const LONGEST: usize = 2500;

impl Answer {
    pub(super) fn check(&self, outcome: &Result<Token, AuthError>) {
        let json = serde_json::from_slice(&self.body).ok();
        let json = json.filter(|_| self.is_whole());
        match outcome {
            Ok(token) => self.check_token(token, json.as_ref()),
            Err(error) => {
                self.check_kind(error);
                self.check_texts(error, json.as_ref());
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.body.len() <= LIMIT && !self.delivery.breaks
    }

    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn check_token(&self, token: &Token, json: Option<&Value>) {
        assert!(self.is_success());
        let pointer = match self.preset {
            1 | 3 => "/access_token",
            2 => NESTED,
            _ => "/token",
        };
        let sent = json.unwrap().pointer(pointer);
        let sent = sent.and_then(Value::as_str).unwrap();
        assert_eq!(token.expose(), sent.trim_end_matches(['\r', '\n']));
        assert!(token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!token.expose().is_empty() && token.header_value().is_sensitive());
        let shown = format!("{token:?} {:?}", token.header_value());
        let refresh = token.expose_refresh_token();
        assert!(self.preset != 3 || refresh.is_some_and(|it| !it.is_empty()));
        for secret in [token.expose()].into_iter().chain(refresh) {
            assert!(!is_telling(secret) || !shown.contains(secret), "{shown}");
        }
    }

    /// As the table of the logins' documentation has it.
    fn check_kind(&self, error: &AuthError) {
        match self.status {
            200..300 if self.delivery.breaks && self.body.len() <= LIMIT => {
                assert!(error.is_unavailable());
            }
            408 | 425 | 500..600 => assert!(error.is_unavailable()),
            429 => assert!(error.is_unavailable() || self.is_whole() && error.is_rejected()),
            ..200 | 300..400 | 600.. => assert!(error.is_misconfigured()),
            // As the error says that the body names.
            200..300 | 404 | 405 => assert!(self.is_whole() || error.is_misconfigured()),
            _ => assert!(error.is_rejected() || error.is_unavailable()),
        }
        if let Some(wait) = error.retry_after() {
            assert!(error.is_unavailable() || error.is_rejected(), "{wait:?}");
            assert!(self.headers.contains_key(RETRY_AFTER));
        }
    }

    fn check_texts(&self, error: &AuthError, json: Option<&Value>) {
        let (display, debug) = (error.to_string(), format!("{error:?}"));
        for text in [&display, &debug] {
            assert!(is_one_line(text), "{text:?}");
            for secret in spellings(self.password) {
                assert!(!text.contains(&secret), "{text}");
            }
            for secret in tokens(json).filter(|token| is_telling(token)) {
                assert!(!text.contains(secret), "{text}");
            }
        }
        assert!(display.chars().count() <= LONGEST, "{display}");

        let Some(response) = error.response() else {
            assert!(self.is_success() && error.is_unavailable());
            return;
        };
        assert_eq!(response.status(), self.status);
        assert!(response.details().len() <= 16);
        let details = response.details().iter();
        let details = details.flat_map(|it| [it.field(), it.message(), it.kind()]);
        let texts = [
            response.error(),
            response.message(),
            response.code(),
            response.uri(),
            response.request_id(),
        ];
        for text in texts.into_iter().chain(details).flatten() {
            assert!(
                !text.trim().is_empty() && text.chars().count() <= 201,
                "{text:?}"
            );
            for secret in tokens(json) {
                // A mask and a cut can spell these by themselves.
                let secret = one_line(secret.trim());
                let spelled = secret.is_empty() || secret.contains(['*', '…']);
                assert!(spelled || !text.contains(&secret), "{text:?} {secret:?}");
            }
        }
    }
}

/// What the documentation promises to hide: the texts of the fields whose name ends in "token".
fn tokens(json: Option<&Value>) -> impl Iterator<Item = &str> {
    let nested = json.and_then(|json| json.pointer(NESTED));
    json.and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.to_ascii_lowercase().ends_with("token"))
        .filter_map(|(_, value)| value.as_str())
        .chain(nested.and_then(Value::as_str))
}

/// A text that stands in no text of ours, and does not come about where two texts meet.
fn is_telling(secret: &str) -> bool {
    let has = |is: fn(&u8) -> bool| secret.as_bytes().iter().any(is);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    secret.len() > 8
        && secret.bytes().all(is_plain)
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
}

fn spellings(secret: &str) -> [String; 9] {
    let secret = secret.trim();
    let json = serde_json::to_string(secret).unwrap();
    let debug = format!("{secret:?}");
    let form: String = byte_serialize(secret.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let html = secret.replace('&', "&amp;").replace('"', "&quot;");
    [
        secret.to_owned(),
        one_line(secret),
        json[1..json.len() - 1].to_owned(),
        debug[1..debug.len() - 1].to_owned(),
        percent.to_ascii_lowercase(),
        form.to_ascii_lowercase(),
        html,
        form,
        percent,
    ]
}

fn one_line(text: &str) -> String {
    text.replace(|char| !is_in_line(char), " ")
}

fn is_one_line(text: &str) -> bool {
    text.chars().all(is_in_line)
}

fn is_in_line(char: char) -> bool {
    !char.is_control() && !matches!(char, '\u{2028}' | '\u{2029}')
}
