//! Maps keys of 56 bits to where they occur; made so that asking for a key that is not there costs one cache line.
//!
//! The top bits of a key choose a slot of 64 bytes. The slot says where the keys of the slot begin among the blocks,
//! and holds a Bloom filter over them: a miss ends there, 99 times in 100. A block holds the remaining bits of its
//! keys, sorted, and behind them the places of each. The filter only ever saves work: what it lets through is looked
//! up among the keys themselves.

use crate::segment::{SegmentError, damaged};
use crate::varint;
use crate::winnow::FINGERPRINT_BITS;

mod writer;

pub(crate) use writer::{Keys, TableWriter, count_keys};

/// Where a key occurs: in an entry, from line to line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Posting {
    pub(crate) entry: u32,
    pub(crate) first: u32,
    pub(crate) last: u32,
}

/// A key's places in one entry beyond these are not kept: what repeats itself so often says nothing new.
pub(crate) const PLACES_PER_ENTRY_MAX: usize = 8;

const SLOT_BYTES: usize = 64;

/// A slot of the directory: where its block begins, and a filter over its keys.
type Slot = [u8; SLOT_BYTES];

/// A table in the bytes of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'a> {
    slots: &'a [Slot],
    blocks: &'a [u8],
    shape: Shape,
    n_keys: u64,
    n_postings: u64,
}

/// How many bits of a key choose the slot, and how many bytes hold the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    slot_bits: u32,
    rest_bytes: usize,
}

impl Shape {
    fn new(slot_bits: u32) -> Self {
        let rest_bits = FINGERPRINT_BITS.saturating_sub(slot_bits);
        Self { slot_bits, rest_bytes: usize::try_from(rest_bits.div_ceil(8)).unwrap_or_default() }
    }

    /// Returns the shape for so many keys: the fewest slots that hold 48 keys or fewer on average.
    fn for_keys(n_keys: u64) -> Self {
        const KEYS_PER_SLOT_MAX: u64 = 48;
        let n_slots = n_keys.div_ceil(KEYS_PER_SLOT_MAX).max(1);
        Self::new(n_slots.next_power_of_two().trailing_zeros())
    }

    #[inline]
    fn rest_bits(self) -> u32 {
        FINGERPRINT_BITS - self.slot_bits
    }

    #[inline]
    fn slot(self, key: u64) -> usize {
        usize::try_from(key >> self.rest_bits()).unwrap_or(usize::MAX)
    }

    #[inline]
    fn rest(self, key: u64) -> u64 {
        key & ((1 << self.rest_bits()) - 1)
    }
}

impl<'a> Table<'a> {
    /// Reads the directory's head; whether slots and blocks make sense is found out where they are used.
    pub(crate) fn open(directory: &'a [u8], blocks: &'a [u8]) -> Result<Self, SegmentError> {
        let (slots, rest) = directory.as_chunks::<SLOT_BYTES>();
        let (head, slots) =
            slots.split_first().ok_or_else(|| damaged("the head of a directory is missing"))?;
        if !rest.is_empty() || !slots.len().is_power_of_two() || slots.len().trailing_zeros() > 40 {
            return Err(damaged("a directory does not consist of a power of two of slots"));
        }
        let (numbers, zeros) = head.as_chunks::<8>();
        let [n_keys, n_postings, filler @ ..] = numbers else {
            return Err(damaged("the head of a directory is missing"));
        };
        if !zeros.is_empty() || filler.iter().any(|filler| *filler != [0; 8]) {
            return Err(damaged("the head of a directory holds something unknown"));
        }
        Ok(Self {
            slots,
            blocks,
            shape: Shape::new(slots.len().trailing_zeros()),
            n_keys: u64::from_le_bytes(*n_keys),
            n_postings: u64::from_le_bytes(*n_postings),
        })
    }

    pub(crate) fn n_keys(&self) -> u64 {
        self.n_keys
    }

    pub(crate) fn n_postings(&self) -> u64 {
        self.n_postings
    }

    /// Whether the key can be there; no for almost all that are not, never for one that is.
    #[inline]
    pub(crate) fn may_hold(&self, key: u64) -> bool {
        self.slots.get(self.shape.slot(key)).is_some_and(|slot| holds(slot, key))
    }

    /// Puts the places of a key into `postings`, in order; leaves it empty where the key is not there.
    ///
    /// Stops after `count_max` places.
    pub(crate) fn postings(
        &self,
        key: u64,
        count_max: usize,
        postings: &mut Vec<Posting>,
    ) -> Result<(), SegmentError> {
        postings.clear();
        let mut block = self.block(self.shape.slot(key))?;
        let wanted = self.shape.rest(key);
        let nth = block.keys.partition_point(wanted);
        if block.keys.get(nth) != Some(wanted) {
            return Ok(());
        }
        for _ in 0..nth {
            block.skip_postings()?;
        }
        block.take_postings(count_max, postings)
    }

    fn block(&self, slot: usize) -> Result<Block<'a>, SegmentError> {
        let start = self.block_start(slot)?;
        let end = if slot + 1 < self.slots.len() { self.block_start(slot + 1)? } else { self.blocks.len() };
        let bytes = self.blocks.get(start..end).ok_or_else(|| damaged("a slot points outside the blocks"))?;
        Block::open(bytes, self.shape).ok_or_else(|| damaged("a block is shorter than its keys"))
    }

    fn block_start(&self, slot: usize) -> Result<usize, SegmentError> {
        let start = self.slots.get(slot).and_then(|slot| slot.first_chunk::<8>());
        let start = start.and_then(|start| usize::try_from(u64::from_le_bytes(*start)).ok());
        start.ok_or_else(|| damaged("a slot is missing"))
    }
}

