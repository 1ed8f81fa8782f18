//! JSON lines: one object a line, read strictly, with every byte accounted for.
//!
//! [`source`] cuts the stream into lines, [`walk`] reads a line by the profile's [`plan`], and [`writer`] writes lines
//! again from the bytes as they stood.

mod beside;
mod found;
mod plan;
mod scan;
mod source;
mod walk;
mod writer;

use found::is_unreadable;
use walk::Row;

use crate::chunk::{Chunk, Limits, Line, LineRecord, Lines, LongLine, Rows, ShardReader};
use crate::codec::Decoder;
use crate::error::ShardError;
use crate::facts::{FactsBuilder, Fault, Record};
use crate::present::Present;

pub(crate) use beside::write_string;
pub(crate) use found::Found;
pub(crate) use plan::{Node, Plan, Role};
pub(crate) use source::{LineSource, Piece};
pub(crate) use walk::read_member;
pub(crate) use writer::{JsonLinesWriter, misfit};

/// Reads JSON lines.
#[derive(Debug)]
pub(crate) struct JsonLinesReader {
    source: LineSource,
    plan: Plan,
    limits: Limits,
    /// The row that comes next, counted from 0.
    n_rows: u64,
    row: Row,
    is_checked: bool,
}

impl JsonLinesReader {
    pub(crate) fn new(decoder: Decoder, plan: Plan, limits: Limits) -> Self {
        let source = LineSource::new(decoder, limits);
        Self { source, plan, limits, n_rows: 0, row: Row::default(), is_checked: false }
    }

    /// Reads the row between two places of `lines` and adds its records.
    fn row(
        &mut self,
        start: usize,
        end: usize,
        facts: &mut FactsBuilder,
        lines: &mut Lines,
    ) -> Result<(), ShardError> {
        let mut row = std::mem::take(&mut self.row);
        row.read(&self.plan, lines.bytes.get(..end).unwrap_or_default(), start);
        self.complete(&mut row, lines.bytes.get(start..end).unwrap_or_default())?;
        let record = Record { row: self.n_rows, fault: row.found.fault, ..Record::default() };
        if self.plan.element.is_none() {
            push(facts, record, &row.found, None);
            let Found { object, text_range: text, .. } = &row.found;
            lines.records.push(LineRecord { object: object.clone(), text: text.clone(), element: None });
        } else if row.elements().is_empty() {
            facts.push(&Record { fault: row.found.fault.or(Some(Fault::MissingText)), ..record });
            lines.records.push(LineRecord::default());
        }
        for (nth, element) in row.elements().iter().enumerate() {
            let fault = element.found.fault;
            push(
                facts,
                Record { element: u32::try_from(nth).ok(), fault, ..record },
                &element.found,
                Some(&row.found),
            );
            let Found { object, text_range: text, .. } = &element.found;
            let element = Some(element.range.clone());
            lines.records.push(LineRecord { object: object.clone(), text: text.clone(), element });
        }
        self.row = row;
        Ok(())
    }

    /// Notes what is missing in a row and its records; it is an error of the shard in the first that can be read.
    fn complete(&mut self, row: &mut Row, bytes: &[u8]) -> Result<(), ShardError> {
        if row.found.fault.is_some_and(is_unreadable) {
            return Ok(());
        }
        let mut missing: Vec<String> = Vec::new();
        let is_checked = self.is_checked;
        let is_readable = row.complete(&self.plan, self.limits.row_bytes_max, &mut |column| {
            // Every record of a row may miss the same; in a shard that was checked nobody asks.
            if !is_checked && !missing.contains(&column.to_string()) {
                missing.push(column.to_string());
            }
        });
        if !missing.is_empty() {
            let mut present = Present::default();
            present.object(&[], bytes);
            return Err(ShardError::MissingColumns {
                profile: self.plan.profile.clone(),
                missing,
                found: present.into_names(),
            });
        }
        self.is_checked |= is_readable;
        Ok(())
    }
}

impl ShardReader for JsonLinesReader {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ShardError> {
        let Some((bytes, pieces)) = self.source.next_lines()? else { return Ok(None) };
        let mut facts = FactsBuilder::new().with_room(bytes.len());
        let mut lines = Lines { bytes, ..Lines::default() };
        let mut start = 0;
        for piece in pieces {
            let mut n_rows = 1;
            match piece {
                Piece::Line { end } => {
                    self.row(start, end, &mut facts, &mut lines)?;
                    start = end;
                }
                Piece::Blank { end, n_lines } => (start, n_rows) = (end, n_lines),
                Piece::Long { offset, bytes, sha256 } => {
                    lines.long.push(LongLine { record: facts.len(), offset, bytes, sha256 });
                    lines.records.push(LineRecord::default());
                    facts.push(&Record {
                        row: self.n_rows,
                        fault: Some(Fault::OverLimit),
                        ..Record::default()
                    });
                }
            }
            self.n_rows += n_rows;
            lines.rows.push(Line { end: start, records: facts.len() });
        }
        let facts = facts.finish().map_err(ShardError::Columns)?;
        Ok(Some(Chunk { facts, rows: Rows::Lines(lines) }))
    }

    fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }
}

/// Adds a record from what was found in it and, where it is one of several, in the row around it.
pub(crate) fn push(facts: &mut FactsBuilder, record: Record<'_>, found: &Found, around: Option<&Found>) {
    let one = |role| found.values(role).next().or_else(|| around?.values(role).next());
    let all = |role| -> Vec<&str> {
        found.values(role).chain(around.into_iter().flat_map(|around| around.values(role))).collect()
    };
    let messages = all(Role::Message).join("\n\n");
    facts.push(&Record {
        text: (found.n_texts > 0).then_some(&found.text),
        beside: (!found.beside.is_empty()).then_some(&found.beside),
        id: one(Role::Id),
        repositories: &all(Role::Repository),
        commit: one(Role::Commit),
        path: one(Role::Path),
        git_blob: one(Role::GitBlob),
        sha1: one(Role::Sha1),
        sha256: one(Role::Sha256),
        encoding: one(Role::Encoding),
        language: one(Role::Language),
        source: one(Role::Source),
        message: (!messages.is_empty()).then_some(&messages),
        generators: &all(Role::Generator),
        ..record
    });
}
