//! Writes what is left of batches in the format they came in, with the same columns, packed the same way.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::{SchemaDescriptor, Type};

use super::compact::{Dictionaries, carries_more, compacted};
use super::guard::guarded;
use super::plan::Plan;
use super::rows::{left, with_fields};
use super::{ColumnarTemplate, Packing};
use crate::chunk::{Fate, Rows, ShardWriter, Written};
use crate::error::ShardError;
use crate::profile::Profile;

/// A row group ends at about so many bytes: it is held in memory until it is written.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Why an Arrow file is not written.
const DICTIONARY: &str = "a dictionary of an Arrow file holds long texts of other records than those that are written, \
                          and would carry them along; write the shard as an Arrow stream or as Parquet first";

/// Under this key a Parquet file carries its Arrow schema.
const ARROW_SCHEMA: &str = "ARROW:schema";

/// Who wrote the file. It has no version: the same records give the same bytes.
const CREATED_BY: &str = "lazaret";

/// Writes a columnar shard.
pub(crate) struct ColumnarWriter<W: Write + Send> {
    plan: Plan,
    template: ColumnarTemplate,
    sink: Sink<W>,
    /// The columns beside, once the first batch is written.
    beside: Option<Option<SchemaRef>>,
    written: Written,
}

/// What the bytes go through.
enum Sink<W: Write + Send> {
    /// Nothing was written yet: the first batch says which columns there are.
    Waiting(W),
    Parquet(Box<ArrowWriter<W>>),
    File(Box<FileWriter<BufWriter<W>>>),
    Stream(Box<StreamWriter<BufWriter<W>>>),
    /// Writing failed.
    Failed,
}

impl<W: Write + Send> ColumnarWriter<W> {
    /// Makes a writer for records of a shard like the template.
    pub(crate) fn new(out: W, template: ColumnarTemplate, profile: &Profile) -> Result<Self, ShardError> {
        let plan = Plan::new(&template.schema, profile)?;
        Ok(Self { plan, template, sink: Sink::Waiting(out), beside: None, written: Written::default() })
    }

    /// Opens the sink, if that was not done before.
    fn start(&mut self, beside: Option<&RecordBatch>) -> Result<(), ShardError> {
        let beside = beside.map(RecordBatch::schema);
        if let Some(first) = &self.beside {
            if *first != beside {
                let why = "the further columns are not those of the first records";
                return Err(ShardError::DoesNotFit { why: why.to_owned() });
            }
            return Ok(());
        }
        if let Sink::Waiting(out) = std::mem::replace(&mut self.sink, Sink::Failed) {
            self.sink = Sink::open(out, &self.template, beside.as_deref())?;
        }
        self.beside = Some(beside);
        Ok(())
    }
}

