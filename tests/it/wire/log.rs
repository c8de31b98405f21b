//! What a server notes of the requests that reach it.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use http_body::Frame;

/// What has happened at the server.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) accepted: usize,
    /// Connections open now.
    pub(super) connections: usize,
    /// Requests and responses that somebody still holds.
    pub(super) exchanges: usize,
    pub(super) requests: Vec<Received>,
}

#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) token: String,
    pub(super) framing: Framing,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Option<HeaderMap>,
    /// `None` as long as there may come more.
    pub(super) end: Option<End>,
}

/// What the head says of the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Framing {
    pub(super) content_length: Option<String>,
    pub(super) transfer_encoding: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// As a body ends that is complete.
    Whole,
    /// In an error.
    Broken,
    /// The server dropped it.
    Dropped,
}

impl Log {
    /// How the requests ended that did.
    pub(super) fn ends(&self) -> Vec<End> {
        let ends = self.requests.iter().filter_map(|request| request.end);
        ends.collect()
    }
}

pub(super) fn has_got(log: &Log, number: usize, body: &[u8]) -> bool {
    let request = log.requests.get(number);
    request.is_some_and(|request| request.body == body)
}

impl Received {
    pub(super) fn new(head: &Parts) -> Self {
        let all = |name: HeaderName| {
            let values = head.headers.get_all(name);
            let values: Vec<_> = values.iter().map(|value| value.to_str().unwrap()).collect();
            (!values.is_empty()).then(|| values.join(" AND "))
        };
        Self {
            token: all(AUTHORIZATION).unwrap_or_default(),
            framing: Framing {
                content_length: all(CONTENT_LENGTH),
                transfer_encoding: all(TRANSFER_ENCODING),
            },
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, frame: &Frame<Bytes>) {
        if let Some(data) = frame.data_ref() {
            self.body.extend_from_slice(data);
        }
        if let Some(trailers) = frame.trailers_ref() {
            self.trailers = Some(trailers.clone());
        }
    }
}
