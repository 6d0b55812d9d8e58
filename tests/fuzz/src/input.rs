//! One input as a target reads it: bytes, fields, and what is left.

use std::borrow::Cow;

/// What ends a field: a byte that mutations keep, and that no text needs.
const SEPARATOR: u8 = 0x1f;

/// Reads an input from its start; at its end, everything is 0 or empty.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// Begins to read.
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// Returns the next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    /// Returns the bytes up to the next separator, which is skipped.
    pub fn field(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == SEPARATOR);
        let (field, rest) = match end {
            Some(end) => (&self.0[..end], &self.0[end + 1..]),
            None => (self.0, &[][..]),
        };
        self.0 = rest;
        field
    }

    /// Returns the next field as text; what is not UTF-8 becomes U+FFFD.
    pub fn text(&mut self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.field())
    }

    /// Returns everything that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
