//! What can go wrong with a shard as a whole; what is wrong with one record is a [`Fault`](crate::Fault).

use std::io;

use arrow_schema::ArrowError;

/// A shard could not be read or written further.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// The file could not be read.
    #[error("the shard cannot be read after byte {offset}")]
    Read {
        /// Where, in bytes of the file as it lies.
        offset: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The compressed bytes are damaged or end too early.
    #[error("the compressed bytes are damaged or end too early, near byte {offset}")]
    Compression {
        /// Where, in bytes of the file as it lies.
        offset: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An archive is damaged, or ends too early.
    #[error("the archive is damaged at byte {offset} of its uncompressed bytes: {why}")]
    Archive {
        /// Where, in bytes after decompression.
        offset: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// A file of Dolma attributes does not go with its documents.
    #[error("the attributes `{name}` {why}, after {rows} rows; write them again from these documents")]
    Attributes {
        /// Their name.
        name: String,
        /// What is wrong.
        why: &'static str,
        /// How many rows were read.
        rows: u64,
    },
    /// A columnar file or its schema is damaged.
    #[error("the columnar file is damaged")]
    Columns(#[source] ArrowError),
    /// What a columnar file says about itself does not agree with what it holds.
    #[error("the columnar file is damaged: {why}")]
    Damaged {
        /// What does not agree.
        why: String,
    },
    /// The shard is no file of its format.
    #[error("the bytes are no {format}")]
    NotTheFormat {
        /// The format that was expected.
        format: String,
    },
    /// Columns that the profile names are not there.
    #[error(
        "the profile `{profile}` names {}, which the shard does not have; it has {}",
        quoted(missing),
        quoted(found)
    )]
    MissingColumns {
        /// The profile.
        profile: String,
        /// The columns that are missing, as the profile writes them.
        missing: Vec<String>,
        /// The columns that are there, as a profile would write them: the first of them, where there are many.
        found: Vec<String>,
    },
    /// The profile asks for several records in each row, and the shard is an archive.
    #[error("the profile `{profile}` asks for several records in each row, and archives have one")]
    RecordsOfArchive {
        /// The profile.
        profile: String,
    },
    /// A column that the profile names has a type that cannot hold what the profile says it holds.
    #[error("the column `{column}` has the type {found}, where the profile `{profile}` expects {expected}")]
    ColumnType {
        /// The profile.
        profile: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// What the profile expects.
        expected: &'static str,
    },
    /// Something that the shard has and this program does not read.
    #[error("the shard has {what}, which is not supported")]
    Unsupported {
        /// What.
        what: String,
    },
    /// The shard could not be written.
    #[error("the shard cannot be written")]
    Write(#[source] io::Error),
    /// What is to be written does not go into the format.
    #[error("the records cannot be written: {why}")]
    DoesNotFit {
        /// Why.
        why: String,
    },
}

impl ShardError {
    /// Whether the shard is as it should be, and the profile is another's.
    #[must_use]
    pub fn is_misfit(&self) -> bool {
        matches!(self, Self::MissingColumns { .. } | Self::RecordsOfArchive { .. } | Self::ColumnType { .. })
    }

    pub(crate) fn damaged(why: impl Into<String>) -> Self {
        Self::Damaged { why: why.into() }
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
