//! The same records in every format: JSON lines, Parquet flat and nested, Arrow.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder, StructBuilder};
use arrow_array::{Array as _, ArrayRef, RecordBatch, StringArray};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{DataType, Field, Fields, Schema};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use serde_json::{Map, Value};

use crate::world::Version;

/// The profile of records that stand in a row each.
pub const PROFILE_FLAT: &str = r#"version = 1
name = "harbour"

[columns]
text = "content"
id = "id?"
git-blob = "git_blob?"
path = "path?"
repository = "repository?"
generator = "model?"
message = "message?"
"#;

/// The profile of records that stand several in a row.
pub const PROFILE_FILES: &str = r#"version = 1
name = "harbour-files"
records = "files"

[columns]
text = "content"
id = "id?"
git-blob = "git_blob?"
path = "path?"
repository = "/repository?"
"#;

/// The columns, in their order.
const COLUMNS: [&str; 5] = ["id", "content", "git_blob", "path", "repository"];

/// Those of them that each record has where a row holds several.
const OF_RECORD: [&str; 4] = ["id", "content", "git_blob", "path"];

/// How many records a row with a list holds.
const PER_ROW: usize = 3;

/// How many rows a batch holds: a shard has several.
const PER_BATCH: usize = 8;

/// A record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShardRecord {
    /// Its name.
    pub id: Option<String>,
    /// Its text.
    pub content: Option<String>,
    /// The name it claims of its text.
    pub git_blob: Option<String>,
    /// Where it is said to come from.
    pub path: Option<String>,
    /// The repository it is said to come from.
    pub repository: Option<String>,
}

/// The format of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardFormat {
    /// `.jsonl`.
    Lines,
    /// `.jsonl.gz`, of two members.
    LinesGzip,
    /// `.jsonl.zst`, of two frames.
    LinesZstd,
    /// `.jsonl`, with several records a row.
    LinesFiles,
    /// `.parquet`.
    Parquet,
    /// `.parquet`, with several records a row.
    ParquetFiles,
    /// `.arrow`, the file format.
    ArrowFile,
    /// `.arrow`, the stream format.
    ArrowStream,
}

impl ShardRecord {
    /// Returns the record of a file.
    #[must_use]
    pub fn of(version: &Version, id: usize) -> Self {
        Self {
            id: Some(id.to_string()),
            content: Some(version.text.clone()),
            git_blob: Some(version.git_blob.clone()),
            path: Some(version.path.clone()),
            repository: Some("harbour/world".to_owned()),
        }
    }

    /// Returns one value for each of the columns.
    fn values(&self) -> [&Option<String>; 5] {
        [&self.id, &self.content, &self.git_blob, &self.path, &self.repository]
    }

    /// Returns the record as a line, without what is not there.
    #[must_use]
    pub fn line(&self) -> String {
        Value::Object(self.object(&COLUMNS)).to_string()
    }

    fn object(&self, columns: &[&str]) -> Map<String, Value> {
        let pairs = COLUMNS.iter().zip(self.values());
        let pairs = pairs.filter(|(name, _)| columns.contains(name));
        pairs.filter_map(|(name, value)| Some(((*name).to_owned(), Value::from(value.clone()?)))).collect()
    }
}

impl ShardFormat {
    /// All formats.
    pub const ALL: [Self; 8] = [
        Self::Lines,
        Self::LinesGzip,
        Self::LinesZstd,
        Self::LinesFiles,
        Self::Parquet,
        Self::ParquetFiles,
        Self::ArrowFile,
        Self::ArrowStream,
    ];

