//! The requests that every service is given alike.

use std::convert::Infallible;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, Iter, Map};
use http::{HeaderValue, Request};
use http_body::Frame;
use http_body_util::{Empty, Full, StreamBody};

/// What clients usually send, beside the token.
const HEADERS: [(&str, &str); 12] = [
    ("accept", "application/json"),
    ("content-type", "application/json"),
    ("user-agent", "example-client/1.4.2"),
    ("x-request-id", "0b6f2f3e-54a5-4c8e-9d3c-3f6f0a0a2d11"),
    ("accept-encoding", "gzip, br"),
    ("accept-language", "en-GB, en;q=0.8"),
    ("cookie", "session=7f9d5e; theme=dark"),
    ("cache-control", "no-cache"),
    ("x-tenant", "4711"),
    (
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
    ("origin", "https://app.example.com"),
    ("referer", "https://app.example.com/properties"),
];

pub type Streamed = StreamBody<Map<Chunks, fn(Bytes) -> Result<Frame<Bytes>, Infallible>>>;
type Chunks = Iter<std::array::IntoIter<Bytes, 4>>;

/// How many headers there are beside the token, and how their values came to be.
#[derive(Clone, Copy)]
pub enum Headers {
    /// They cost nothing to clone.
    Static(usize),
    /// Made at run time, each in a buffer of its own. A clone of such a value allocates.
    Made(usize),
}

pub fn request<B>(headers: Headers, body: B) -> Request<B> {
    let mut request = Request::post("https://api.example.com/v4/properties/search");
    let (Headers::Static(number) | Headers::Made(number)) = headers;
    for (name, value) in &HEADERS[..number] {
        request = match headers {
            Headers::Static(_) => request.header(*name, HeaderValue::from_static(value)),
            Headers::Made(_) => request.header(*name, *value),
        };
    }
    request.body(body).unwrap()
}

pub fn empty() -> Empty<Bytes> {
    Empty::new()
}

pub fn one_kib() -> Full<Bytes> {
    Full::new(Bytes::from_static(&[b'x'; 1024]))
}

pub fn streamed() -> Streamed {
    let chunks = [const { Bytes::from_static(&[b'x'; 256]) }; 4];
    StreamBody::new(stream::iter(chunks).map(|chunk| Ok(Frame::data(chunk))))
}
