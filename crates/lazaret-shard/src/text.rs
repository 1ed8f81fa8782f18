//! Opens and creates shards of text: JSON lines and archives, compressed or not.

use std::io::{Read, Write};

use crate::chunk::{Limits, ShardReader, ShardWriter};
use crate::codec::{Decoder, Encoder};
use crate::error::ShardError;
use crate::format::Format;
use crate::json_lines::{JsonLinesReader, JsonLinesWriter, Plan};
use crate::profile::Profile;
use crate::web_dataset::{WebDatasetReader, WebDatasetWriter};

/// A row is examined in memory, and columns of facts count its bytes with 32 bits.
const ROW_BYTES_MAX: usize = 1 << 30;

/// Reads a shard of text.
///
/// # Errors
/// [`ShardError::Unsupported`] for a columnar format. What is wrong with the bytes shows when they are read.
pub fn open_text(
    format: Format,
    file: Box<dyn Read + Send>,
    profile: &Profile,
    limits: Limits,
) -> Result<Box<dyn ShardReader>, ShardError> {
    let limits = Limits { row_bytes_max: limits.row_bytes_max.min(ROW_BYTES_MAX), ..limits };
    let plan = Plan::new(profile);
    match format {
        Format::JsonLines(codec) => {
            Ok(Box::new(JsonLinesReader::new(Decoder::new(codec, file)?, plan, limits)))
        }
        Format::WebDataset(_) if plan.element.is_some() => {
            Err(ShardError::RecordsOfArchive { profile: profile.name.clone() })
        }
        Format::WebDataset(codec) => {
            Ok(Box::new(WebDatasetReader::new(Decoder::new(codec, file)?, plan, limits)))
        }
        Format::Parquet | Format::ArrowFile | Format::ArrowStream => Err(unsupported(format)),
    }
}

/// Writes a shard of text, in the format its records were read in.
///
/// # Errors
/// [`ShardError::Unsupported`] for a columnar format, [`ShardError::Write`] when the file cannot be begun.
pub fn create_text(format: Format, file: Box<dyn Write + Send>) -> Result<Box<dyn ShardWriter>, ShardError> {
    match format {
        Format::JsonLines(codec) => Ok(Box::new(JsonLinesWriter::new(Encoder::new(codec, file)?))),
        Format::WebDataset(codec) => Ok(Box::new(WebDatasetWriter::new(Encoder::new(codec, file)?))),
        Format::Parquet | Format::ArrowFile | Format::ArrowStream => Err(unsupported(format)),
    }
}

fn unsupported(format: Format) -> ShardError {
    ShardError::Unsupported { what: format!("the format {format}, which is not one of text") }
}
