//! The copy of a request's head that a retry is made from.

use bytes::{Buf, Bytes};
use http::request::Parts;
use http::uri::{self, Authority, PathAndQuery, Scheme};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

use crate::grpc_timeout::{self, GrpcDeadline};
use crate::session::Key;

/// A copy that is cheap to make: hardly one in a thousand is ever read.
///
/// Copying a `HeaderMap` copies its index, and gives each value that was a buffer of its own a
/// shared owner; copying a `Uri` counts two owners. Here all texts lie in one buffer, to be parsed
/// again when needed.
pub(crate) struct HeadSnapshot {
    method: Method,
    version: Version,
    scheme: Option<Scheme>,
    extensions: Extensions,
    /// Of the authority, and of path and query: nothing is of no length.
    authority_len: usize,
    path_len: usize,
    /// The authority, path and query, then each header: the length of its name and whether its
    /// value is sensitive, the length of its value, its name and its value. Repeated names keep
    /// their order.
    bytes: Vec<u8>,
    /// Of the request, if it has a `grpc-timeout`: measured from the moment of the copy. Boxed, as
    /// every response future would be larger by it.
    deadline: Option<Box<GrpcDeadline>>,
}

const WORD: usize = size_of::<usize>();

const PREFIX: usize = 2 * WORD;

/// What most headers take less than, on average.
const LIKELY: usize = 64;

impl HeadSnapshot {
    /// Returns `None` if the request has a header of this name. The pass over all headers finds it,
    /// where a look-up would hash the name.
    pub(crate) fn of(request: &Parts, own: &HeaderName) -> Option<Self> {
        let uri = &request.uri;
        let authority = uri.authority().map_or("", Authority::as_str);
        let path = uri.path_and_query().map_or("", PathAndQuery::as_str);
        let (bytes, has_grpc_timeout) = pack([authority, path], &request.headers, own.as_str())?;
        Some(Self {
            method: request.method.clone(),
            version: request.version,
            scheme: uri.scheme().cloned(),
            extensions: request.extensions.clone(),
            authority_len: authority.len(),
            path_len: path.len(),
            bytes,
            deadline: has_grpc_timeout
                .then(|| GrpcDeadline::of(&request.headers))
                .flatten()
                .map(Box::new),
        })
    }

    pub(crate) fn key(&self) -> Key {
        let (_, rest) = self.bytes.split_at(self.authority_len);
        let uri = unpack_uri(
            None,
            Bytes::new(),
            Bytes::copy_from_slice(&rest[..self.path_len]),
        );
        Key::of(&self.method, &uri)
    }

    pub(crate) fn deadline(&self) -> Option<GrpcDeadline> {
        self.deadline.as_deref().copied()
    }

    pub(crate) fn into_request<B>(self, body: B) -> Request<B> {
        let mut bytes = Bytes::from(self.bytes);
        let authority = bytes.split_to(self.authority_len);
        let path = bytes.split_to(self.path_len);
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = unpack_uri(self.scheme, authority, path);
        *request.version_mut() = self.version;
        *request.extensions_mut() = self.extensions;
        *request.headers_mut() = unpack_headers(bytes);
        request
    }
}

/// Also returns whether there is a `grpc-timeout`, which a look-up would have to hash the name for
/// in every request. Returns `None` if a header is named `own`.
fn pack([authority, path]: [&str; 2], headers: &HeaderMap, own: &str) -> Option<(Vec<u8>, bool)> {
    // Measuring them first would take as long as packing them.
    let likely = authority.len() + path.len() + headers.len() * LIKELY;
    let mut bytes = Vec::with_capacity(likely);
    bytes.extend_from_slice(authority.as_bytes());
    bytes.extend_from_slice(path.as_bytes());
    let mut has_grpc_timeout = false;
    for (name, value) in headers {
        let name = name.as_str();
        if name == own {
            return None;
        }
        has_grpc_timeout |= name == grpc_timeout::NAME;
        let name_and_sensitive = name.len() << 1 | usize::from(value.is_sensitive());
        let mut prefix = [0; PREFIX];
        prefix[..WORD].copy_from_slice(&name_and_sensitive.to_ne_bytes());
        prefix[WORD..].copy_from_slice(&value.len().to_ne_bytes());
        bytes.extend_from_slice(&prefix);
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(value.as_bytes());
    }
    Some((bytes, has_grpc_timeout))
}