    /// Returns how the names of its shards end.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Lines | Self::LinesFiles => "jsonl",
            Self::LinesGzip => "jsonl.gz",
            Self::LinesZstd => "jsonl.zst",
            Self::Parquet | Self::ParquetFiles => "parquet",
            Self::ArrowFile | Self::ArrowStream => "arrow",
        }
    }

    /// Returns the profile its shards are read by.
    #[must_use]
    pub fn profile(self) -> &'static str {
        match self {
            Self::LinesFiles | Self::ParquetFiles => PROFILE_FILES,
            Self::Lines
            | Self::LinesGzip
            | Self::LinesZstd
            | Self::Parquet
            | Self::ArrowFile
            | Self::ArrowStream => PROFILE_FLAT,
        }
    }

    /// Whether its shards hold JSON lines.
    #[must_use]
    pub fn is_lines(self) -> bool {
        matches!(self, Self::Lines | Self::LinesGzip | Self::LinesZstd | Self::LinesFiles)
    }

    /// Returns a shard of records.
    #[must_use]
    pub fn bytes(self, records: &[ShardRecord]) -> Vec<u8> {
        match self {
            Self::Lines | Self::LinesGzip | Self::LinesZstd | Self::LinesFiles => {
                self.packed(&self.lines(records))
            }
            Self::Parquet => parquet_of(&batches(records)),
            Self::ParquetFiles => parquet_of(&[nested(records)]),
            Self::ArrowFile => {
                let batches = batches(records);
                let mut writer = FileWriter::try_new(Vec::new(), &schema()).expect("a writer of memory");
                batches.iter().for_each(|batch| writer.write(batch).expect("the columns fit"));
                writer.into_inner().expect("the file can be ended")
            }
            Self::ArrowStream => {
                let batches = batches(records);
                let mut writer = StreamWriter::try_new(Vec::new(), &schema()).expect("a writer of memory");
                batches.iter().for_each(|batch| writer.write(batch).expect("the columns fit"));
                writer.into_inner().expect("the stream can be ended")
            }
        }
    }

    /// Returns records as the lines of a shard, before compression.
    #[must_use]
    pub fn lines(self, records: &[ShardRecord]) -> Vec<u8> {
        let mut out = Vec::new();
        if self == Self::LinesFiles {
            for rows in records.chunks(PER_ROW) {
                let files: Vec<Value> =
                    rows.iter().map(|record| Value::Object(record.object(&OF_RECORD))).collect();
                let row = serde_json::json!({ "repository": "harbour/world", "files": files });
                writeln!(out, "{row}").expect("memory takes it");
            }
        } else {
            records.iter().for_each(|record| writeln!(out, "{}", record.line()).expect("memory takes it"));
        }
        out
    }

    /// Compresses lines, in two parts.
    #[must_use]
    pub fn packed(self, lines: &[u8]) -> Vec<u8> {
        let (one, two) = lines.split_at(lines.len() / 2);
        let mut out = Vec::new();
        for part in [one, two] {
            match self {
                Self::LinesGzip => {
                    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                    encoder.write_all(part).expect("memory takes it");
                    out.extend(encoder.finish().expect("memory takes it"));
                }
                Self::LinesZstd => out.extend(zstd::encode_all(part, 1).expect("memory takes it")),
                Self::Lines
                | Self::LinesFiles
                | Self::Parquet
                | Self::ParquetFiles
                | Self::ArrowFile
                | Self::ArrowStream => out.extend_from_slice(part),
            }
        }
        out
    }
}

/// Returns the lines of a shard, by the ending of its name; `None` if its compression is damaged.
#[must_use]
pub fn unpacked(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "gz" => drop(MultiGzDecoder::new(bytes).read_to_end(&mut out).ok()?),
        "zst" => out = zstd::decode_all(bytes).ok()?,
        _ => out.extend_from_slice(bytes),
    }
    Some(out)
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(fields(&COLUMNS)))
}

fn fields(columns: &[&str]) -> Fields {
    columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect()
}

fn batches(records: &[ShardRecord]) -> Vec<RecordBatch> {
    let batch = |records: &[ShardRecord]| {
        let column = |nth: usize| -> ArrayRef {
            let values =
                records.iter().map(|record| record.values().get(nth).and_then(|value| value.as_deref()));
            Arc::new(values.collect::<StringArray>())
        };
        RecordBatch::try_new(schema(), (0..COLUMNS.len()).map(column).collect()).expect("the columns fit")
    };
    records.chunks(PER_BATCH).map(batch).collect()
}

/// Returns records as rows that hold several; every fourth row has an empty list, and every fifth none.
fn nested(records: &[ShardRecord]) -> RecordBatch {
    let builders = OF_RECORD.iter().map(|_| Box::new(StringBuilder::new()) as _).collect();
    let mut lists = ListBuilder::new(StructBuilder::new(fields(&OF_RECORD), builders));
    for (nth, rows) in records.chunks(PER_ROW).enumerate() {
        for record in rows {
            for (column, value) in record.values().into_iter().take(OF_RECORD.len()).enumerate() {
                let builder = lists.values().field_builder::<StringBuilder>(column);
                builder.expect("the fields are strings").append_option(value.as_deref());
            }
            lists.values().append(true);
        }
        lists.append(true);
        if nth % 4 == 3 {
            lists.append(true);
        }
        if nth % 5 == 4 {
            lists.append(false);
        }
    }
    let lists: ArrayRef = Arc::new(lists.finish());
    let repositories: ArrayRef = Arc::new(StringArray::from(vec!["harbour/world"; lists.len()]));
    RecordBatch::try_from_iter_with_nullable([("repository", repositories, true), ("files", lists, true)])
        .expect("the columns fit")
}

fn parquet_of(batches: &[RecordBatch]) -> Vec<u8> {
    let schema = batches.first().map_or_else(schema, RecordBatch::schema);
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, None).expect("a writer of memory");
    for batch in batches {
        writer.write(batch).expect("the columns fit");
        writer.flush().expect("memory takes it");
    }
    writer.into_inner().expect("the file can be ended")
}
