//! The copy of a request's head that a retry is made from.

use bytes::{Buf, BufMut, Bytes};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

/// A copy that is cheap to make: hardly one in a thousand is ever read.
///
/// Copying a `HeaderMap` copies its index, and gives each value that was a buffer of its own a
/// shared owner. Here names and values lie in one buffer, to be parsed again when needed.
pub(crate) struct Head {
    method: Method,
    uri: Uri,
    version: Version,
    extensions: Extensions,
    headers: Packed,
}

/// Each header as a [`Prefix`], its name and its value. Repeated names keep their order.
struct Packed {
    bytes: Vec<u8>,
}

#[derive(Debug, PartialEq)]
struct Prefix {
    name: usize,
    value: usize,
    is_sensitive: bool,
}

impl Head {
    pub(crate) fn copy(head: &Parts) -> Self {
        Self {
            method: head.method.clone(),
            uri: head.uri.clone(),
            version: head.version,
            extensions: head.extensions.clone(),
            headers: Packed::new(&head.headers),
        }
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

impl Packed {
    fn new(headers: &HeaderMap) -> Self {
        let length = |(name, value): (&HeaderName, &HeaderValue)| {
            Prefix::LENGTH + name.as_str().len() + value.len()
        };
        let mut bytes = Vec::with_capacity(headers.iter().map(length).sum());
        for (name, value) in headers {
            let prefix = Prefix {
                name: name.as_str().len(),
                value: value.len(),
                is_sensitive: value.is_sensitive(),
            };
            bytes.extend_from_slice(&prefix.to_bytes());
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(value.as_bytes());
        }
        Self { bytes }
    }

    #[expect(clippy::expect_used, reason = "proved below")]
    fn unpack(self) -> HeaderMap {
        let mut bytes = Bytes::from(self.bytes);
        let mut headers = HeaderMap::new();
        while bytes.has_remaining() {
            let prefix = Prefix::read(&mut bytes);
            let name = bytes.split_to(prefix.name);
            let value = bytes.split_to(prefix.value);
            // Both were a name and a value before: these are the checks that they passed then.
            let name = HeaderName::from_bytes(&name).expect("a header's name");
            let mut value = HeaderValue::from_maybe_shared(value).expect("a header's value");
            value.set_sensitive(prefix.is_sensitive);
            headers.append(name, value);
        }
        headers
    }
}

impl Prefix {
    const LENGTH: usize = 2 * size_of::<usize>() + 1;

    fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let mut rest = &mut bytes[..];
        rest.put_slice(&self.name.to_ne_bytes());
        rest.put_slice(&self.value.to_ne_bytes());
        rest.put_u8(self.is_sensitive.into());
        bytes
    }

    fn read(bytes: &mut Bytes) -> Self {
        let mut length = || {
            let mut length = [0; size_of::<usize>()];
            bytes.copy_to_slice(&mut length);
            usize::from_ne_bytes(length)
        };
        Self {
            name: length(),
            value: length(),
            is_sensitive: bytes.get_u8() != 0,
        }
    }
}
