//! What a first attempt has read, for the second one.

use std::mem;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;

/// From this size on, a first frame is shared if its buffer is its own.
///
/// `Bytes` does not tell the size of the buffer that it is a slice of: 1 KiB may keep 16 MiB alive.
/// Below this size a copy is as cheap as finding that out, which takes up to two allocations.
/// HTTP/2 sends data in frames of this size. The smallest bodies are copied together with their
/// account: sharing a `Bytes` that was made of a `Vec` costs an allocation too.
const SHARED_FROM: usize = 16 * 1024;

/// What an entry of a header list counts beyond its bytes (RFC 9113, section 6.5.2).
const ENTRY: usize = 32;

#[derive(Default)]
pub(super) struct Buffer {
    /// Shared with the frame that was passed on, if it is large and has its buffer to itself. A
    /// large body in one frame is not copied.
    first: Bytes,
    /// Copied, so that thousands of small frames do not take an entry each, and none keeps alive
    /// the larger buffer that it may be a slice of.
    rest: Vec<u8>,
    /// Boxed: few requests have any, and every body would be larger by them.
    trailers: Option<Box<HeaderMap>>,
}

impl Buffer {
    /// Whether the frame is kept now. `false` if there would be more than `limit` bytes, or if
    /// its place could not be told later. The frame may get another handle to the same data.
    pub(super) fn add(&mut self, frame: &mut Frame<Bytes>, limit: usize) -> bool {
        if let Some(data) = frame.data_mut() {
            data.is_empty() || self.add_data(data, limit)
        } else if let Some(trailers) = frame.trailers_ref() {
            self.add_trailers(trailers, limit)
        } else {
            false
        }
    }

