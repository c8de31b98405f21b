//! The copy of a request's head that a retry is made from.

use bytes::{Buf, Bytes};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

use crate::grpc_timeout::{self, GrpcDeadline};
use crate::session::Key;

/// A copy that is cheap to make: hardly one in a thousand is ever read.
///
/// Copying a `HeaderMap` copies its index, and gives each value that was a buffer of its own a
/// shared owner. Here names and values lie in one buffer, to be parsed again when needed.
pub(crate) struct HeadSnapshot {
    method: Method,
    uri: Uri,
    version: Version,
    extensions: Extensions,
    headers: PackedHeaders,
    /// Of the request, if it has a `grpc-timeout`: measured from the moment of the copy. Boxed, as
    /// every response future would be larger by it.
    deadline: Option<Box<GrpcDeadline>>,
}

/// Each header as the length of its name, the length of its value, whether that is sensitive, its
/// name and its value. Repeated names keep their order.
struct PackedHeaders {
    bytes: Box<[u8]>,
}

const WORD: usize = size_of::<usize>();

const PREFIX: usize = 2 * WORD + 1;

impl HeadSnapshot {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let (headers, has_grpc_timeout) = PackedHeaders::new(request.headers());
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            extensions: request.extensions().clone(),
            headers,
            deadline: has_grpc_timeout
                .then(|| GrpcDeadline::of(request.headers()))
                .flatten()
                .map(Box::new),
        }
    }

    pub(crate) fn key(&self) -> Key {
        Key::of(&self.method, &self.uri)
    }

    pub(crate) fn deadline(&self) -> Option<GrpcDeadline> {
        self.deadline.as_deref().copied()
    }

    pub(crate) fn into_request<B>(self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.extensions_mut() = self.extensions;
        *request.headers_mut() = self.headers.unpack();
        request
    }
}

impl PackedHeaders {
    /// Also returns whether there is a `grpc-timeout`, which a look-up would have to hash the name
    /// for in every request.
    fn new(headers: &HeaderMap) -> (Self, bool) {
        let length =
            |(name, value): (&HeaderName, &HeaderValue)| PREFIX + name.as_str().len() + value.len();
        let mut bytes = Vec::with_capacity(headers.iter().map(length).sum());
        let mut has_grpc_timeout = false;
        for (name, value) in headers {
            let name = name.as_str();
            has_grpc_timeout |= name == grpc_timeout::NAME;
            let mut prefix = [0; PREFIX];
            prefix[..WORD].copy_from_slice(&name.len().to_ne_bytes());
            prefix[WORD..2 * WORD].copy_from_slice(&value.len().to_ne_bytes());
            prefix[2 * WORD] = value.is_sensitive().into();
            bytes.extend_from_slice(&prefix);
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(value.as_bytes());
        }
        let bytes = bytes.into_boxed_slice();
        (Self { bytes }, has_grpc_timeout)
    }

    #[expect(clippy::expect_used, reason = "proved below")]
    fn unpack(self) -> HeaderMap {
        let mut bytes = Bytes::from(self.bytes);
        let mut headers = HeaderMap::new();
        while bytes.has_remaining() {
            let (name, value) = (take_length(&mut bytes), take_length(&mut bytes));
            let is_sensitive = bytes.get_u8() != 0;
            let name = bytes.split_to(name);
            let value = bytes.split_to(value);
            // Both were a name and a value before. Every name is in lower case, and `from_bytes`
            // does not take all that HTTP/2 lets through.
            let name = HeaderName::from_lowercase(&name).expect("a header's name");
            let mut value = HeaderValue::from_maybe_shared(value).expect("a header's value");
            value.set_sensitive(is_sensitive);
            headers.append(name, value);
        }
        headers
    }
}

fn take_length(bytes: &mut Bytes) -> usize {
    let mut length = [0; WORD];
    bytes.copy_to_slice(&mut length);
    usize::from_ne_bytes(length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
        // Few names, so that many are repeated; standard ones, others, and one that is long.
        let name = prop_oneof![
            "(accept|cookie|host|te|x-a|x-b|grpc-timeout)",
            "[a-z0-9!\"#$%&'*+.^_`|~-]{1,80}",
        ];
        let name = name.prop_map(|name| HeaderName::from_lowercase(name.as_bytes()).unwrap());
        let value = vec(
            prop_oneof![Just(b'\t'), b' '..=b'~', 0x80..=0xff_u8],
            0..100,
        );
        (name, value, any::<bool>()).prop_map(|(name, value, is_sensitive)| {
            let mut value = HeaderValue::from_bytes(&value).unwrap();
            value.set_sensitive(is_sensitive);
            (name, value)
        })
    }

    fn listed(headers: &HeaderMap) -> Vec<(&HeaderName, &HeaderValue, bool)> {
        let listed = |(name, value)| (name, value, HeaderValue::is_sensitive(value));
        headers.iter().map(listed).collect()
    }

    proptest! {
        /// R5: repeated names, the order of all, and sensitive flags survive.
        #[test]
        fn headers_come_out_as_they_went_in(
            headers in vec(header(), 0..40),
            removed in vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let mut map = HeaderMap::new();
            for (name, value) in headers.clone() {
                map.append(name, value);
            }
            // A removal leaves the map in an order that is not that of the insertions.
            if !headers.is_empty() {
                for index in removed {
                    map.remove(&index.get(&headers).0);
                }
            }

            let unpacked = PackedHeaders::new(&map).0.unpack();

            prop_assert_eq!(listed(&unpacked), listed(&map));
        }
    }

    /// R5: the rest of the head as well.
    #[test]
    fn a_request_comes_out_as_it_went_in() {
        let request = Request::builder()
            .method("PROPFIND")
            .uri("HTTPS://user@Example.com:8443/a?b")
            .version(Version::HTTP_2)
            .header("x-a", "1")
            .extension(17_u8)
            .body(())
            .unwrap();

        let copy = HeadSnapshot::of(&request).into_request("another body");

        assert_eq!(copy.method(), request.method());
        assert_eq!(copy.uri(), request.uri());
        assert_eq!(copy.version(), request.version());
        assert_eq!(copy.extensions().get::<u8>(), Some(&17));
        assert_eq!(copy.headers(), request.headers());
        assert_eq!(*copy.body(), "another body");
    }
}
