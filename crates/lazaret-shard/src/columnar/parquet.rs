//! Reads a Parquet file row group by row group, in batches whose size does not depend on the size of the file.

use std::fs::File;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, RowGroupMetaData};

use super::facts::facts;
use super::guard::guarded;
use super::plan::Plan;
use super::{ColumnarTemplate, Packing};
use crate::chunk::{Chunk, Limits, Rows, ShardReader};
use crate::error::ShardError;
use crate::profile::Profile;

/// A batch has no more rows: a dictionary page of a few kilobytes may stand for a long value in each of them, which
/// the sizes in the footer do not tell.
const BATCH_ROWS_MAX: usize = 1024;

/// Opens a Parquet file.
pub(crate) fn open_parquet(
    file: File,
    profile: &Profile,
    limits: Limits,
) -> Result<(Box<dyn ShardReader>, ColumnarTemplate), ShardError> {
    let file_bytes = file.metadata().map_err(|source| ShardError::Read { offset: 0, source })?.len();
    let metadata = guarded(|| {
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Skip);
        Ok(ArrowReaderMetadata::load(&file, options)?)
    })?;
    let n_rows = check_counts(metadata.metadata())?;
    let plan = Plan::new(metadata.schema(), profile)?;
    let template = ColumnarTemplate {
        schema: Arc::clone(metadata.schema()),
        packing: Packing::Parquet(Arc::clone(metadata.metadata())),
    };
    let shard = ParquetShard {
        schema: Arc::clone(metadata.schema()),
        file,
        file_bytes,
        metadata,
        plan,
        limits,
        group: 0,
        batches: None,
        group_rows: 0,
        row: 0,
        n_rows,
        state: State::Reading,
    };
    Ok((Box::new(shard), template))
}

/// How a file is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Whole,
    Failed,
}

struct ParquetShard {
    schema: SchemaRef,
    file: File,
    file_bytes: u64,
    metadata: ArrowReaderMetadata,
    plan: Plan,
    limits: Limits,
    /// The row group that is read or comes next.
    group: usize,
    batches: Option<ParquetRecordBatchReader>,
    /// How many rows of the row group were read.
    group_rows: u64,
    /// How many rows of the file were read.
    row: u64,
    n_rows: u64,
    state: State,
}

impl ShardReader for ParquetShard {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ShardError> {
        match self.state {
            State::Whole => return Ok(None),
            State::Failed => return Err(ShardError::damaged("its reading failed before")),
            State::Reading => self.state = State::Failed,
        }
        let Some(batch) = self.next_batch()? else {
            self.state = State::Whole;
            return Ok(None);
        };
        let facts = guarded(|| facts(&self.plan, &batch, self.row, self.limits.row_bytes_max))?;
        self.row += batch.num_rows() as u64;
        self.group_rows += batch.num_rows() as u64;
        self.state = State::Reading;
        Ok(Some(Chunk { facts, rows: Rows::Columns(batch) }))
    }

    fn bytes_read(&self) -> u64 {
        if self.state == State::Whole {
            return self.file_bytes;
        }
        let groups = self.metadata.metadata().row_groups();
        let finished: u64 = groups.iter().take(self.group).map(compressed_bytes).sum();
        let current = groups.get(self.group).map_or(0, |group| {
            let n_rows = rows_of(group).max(1);
            u128::from(compressed_bytes(group)) * u128::from(self.group_rows) / u128::from(n_rows)
        });
        finished.saturating_add(u64::try_from(current).unwrap_or(u64::MAX)).min(self.file_bytes)
    }
}

impl ParquetShard {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ShardError> {
        loop {
            if let Some(batches) = &mut self.batches {
                let schema = &self.schema;
                let batch = guarded(|| match batches.next() {
                    Some(batch) => {
                        RecordBatch::try_new(Arc::clone(schema), batch?.columns().to_vec()).map(Some)
                    }
                    None => Ok(None),
                })?;
                match batch {
                    Some(batch) if batch.num_rows() > 0 => return Ok(Some(batch)),
                    Some(_) => continue,
                    None => self.end_group()?,
                }
            }
            let Some(group) = self.metadata.metadata().row_groups().get(self.group) else {
                return self.end().map(|()| None);
            };
            let n_rows = batch_rows(group, self.limits.chunk_bytes);
            let batches = guarded(|| {
                let file = self.file.try_clone().map_err(ArrowError::from)?;
                let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
                Ok(builder.with_row_groups(vec![self.group]).with_batch_size(n_rows).build()?)
            })?;
            self.batches = Some(batches);
            self.group_rows = 0;
        }
    }

    fn end_group(&mut self) -> Result<(), ShardError> {
        let promised = self.metadata.metadata().row_groups().get(self.group).map_or(0, rows_of);
        if promised != self.group_rows {
            let why = format!(
                "its row group {} has {} rows, where the footer says {promised}",
                self.group, self.group_rows
            );
            return Err(ShardError::damaged(why));
        }
        self.batches = None;
        self.group += 1;
        Ok(())
    }

    fn end(&self) -> Result<(), ShardError> {
        if self.row == self.n_rows {
            return Ok(());
        }
        Err(ShardError::damaged(format!("it has {} rows, where the footer says {}", self.row, self.n_rows)))
    }
}

/// Compares what the footer says of the file with what it says of its row groups, and returns the number of rows.
fn check_counts(metadata: &ParquetMetaData) -> Result<u64, ShardError> {
    let promised = metadata.file_metadata().num_rows();
    let mut sum = 0_i64;
    for (nth, group) in metadata.row_groups().iter().enumerate() {
        if group.num_rows() < 0 {
            return Err(ShardError::damaged("a row group has a negative number of rows"));
        }
        // A reader stops at the rows that the footer promises, whatever else the pages hold.
        let mut flat = group.columns().iter().filter(|column| column.column_descr().max_rep_level() == 0);
        if let Some(column) = flat.find(|column| column.num_values() != group.num_rows()) {
            let (n_values, n_rows) = (column.num_values(), group.num_rows());
            let why = format!("a column of its row group {nth} has {n_values} values for {n_rows} rows");
            return Err(ShardError::damaged(why));
        }
        sum = sum.saturating_add(group.num_rows());
    }
    match u64::try_from(promised) {
        Ok(n_rows) if promised == sum => Ok(n_rows),
        _ => {
            let why = format!("the row groups have {sum} rows, where the footer says {promised}");
            Err(ShardError::damaged(why))
        }
    }
}

fn rows_of(group: &RowGroupMetaData) -> u64 {
    u64::try_from(group.num_rows()).unwrap_or(0)
}

fn compressed_bytes(group: &RowGroupMetaData) -> u64 {
    group.columns().iter().map(|column| u64::try_from(column.compressed_size()).unwrap_or(0)).sum()
}

/// Returns how many rows of a row group make about `chunk_bytes`.
fn batch_rows(group: &RowGroupMetaData, chunk_bytes: usize) -> usize {
    let sizes = group.columns().iter().map(|column| u64::try_from(column.uncompressed_size()).unwrap_or(0));
    let row_bytes = sizes.sum::<u64>() / rows_of(group).max(1);
    let n_rows = chunk_bytes as u64 / row_bytes.max(1);
    usize::try_from(n_rows).unwrap_or(BATCH_ROWS_MAX).clamp(1, BATCH_ROWS_MAX)
}
