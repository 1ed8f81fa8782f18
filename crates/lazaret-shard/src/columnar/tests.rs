//! Columnar shards, written and read again.

mod damage;
mod laws;
mod reading;
mod writing;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use tempfile::TempDir;

use crate::chunk::{Chunk, Limits};
use crate::error::ShardError;
use crate::facts::{Fault, Record};
use crate::profile::Profile;

/// The kinds of files that every law is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Parquet(Compression),
    File(Option<CompressionType>),
    Stream(Option<CompressionType>),
}

const KINDS: [Kind; 6] = [
    Kind::Parquet(Compression::SNAPPY),
    Kind::Parquet(Compression::UNCOMPRESSED),
    Kind::File(None),
    Kind::File(Some(CompressionType::LZ4_FRAME)),
    Kind::Stream(None),
    Kind::Stream(Some(CompressionType::ZSTD)),
];

impl Kind {
    fn name(self) -> &'static str {
        if matches!(self, Self::Parquet(_)) { "shard.parquet" } else { "shard.arrow" }
    }

    fn bytes(self, batches: &[RecordBatch]) -> Vec<u8> {
        let schema = batches[0].schema();
        let options = |how| IpcWriteOptions::default().try_with_compression(how).unwrap();
        match self {
            Self::Parquet(compression) => {
                let properties = WriterProperties::builder().set_compression(compression).build();
                let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).unwrap();
                for batch in batches {
                    writer.write(batch).unwrap();
                    writer.flush().unwrap();
                }
                writer.into_inner().unwrap()
            }
            Self::File(how) => {
                let mut writer = FileWriter::try_new_with_options(Vec::new(), &schema, options(how)).unwrap();
                batches.iter().for_each(|batch| writer.write(batch).unwrap());
                writer.into_inner().unwrap()
            }
            Self::Stream(how) => {
                let mut writer =
                    StreamWriter::try_new_with_options(Vec::new(), &schema, options(how)).unwrap();
                batches.iter().for_each(|batch| writer.write(batch).unwrap());
                writer.into_inner().unwrap()
            }
        }
    }
}

/// A folder with one shard in it.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// A record with what it borrows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Found {
    row: u64,
    element: Option<u32>,
    fault: Option<Fault>,
    text: Option<Vec<u8>>,
    beside: Option<String>,
    id: Option<String>,
    repositories: Vec<String>,
    path: Option<String>,
}

impl Found {
    fn of(record: &Record<'_>) -> Self {
        Self {
            row: record.row,
            element: record.element,
            fault: record.fault,
            text: record.text.map(<[u8]>::to_vec),
            beside: record.beside.map(|beside| String::from_utf8_lossy(beside).into_owned()),
            id: record.id.map(str::to_owned),
            repositories: record.repositories.iter().map(|&name| name.to_owned()).collect(),
            path: record.path.map(str::to_owned),
        }
    }
}

fn profile(columns: &str) -> Profile {
    Profile::parse(&format!("version = 1\nname = \"test\"\n{columns}")).unwrap()
}

fn chunks(path: &Path, profile: &Profile, limits: Limits) -> Result<Vec<Chunk>, ShardError> {
    let mut opened = crate::open(path, profile, limits)?;
    let mut chunks = Vec::new();
    while let Some(chunk) = opened.reader.next_chunk()? {
        chunks.push(chunk);
    }
    assert_eq!(opened.reader.bytes_read(), fs::metadata(path).unwrap().len());
    Ok(chunks)
}

fn records(path: &Path, profile: &Profile) -> Result<Vec<Found>, ShardError> {
    let mut found = Vec::new();
    for chunk in chunks(path, profile, Limits::default())? {
        chunk.facts.for_each(|_, record| found.push(Found::of(record)));
    }
    Ok(found)
}

fn texts(path: &Path, profile: &Profile) -> Vec<Option<String>> {
    let text = |found: Found| found.text.map(|text| String::from_utf8(text).unwrap());
    records(path, profile).unwrap().into_iter().map(text).collect()
}

fn strings(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn zstd() -> Compression {
    Compression::ZSTD(ZstdLevel::default())
}