/// What was parsed once is parsed again into the same.
#[expect(clippy::expect_used, reason = "each part was one of a URI before")]
fn unpack_uri(scheme: Option<Scheme>, authority: Bytes, path: Bytes) -> Uri {
    let mut parts = uri::Parts::default();
    parts.scheme = scheme;
    if !authority.is_empty() {
        parts.authority = Some(Authority::from_maybe_shared(authority).expect("an authority"));
    }
    if !path.is_empty() {
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(path).expect("a path"));
    }
    Uri::from_parts(parts).expect("parts of a URI")
}

#[expect(clippy::expect_used, reason = "each was a name and a value before")]
fn unpack_headers(mut bytes: Bytes) -> HeaderMap {
    let mut headers = HeaderMap::new();
    while bytes.has_remaining() {
        let name_and_sensitive = take_length(&mut bytes);
        let value = take_length(&mut bytes);
        let name = bytes.split_to(name_and_sensitive >> 1);
        let value = bytes.split_to(value);
        // Every name is in lower case, and `from_bytes` does not take all that HTTP/2 lets through.
        let name = HeaderName::from_lowercase(&name).expect("a header's name");
        let mut value = HeaderValue::from_maybe_shared(value).expect("a header's value");
        value.set_sensitive(name_and_sensitive & 1 == 1);
        headers.append(name, value);
    }
    headers
}

fn take_length(bytes: &mut Bytes) -> usize {
    let mut length = [0; WORD];
    bytes.copy_to_slice(&mut length);
    usize::from_ne_bytes(length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http::header;
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

    /// Of all forms, and what merely looks like one.
    fn uri() -> impl Strategy<Value = Uri> {
        let text = prop_oneof![
            "(https?|HTTPS|ftp|x\\+y)://([a-z:]{1,4}@)?([a-zA-Z0-9.-]{1,12}|\\[::1\\])(:[0-9]{0,6})?(/[!-~é]{0,12})?(\\?[!-~]{0,12})?",
            "/[!-~é]{0,20}",
            "[!-~]{1,20}",
            "[a-z0-9.:]{1,20}",
        ];
        text.prop_filter_map("no URI", |text| Uri::try_from(text).ok())
    }

    fn parts(uri: &Uri) -> [Option<&str>; 4] {
        [
            uri.scheme_str(),
            uri.authority().map(Authority::as_str),
            uri.path_and_query().map(PathAndQuery::as_str),
            uri.query(),
        ]
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

            let packed = pack(["", ""], &map, "authorization").unwrap().0;
            let unpacked = unpack_headers(packed.into());

            prop_assert_eq!(listed(&unpacked), listed(&map));
        }

        /// R5: whatever the URI.
        #[test]
        fn a_uri_comes_out_as_it_went_in(uri in uri()) {
            let request = Request::builder().uri(uri.clone()).header("x-a", "1").body(()).unwrap();

            let (request, ()) = request.into_parts();
            let head = HeadSnapshot::of(&request, &header::AUTHORIZATION).unwrap();
            prop_assert_eq!(head.key(), Key::of(&request.method, &uri));
            let copy = head.into_request(());

            prop_assert_eq!(parts(copy.uri()), parts(&uri));
            prop_assert_eq!(copy.headers(), &request.headers);
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

        let (request, ()) = request.into_parts();
        let head = HeadSnapshot::of(&request, &header::AUTHORIZATION).unwrap();
        let copy = head.into_request("another body");

        assert_eq!(copy.method(), request.method);
        assert_eq!(copy.uri(), &request.uri);
        assert_eq!(copy.version(), request.version);
        assert_eq!(copy.extensions().get::<u8>(), Some(&17));
        assert_eq!(copy.headers(), &request.headers);
        assert_eq!(*copy.body(), "another body");
    }
}
