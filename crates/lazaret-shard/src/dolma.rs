//! Dolma's side files: `attributes/NAME/X` says something about each document of `documents/X`, row by row.
//!
//! Its mixer keeps a document that an `exclude` rule finds no attribute of, so that a side file that is missing lets
//! everything through. What is written here is positive instead: `lazaret__admit` is on admitted documents alone, and
//! goes with `include`. Spans count Unicode scalar values, as `text[0:300]` in the description of the format does:
//! <https://github.com/allenai/dolma/blob/main/docs/data-format.md>.

use std::io::{Read, Write};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chunk::{Chunk, Limits, Rows};
use crate::codec::{Decoder, Encoder};
use crate::error::ShardError;
use crate::facts::Facts;
use crate::format::Codec;
use crate::json_lines::{LineSource, Piece, misfit};

/// What a row says of its document, by name.
pub type Attributes = Map<String, Value>;

/// Returns the path of the side file of that name for a file of documents; `None` where the path has no `documents`.
#[must_use]
pub fn attributes_path(documents: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = documents.split('/').collect();
    let place = parts.iter_mut().rev().find(|part| **part == "documents")?;
    let folder = format!("attributes/{name}");
    *place = &folder;
    Some(parts.join("/"))
}

/// Reads a side file in step with its documents.
#[derive(Debug)]
pub struct AttributeReader {
    name: String,
    source: LineSource,
    /// Rows that were read and not yet asked for, the next one last.
    rows: Vec<Option<Row>>,
    n_rows: u64,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(default)]
    id: Value,
    attributes: Attributes,
}

impl AttributeReader {
    /// Begins to read the side file of that name.
    ///
    /// # Errors
    /// [`ShardError::Compression`] when the codec has no memory to begin with.
    pub fn open(
        name: &str,
        codec: Codec,
        file: Box<dyn Read + Send>,
        limits: Limits,
    ) -> Result<Self, ShardError> {
        let source = LineSource::new(Decoder::new(codec, file)?, limits);
        Ok(Self { name: name.to_owned(), source, rows: Vec::new(), n_rows: 0 })
    }

    /// Returns what the next rows say of the records of `facts`; `None` where a row cannot be read or speaks of another
    /// record, which is [`Fault::Misaligned`](crate::Fault::Misaligned).
    ///
    /// # Errors
    /// [`ShardError`] when the file cannot be read further, or has fewer rows than the documents.
    pub fn next_rows(&mut self, facts: &Facts) -> Result<Vec<Option<Attributes>>, ShardError> {
        let mut rows = Vec::with_capacity(facts.len());
        for _ in 0..facts.len() {
            let row = self.next_row()?.ok_or_else(|| self.error("end before the documents do"))?;
            rows.push(row);
        }
        let mut out = Vec::with_capacity(rows.len());
        let mut rows = rows.into_iter();
        facts.for_each(|_, record| {
            let row = rows.next().flatten().filter(|row| is_of(&row.id, record.id));
            out.push(row.map(|row| row.attributes));
        });
        Ok(out)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`ShardError`] when there is a row that no document was asked for.
    pub fn finish(mut self) -> Result<(), ShardError> {
        match self.next_row()? {
            None => Ok(()),
            Some(_) => Err(self.error("go on behind the last document")),
        }
    }

    fn next_row(&mut self) -> Result<Option<Option<Row>>, ShardError> {
        while self.rows.is_empty() {
            let Some((bytes, pieces)) = self.source.next_lines()? else { return Ok(None) };
            let mut start = 0;
            for piece in pieces {
                match piece {
                    Piece::Line { end } => {
                        let line = bytes.get(start..end).unwrap_or_default();
                        self.rows.push(serde_json::from_slice(line).ok());
                        start = end;
                    }
                    Piece::Blank { end, .. } => start = end,
                    Piece::Long { .. } => self.rows.push(None),
                }
            }
            self.rows.reverse();
        }
        self.n_rows += 1;
        Ok(self.rows.pop())
    }

    fn error(&self, why: &'static str) -> ShardError {
        ShardError::Attributes { name: self.name.clone(), why, rows: self.n_rows }
    }
}

/// Whether an id of a row is that of a record. A record without id cannot be told from another.
fn is_of(id: &Value, record: Option<&str>) -> bool {
    match id {
        Value::String(id) => Some(id.as_str()) == record,
        Value::Number(id) => Some(id.to_string().as_str()) == record,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// What was judged of a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged<'a> {
    /// Whether it is admitted.
    pub admitted: bool,
    /// The tainted spans of its text, in bytes, in order and disjoint.
    pub tainted: &'a [Range<usize>],
}

/// Writes the side file `attributes/lazaret/X` for `documents/X`: one row for each record, in order.
///
/// A row has `lazaret__admit`, the whole text if the document is admitted and nothing else, and `lazaret__tainted`.
#[derive(Debug)]
pub struct AttributeWriter {
    encoder: Encoder,
    n_rows: u64,
}

/// A span in characters, with the score that the format asks for.
type Span = (usize, usize, f64);

#[derive(Serialize)]
struct Line<'a> {
    id: &'a Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    source: &'a Value,
    attributes: Spans,
}

