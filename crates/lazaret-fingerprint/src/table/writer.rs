//! Writes a table: blocks first, as the sorted keys go by, and then the directory over them.

use std::io::{self, Write};

use super::{PLACES_PER_ENTRY_MAX, Posting, SLOT_BYTES, Shape, Slot, filter_bits};
use crate::segment::SegmentError;
use crate::varint;

/// A source of keys in strictly rising order, each with its places in order.
pub(crate) trait Keys {
    /// Puts the places of the next key into `postings` and returns the key; `None` at the end.
    fn next_key(&mut self, postings: &mut Vec<Posting>) -> Result<Option<u64>, SegmentError>;
}

/// Counts the keys that are left.
pub(crate) fn count_keys(keys: &mut impl Keys) -> Result<u64, SegmentError> {
    let mut postings = Vec::new();
    let mut n_keys = 0;
    while keys.next_key(&mut postings)?.is_some() {
        n_keys += 1;
    }
    Ok(n_keys)
}

/// A table that is being written: only the directory and one block are in memory.
#[derive(Debug)]
pub(crate) struct TableWriter {
    shape: Shape,
    directory: Vec<Slot>,
    blocks_bytes: u64,
    n_keys: u64,
    n_postings: u64,
    n_block_keys: u64,
    rests: Vec<u8>,
    postings: Vec<u8>,
}

impl TableWriter {
    /// Returns a writer of a table of so many keys.
    pub(crate) fn new(n_keys: u64) -> Self {
        let shape = Shape::for_keys(n_keys);
        Self {
            shape,
            directory: vec![[0; SLOT_BYTES]],
            blocks_bytes: 0,
            n_keys: 0,
            n_postings: 0,
            n_block_keys: 0,
            rests: Vec::new(),
            postings: Vec::new(),
        }
    }

    /// Adds the next key; the places must be in order and one at least.
    pub(crate) fn push(
        &mut self,
        key: u64,
        postings: &mut Vec<Posting>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        while self.directory.len() - 1 < self.shape.slot(key) {
            self.close_block(out)?;
        }
        if let Some(slot) = self.directory.last_mut() {
            for (place, bit) in filter_bits(key) {
                if let Some(byte) = slot.get_mut(place) {
                    *byte |= 1 << bit;
                }
            }
        }
        let rest = self.shape.rest(key).to_le_bytes();
        self.rests.extend(rest.iter().take(self.shape.rest_bytes));
        drop_repeats(postings);
        let mut entry = 0;
        for (left, posting) in (0..postings.len()).rev().zip(postings.iter()) {
            varint::put(u64::from(posting.entry - entry), &mut self.postings);
            varint::put(u64::from(posting.first), &mut self.postings);
            let extent = u64::from(posting.last.saturating_sub(posting.first));
            varint::put((extent << 1) | u64::from(left > 0), &mut self.postings);
            entry = posting.entry;
        }
        self.n_block_keys += 1;
        self.n_keys += 1;
        self.n_postings += postings.len() as u64;
        Ok(())
    }

    /// Writes the last blocks and returns the directory, its head in front.
    pub(crate) fn finish(mut self, out: &mut impl Write) -> io::Result<Vec<u8>> {
        let n_slots = 1_usize << self.shape.slot_bits;
        while self.directory.len() <= n_slots {
            self.close_block(out)?;
        }
        self.directory.truncate(n_slots);
        let mut directory = Vec::with_capacity((1 + n_slots) * SLOT_BYTES);
        directory.extend(self.n_keys.to_le_bytes());
        directory.extend(self.n_postings.to_le_bytes());
        directory.resize(SLOT_BYTES, 0);
        directory.extend(self.directory.as_flattened());
        Ok(directory)
    }

    fn close_block(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.n_block_keys > 0 {
            let mut count = Vec::new();
            varint::put(self.n_block_keys, &mut count);
            for part in [&count, &self.rests, &self.postings] {
                out.write_all(part)?;
                self.blocks_bytes += part.len() as u64;
            }
        }
        self.n_block_keys = 0;
        self.rests.clear();
        self.postings.clear();
        let mut next = [0; SLOT_BYTES];
        next.iter_mut().zip(self.blocks_bytes.to_le_bytes()).for_each(|(to, from)| *to = from);
        self.directory.push(next);
        Ok(())
    }
}

/// Keeps the first places of each entry.
fn drop_repeats(postings: &mut Vec<Posting>) {
    let mut entry = None;
    let mut n_places = 0;
    postings.retain(|posting| {
        n_places = if entry == Some(posting.entry) { n_places + 1 } else { 1 };
        entry = Some(posting.entry);
        n_places <= PLACES_PER_ENTRY_MAX
    });
}
