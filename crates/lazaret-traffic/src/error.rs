//! What can go wrong with an input as a whole; what is wrong with one line is a [`Fault`](crate::Fault).

use std::io;

/// An input could not be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum TrafficError {
    /// The bytes could not be read.
    #[error("the log cannot be read after byte {offset}")]
    Read {
        /// Where, in bytes of the file as it lies.
        offset: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The compressed bytes are damaged or end too early.
    #[error(
        "the compressed log is damaged or ends too early, near byte {offset}; what stands before was read"
    )]
    Compression {
        /// Where, in bytes of the file as it lies.
        offset: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The records of a format without lines are none any more.
    #[error(
        "the records are damaged, too long or end too early at byte {offset}; what stands before was read"
    )]
    Records {
        /// Where, in bytes after decompression.
        offset: u64,
    },
    /// There is nothing in it.
    #[error("the log is empty")]
    Empty,
    /// No format understands its first lines.
    #[error(
        "no known format has such lines; name the format with `--log-format`, or describe it in a field map"
    )]
    Unknown,
    /// Its first lines are of several formats.
    #[error(
        "the log mixes {first} (first at line {first_line}) and {second} (first at line {second_line}); split it, or \
         name the format that is to be read, and the other lines are counted"
    )]
    Mixed {
        /// One format.
        first: String,
        /// Where it is met.
        first_line: u64,
        /// Another.
        second: String,
        /// Where it is met.
        second_line: u64,
    },
}

/// A format could not be named or described.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// There is no such format.
    #[error("there is no log format `{name}`; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// All names.
        known: String,
    },
    /// A `logformat` that cannot be read.
    #[error("the `logformat` cannot be used at character {at}: {why}")]
    Logformat {
        /// Where.
        at: usize,
        /// Why.
        why: &'static str,
    },
    /// A field map that is no TOML or has not the shape of one.
    #[error("the field map cannot be read")]
    Map(#[source] Box<toml::de::Error>),
    /// A field map that says something that cannot be.
    #[error("the field map `{name}` cannot be used: {why}")]
    MapMeaning {
        /// Its name.
        name: String,
        /// What cannot be.
        why: String,
    },
    /// There is no such time zone.
    #[error("there is no time zone `{name}`; name one like `Europe/Berlin`")]
    Zone {
        /// The name.
        name: String,
        /// Why.
        #[source]
        source: jiff::Error,
    },
}
