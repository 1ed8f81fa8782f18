//! One immutable piece of the index in bytes that somebody else keeps; the layout is in `docs/format/fingerprints.md`.

use std::ops::Range;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::entry::{Class, Entry, TextId};
use crate::table::Table;
use crate::winnow::{GRAM_TOKENS, SHAPE_GRAM_TOKENS, SHAPE_WINDOW_GRAMS, WINDOW_GRAMS};

mod writer;

pub(crate) use writer::{Contents, write};

/// Bytes are not a segment, or not a whole one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The bytes begin like something else.
    #[error("not a segment of fingerprints: it does not begin with `LAZFPRT1`")]
    NotASegment,
    /// The fingerprints in it were chosen in another way and would never match.
    #[error(
        "fingerprints of {}, {}, {} and {} tokens cannot be read; build the segment again with this version",
        found[0], found[1], found[2], found[3]
    )]
    Parameters {
        /// How many tokens one of its fingerprints covers, of how many neighbours one was chosen, and the same for
        /// shapes.
        found: [u16; 4],
    },
    /// Something in it does not check or make sense.
    #[error("the segment is damaged: {what}; get another copy, or build it again")]
    Damaged {
        /// What was found.
        what: &'static str,
    },
}

pub(crate) fn damaged(what: &'static str) -> SegmentError {
    SegmentError::Damaged { what }
}

/// How many bytes the parts of a segment take, and how much they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentStats {
    /// Entries.
    pub entries: u32,
    /// Different fingerprints.
    pub fingerprints: u64,
    /// Places of fingerprints.
    pub fingerprint_places: u64,
    /// What fingerprints and their places take.
    pub fingerprints_bytes: u64,
    /// Different shapes.
    pub shapes: u64,
    /// Places of shapes.
    pub shape_places: u64,
    /// What shapes and their places take.
    pub shapes_bytes: u64,
    /// Different lines.
    pub lines: u64,
    /// Places of lines.
    pub line_places: u64,
    /// What lines and their places take.
    pub lines_bytes: u64,
    /// Everything, the rest included.
    pub total_bytes: u64,
}

/// An open segment over bytes such as a vector or a map of a file.
#[derive(Debug, Clone)]
pub struct Segment<B> {
    bytes: B,
    sections: Sections,
}

/// The parts of a segment, in the order they lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Words,
    Entries,
    FingerprintBlocks,
    FingerprintDirectory,
    ShapeBlocks,
    ShapeDirectory,
    LineBlocks,
    LineDirectory,
    TextIds,
    Normalised,
}

impl Part {
    const ALL: [Self; N_SECTIONS] = [
        Self::Words,
        Self::Entries,
        Self::FingerprintBlocks,
        Self::FingerprintDirectory,
        Self::ShapeBlocks,
        Self::ShapeDirectory,
        Self::LineBlocks,
        Self::LineDirectory,
        Self::TextIds,
        Self::Normalised,
    ];
}

const MAGIC: &[u8; 8] = b"LAZFPRT1";
const HEADER_BYTES: usize = 64;
const N_SECTIONS: usize = 10;
/// How fingerprints and shapes are chosen.
const PARAMETERS: [usize; 4] = [GRAM_TOKENS, WINDOW_GRAMS, SHAPE_GRAM_TOKENS, SHAPE_WINDOW_GRAMS];
/// An offset, a length, a checksum.
const SECTION_ROW_BYTES: usize = 24;
const TRAILER_BYTES: usize = N_SECTIONS * SECTION_ROW_BYTES + 8;
const ALIGNMENT: usize = 64;
/// A class, three zeros, four words, a time, two zeros, lines.
const ENTRY_BYTES: usize = 32;
const TEXT_ID_BYTES: usize = 1 + 32 + 4;
const NORMALISED_BYTES: usize = 16 + 4;

impl<B: AsRef<[u8]>> Segment<B> {
    /// Opens a segment and holds every byte of it against the checksums; reads it once from end to end.
    ///
    /// # Errors
    /// [`SegmentError`] when the bytes are anything but a whole segment of this version.
    pub fn open(bytes: B) -> Result<Self, SegmentError> {
        let segment = Self::open_checked_before(bytes)?;
        segment.sections.check(segment.bytes.as_ref())?;
        Ok(segment)
    }

