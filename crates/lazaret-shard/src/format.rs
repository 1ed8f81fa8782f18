//! The formats of shards, and how they are compressed, told by their names.

use std::fmt;

/// How the bytes of a text shard are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Not at all.
    Plain,
    /// Gzip, of one member or several.
    Gzip,
    /// Zstandard, of one frame or several.
    Zstd,
    /// Bzip2, of one stream or several.
    Bzip2,
    /// XZ, of one stream or several.
    Xz,
}

/// The format of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object a line.
    JsonLines(Codec),
    /// Parquet.
    Parquet,
    /// An Arrow IPC file (random access).
    ArrowFile,
    /// An Arrow IPC stream, as Hugging Face's `save_to_disk` writes it.
    ArrowStream,
    /// A `WebDataset` archive: files of one stem are one record.
    WebDataset(Codec),
}

impl Codec {
    /// Returns the ending of names, with its dot; empty for no compression.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::Bzip2 => ".bz2",
            Self::Xz => ".xz",
        }
    }

    fn of(name: &str) -> (Self, &str) {
        for codec in [Self::Gzip, Self::Zstd, Self::Bzip2, Self::Xz] {
            if let Some(stem) = name.strip_suffix(codec.ending()) {
                return (codec, stem);
            }
        }
        (Self::Plain, name)
    }
}

impl Format {
    /// Returns the format that a file's name tells; `None` where it tells none. An Arrow file's two kinds are told by
    /// their first bytes, not here: `.arrow` is taken for a stream until [`crate::open()`] looks.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (codec, stem) = Codec::of(&name);
        match (stem.rsplit_once('.')?.1, codec) {
            ("jsonl" | "json" | "ndjson", codec) => Some(Self::JsonLines(codec)),
            ("tar", codec) => Some(Self::WebDataset(codec)),
            ("tgz", Codec::Plain) => Some(Self::WebDataset(Codec::Gzip)),
            ("parquet", Codec::Plain) => Some(Self::Parquet),
            ("arrow" | "ipc" | "feather", Codec::Plain) => Some(Self::ArrowStream),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JsonLines(codec) => write!(f, "jsonl{}", codec.ending()),
            Self::Parquet => f.write_str("parquet"),
            Self::ArrowFile => f.write_str("arrow file"),
            Self::ArrowStream => f.write_str("arrow stream"),
            Self::WebDataset(codec) => write!(f, "tar{}", codec.ending()),
        }
    }
}
