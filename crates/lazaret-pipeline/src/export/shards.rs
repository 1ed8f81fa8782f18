//! Writes records as shards, before anything is held of them: the gate reads these.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int64Array, LargeStringArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use lazaret_shard::{
    Codec, Fate, Format, Line, LineRecord, Lines, Place, Rows, ShardError, ShardName, ShardWriter,
    create_text,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::records::ExportRecord;
use super::{ExportError, ExportFormat};
use crate::gate::ShardInput;
use crate::report::write_json;

/// About how much text is turned into columns or lines at a time.
const BATCH_BYTES: usize = 8 << 20;

/// About how large a row group grows before it is written.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// The folder of the shards within the data set.
const FOLDER: &str = "data";

/// Shards that are being written.
pub(super) struct RawShards {
    folder: PathBuf,
    place: Place,
    format: ExportFormat,
    shard_bytes: u64,
    /// The shards so far; the last is open.
    shards: Vec<ShardInput>,
    open: Option<Writer>,
    /// How much text the open shard has.
    text_bytes: u64,
    /// Records that were not written yet, and how much text they have.
    waiting: (Vec<ExportRecord>, usize),
}

enum Writer {
    Parquet(Box<ArrowWriter<File>>),
    JsonLines(Box<dyn ShardWriter>),
}

impl RawShards {
    /// Begins with the first shard: a revision without records has one that is empty.
    pub(super) fn begin(folder: &Path, format: ExportFormat, shard_bytes: u64) -> Result<Self, ExportError> {
        fs::create_dir_all(folder.join(FOLDER)).map_err(ExportError::Scratch)?;
        let place = Place::parse(&folder.to_string_lossy(), &BTreeMap::new())?;
        let mut shards = Self {
            folder: folder.to_owned(),
            place,
            format,
            shard_bytes,
            shards: Vec::new(),
            open: None,
            text_bytes: 0,
            waiting: (Vec::new(), 0),
        };
        shards.open_next()?;
        Ok(shards)
    }

    /// Adds a record.
    pub(super) fn push(&mut self, record: ExportRecord) -> Result<(), ExportError> {
        if self.text_bytes >= self.shard_bytes {
            self.close()?;
            self.open_next()?;
        }
        self.text_bytes += record.content.len() as u64;
        self.waiting.1 += record.content.len();
        self.waiting.0.push(record);
        if self.waiting.1 >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    /// Returns the shards, all of them whole.
    pub(super) fn finish(mut self) -> Result<Vec<ShardInput>, ExportError> {
        self.close()?;
        Ok(self.shards)
    }

    fn open_next(&mut self) -> Result<(), ExportError> {
        let ending = match self.format {
            ExportFormat::Parquet => "parquet",
            ExportFormat::JsonLinesZstd => "jsonl.zst",
        };
        let name = ShardName::new(format!("{FOLDER}/shard-{:05}.{ending}", self.shards.len()))?;
        let file = File::create(self.folder.join(name.as_str())).map_err(ExportError::Scratch)?;
        self.open = Some(match self.format {
            ExportFormat::Parquet => Writer::Parquet(Box::new(parquet_writer(file)?)),
            ExportFormat::JsonLinesZstd => {
                Writer::JsonLines(create_text(Format::JsonLines(Codec::Zstd), Box::new(file))?)
            }
        });
        self.shards.push(ShardInput { name: name.clone(), place: self.place.clone(), file: name });
        self.text_bytes = 0;
        Ok(())
    }

    fn write(&mut self) -> Result<(), ExportError> {
        let records = std::mem::take(&mut self.waiting).0;
        match &mut self.open {
            Some(Writer::Parquet(writer)) => {
                let batch = RecordBatch::try_new(schema(), columns(&records));
                writer.write(&batch.map_err(|source| ExportError::Columns(source.into()))?)?;
                if writer.in_progress_size() >= ROW_GROUP_BYTES {
                    writer.flush()?;
                }
            }
            Some(Writer::JsonLines(writer)) => {
                let rows = Rows::Lines(lines(&records)?);
                writer.write(&rows, &vec![Fate::Keep; records.len()], None)?;
            }
            None => {}
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), ExportError> {
        self.write()?;
        match self.open.take() {
            Some(Writer::Parquet(writer)) => {
                writer.close()?;
            }
            Some(Writer::JsonLines(writer)) => {
                writer.finish()?;
            }
            None => {}
        }
        Ok(())
    }
}

fn parquet_writer(file: File) -> Result<ArrowWriter<File>, ExportError> {
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    Ok(ArrowWriter::try_new(file, schema(), Some(properties))?)
}

fn lines(records: &[ExportRecord]) -> Result<Lines, ExportError> {
    let mut lines = Lines::default();
    for record in records {
        let start = lines.bytes.len();
        write_json(record, &mut lines.bytes).map_err(ShardError::Write)?;
        lines.records.push(LineRecord { object: Some(start..lines.bytes.len()), text: None, element: None });
        lines.bytes.push(b'\n');
        lines.rows.push(Line { end: lines.bytes.len(), records: lines.records.len() });
    }
    Ok(lines)
}

fn schema() -> SchemaRef {
    let text = |name: &str, may_be_null| Field::new(name, DataType::Utf8, may_be_null);
    let number = |name: &str, may_be_null| Field::new(name, DataType::Int64, may_be_null);
    let paths = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    Arc::new(Schema::new(vec![
        text("id", false),
        Field::new("content", DataType::LargeUtf8, false),
        text("path", false),
        text("repository", false),
        text("commit", false),
        text("git_blob", false),
        text("swhid", false),
        text("sha256", false),
        text("language", true),
        Field::new("license_files", paths, false),
        text("spdx", true),
        number("size_bytes", false),
        number("lines", false),
        text("committed_at", true),
        text("unit_kind", true),
        text("unit_name", true),
        number("first_line", true),
        number("last_line", true),
    ]))
}

fn columns(records: &[ExportRecord]) -> Vec<ArrayRef> {
    let text = |get: fn(&ExportRecord) -> Option<&str>| -> ArrayRef {
        Arc::new(records.iter().map(get).collect::<StringArray>())
    };
    let number = |get: fn(&ExportRecord) -> Option<i64>| -> ArrayRef {
        Arc::new(records.iter().map(get).collect::<Int64Array>())
    };
    let mut license_files = ListBuilder::new(StringBuilder::new());
    for record in records {
        record.license_files.iter().for_each(|path| license_files.values().append_value(path));
        license_files.append(true);
    }
    let contents = LargeStringArray::from_iter_values(records.iter().map(|record| &record.content));
    vec![
        text(|record| Some(&record.id)),
        Arc::new(contents),
        text(|record| Some(&record.path)),
        text(|record| Some(&record.repository)),
        text(|record| Some(&record.commit)),
        text(|record| Some(&record.git_blob)),
        text(|record| Some(&record.swhid)),
        text(|record| Some(&record.sha256)),
        text(|record| record.language),
        Arc::new(license_files.finish()),
        text(|record| record.spdx.as_deref()),
        number(|record| Some(record.size_bytes)),
        number(|record| Some(record.lines)),
        text(|record| record.committed_at.as_deref()),
        text(|record| record.unit_kind),
        text(|record| record.unit_name.as_deref()),
        number(|record| record.first_line),
        number(|record| record.last_line),
    ]
}