    /// Opens a segment that [`open`](Self::open) has accepted before and that nobody could have changed since; looks
    /// only at its ends.
    ///
    /// Damage that it does not see cannot make it panic; it can make it fail later, or miss what is there.
    ///
    /// # Errors
    /// [`SegmentError`] when header, trailer or the outline do not check.
    pub fn open_checked_before(bytes: B) -> Result<Self, SegmentError> {
        let sections = Sections::read(bytes.as_ref())?;
        let segment = Self { bytes, sections };
        segment.fingerprints()?;
        segment.shapes()?;
        segment.lines()?;
        segment.entry_rows()?;
        Ok(segment)
    }

    /// Returns how many entries there are; they are numbered from 0.
    #[must_use]
    pub fn n_entries(&self) -> u32 {
        u32::try_from(self.part(Part::Entries).len() / ENTRY_BYTES).unwrap_or(u32::MAX)
    }

    /// Returns an entry.
    ///
    /// # Errors
    /// [`SegmentError::Damaged`] when there is none of that number, or it cannot be read.
    pub fn entry(&self, number: u32) -> Result<Entry, SegmentError> {
        let row = self.entry_row(number)?;
        Ok(Entry {
            class: row.class,
            name: self.word(row.name)?.to_owned(),
            origin: self.word(row.origin)?.to_owned(),
            tool: self.word(row.tool)?.to_owned(),
            model: self.word(row.model)?.to_owned(),
            recorded_at: row.recorded_at,
        })
    }

    /// Returns how many lines an entry's text has; 0 where only its name is known.
    ///
    /// # Errors
    /// [`SegmentError::Damaged`] when there is no entry of that number, or it cannot be read.
    pub fn n_lines(&self, number: u32) -> Result<u32, SegmentError> {
        Ok(self.entry_row(number)?.n_lines)
    }

    /// Returns the bytes it was opened over.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// Returns what it holds and how much room that takes.
    ///
    /// # Errors
    /// [`SegmentError::Damaged`] when a part has no head.
    pub fn stats(&self) -> Result<SegmentStats, SegmentError> {
        let (fingerprints, shapes, lines) = (self.fingerprints()?, self.shapes()?, self.lines()?);
        let bytes = |parts: [Part; 2]| parts.map(|part| self.part(part).len() as u64).iter().sum();
        Ok(SegmentStats {
            entries: self.n_entries(),
            fingerprints: fingerprints.n_keys(),
            fingerprint_places: fingerprints.n_postings(),
            fingerprints_bytes: bytes([Part::FingerprintBlocks, Part::FingerprintDirectory]),
            shapes: shapes.n_keys(),
            shape_places: shapes.n_postings(),
            shapes_bytes: bytes([Part::ShapeBlocks, Part::ShapeDirectory]),
            lines: lines.n_keys(),
            line_places: lines.n_postings(),
            lines_bytes: bytes([Part::LineBlocks, Part::LineDirectory]),
            total_bytes: self.bytes.as_ref().len() as u64,
        })
    }

