//! Reads Arrow files and streams batch by batch, each in slices of bounded size.

mod file;
mod stream;

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_ipc::CompressionType;
use arrow_schema::SchemaRef;

use super::facts::facts;
use super::guard::guarded;
use super::plan::{Plan, is_shared};
use crate::chunk::{Chunk, Limits, Rows, ShardReader};
use crate::error::ShardError;
use crate::profile::Profile;

pub(crate) use file::open_file;
pub(crate) use stream::open_stream;

/// A slice has no more rows.
const SLICE_ROWS_MAX: usize = 8192;

/// A slice has no more rows where the schema has dictionaries, runs or views: one long value may stand in each row.
const SHARED_SLICE_ROWS_MAX: usize = 1024;

/// Gives the batches of an Arrow shard, in order.
trait Batches: Send {
    /// Returns the next batch; `None` after the last, when the end of the file was checked too.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ShardError>;

    /// Returns how many bytes of the file were read.
    fn bytes_read(&self) -> u64;

    /// Returns how buffers are compressed, once a batch was read.
    fn compression(&self) -> Option<CompressionType>;
}

/// How a shard is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Whole,
    Failed,
}

struct ArrowShard<B> {
    batches: B,
    plan: Plan,
    limits: Limits,
    slice_rows_max: usize,
    /// The batch that is given out in slices, and how many of its rows were.
    batch: Option<(RecordBatch, usize)>,
    row: u64,
    state: State,
}

impl<B: Batches> ArrowShard<B> {
    /// Reads the first batch, by which alone the compression is known.
    fn open(
        mut batches: B,
        schema: &SchemaRef,
        profile: &Profile,
        limits: Limits,
    ) -> Result<Self, ShardError> {
        let plan = Plan::new(schema, profile)?;
        let slice_rows_max = if is_shared(schema.fields()) { SHARED_SLICE_ROWS_MAX } else { SLICE_ROWS_MAX };
        let batch = batches.next_batch()?.map(|batch| (batch, 0));
        let state = if batch.is_some() { State::Reading } else { State::Whole };
        Ok(Self { batches, plan, limits, slice_rows_max, batch, row: 0, state })
    }

    fn next_slice(&mut self) -> Result<Option<RecordBatch>, ShardError> {
        loop {
            if let Some((batch, n_given)) = &mut self.batch {
                let n_left = batch.num_rows() - *n_given;
                if n_left > 0 {
                    let row_bytes = batch_bytes(batch) / batch.num_rows();
                    let n_rows = self.limits.chunk_bytes / row_bytes.max(1);
                    let n_rows = n_rows.clamp(1, self.slice_rows_max).min(n_left);
                    let slice = batch.slice(*n_given, n_rows);
                    *n_given += n_rows;
                    return Ok(Some(slice));
                }
            }
            self.batch = self.batches.next_batch()?.map(|batch| (batch, 0));
            if self.batch.is_none() {
                return Ok(None);
            }
        }
    }
}

impl<B: Batches> ShardReader for ArrowShard<B> {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ShardError> {
        match self.state {
            State::Whole => return Ok(None),
            State::Failed => return Err(ShardError::damaged("its reading failed before")),
            State::Reading => self.state = State::Failed,
        }
        let Some(batch) = self.next_slice()? else {
            self.state = State::Whole;
            return Ok(None);
        };
        let facts = guarded(|| facts(&self.plan, &batch, self.row, self.limits.row_bytes_max))?;
        self.row += batch.num_rows() as u64;
        self.state = State::Reading;
        Ok(Some(Chunk { facts, rows: Rows::Columns(batch) }))
    }

    fn bytes_read(&self) -> u64 {
        self.batches.bytes_read()
    }
}

/// Returns about how many bytes the rows of a batch take. All buffers of a batch lie in one piece of memory, so that
/// what its arrays hold of memory says nothing.
fn batch_bytes(batch: &RecordBatch) -> usize {
    let size = |column: &ArrayRef| {
        column.to_data().get_slice_memory_size().unwrap_or_else(|_error| column.get_array_memory_size())
    };
    batch.columns().iter().map(size).sum()
}

/// Gives a batch the schema of its shard, which has the metadata too.
fn with_schema(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, arrow_schema::ArrowError> {
    RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())
}
