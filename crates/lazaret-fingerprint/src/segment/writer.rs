//! Writes a segment from front to back.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use xxhash_rust::xxh3::Xxh3;

use super::{ALIGNMENT, EntryRow, HEADER_BYTES, MAGIC, N_SECTIONS, PARAMETERS};
use crate::build::BuildError;
use crate::entry::Entry;
use crate::table::{Keys, TableWriter};

/// What goes into a segment; the entries of all other parts are places in the order of `entries`.
#[derive(Debug)]
pub(crate) struct Contents<'a, K> {
    /// The entries, and how many lines the text of each has.
    pub(crate) entries: &'a BTreeMap<Entry, u32>,
    /// How many fingerprints there are, and these.
    pub(crate) fingerprints: (u64, K),
    /// How many shapes there are, and these.
    pub(crate) shapes: (u64, K),
    /// How many lines there are, and these.
    pub(crate) lines: (u64, K),
    /// Names of whole texts as they stand on disk.
    pub(crate) text_ids: BTreeSet<(u8, [u8; 32], u32)>,
    /// Digests of the tokens of whole texts.
    pub(crate) normalised: BTreeSet<(u128, u32)>,
}

/// Writes a segment; the same contents give the same bytes.
pub(crate) fn write(contents: Contents<'_, impl Keys>, out: impl Write) -> Result<(), BuildError> {
    let mut sink = Sink::new(out)?;
    let (words, rows) = entries(contents.entries)?;
    sink.write_all(&words)?;
    sink.end_section()?;
    sink.write_all(&rows)?;
    sink.end_section()?;
    table(contents.fingerprints, &mut sink)?;
    table(contents.shapes, &mut sink)?;
    table(contents.lines, &mut sink)?;
    for (kind, name, entry) in contents.text_ids {
        sink.write_all(&[kind])?;
        sink.write_all(&name)?;
        sink.write_all(&entry.to_le_bytes())?;
    }
    sink.end_section()?;
    for (normalised, entry) in contents.normalised {
        sink.write_all(&normalised.to_le_bytes())?;
        sink.write_all(&entry.to_le_bytes())?;
    }
    sink.end_section()?;
    sink.finish()
}

fn table<W: Write>((n_keys, mut keys): (u64, impl Keys), sink: &mut Sink<W>) -> Result<(), BuildError> {
    let mut writer = TableWriter::new(n_keys);
    let mut postings = Vec::new();
    while let Some(key) = keys.next_key(&mut postings)? {
        writer.push(key, &mut postings, sink)?;
    }
    let directory = writer.finish(sink)?;
    sink.end_section()?;
    sink.write_all(&directory)?;
    sink.end_section()
}

/// Returns the words of all entries, each once, and the entries that refer to them.
fn entries(entries: &BTreeMap<Entry, u32>) -> Result<(Vec<u8>, Vec<u8>), BuildError> {
    let words: BTreeSet<&str> = entries
        .keys()
        .flat_map(|entry| [&entry.name, &entry.origin, &entry.tool, &entry.model])
        .map(String::as_str)
        .collect();
    let too_many = |_| BuildError::TooManyEntries;
    let mut bytes = (words.len() as u64).to_le_bytes().to_vec();
    let mut end = 0_u64;
    for word in &words {
        end += word.len() as u64;
        bytes.extend(end.to_le_bytes());
    }
    bytes.extend(words.iter().flat_map(|word| word.bytes()));
    let mut numbers = BTreeMap::new();
    for (number, word) in words.into_iter().enumerate() {
        numbers.insert(word, u32::try_from(number).map_err(too_many)?);
    }
    let number = |word: &str| numbers.get(word).copied().unwrap_or(u32::MAX);
    let mut rows = Vec::new();
    for (entry, &n_lines) in entries {
        let row = EntryRow {
            class: entry.class,
            name: number(&entry.name),
            origin: number(&entry.origin),
            tool: number(&entry.tool),
            model: number(&entry.model),
            recorded_at: entry.recorded_at,
            n_lines,
        };
        rows.extend(row.write());
    }
    Ok((bytes, rows))
}

/// Counts and hashes what goes by, section by section.
struct Sink<W> {
    out: W,
    header: Vec<u8>,
    at: u64,
    section_start: u64,
    hasher: Xxh3,
    rows: Vec<u8>,
}

impl<W: Write> Sink<W> {
    fn new(mut out: W) -> Result<Self, BuildError> {
        let mut header = MAGIC.to_vec();
        for parameter in PARAMETERS {
            header.extend(u16::try_from(parameter).unwrap_or_default().to_le_bytes());
        }
        header.resize(HEADER_BYTES, 0);
        out.write_all(&header)?;
        let at = header.len() as u64;
        Ok(Self { out, header, at, section_start: at, hasher: Xxh3::new(), rows: Vec::new() })
    }

    fn end_section(&mut self) -> Result<(), BuildError> {
        for number in [self.section_start, self.at - self.section_start, self.hasher.digest()] {
            self.rows.extend(number.to_le_bytes());
        }
        let next = self.at.next_multiple_of(ALIGNMENT as u64);
        let filler = [0; ALIGNMENT];
        let length = usize::try_from(next - self.at).unwrap_or_default();
        self.out.write_all(filler.get(..length).unwrap_or_default())?;
        self.at = next;
        self.section_start = next;
        self.hasher.reset();
        Ok(())
    }

    fn finish(mut self) -> Result<(), BuildError> {
        debug_assert_eq!(self.rows.len(), N_SECTIONS * super::SECTION_ROW_BYTES);
        let mut hasher = Xxh3::new();
        hasher.update(&self.header);
        hasher.update(&self.rows);
        self.out.write_all(&self.rows)?;
        self.out.write_all(&hasher.digest().to_le_bytes())?;
        self.out.flush()?;
        Ok(())
    }
}

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_bytes = self.out.write(bytes)?;
        self.hasher.update(bytes.get(..n_bytes).unwrap_or_default());
        self.at += n_bytes as u64;
        Ok(n_bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