    pub(crate) fn fingerprints(&self) -> Result<Table<'_>, SegmentError> {
        Table::open(self.part(Part::FingerprintDirectory), self.part(Part::FingerprintBlocks))
    }

    pub(crate) fn shapes(&self) -> Result<Table<'_>, SegmentError> {
        Table::open(self.part(Part::ShapeDirectory), self.part(Part::ShapeBlocks))
    }

    pub(crate) fn lines(&self) -> Result<Table<'_>, SegmentError> {
        Table::open(self.part(Part::LineDirectory), self.part(Part::LineBlocks))
    }

    /// Returns all whole texts that are known by name, as they stand.
    pub(crate) fn text_ids(&self) -> impl Iterator<Item = (u8, [u8; 32], u32)> {
        let (rows, _) = self.part(Part::TextIds).as_chunks::<TEXT_ID_BYTES>();
        rows.iter().filter_map(|row| {
            let (&kind, rest) = row.split_first()?;
            Some((kind, *rest.first_chunk()?, u32::from_le_bytes(*rest.last_chunk()?)))
        })
    }

    /// Returns all digests of the tokens of whole texts.
    pub(crate) fn normalised(&self) -> impl Iterator<Item = (u128, u32)> {
        let (rows, _) = self.part(Part::Normalised).as_chunks::<NORMALISED_BYTES>();
        rows.iter().filter_map(|row| {
            Some((u128::from_le_bytes(*row.first_chunk()?), u32::from_le_bytes(*row.last_chunk()?)))
        })
    }

    /// Returns the entries whose whole text has that name.
    pub(crate) fn entries_by_id(&self, id: TextId) -> impl Iterator<Item = u32> {
        let (kind, name) = id.to_row();
        let (rows, _) = self.part(Part::TextIds).as_chunks::<TEXT_ID_BYTES>();
        let prefix = |row: &[u8; TEXT_ID_BYTES]| row.first_chunk::<33>().copied().unwrap_or([0; 33]);
        let mut wanted = [kind; 33];
        wanted.iter_mut().skip(1).zip(name).for_each(|(to, from)| *to = from);
        let start = rows.partition_point(|row| prefix(row) < wanted);
        let rows = rows.iter().skip(start).take_while(move |row| prefix(row) == wanted);
        rows.filter_map(|row| row.last_chunk().map(|entry| u32::from_le_bytes(*entry)))
    }

    /// Returns the entries whose whole text has those tokens.
    pub(crate) fn entries_by_tokens(&self, normalised: u128) -> impl Iterator<Item = u32> {
        let (rows, _) = self.part(Part::Normalised).as_chunks::<NORMALISED_BYTES>();
        let digest =
            |row: &[u8; NORMALISED_BYTES]| row.first_chunk().map_or(0, |digest| u128::from_le_bytes(*digest));
        let start = rows.partition_point(|row| digest(row) < normalised);
        let rows = rows.iter().skip(start).take_while(move |row| digest(row) == normalised);
        rows.filter_map(|row| row.last_chunk().map(|entry| u32::from_le_bytes(*entry)))
    }

    /// Returns an entry's class, and its name as a word of this segment.
    pub(crate) fn class_and_name(&self, number: u32) -> Result<(Class, &str), SegmentError> {
        let row = self.entry_row(number)?;
        Ok((row.class, self.word(row.name)?))
    }

    fn entry_rows(&self) -> Result<&[[u8; ENTRY_BYTES]], SegmentError> {
        let (rows, rest) = self.part(Part::Entries).as_chunks::<ENTRY_BYTES>();
        if rest.is_empty() { Ok(rows) } else { Err(damaged("an entry is cut off")) }
    }

    fn entry_row(&self, number: u32) -> Result<EntryRow, SegmentError> {
        let row = usize::try_from(number).ok().and_then(|number| self.entry_rows().ok()?.get(number));
        row.and_then(EntryRow::read).ok_or_else(|| damaged("an entry is missing or makes no sense"))
    }

    fn word(&self, number: u32) -> Result<&str, SegmentError> {
        let words = self.part(Part::Words);
        let word = || {
            let n_words = usize::try_from(u64::from_le_bytes(*words.first_chunk()?)).ok()?;
            let (ends, text) = words.get(8..)?.split_at_checked(n_words.checked_mul(8)?)?;
            let (ends, _) = ends.as_chunks::<8>();
            let number = usize::try_from(number).ok()?;
            let end = |nth: usize| usize::try_from(u64::from_le_bytes(*ends.get(nth)?)).ok();
            let start = if number == 0 { 0 } else { end(number - 1)? };
            std::str::from_utf8(text.get(start..end(number)?)?).ok()
        };
        word().ok_or_else(|| damaged("a word of an entry is missing"))
    }

    fn part(&self, part: Part) -> &[u8] {
        self.sections.get(self.bytes.as_ref(), part)
    }
}

#[derive(Debug, Clone, Copy)]
struct EntryRow {
    class: Class,
    name: u32,
    origin: u32,
    tool: u32,
    model: u32,
    recorded_at: i64,
    n_lines: u32,
}

