//! [`Given`]: a refresh token from elsewhere, and whether the server has replaced it.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::login::answer::refresh_token;

/// A refresh token from elsewhere. The source keeps it, where every other refresh token is gone
/// with its token, so the source has to know when it must not be sent any more.
pub(in crate::login) struct Given {
    text: Zeroizing<String>,
    /// An answer had another refresh token in its place.
    is_replaced: AtomicBool,
}

impl Given {
    pub(in crate::login) fn new(text: impl Into<String>) -> Self {
        let mut text = Zeroizing::new(text.into());
        let length = text.trim_end_matches(['\r', '\n']).len();
        text.truncate(length);
        Self {
            text,
            is_replaced: AtomicBool::new(false),
        }
    }

    pub(in crate::login) fn as_str(&self) -> &str {
        &self.text
    }

    pub(in crate::login) fn is_replaced(&self) -> bool {
        self.is_replaced.load(Ordering::Relaxed)
    }

    /// Takes note of an answer to it. The answer need not have a usable token: the server has
    /// changed the refresh token all the same.
    pub(in crate::login) fn note(&self, answer: &Value) {
        if refresh_token(answer).is_some_and(|new| new != self.as_str()) {
            self.is_replaced.store(true, Ordering::Relaxed);
        }
    }
}
