//! Words of a line, with where they stand.

use crate::row::{Coding, Piece, Row, Slot};

/// A word.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Word<'l> {
    pub(crate) start: usize,
    pub(crate) bytes: &'l [u8],
}

impl Word<'_> {
    /// Puts it down as the question of a resolver.
    pub(crate) fn put_name(self, row: &mut Row) {
        self.put(row, Slot::Question);
    }

    /// Puts it down.
    pub(crate) fn put(self, row: &mut Row, slot: Slot) {
        Words::put(row, slot, self.start, self.start + self.bytes.len());
    }
}

/// Goes from word to word; what stands between two is spaces.
#[derive(Debug, Clone)]
pub(crate) struct Words<'l> {
    line: &'l [u8],
    at: usize,
}

impl<'l> Words<'l> {
    pub(crate) fn new(line: &'l [u8], at: usize) -> Self {
        Self { line, at }
    }

    /// Returns up to `N` words, and how many there are.
    pub(crate) fn several<const N: usize>(mut self) -> ([Word<'l>; N], usize) {
        let mut words = [Word::default(); N];
        let mut count = 0;
        for place in &mut words {
            let Some(word) = self.next() else { break };
            *place = word;
            count += 1;
        }
        (words, count)
    }

    /// Puts down the bytes from `start` to `end`.
    pub(crate) fn put(row: &mut Row, slot: Slot, start: usize, end: usize) {
        if start < end {
            row.set(slot, Piece::new(start, end, Coding::Plain));
        }
    }

    /// Returns where it stands.
    pub(crate) fn at(&self) -> usize {
        self.at
    }
}

impl<'l> Iterator for Words<'l> {
    type Item = Word<'l>;

    fn next(&mut self) -> Option<Word<'l>> {
        let rest = self.line.get(self.at..)?;
        let start = self.at + rest.iter().position(|byte| *byte != b' ')?;
        let rest = self.line.get(start..)?;
        let bytes = rest.get(..memchr::memchr(b' ', rest).unwrap_or(rest.len()))?;
        self.at = start + bytes.len();
        Some(Word { start, bytes })
    }
}