/// All keys of a table in order, with their places.
#[derive(Debug)]
pub(crate) struct TableKeys<'a> {
    table: Table<'a>,
    slot: usize,
    block: Option<(Block<'a>, usize)>,
}

impl<'a> TableKeys<'a> {
    pub(crate) fn new(table: Table<'a>) -> Self {
        Self { table, slot: 0, block: None }
    }
}

impl Keys for TableKeys<'_> {
    fn next_key(&mut self, postings: &mut Vec<Posting>) -> Result<Option<u64>, SegmentError> {
        postings.clear();
        loop {
            if let Some((block, nth)) = &mut self.block {
                if let Some(rest) = block.keys.get(*nth) {
                    *nth += 1;
                    if rest != self.table.shape.rest(rest) {
                        return Err(damaged("a key has more bits than its slot leaves it"));
                    }
                    block.take_postings(usize::MAX, postings)?;
                    let slot = (self.slot as u64).wrapping_sub(1);
                    return Ok(Some((slot << self.table.shape.rest_bits()) | rest));
                }
                if !block.postings.is_empty() {
                    return Err(damaged("a block holds more than its keys need"));
                }
            }
            if self.slot == self.table.slots.len() {
                return Ok(None);
            }
            self.block = Some((self.table.block(self.slot)?, 0));
            self.slot += 1;
        }
    }
}

/// The keys of one slot and their places.
#[derive(Debug, Clone, Copy)]
struct Block<'a> {
    keys: Rests<'a>,
    postings: &'a [u8],
}

impl<'a> Block<'a> {
    fn open(bytes: &'a [u8], shape: Shape) -> Option<Self> {
        let mut rest = bytes;
        let n_keys = if bytes.is_empty() { 0 } else { usize::try_from(varint::take(&mut rest)?).ok()? };
        let (keys, postings) = rest.split_at_checked(n_keys.checked_mul(shape.rest_bytes)?)?;
        Some(Self { keys: Rests { bytes: keys, width: shape.rest_bytes, n_keys }, postings })
    }

    fn take_postings(&mut self, count_max: usize, out: &mut Vec<Posting>) -> Result<(), SegmentError> {
        let mut entry = 0_u32;
        loop {
            let (posting, more) =
                self.take_posting(entry).ok_or_else(|| damaged("a place of a key does not make sense"))?;
            entry = posting.entry;
            out.push(posting);
            if !more || out.len() >= count_max {
                return Ok(());
            }
        }
    }

    fn skip_postings(&mut self) -> Result<(), SegmentError> {
        loop {
            let (_, more) =
                self.take_posting(0).ok_or_else(|| damaged("a place of a key does not make sense"))?;
            if !more {
                return Ok(());
            }
        }
    }

    /// Takes one place, of which the entry is written as the distance from the one before.
    #[inline]
    fn take_posting(&mut self, entry_before: u32) -> Option<(Posting, bool)> {
        let entry = entry_before.checked_add(varint::take_u32(&mut self.postings)?)?;
        let first = varint::take_u32(&mut self.postings)?;
        let extent = varint::take(&mut self.postings)?;
        let last = first.checked_add(u32::try_from(extent >> 1).ok()?)?;
        (first > 0).then_some((Posting { entry, first, last }, extent & 1 == 1))
    }
}

/// The lower bits of the keys of one slot, in order.
#[derive(Debug, Clone, Copy)]
struct Rests<'a> {
    bytes: &'a [u8],
    width: usize,
    n_keys: usize,
}

impl Rests<'_> {
    fn get(&self, nth: usize) -> Option<u64> {
        if nth >= self.n_keys {
            return None;
        }
        let start = nth * self.width;
        let bytes = self.bytes.get(start..start + self.width)?;
        Some(bytes.iter().rev().fold(0, |rest, &byte| (rest << 8) | u64::from(byte)))
    }

    /// How many keys are smaller.
    fn partition_point(&self, wanted: u64) -> usize {
        let (mut low, mut high) = (0, self.n_keys);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.get(middle).is_some_and(|rest| rest < wanted) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// The bits of a slot that a key sets: four of the 448 behind the block's place, each as a byte and a bit in it.
#[inline]
fn filter_bits(key: u64) -> [(usize, u32); 4] {
    const FILTER_BITS: u32 = 448;
    // Keys of one slot share their top bits, so that the lower ones have to be spread first.
    let spread = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    [48, 32, 16, 0].map(|shift| {
        let [low, high, ..] = (spread >> shift).to_le_bytes();
        let bit = (u32::from(u16::from_le_bytes([low, high])) * FILTER_BITS) >> 16;
        (8 + usize::try_from(bit / 8).unwrap_or_default(), bit % 8)
    })
}

/// Looks at all four bits before it decides: where the first already tells, a processor that guessed wrong would wait
/// for one slot after the other instead of for many at once.
#[inline]
fn holds(slot: &Slot, key: u64) -> bool {
    let bits = filter_bits(key);
    bits.iter().fold(1, |all, &(place, bit)| all & (slot.get(place).copied().unwrap_or_default() >> bit)) & 1
        == 1
}

#[cfg(test)]
mod tests;
