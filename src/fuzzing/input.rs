//! Bytes, read as whatever a target needs. At their end everything is zero or empty.

pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *byte
    }

    /// What comes before the next such byte.
    pub(super) fn until(&mut self, end: u8) -> &'a [u8] {
        let mut parts = self.0.splitn(2, |byte| *byte == end);
        let found = parts.next().unwrap_or_default();
        self.0 = parts.next().unwrap_or_default();
        found
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}