    pub(super) fn next(&mut self) -> Option<Frame<Bytes>> {
        if !self.first.is_empty() {
            Some(Frame::data(mem::take(&mut self.first)))
        } else if !self.rest.is_empty() {
            Some(Frame::data(mem::take(&mut self.rest).into()))
        } else {
            self.trailers
                .take()
                .map(|trailers| Frame::trailers(*trailers))
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.rest.is_empty() && self.trailers.is_none()
    }

    fn add_data(&mut self, data: &mut Bytes, limit: usize) -> bool {
        if self.trailers.is_some() || !self.has_room_for(data.len(), limit) {
            return false;
        }
        let is_first = self.first.is_empty() && self.rest.is_empty();
        if is_first && data.len() >= SHARED_FROM && has_its_own_buffer(data) {
            self.first = data.clone();
        } else {
            self.reserve(data.len(), limit);
            self.rest.extend_from_slice(data);
        }
        true
    }

    fn has_room_for(&self, additional: usize, limit: usize) -> bool {
        (self.first.len() + self.rest.len())
            .checked_add(additional)
            .is_some_and(|total| total <= limit)
    }

    /// Doubles, but never beyond the limit.
    fn reserve(&mut self, additional: usize, limit: usize) {
        let needed = self.rest.len() + additional;
        if needed > self.rest.capacity() {
            let room = limit - self.first.len();
            let capacity = needed.max(2 * self.rest.capacity()).min(room);
            self.rest.reserve_exact(capacity - self.rest.len());
        }
    }

    fn add_trailers(&mut self, trailers: &HeaderMap, limit: usize) -> bool {
        if self.trailers.is_some() || !self.has_room_for(size_of_trailers(trailers), limit) {
            return false;
        }
        self.trailers = Some(Box::new(trailers.clone()));
        true
    }
}

/// What trailers count against the limit.
pub(super) fn size_of_trailers(trailers: &HeaderMap) -> usize {
    let size =
        |(name, value): (&HeaderName, &HeaderValue)| ENTRY + name.as_str().len() + value.len();
    trailers.iter().map(size).sum()
}

/// Whether nobody else has a handle to the data's buffer, and that is less than twice as large. Of
/// static data, and of an owner of its own, nothing is known.
fn has_its_own_buffer(data: &mut Bytes) -> bool {
    match mem::take(data).try_into_mut() {
        Ok(mut buffer) => {
            // Room behind the data, or as much before it as the data takes.
            let has_room = buffer.try_reclaim(1);
            *data = buffer.freeze();
            !has_room
        }
        Err(shared) => {
            *data = shared;
            false
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::BytesMut;

    use super::*;

    const LARGE: usize = 2 * SHARED_FROM;

    /// B1: growing by doubling takes no more than the limit either.
    #[test]
    fn what_is_kept_takes_no_more_room_than_the_limit() {
        for limit in [1000, 100_000] {
            for size in [1, 3, 100, 250, 333, 999, SHARED_FROM, 33_000] {
                let mut kept = Buffer::default();
                let mut frames = 0;
                while kept.add(&mut Frame::data(Bytes::from(vec![b'x'; size])), limit) {
                    frames += 1;
                    assert!(kept.first.len() + kept.rest.capacity() <= limit);
                }
                assert_eq!(frames, limit / size);
            }
        }
    }

    /// B1: small frames take room for less than twice their bytes, and it grows by doubling.
    #[test]
    fn room_for_small_frames_is_doubled_when_it_is_used_up() {
        let mut kept = Buffer::default();
        let mut rooms = vec![0];
        for len in 1..=1000 {
            assert!(kept.add(&mut Frame::data(Bytes::from_static(b"x")), usize::MAX));
            let room = kept.rest.capacity();
            assert!(room < 2 * len, "{room} for {len}");
            if rooms.last() != Some(&room) {
                rooms.push(room);
            }
        }
        assert!(rooms.len() <= 12, "{rooms:?}");
    }

    /// B1: data whose buffer is larger is copied, however large it is and wherever it lies, and so
    /// is data that others have a handle to. Nothing is lost by the look at the buffer.
    #[test]
    fn only_large_data_that_has_its_buffer_to_itself_is_shared() {
        let text: Vec<u8> = (0..=255).cycle().take(8 * LARGE).collect();
        let roomy = |range| {
            let mut buffer = BytesMut::with_capacity(2 * text.len());
            buffer.extend_from_slice(&text);
            buffer.freeze().slice(range)
        };
        let held = Bytes::copy_from_slice(&text[..LARGE]);
        let leaked: &'static [u8] = Vec::leak(text[..LARGE].to_vec());
        let cases = [
            ("exact", Bytes::copy_from_slice(&text[..LARGE]), true),
            ("of a vector", text[..LARGE].to_vec().into(), true),
            ("at the threshold", text[..16 * 1024].to_vec().into(), true),
            ("small", text[..16 * 1024 - 1].to_vec().into(), false),
            (
                "at the start",
                Bytes::from(text.clone()).slice(..LARGE),
                false,
            ),
            (
                "inside",
                Bytes::from(text.clone()).slice(LARGE..2 * LARGE),
                false,
            ),
            (
                "at the end",
                Bytes::from(text.clone()).slice(7 * LARGE..),
                false,
            ),
            ("at the start with room", roomy(0..LARGE), false),
            ("inside with room", roomy(LARGE..2 * LARGE), false),
            ("at the end with room", roomy(7 * LARGE..8 * LARGE), false),
            ("with room behind it", roomy(0..8 * LARGE), false),
            ("held by another", held.clone(), false),
            ("static", Bytes::from_static(leaked), false),
            (
                "with an owner",
                Bytes::from_owner(text[..LARGE].to_vec()),
                false,
            ),
        ];
        for (case, data, is_shared) in cases {
            let expected = data.to_vec();
            let mut frame = Frame::data(data);
            let mut kept = Buffer::default();

            assert!(kept.add(&mut frame, usize::MAX), "{case}");

            assert_eq!(kept.first.is_empty(), !is_shared, "{case}");
            let passed_on = frame.into_data().unwrap();
            assert_eq!(passed_on, expected, "{case}");
            assert_eq!(
                kept.next().unwrap().into_data().unwrap(),
                expected,
                "{case}"
            );
            assert!(kept.is_empty(), "{case}");
        }
    }

    /// B1: by their names, their values and something for each entry. They share the limit with the
    /// data before them.
    #[test]
    fn trailers_count_against_the_limit() {
        let mut trailers = HeaderMap::new();
        for value in ["12", "", "3456"] {
            trailers.append("grpc-status", value.parse().unwrap());
        }
        trailers.insert("x", "7".parse().unwrap());
        let size = 3 * (32 + 11) + 6 + (32 + 2);

        for data in ["", "some data"] {
            let fits = |limit| {
                let mut kept = Buffer::default();
                assert!(kept.add(&mut Frame::data(Bytes::from(data)), limit));
                kept.add(&mut Frame::trailers(trailers.clone()), limit)
            };
            assert!(fits(data.len() + size));
            assert!(!fits(data.len() + size - 1));
            assert!(!fits(data.len()));
        }
    }
}
