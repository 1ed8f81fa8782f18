//! Parquet and Arrow shards: read in bounded batches, judged by their facts, and written again with the same columns.
//!
//! A [`plan`] is made once for each shard: it finds the profile's columns in the schema, and every other column that
//! holds strings. [`facts`] follows it for each batch; [`rows`] cuts out of a batch what is not admitted, and
//! [`compact`] what would be carried along unseen.

mod compact;
mod facts;
mod guard;
mod ipc;
mod message;
mod parquet;
mod plan;
mod rows;
mod values;
mod writer;

#[cfg(test)]
mod tests;

use ::parquet::file::metadata::ParquetMetaData;
use arrow_ipc::CompressionType;
use arrow_schema::SchemaRef;
use std::sync::Arc;

pub use guard::is_guarded;
pub(crate) use ipc::{open_file, open_stream};
pub(crate) use parquet::open_parquet;
pub(crate) use writer::ColumnarWriter;

/// What a columnar shard is written like: its schema, and how it is packed.
#[derive(Debug, Clone)]
pub(crate) struct ColumnarTemplate {
    /// The columns, with the metadata of the schema and its fields.
    pub(crate) schema: SchemaRef,
    /// How they are packed.
    pub(crate) packing: Packing,
}

/// How a columnar shard is packed.
#[derive(Debug, Clone)]
pub(crate) enum Packing {
    /// As the Parquet file with this footer.
    Parquet(Arc<ParquetMetaData>),
    /// As an Arrow file with these notes in its footer.
    ArrowFile {
        /// How buffers are compressed.
        compression: Option<CompressionType>,
        /// Notes of the footer, sorted by name.
        notes: Vec<(String, String)>,
    },
    /// As an Arrow stream.
    ArrowStream {
        /// How buffers are compressed.
        compression: Option<CompressionType>,
    },
}
