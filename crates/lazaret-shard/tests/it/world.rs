//! Shards in memory, and what is read from them.

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;
use lazaret_shard::{
    Chunk, Codec, Fate, Fault, Format, Limits, Profile, ShardError, Written, create_text, open_text,
};

/// Small bounds, so that small shards meet them.
pub(crate) const SMALL: Limits = Limits { chunk_bytes: 300, row_bytes_max: 4000 };

pub(crate) const PLAIN: Format = Format::JsonLines(Codec::Plain);

/// A record that owns what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) row: u64,
    pub(crate) element: Option<u32>,
    pub(crate) fault: Option<Fault>,
    pub(crate) text: Option<String>,
    pub(crate) beside: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) repositories: Vec<String>,
    pub(crate) generators: Vec<String>,
}

pub(crate) fn profile(columns: &str) -> Profile {
    let head = "version = 1\nname = \"test\"\n";
    let (rows, columns) = columns.split_once("---").unwrap_or(("", columns));
    Profile::parse(&format!("{head}{rows}\n[columns]\n{columns}")).unwrap()
}

pub(crate) fn read(
    format: Format,
    bytes: &[u8],
    profile: &Profile,
    limits: Limits,
) -> Result<Vec<Chunk>, ShardError> {
    let mut reader = open_text(format, Box::new(Cursor::new(bytes.to_vec())), profile, limits)?;
    let mut chunks = Vec::new();
    while let Some(chunk) = reader.next_chunk()? {
        chunks.push(chunk);
    }
    assert_eq!(reader.bytes_read(), bytes.len() as u64);
    Ok(chunks)
}

pub(crate) fn records(chunks: &[Chunk]) -> Vec<Owned> {
    let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let strings = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let mut records = Vec::new();
    for chunk in chunks {
        chunk.facts.for_each(|_, record| {
            records.push(Owned {
                row: record.row,
                element: record.element,
                fault: record.fault,
                text: record.text.map(string),
                beside: record.beside.map(string),
                id: record.id.map(str::to_owned),
                path: record.path.map(str::to_owned),
                repositories: strings(record.repositories),
                generators: strings(record.generators),
            });
        });
    }
    records
}

/// A file whose bytes outlive its writer.
#[derive(Clone, Default)]
pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes chunks with the fate that `fate` gives to the record of each number.
pub(crate) fn write<'a>(
    format: Format,
    chunks: &[Chunk],
    fate: impl Fn(usize) -> Fate<'a>,
    beside: impl Fn(usize) -> Option<RecordBatch>,
) -> Result<(Vec<u8>, Written), ShardError> {
    let paper = Paper::default();
    let mut writer = create_text(format, Box::new(paper.clone()))?;
    let mut first = 0;
    for chunk in chunks {
        let end = first + chunk.facts.len();
        let fates: Vec<Fate<'_>> = (first..end).map(&fate).collect();
        writer.write(&chunk.rows, &fates, beside(fates.len()).as_ref())?;
        first = end;
    }
    let written = writer.finish()?;
    Ok((paper.bytes(), written))
}
