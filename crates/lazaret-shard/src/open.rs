//! Opens a shard by its name and first bytes, and makes the writer that writes one like it.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;

use crate::chunk::{Limits, ShardReader, ShardWriter};
use crate::columnar::{ColumnarTemplate, ColumnarWriter, open_file, open_parquet, open_stream};
use crate::error::ShardError;
use crate::format::Format;
use crate::profile::Profile;
use crate::text::{create_text, open_text};

/// A shard that is open for reading.
pub struct Opened {
    /// Its format, as its first bytes have it.
    pub format: Format,
    /// Gives its chunks.
    pub reader: Box<dyn ShardReader>,
    /// What a shard like it is written by.
    pub template: Template,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("format", &self.format).finish_non_exhaustive()
    }
}

/// What a shard is written like: its format, its columns, and how they are packed.
#[derive(Debug, Clone)]
pub struct Template {
    packing: Packing,
}

#[derive(Debug, Clone)]
enum Packing {
    Text(Format),
    Columns(ColumnarTemplate),
}

/// Opens a shard.
///
/// The format is that of the name; Arrow's two kinds are told by their first bytes, and a file whose first bytes are
/// not those of its format (a web page saved as `.parquet`) is refused.
///
/// # Errors
/// [`ShardError`]: the file cannot be read, is not of its format, or lacks a column that the profile names.
pub fn open(path: &Path, profile: &Profile, limits: Limits) -> Result<Opened, ShardError> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let Some(format) = Format::of_name(&name) else {
        let what = format!("the name `{name}`, whose ending tells no format");
        return Err(ShardError::Unsupported { what });
    };
    let failed = |source| ShardError::Read { offset: 0, source };
    let mut file = File::open(path).map_err(failed)?;
    let start = first_bytes(&mut file).map_err(failed)?;
    let format = checked(format, &start)?;
    let columns = |(reader, template)| Opened {
        format,
        reader,
        template: Template { packing: Packing::Columns(template) },
    };
    match format {
        Format::Parquet => open_parquet(file, profile, limits).map(columns),
        Format::ArrowFile => open_file(file, profile, limits).map(columns),
        Format::ArrowStream => open_stream(file, profile, limits).map(columns),
        Format::JsonLines(_) | Format::WebDataset(_) => {
            let reader = open_text(format, Box::new(file), profile, limits)?;
            Ok(Opened { format, reader, template: Template { packing: Packing::Text(format) } })
        }
    }
}

/// Makes a writer of a shard like the one that was opened.
///
/// # Errors
/// [`ShardError`]: the profile names a column that the template lacks, or nothing can be written.
pub fn create(
    out: Box<dyn Write + Send>,
    template: &Template,
    profile: &Profile,
) -> Result<Box<dyn ShardWriter>, ShardError> {
    match &template.packing {
        Packing::Text(format) => create_text(*format, out),
        Packing::Columns(template) => Ok(Box::new(ColumnarWriter::new(out, template.clone(), profile)?)),
    }
}

fn first_bytes(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.take(8).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(start)
}

/// Holds the first bytes against the format of the name.
fn checked(format: Format, start: &[u8]) -> Result<Format, ShardError> {
    let unsupported = |what: &str| Err(ShardError::Unsupported { what: what.to_owned() });
    let is_stream = start.starts_with(&[0xFF; 4]);
    match format {
        Format::Parquet if start.starts_with(b"PAR1") => Ok(format),
        Format::Parquet if start.starts_with(b"PARE") => unsupported("an encrypted footer"),
        Format::ArrowFile | Format::ArrowStream if start.starts_with(b"ARROW1") => Ok(Format::ArrowFile),
        Format::ArrowFile | Format::ArrowStream if is_stream => Ok(Format::ArrowStream),
        Format::ArrowFile | Format::ArrowStream if start.starts_with(b"FEA1") => {
            unsupported("the first version of the Feather format; write it again as an Arrow file")
        }
        Format::Parquet | Format::ArrowFile | Format::ArrowStream => {
            Err(ShardError::NotTheFormat { format: format.to_string() })
        }
        Format::JsonLines(_) | Format::WebDataset(_) => Ok(format),
    }
}
