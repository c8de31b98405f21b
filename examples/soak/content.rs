//! What a request says of its own body, and the bytes that follow from that: both ends know them
//! without keeping them.

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderValue, Method};

use crate::rng::mix;

/// The header in which a request describes itself.
pub(crate) const CLAIM: &str = "x-soak";
/// The trailer behind a body that claims to have one.
pub(crate) const SUM: &str = "x-sum";

#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) id: u64,
    pub(crate) len: usize,
    pub(crate) method: Method,
    /// Its length is known before it is sent.
    pub(crate) sized: bool,
    pub(crate) trailers: bool,
}

/// FNV-1a: the same however the bytes were cut into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sum(u64);

impl Claim {
    pub(crate) fn path(&self) -> String {
        format!("/items/{}", self.id)
    }

    pub(crate) fn header(&self) -> Result<HeaderValue, http::Error> {
        let Self {
            id, len, method, ..
        } = self;
        let (sized, trailers) = (u8::from(self.sized), u8::from(self.trailers));
        Ok(format!("{id} {len} {method} {sized} {trailers}").try_into()?)
    }

    /// What a request claims to be, if it is what it claims.
    pub(crate) fn of(head: &Parts) -> Result<Self, String> {
        let claims: Vec<_> = head.headers.get_all(CLAIM).iter().collect();
        let [claim] = claims[..] else {
            return Err(format!("a request has {} `{CLAIM}` headers", claims.len()));
        };
        let claim = Self::parse(claim).ok_or_else(|| format!("an odd claim: {claim:?}"))?;
        let (id, len) = (claim.id, claim.len);
        if head.method != claim.method || head.uri.path() != claim.path() {
            let (method, uri) = (&head.method, &head.uri);
            return Err(format!("request {id} came as {method} {uri}"));
        }
        let length = head.headers.get(CONTENT_LENGTH);
        let length = length.map(|length| length.to_str().unwrap_or("").parse::<usize>());
        let expected = match (claim.sized, len) {
            // Without a body there need not be a length.
            (true, 0) => matches!(length, None | Some(Ok(0))),
            (true, _) => length == Some(Ok(len)),
            // A framing of its own, or an end known before the first byte.
            (false, _) => length.is_none() || len == 0 && length == Some(Ok(0)),
        };
        match expected {
            true => Ok(claim),
            false => Err(format!("request {id} of {len} B has the length {length:?}")),
        }
    }

    fn parse(header: &HeaderValue) -> Option<Self> {
        let mut words = header.to_str().ok()?.split(' ');
        Some(Self {
            id: words.next()?.parse().ok()?,
            len: words.next()?.parse().ok()?,
            method: words.next()?.parse().ok()?,
            sized: words.next()? == "1",
            trailers: words.next()? == "1",
        })
    }

    pub(crate) fn bytes(&self, at: usize, len: usize) -> Bytes {
        let mut bytes = BytesMut::zeroed(len);
        let mut word = [0; 8];
        for (byte, place) in bytes.iter_mut().zip(at..) {
            if place % 8 == 0 || place == at {
                word = mix(self.id ^ mix(place as u64 / 8 + 1)).to_le_bytes();
            }
            *byte = word[place % 8];
        }
        bytes.freeze()
    }

    pub(crate) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        for at in (0..self.len).step_by(16 * 1024) {
            sum.add(&self.bytes(at, (self.len - at).min(16 * 1024)));
        }
        sum
    }

    /// What a server that got all of it answers.
    pub(crate) fn receipt(&self, sum: Sum) -> String {
        format!("{} {} {:016x}", self.id, self.len, sum.0)
    }
}

impl Default for Sum {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Sum {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