impl EntryRow {
    fn read(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let (numbers, _) = bytes.as_chunks::<4>();
        let &[class, name, origin, tool, model, n_lines, ..] = numbers else { return None };
        let [class, 0, 0, 0] = class else { return None };
        Some(Self {
            class: Class::from_number(class)?,
            name: u32::from_le_bytes(name),
            origin: u32::from_le_bytes(origin),
            tool: u32::from_le_bytes(tool),
            model: u32::from_le_bytes(model),
            recorded_at: i64::from_le_bytes(*bytes.last_chunk()?),
            n_lines: u32::from_le_bytes(n_lines),
        })
    }

    fn write(&self) -> Vec<u8> {
        let mut bytes = vec![self.class.number(), 0, 0, 0];
        for number in [self.name, self.origin, self.tool, self.model, self.n_lines] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.recorded_at.to_le_bytes());
        bytes
    }
}

/// Where the parts of a segment lie, with their checksums.
#[derive(Debug, Clone)]
struct Sections([(Range<usize>, u64); N_SECTIONS]);

impl Sections {
    fn read(bytes: &[u8]) -> Result<Self, SegmentError> {
        let (header, after) = bytes.split_at_checked(HEADER_BYTES).ok_or(SegmentError::NotASegment)?;
        let (magic, rest) = header.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(SegmentError::NotASegment);
        }
        let (numbers, _) = rest.as_chunks::<2>();
        let (parameters, filler) = numbers.split_at(PARAMETERS.len().min(numbers.len()));
        let mut found = [0; PARAMETERS.len()];
        found.iter_mut().zip(parameters).for_each(|(to, from)| *to = u16::from_le_bytes(*from));
        if found.map(usize::from) != PARAMETERS {
            return Err(SegmentError::Parameters { found });
        }
        if filler.iter().any(|filler| *filler != [0; 2]) {
            return Err(damaged("the header holds something unknown"));
        }
        let split = after.len().checked_sub(TRAILER_BYTES).and_then(|at| after.split_at_checked(at));
        let (body, trailer) = split.ok_or_else(|| damaged("it ends too early"))?;
        let (rows, checksum) = trailer.split_at(TRAILER_BYTES - 8);
        let mut hasher = Xxh3::new();
        hasher.update(header);
        hasher.update(rows);
        if checksum != hasher.digest().to_le_bytes() {
            return Err(damaged("the checksum of header and trailer is wrong"));
        }
        let end = HEADER_BYTES + body.len();
        Self::read_rows(rows, end).ok_or_else(|| damaged("its parts do not lie one behind the other"))
    }

    fn read_rows(rows: &[u8], end: usize) -> Option<Self> {
        let mut sections = Self(std::array::from_fn(|_| (0..0, 0)));
        let mut at = HEADER_BYTES;
        for (section, row) in sections.0.iter_mut().zip(rows.as_chunks::<SECTION_ROW_BYTES>().0) {
            let (numbers, _) = row.as_chunks::<8>();
            let &[start, length, checksum] = numbers else { return None };
            let start = usize::try_from(u64::from_le_bytes(start)).ok()?;
            let section_end = start.checked_add(usize::try_from(u64::from_le_bytes(length)).ok()?)?;
            if start != at || section_end > end {
                return None;
            }
            at = section_end.checked_next_multiple_of(ALIGNMENT)?;
            *section = (start..section_end, u64::from_le_bytes(checksum));
        }
        (at == end).then_some(sections)
    }

    /// Holds every byte of the parts, and the zeros between them, against what they should be.
    fn check(&self, bytes: &[u8]) -> Result<(), SegmentError> {
        for (range, checksum) in &self.0 {
            let section = bytes.get(range.clone()).unwrap_or_default();
            let filler = bytes.get(range.end..range.end.next_multiple_of(ALIGNMENT)).unwrap_or_default();
            if xxh3_64(section) != *checksum {
                return Err(damaged("the checksum of a part is wrong"));
            }
            if filler.iter().any(|&byte| byte != 0) {
                return Err(damaged("something lies between two parts"));
            }
        }
        Ok(())
    }

    fn get<'a>(&self, bytes: &'a [u8], part: Part) -> &'a [u8] {
        let range = Part::ALL.iter().position(|&other| other == part).and_then(|nth| self.0.get(nth));
        range.and_then(|(range, _)| bytes.get(range.clone())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
