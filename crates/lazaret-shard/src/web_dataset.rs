//! `WebDataset` archives: consecutive files of one stem are one record.
//!
//! The stem is a file's name up to the first dot after its last slash, the ending is what follows that dot, in small
//! letters. A column's first name is an ending; for files that end with `json`, what follows is a way within.

mod archive;
mod writer;

use archive::{ArchiveReader, File, FileKind, Part};

use crate::chunk::{Chunk, Entry, EntryText, Limits, Rows, ShardReader};
use crate::codec::Decoder;
use crate::error::ShardError;
use crate::facts::{FactsBuilder, Fault, Record};
use crate::json_lines::{Found, Node, Plan, Role, push, read_member};
use crate::present::Present;
use crate::profile::Step;

pub(crate) use writer::WebDatasetWriter;

/// The column that holds the stem.
const KEY: &[u8] = b"__key__";

/// A chunk holds no more files than this: each takes memory beside its bytes.
const ENTRIES_MAX: usize = 1 << 14;

/// Reads `WebDataset` archives.
pub(crate) struct WebDatasetReader {
    archive: ArchiveReader,
    plan: Plan,
    limits: Limits,
    /// The file that was read last and belongs to the next record.
    next: Option<File>,
    n_rows: u64,
    found: Found,
    is_checked: bool,
    has_ended: bool,
}

/// A chunk as it grows.
#[derive(Default)]
struct Growing {
    facts: FactsBuilder,
    entries: Vec<Entry>,
    n_bytes: usize,
}

impl WebDatasetReader {
    pub(crate) fn new(decoder: Decoder, plan: Plan, limits: Limits) -> Self {
        let archive = ArchiveReader::new(decoder);
        let found = Found::default();
        Self { archive, plan, limits, next: None, n_rows: 0, found, is_checked: false, has_ended: false }
    }

    /// Reads the files of one record, or what lies between two.
    fn group(&mut self, growing: &mut Growing) -> Result<(), ShardError> {
        let mut files: Vec<File> = self.next.take().into_iter().collect();
        let mut n_bytes: usize = files.iter().map(|file| file.bytes.len()).sum();
        loop {
            let room = self.limits.row_bytes_max.saturating_sub(n_bytes);
            let entry = match self.archive.next_part(room)? {
                Part::File(file) if file.kind != FileKind::Folder => {
                    if files.first().is_some_and(|first| stem(&first.name).0 != stem(&file.name).0) {
                        self.next = Some(file);
                        break;
                    }
                    n_bytes += file.bytes.len();
                    files.push(file);
                    if files.len() < ENTRIES_MAX {
                        continue;
                    }
                    return Err(ShardError::Unsupported { what: "a record of very many files".to_owned() });
                }
                Part::File(File { header, bytes, padding, .. }) => {
                    Entry { header, bytes, padding, ..Entry::default() }
                }
                Part::Global(header) => Entry { header, ..Entry::default() },
                Part::End(header) => {
                    self.has_ended = true;
                    Entry { header, ..Entry::default() }
                }
            };
            // Between the files of a record it would have to be kept or dropped with them.
            self.record(std::mem::take(&mut files), growing)?;
            growing.n_bytes += entry.bytes.len() + entry.header.len();
            growing.entries.push(entry);
            return Ok(());
        }
        self.record(files, growing)
    }

    fn record(&mut self, files: Vec<File>, growing: &mut Growing) -> Result<(), ShardError> {
        let Some(first) = files.first() else { return Ok(()) };
        let level = &self.plan.row;
        let mut found = std::mem::take(&mut self.found);
        found.clear(level);
        if let Some(node) = level.root.field(KEY) {
            add(&self.plan, node, stem(&first.name).0, &mut found);
        }
        let first_entry = growing.entries.len();
        let mut endings: Vec<Vec<u8>> = Vec::new();
        for file in files {
            let ending = stem(&file.name).1.to_ascii_lowercase();
            let text = examine(&self.plan, &file, &ending, &mut found);
            if endings.contains(&ending) {
                found.note(Fault::DuplicateKey);
            }
            endings.push(ending);
            growing.n_bytes += file.bytes.len() + file.header.len();
            let File { header, bytes, padding, long, .. } = file;
            let record = Some(growing.facts.len());
            growing.entries.push(Entry { header, bytes, padding, record, text, long });
        }
        if found.n_texts != 1 {
            for entry in growing.entries.iter_mut().skip(first_entry) {
                entry.text = None;
            }
        }
        let mut missing: Vec<String> = Vec::new();
        let is_readable = found.complete(level, true, &mut |column| missing.push(column.to_string()));
        if !missing.is_empty() && !self.is_checked {
            let files = growing.entries.get(first_entry..).unwrap_or_default();
            return Err(ShardError::MissingColumns {
                profile: self.plan.profile.clone(),
                missing,
                found: columns_of(files, &endings),
            });
        }
        self.is_checked |= is_readable;
        push(
            &mut growing.facts,
            Record { row: self.n_rows, fault: found.fault, ..Record::default() },
            &found,
            None,
        );
        self.n_rows += 1;
        self.found = found;
        Ok(())
    }
}

