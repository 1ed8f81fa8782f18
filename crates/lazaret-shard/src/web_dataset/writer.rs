//! Writes `WebDataset` archives again: headers and bytes as they stood, but for what is dropped or replaced.

use arrow_array::RecordBatch;
use tar::Header;

use super::archive::padding_of;
use crate::chunk::{Entry, EntryText, Fate, Rows, ShardWriter, Written};
use crate::codec::Encoder;
use crate::error::ShardError;
use crate::json_lines::{misfit, write_string};

const BLOCK_BYTES: usize = 512;

/// Writes `WebDataset` archives.
#[derive(Debug)]
pub(crate) struct WebDatasetWriter {
    encoder: Encoder,
    written: Written,
    has_end: bool,
}

impl WebDatasetWriter {
    pub(crate) fn new(encoder: Encoder) -> Self {
        Self { encoder, written: Written::default(), has_end: false }
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), ShardError> {
        self.encoder.write_all(&entry.header)?;
        self.encoder.write_all(&entry.bytes)?;
        self.encoder.write_all(&entry.padding)
    }

    /// Writes a file with another text. Its size stands in its own header, which comes last.
    fn replaced(&mut self, entry: &Entry, place: &EntryText, text: &str) -> Result<(), ShardError> {
        let bytes = match place {
            EntryText::Whole => text.as_bytes().to_vec(),
            EntryText::JsonString(range) => {
                let mut bytes = entry.bytes.get(..range.start).unwrap_or_default().to_vec();
                write_string(text, &mut bytes)?;
                bytes.extend_from_slice(entry.bytes.get(range.end..).unwrap_or_default());
                bytes
            }
        };
        let (before, own) = entry.header.split_at(entry.header.len().saturating_sub(BLOCK_BYTES));
        let mut header = Header::from_byte_slice(own).clone();
        if header.entry_size().ok() != Some(entry.bytes.len() as u64) {
            return Err(misfit(
                "the size of a file stands in an extension header, so that its text cannot be replaced",
            ));
        }
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        self.encoder.write_all(before)?;
        self.encoder.write_all(header.as_bytes())?;
        self.encoder.write_all(&bytes)?;
        let zeros = [0; BLOCK_BYTES];
        self.encoder.write_all(zeros.get(..padding_of(bytes.len() as u64)).unwrap_or_default())
    }
}

impl ShardWriter for WebDatasetWriter {
    fn write(
        &mut self,
        rows: &Rows,
        fates: &[Fate<'_>],
        beside: Option<&RecordBatch>,
    ) -> Result<(), ShardError> {
        let Rows::Entries(entries) = rows else {
            return Err(misfit(
                "they are no files of an archive; write them in the format they were read in",
            ));
        };
        if beside.is_some() {
            return Err(misfit("an archive has no columns to add to; leave the further columns out"));
        }
        let n_records = entries.iter().filter_map(|entry| entry.record).max().map_or(0, |last| last + 1);
        if n_records != fates.len() {
            return Err(misfit("there is not one fate for each record"));
        }
        let mut has_text = vec![false; fates.len()];
        for entry in entries {
            let Some((nth, fate)) = entry.record.and_then(|nth| Some((nth, fates.get(nth)?))) else {
                self.has_end |= entry.header.iter().all(|byte| *byte == 0);
                self.entry(entry)?;
                continue;
            };
            match (fate, &entry.text) {
                (Fate::Drop, _) => {}
                (Fate::Keep | Fate::Replace(_), _) if entry.long.is_some() => {
                    return Err(misfit(
                        "one is over the limits, so that it was not kept; raise them, or drop it",
                    ));
                }
                (Fate::Replace(text), Some(place)) => {
                    self.replaced(entry, place, text)?;
                    if let Some(has_text) = has_text.get_mut(nth) {
                        *has_text = true;
                    }
                }
                (Fate::Keep | Fate::Replace(_), _) => self.entry(entry)?,
            }
        }
        for (fate, has_text) in fates.iter().zip(has_text) {
            if matches!(fate, Fate::Replace(_)) && !has_text {
                return Err(misfit(
                    "the text of one does not stand in one place, so that it cannot be replaced; hold it",
                ));
            }
            let kept = u64::from(*fate != Fate::Drop);
            self.written.records += kept;
            self.written.rows += kept;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written, ShardError> {
        if !self.has_end {
            self.encoder.write_all(&[0; 2 * BLOCK_BYTES])?;
        }
        self.encoder.finish()?;
        Ok(self.written)
    }
}
