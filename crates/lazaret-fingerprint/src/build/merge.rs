//! Makes one segment of several, key by key, with the entries alone in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use super::BuildError;
use crate::entry::Entry;
use crate::segment::{Contents, Segment, SegmentError, damaged, write};
use crate::table::{Keys, Posting, Table, TableKeys, count_keys};

/// Writes the segment that one builder would have written, had everything been added to it.
///
/// Memory: the entries with their names, 2 bytes a fingerprint and a line, and one block.
///
/// # Errors
/// [`BuildError`] when a segment is damaged, when there are too many entries, or when `out` refuses.
pub fn merge<B: AsRef<[u8]>>(segments: &[Segment<B>], out: impl Write) -> Result<(), BuildError> {
    let entries = entries(segments)?;
    if u32::try_from(entries.len()).is_err() {
        return Err(BuildError::TooManyEntries);
    }
    let numbers: BTreeMap<&Entry, u32> = entries.keys().zip(0..).collect();
    let mut renumber: Vec<Vec<u32>> = Vec::with_capacity(segments.len());
    for segment in segments {
        let mut of_segment = Vec::new();
        for number in 0..segment.n_entries() {
            of_segment.push(numbers.get(&segment.entry(number)?).copied().unwrap_or(u32::MAX));
        }
        renumber.push(of_segment);
    }
    let tables = |table: fn(&Segment<B>) -> Result<Table<'_>, SegmentError>| {
        segments.iter().map(table).collect::<Result<Vec<_>, _>>()
    };
    let (fingerprints, shapes, lines) =
        (tables(Segment::fingerprints)?, tables(Segment::shapes)?, tables(Segment::lines)?);
    let mut text_ids = BTreeSet::new();
    let mut normalised = BTreeSet::new();
    for (segment, renumber) in segments.iter().zip(&renumber) {
        for (kind, id, entry) in segment.text_ids() {
            text_ids.insert((kind, id, new_number(renumber, entry)?));
        }
        for (digest, entry) in segment.normalised() {
            normalised.insert((digest, new_number(renumber, entry)?));
        }
    }
    let merged = |tables: &[Table<'_>]| -> Result<u64, SegmentError> {
        count_keys(&mut Merged::new(tables, &renumber)?)
    };
    let contents = Contents {
        entries: &entries,
        fingerprints: (merged(&fingerprints)?, Merged::new(&fingerprints, &renumber)?),
        shapes: (merged(&shapes)?, Merged::new(&shapes, &renumber)?),
        lines: (merged(&lines)?, Merged::new(&lines, &renumber)?),
        text_ids,
        normalised,
    };
    write(contents, out)
}

fn entries<B: AsRef<[u8]>>(segments: &[Segment<B>]) -> Result<BTreeMap<Entry, u32>, SegmentError> {
    let mut entries = BTreeMap::new();
    for segment in segments {
        for number in 0..segment.n_entries() {
            let n_lines = entries.entry(segment.entry(number)?).or_insert(0);
            *n_lines = segment.n_lines(number)?.max(*n_lines);
        }
    }
    Ok(entries)
}

fn new_number(renumber: &[u32], entry: u32) -> Result<u32, SegmentError> {
    let number = usize::try_from(entry).ok().and_then(|entry| renumber.get(entry));
    number.copied().ok_or_else(|| damaged("a place names no entry"))
}

/// The keys of several tables as one.
#[derive(Debug)]
struct Merged<'a> {
    inputs: Vec<Input<'a>>,
}

/// One table: its next key, the places of that key, and what its entries are called in the merged segment.
#[derive(Debug)]
struct Input<'a> {
    keys: TableKeys<'a>,
    next: Option<u64>,
    postings: Vec<Posting>,
    renumber: &'a [u32],
}

impl<'a> Merged<'a> {
    fn new(tables: &[Table<'a>], renumber: &'a [Vec<u32>]) -> Result<Self, SegmentError> {
        let mut inputs = Vec::with_capacity(tables.len());
        for (&table, renumber) in tables.iter().zip(renumber) {
            let mut input = Input { keys: TableKeys::new(table), next: None, postings: Vec::new(), renumber };
            input.advance()?;
            inputs.push(input);
        }
        Ok(Self { inputs })
    }
}

impl Input<'_> {
    fn advance(&mut self) -> Result<(), SegmentError> {
        let before = self.next;
        self.next = self.keys.next_key(&mut self.postings)?;
        if before.is_some() && self.next.is_some() && self.next <= before {
            return Err(damaged("keys are out of order"));
        }
        for posting in &mut self.postings {
            posting.entry = new_number(self.renumber, posting.entry)?;
        }
        Ok(())
    }
}

impl Keys for Merged<'_> {
    fn next_key(&mut self, postings: &mut Vec<Posting>) -> Result<Option<u64>, SegmentError> {
        postings.clear();
        let Some(key) = self.inputs.iter().filter_map(|input| input.next).min() else { return Ok(None) };
        for input in self.inputs.iter_mut().filter(|input| input.next == Some(key)) {
            postings.append(&mut input.postings);
            input.advance()?;
        }
        postings.sort_unstable();
        postings.dedup();
        Ok(Some(key))
    }
}