#[derive(Serialize)]
struct Spans {
    #[serde(rename = "lazaret__admit")]
    admit: Vec<Span>,
    #[serde(rename = "lazaret__tainted")]
    tainted: Vec<Span>,
}

/// The two members by which Dolma tells documents apart. They are written as they stood: it compares a number with
/// digits as different.
#[derive(Default, Deserialize)]
struct Names {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    source: Value,
}

impl AttributeWriter {
    /// Begins a side file.
    ///
    /// # Errors
    /// [`ShardError::Write`] when it cannot be begun.
    pub fn create(codec: Codec, file: Box<dyn Write + Send>) -> Result<Self, ShardError> {
        Ok(Self { encoder: Encoder::new(codec, file)?, n_rows: 0 })
    }

    /// Writes the rows for the records of a chunk of documents.
    ///
    /// # Errors
    /// [`ShardError`] when they cannot be written, or the chunk is none of JSON lines.
    pub fn write(&mut self, chunk: &Chunk, judged: &[Judged<'_>]) -> Result<(), ShardError> {
        let Rows::Lines(lines) = &chunk.rows else {
            return Err(misfit("Dolma's attributes go with JSON lines alone"));
        };
        if judged.len() != chunk.facts.len() || lines.records.len() != judged.len() {
            return Err(misfit("there is not one judgement for each record"));
        }
        let mut out = Vec::new();
        let mut written = Ok(());
        chunk.facts.for_each(|nth, record| {
            let object = lines.records.get(nth).and_then(|place| lines.bytes.get(place.object.clone()?));
            let names: Names =
                object.and_then(|object| serde_json::from_slice(object).ok()).unwrap_or_default();
            let judged = judged.get(nth).copied().unwrap_or_default();
            let text = record.text.unwrap_or_default();
            // A record with a fault is admitted by nobody, whatever the caller says.
            let is_admitted = judged.admitted && record.fault.is_none();
            let admit = is_admitted.then(|| (0, n_characters(text), 1.0)).into_iter().collect();
            let attributes = Spans { admit, tainted: in_characters(text, judged.tainted) };
            let line = Line { id: &names.id, source: &names.source, attributes };
            if written.is_ok() {
                written =
                    serde_json::to_writer(&mut out, &line).map_err(|error| ShardError::Write(error.into()));
            }
            out.push(b'\n');
            self.n_rows += 1;
        });
        written?;
        self.encoder.write_all(&out)
    }

    /// Ends the file; returns how many rows it has.
    ///
    /// # Errors
    /// [`ShardError::Write`] when it cannot be written.
    pub fn finish(self) -> Result<u64, ShardError> {
        self.encoder.finish()?;
        Ok(self.n_rows)
    }
}

/// Turns spans of bytes into spans of characters; one that cuts a character takes all of it.
fn in_characters(text: &[u8], spans: &[Range<usize>]) -> Vec<Span> {
    let (mut at, mut characters) = (0, 0);
    let mut upto = |place: usize| {
        let place = place.min(text.len());
        characters += n_characters(text.get(at..place).unwrap_or_default());
        at = at.max(place);
        characters
    };
    let mut out = Vec::new();
    for span in spans {
        let cuts = text.get(span.start).is_some_and(|byte| !begins_character(*byte));
        let start = upto(span.start).saturating_sub(usize::from(cuts));
        out.push((start, upto(span.end), 1.0));
    }
    out
}

fn n_characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| begins_character(**byte)).count()
}

/// Whether a byte of UTF-8 is the first of its character.
fn begins_character(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_counted_in_characters() {
        let text = "a\u{e9}\u{1f600}b".as_bytes();
        let spans = |spans: &[Range<usize>]| -> Vec<(usize, usize)> {
            in_characters(text, spans).into_iter().map(|(start, end, _)| (start, end)).collect()
        };
        assert_eq!(spans(&[0..1, 1..3, 3..7, 7..8]), [(0, 1), (1, 2), (2, 3), (3, 4)]);
        assert_eq!(spans(&[0..8, 8..8]), [(0, 4), (4, 4)]);
        assert_eq!(spans(&[4..6, 7..8]), [(2, 3), (3, 4)]);
        assert_eq!(spans(&[8..8, 8..100]), [(4, 4), (4, 4)]);
    }

    #[test]
    fn side_files_lie_beside_the_documents() {
        let path = attributes_path("acme/documents/2019/a.jsonl.gz", "lazaret");
        assert_eq!(path.as_deref(), Some("acme/attributes/lazaret/2019/a.jsonl.gz"));
        assert_eq!(attributes_path("acme/data/a.jsonl.gz", "lazaret"), None);
    }
}