impl ShardReader for WebDatasetReader {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ShardError> {
        let mut growing = Growing::default();
        while !self.has_ended
            && growing.n_bytes < self.limits.chunk_bytes
            && growing.entries.len() < ENTRIES_MAX
        {
            self.group(&mut growing)?;
        }
        if growing.entries.is_empty() {
            return Ok(None);
        }
        let facts = growing.facts.finish().map_err(ShardError::Columns)?;
        Ok(Some(Chunk { facts, rows: Rows::Entries(growing.entries) }))
    }

    fn bytes_read(&self) -> u64 {
        self.archive.bytes_read()
    }
}

/// Finds a file's columns; where the record's text is, if it is here.
fn examine(plan: &Plan, file: &File, ending: &[u8], found: &mut Found) -> Option<EntryText> {
    let level = &plan.row;
    let node = level.root.field(ending);
    if let Some(fault) = fault_of(file) {
        node.into_iter().for_each(|node| node.for_each_target(&mut |target| found.see(target)));
        found.note(fault);
        return None;
    }
    let n_texts = found.n_texts;
    if ending == b"json" || ending.ends_with(b".json") {
        if read_member(&file.bytes, node, level, found).is_err() {
            found.note(Fault::Malformed);
        }
        return found.text_range.clone().filter(|_| found.n_texts > n_texts).map(EntryText::JsonString);
    }
    let Some(node) = node else {
        found.add_beside(&file.bytes);
        return None;
    };
    if node.has_fields() || node.each().is_some() {
        found.note(Fault::WrongType);
    }
    add(plan, node, &file.bytes, found);
    (found.n_texts > n_texts).then_some(EntryText::Whole)
}

/// Adds bytes as the value of every column that leads to a file.
fn add(plan: &Plan, node: &Node, bytes: &[u8], found: &mut Found) {
    node.for_each_target(&mut |target| found.see(target));
    for target in node.targets.iter().filter_map(|target| plan.row.targets.get(*target)) {
        if target.role == Role::Text {
            found.add_text(bytes);
        } else {
            found.add_value(target.role, bytes.trim_ascii_end());
        }
    }
}

/// What is wrong with a file by itself. One that is no UTF-8 (an image) cannot be looked through for text, so that its
/// record is not examined as a whole.
fn fault_of(file: &File) -> Option<Fault> {
    let leads_out = |part: &[u8]| part == b".." || part.contains(&0) || part.contains(&b'\\');
    if file.long.is_some() {
        Some(Fault::OverLimit)
    } else if file.kind == FileKind::Other
        || file.name.starts_with(b"/")
        || file.name.split(|byte| *byte == b'/').any(leads_out)
    {
        Some(Fault::Malformed)
    } else if str::from_utf8(&file.bytes).is_err() || str::from_utf8(&file.name).is_err() {
        Some(Fault::NotUtf8)
    } else {
        None
    }
}

/// Returns the columns that the files of a record make.
fn columns_of(files: &[Entry], endings: &[Vec<u8>]) -> Vec<String> {
    let mut present = Present::default();
    present.column(&[Step::Field(String::from_utf8_lossy(KEY).into_owned())]);
    for (file, ending) in files.iter().zip(endings) {
        let way = [Step::Field(String::from_utf8_lossy(ending).into_owned())];
        if ending.ends_with(b"json") {
            present.object(&way, &file.bytes);
        } else {
            present.column(&way);
        }
    }
    present.into_names()
}

/// Returns the stem and the ending of a name.
fn stem(name: &[u8]) -> (&[u8], &[u8]) {
    let base = name.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let dot = name.get(base..).unwrap_or_default().iter().position(|byte| *byte == b'.');
    match dot {
        Some(dot) => {
            let (stem, ending) = name.split_at(base + dot);
            (stem, ending.get(1..).unwrap_or_default())
        }
        None => (name, &[]),
    }
}
