//! Writes JSON lines again: the bytes as they stood, but for what is dropped, replaced or added.

use std::collections::HashMap;
use std::ops::Range;

use arrow_array::RecordBatch;
use serde::de::IgnoredAny;

use super::beside;
use crate::chunk::{Fate, LineRecord, Lines, Rows, ShardWriter, Written};
use crate::codec::Encoder;
use crate::error::ShardError;

/// Writes JSON lines.
#[derive(Debug)]
pub(crate) struct JsonLinesWriter {
    encoder: Encoder,
    written: Written,
    /// Kept from chunk to chunk for its memory.
    out: Vec<u8>,
}

/// The records of a chunk, and what becomes of them.
struct Job<'a> {
    lines: &'a Lines,
    fates: &'a [Fate<'a>],
    beside: Option<&'a RecordBatch>,
}

impl JsonLinesWriter {
    pub(crate) fn new(encoder: Encoder) -> Self {
        Self { encoder, written: Written::default(), out: Vec::new() }
    }
}

impl ShardWriter for JsonLinesWriter {
    fn write(
        &mut self,
        rows: &Rows,
        fates: &[Fate<'_>],
        beside: Option<&RecordBatch>,
    ) -> Result<(), ShardError> {
        let Rows::Lines(lines) = rows else {
            return Err(misfit("they are no lines; write them in the format they were read in"));
        };
        if lines.records.len() != fates.len() || beside.is_some_and(|batch| batch.num_rows() != fates.len()) {
            return Err(misfit("there is not one fate, and one row of further columns, for each record"));
        }
        let job = Job { lines, fates, beside };
        self.out.clear();
        self.out.reserve(lines.bytes.len());
        let (mut start, mut first) = (0, 0);
        for line in &lines.rows {
            let records = first..line.records;
            let kept =
                fates.get(records.clone()).unwrap_or_default().iter().filter(|fate| **fate != Fate::Drop);
            let kept = kept.count() as u64;
            self.written.records += kept;
            self.written.rows += u64::from(kept > 0);
            if records.is_empty() {
                job.copy(start..line.end, &mut self.out);
            } else if kept > 0 {
                job.row(start..line.end, records, &mut self.out)?;
            }
            (start, first) = (line.end, line.records);
        }
        self.encoder.write_all(&self.out)
    }

    fn finish(self: Box<Self>) -> Result<Written, ShardError> {
        self.encoder.finish()?;
        Ok(self.written)
    }
}

impl Job<'_> {
    fn copy(&self, range: Range<usize>, out: &mut Vec<u8>) {
        out.extend_from_slice(self.lines.bytes.get(range).unwrap_or_default());
    }

    /// Writes a row of which at least one record is kept. An element goes with the comma before it, the first that is
    /// kept without, so that a list of which nothing is dropped is what it was.
    fn row(&self, line: Range<usize>, records: Range<usize>, out: &mut Vec<u8>) -> Result<(), ShardError> {
        if line.is_empty() {
            return Err(misfit("one is over the limits, so that it was not kept; raise them, or drop it"));
        }
        let (mut at, mut is_first) = (line.start, true);
        for nth in records {
            let (Some(record), Some(fate)) = (self.lines.records.get(nth), self.fates.get(nth)) else {
                return Err(misfit("there are fewer of them than their rows say"));
            };
            let Some(element) = &record.element else {
                return self.record(line, nth, record, *fate, out);
            };
            if at == line.start {
                self.copy(at..element.start, out);
                at = element.start;
            }
            if *fate != Fate::Drop {
                let start = if is_first { element.start } else { at };
                self.record(start..element.end, nth, record, *fate, out)?;
                is_first = false;
            }
            at = element.end;
        }
        self.copy(at..line.end, out);
        Ok(())
    }

    /// Writes the bytes of `range`, which hold the record.
    fn record(
        &self,
        range: Range<usize>,
        nth: usize,
        record: &LineRecord,
        fate: Fate<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ShardError> {
        let mut at = range.start;
        match fate {
            Fate::Drop => return Ok(()),
            Fate::Keep => {}
            Fate::Replace(text) => {
                let Some(old) = &record.text else {
                    return Err(misfit(
                        "the text of one is not one string, so that it cannot be replaced; hold it",
                    ));
                };
                self.copy(at..old.start, out);
                beside::write_string(text, out)?;
                at = old.end;
            }
        }
        // What is no object has no columns; its fault says so, and it is written as it stood.
        if let (Some(batch), Some(object)) = (self.beside, &record.object) {
            let end = object.end.saturating_sub(1);
            self.copy(at..end, out);
            at = end;
            self.columns(batch, nth, object, out)?;
        }
        self.copy(at..range.end, out);
        Ok(())
    }

    fn columns(
        &self,
        batch: &RecordBatch,
        nth: usize,
        object: &Range<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), ShardError> {
        let object = self.lines.bytes.get(object.clone()).unwrap_or_default();
        let members: HashMap<String, IgnoredAny> = serde_json::from_slice(object)
            .map_err(|error| ShardError::DoesNotFit { why: error.to_string() })?;
        let mut is_first = members.is_empty();
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            if members.contains_key(field.name()) {
                let why = format!("the shard has the column `{0}` already; give another name", field.name());
                return Err(ShardError::DoesNotFit { why });
            }
            if !is_first {
                out.push(b',');
            }
            is_first = false;
            beside::write_string(field.name(), out)?;
            out.push(b':');
            beside::write_value(field.name(), column, nth, out)?;
        }
        Ok(())
    }
}

pub(crate) fn misfit(why: &str) -> ShardError {
    ShardError::DoesNotFit { why: why.to_owned() }
}
