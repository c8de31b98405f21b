//! What a first attempt has read, for the second one.

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

#[derive(Default)]
pub(super) struct Buffer {
    /// Shared with the frame that was passed on: a body of one frame costs no copy.
    first: Bytes,
    /// Copied, so that thousands of small frames neither cost an entry each nor pin the large
    /// buffers that they may be slices of.
    rest: Vec<u8>,
    /// Boxed: few requests have any, and every body would be larger by them.
    trailers: Option<Box<HeaderMap>>,
}

impl Buffer {
    /// Whether the frame is kept now. `false` if there would be more than `limit` bytes, or if
    /// its place could not be told later.
    pub(super) fn add(&mut self, frame: &Frame<Bytes>, limit: usize) -> bool {
        if let Some(data) = frame.data_ref() {
            data.is_empty() || self.add_data(data, limit)
        } else if let Some(trailers) = frame.trailers_ref() {
            self.add_trailers(trailers)
        } else {
            false
        }
    }

    pub(super) fn next(&mut self) -> Option<Frame<Bytes>> {
        if !self.first.is_empty() {
            Some(Frame::data(std::mem::take(&mut self.first)))
        } else if !self.rest.is_empty() {
            Some(Frame::data(std::mem::take(&mut self.rest).into()))
        } else {
            self.trailers
                .take()
                .map(|trailers| Frame::trailers(*trailers))
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.rest.is_empty() && self.trailers.is_none()
    }

    fn add_data(&mut self, data: &Bytes, limit: usize) -> bool {
        let fits = (self.first.len() + self.rest.len())
            .checked_add(data.len())
            .is_some_and(|total| total <= limit);
        if !fits || self.trailers.is_some() {
            return false;
        }
        if self.first.is_empty() {
            self.first = data.clone();
        } else {
            self.reserve(data.len(), limit);
            self.rest.extend_from_slice(data);
        }
        true
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

    fn add_trailers(&mut self, trailers: &HeaderMap) -> bool {
        if self.trailers.is_some() {
            return false;
        }
        self.trailers = Some(Box::new(trailers.clone()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B1: growing by doubling takes no more than the limit either.
    #[test]
    fn what_is_kept_takes_no_more_room_than_the_limit() {
        const LIMIT: usize = 1000;
        for size in [1, 3, 100, 250, 333, 999] {
            let frame = || Frame::data(Bytes::from(vec![b'x'; size]));
            let mut kept = Buffer::default();
            let mut frames = 0;
            while kept.add(&frame(), LIMIT) {
                frames += 1;
                assert!(kept.first.len() + kept.rest.capacity() <= LIMIT);
            }
            assert_eq!(frames, LIMIT / size);
        }
    }
}