impl<W: Write + Send> ShardWriter for ColumnarWriter<W> {
    fn write(
        &mut self,
        rows: &Rows,
        fates: &[Fate<'_>],
        beside: Option<&RecordBatch>,
    ) -> Result<(), ShardError> {
        let Rows::Columns(batch) = rows else {
            return Err(ShardError::DoesNotFit {
                why: "the rows are not those of a columnar shard".to_owned(),
            });
        };
        let left = left(&self.plan, batch, fates, beside)?;
        self.start(beside)?;
        self.sink.write(&left.batch)?;
        self.written.records += left.records;
        self.written.rows += left.batch.num_rows() as u64;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written, ShardError> {
        if self.beside.is_none() {
            self.start(None)?;
        }
        self.sink.finish()?;
        Ok(self.written)
    }
}

impl<W: Write + Send> Sink<W> {
    fn open(out: W, template: &ColumnarTemplate, beside: Option<&Schema>) -> Result<Self, ShardError> {
        let schema = match beside {
            Some(beside) => Arc::new(with_fields(&template.schema, beside)?),
            None => Arc::clone(&template.schema),
        };
        match &template.packing {
            Packing::Parquet(metadata) => {
                let options = parquet_options(metadata, beside)?;
                let writer = guarded(|| Ok(ArrowWriter::try_new_with_options(out, schema, options)));
                Ok(Self::Parquet(Box::new(writer?.map_err(of_parquet)?)))
            }
            Packing::ArrowFile { compression, notes } => {
                let (out, options) = (BufWriter::new(out), arrow_options(*compression)?);
                let mut writer = FileWriter::try_new_with_options(out, &schema, options).map_err(of_arrow)?;
                notes.iter().for_each(|(key, value)| writer.write_metadata(key, value));
                Ok(Self::File(Box::new(writer)))
            }
            Packing::ArrowStream { compression } => {
                let (out, options) = (BufWriter::new(out), arrow_options(*compression)?);
                let writer = StreamWriter::try_new_with_options(out, &schema, options).map_err(of_arrow)?;
                Ok(Self::Stream(Box::new(writer)))
            }
        }
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), ShardError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        match self {
            Self::Parquet(writer) => guarded(|| Ok(writer.write(batch)))?.map_err(of_parquet),
            Self::File(writer) => {
                // The format has one dictionary for all batches, so that none can lose what its rows do not mean.
                if carries_more(batch).map_err(ShardError::Columns)? {
                    return Err(ShardError::DoesNotFit { why: DICTIONARY.to_owned() });
                }
                let batch = compacted(batch, Dictionaries::Keep).map_err(ShardError::Columns)?;
                writer.write(&batch).map_err(of_arrow)
            }
            Self::Stream(writer) => {
                let batch = compacted(batch, Dictionaries::Shrink).map_err(ShardError::Columns)?;
                writer.write(&batch).map_err(of_arrow)
            }
            Self::Waiting(_) | Self::Failed => Err(failed_before()),
        }
    }

    fn finish(self) -> Result<(), ShardError> {
        let mut out: Box<dyn Write> = match self {
            Self::Parquet(writer) => {
                let mut writer = *writer;
                guarded(|| Ok(writer.finish()))?.map_err(of_parquet)?;
                return writer.inner_mut().flush().map_err(ShardError::Write);
            }
            Self::File(writer) => Box::new(writer.into_inner().map_err(of_arrow)?) as Box<dyn Write + '_>,
            Self::Stream(writer) => Box::new(writer.into_inner().map_err(of_arrow)?),
            Self::Waiting(_) | Self::Failed => return Err(failed_before()),
        };
        out.flush().map_err(ShardError::Write)
    }
}

fn failed_before() -> ShardError {
    ShardError::Write(io::Error::other("an earlier write to the shard failed"))
}

/// Returns how the file is written: its own schema, its notes, and the compression of each of its columns.
fn parquet_options(
    metadata: &ParquetMetaData,
    beside: Option<&Schema>,
) -> Result<ArrowWriterOptions, ShardError> {
    let file = metadata.file_metadata();
    let notes = file.key_value_metadata().cloned().unwrap_or_default();
    let has_arrow_schema = notes.iter().any(|note| note.key == ARROW_SCHEMA);
    let notes: Vec<_> = notes.into_iter().filter(|note| note.key != ARROW_SCHEMA).collect();
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_key_value_metadata((!notes.is_empty()).then_some(notes))
        .set_compression(zstd());
    for column in metadata.row_groups().first().map(|group| group.columns()).unwrap_or_default() {
        let compression = written_as(column.compression());
        properties = properties.set_column_compression(column.column_path().clone(), compression);
    }
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(!has_arrow_schema);
    // Instants of 96 bits are read as timestamps, and nothing writes them any more.
    let schema = file.schema_descr();
    if schema.columns().iter().any(|column| column.physical_type() == PhysicalType::INT96) {
        return Ok(options);
    }
    let schema = match beside {
        Some(beside) => extended(schema, beside).map_err(of_parquet)?,
        None => schema.clone(),
    };
    Ok(options.with_parquet_schema(schema))
}

/// Returns the schema with the further columns at its end.
fn extended(schema: &SchemaDescriptor, beside: &Schema) -> Result<SchemaDescriptor, ParquetError> {
    let further = ArrowSchemaConverter::new().convert(beside)?;
    let root = schema.root_schema();
    let fields = root.get_fields().iter().chain(further.root_schema().get_fields()).cloned().collect();
    let root = Type::group_type_builder(root.name()).with_fields(fields).build()?;
    Ok(SchemaDescriptor::new(Arc::new(root)))
}

fn zstd() -> Compression {
    Compression::ZSTD(parquet::basic::ZstdLevel::default())
}

/// Returns the compression that stands for one that is only read.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other compression is written too")]
fn written_as(found: Compression) -> Compression {
    match found {
        Compression::LZ4 => Compression::LZ4_RAW,
        Compression::LZO => zstd(),
        other => other,
    }
}

fn arrow_options(compression: Option<CompressionType>) -> Result<IpcWriteOptions, ShardError> {
    IpcWriteOptions::default().try_with_compression(compression).map_err(of_arrow)
}

fn of_parquet(error: ParquetError) -> ShardError {
    ShardError::Write(io::Error::other(error))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other error is wrapped as it is")]
fn of_arrow(error: ArrowError) -> ShardError {
    match error {
        ArrowError::IoError(_, source) => ShardError::Write(source),
        other => ShardError::Write(io::Error::other(other)),
    }
}
