//! Reads an Arrow stream, message by message.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamDecoder;
use arrow_schema::SchemaRef;

use super::{ArrowShard, Batches, with_schema};
use crate::chunk::{Limits, ShardReader};
use crate::columnar::guard::guarded;
use crate::columnar::message::{check_buffers, read_buffer, shape};
use crate::columnar::{ColumnarTemplate, Packing};
use crate::error::ShardError;
use crate::profile::Profile;

const MARKER: [u8; 4] = [0xFF; 4];

/// Opens an Arrow stream.
pub(crate) fn open_stream(
    file: File,
    profile: &Profile,
    limits: Limits,
) -> Result<(Box<dyn ShardReader>, ColumnarTemplate), ShardError> {
    let mut batches = StreamBatches::new(file)?;
    let schema = batches.read_schema()?;
    let shard = ArrowShard::open(batches, &schema, profile, limits)?;
    let compression = shard.batches.compression();
    let template = ColumnarTemplate { schema, packing: Packing::ArrowStream { compression } };
    Ok((Box::new(shard), template))
}

struct StreamBatches {
    file: BufReader<File>,
    file_bytes: u64,
    decoder: StreamDecoder,
    schema: Option<SchemaRef>,
    decoded: VecDeque<RecordBatch>,
    bytes_read: u64,
    compression: Option<CompressionType>,
    is_finished: bool,
}

impl StreamBatches {
    fn new(file: File) -> Result<Self, ShardError> {
        let file_bytes = file.metadata().map_err(|source| ShardError::Read { offset: 0, source })?.len();
        Ok(Self {
            file: BufReader::new(file),
            file_bytes,
            decoder: StreamDecoder::new(),
            schema: None,
            decoded: VecDeque::new(),
            bytes_read: 0,
            compression: None,
            is_finished: false,
        })
    }

    fn read_schema(&mut self) -> Result<SchemaRef, ShardError> {
        // The decoder takes a message without a body for whole when the next one begins.
        loop {
            let has_more = self.read_message()?;
            self.schema = self.decoder.schema();
            match &self.schema {
                Some(schema) => return Ok(Arc::clone(schema)),
                None if has_more => {}
                None => return Err(ShardError::damaged("it ends before its schema")),
            }
        }
    }

    /// Reads a message and its body; `false` at the end of the stream.
    fn read_message(&mut self) -> Result<bool, ShardError> {
        let mut frame = self.read_exactly(4)?.to_vec();
        if frame == MARKER {
            frame.extend_from_slice(&self.read_exactly(4)?);
        }
        let length = frame.last_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length));
        if length == 0 {
            self.decode(&[Buffer::from_vec(frame)])?;
            return self.check_end().map(|()| false);
        }
        let message = self.read_exactly(u64::from(length))?;
        let found = guarded(|| shape(&message))?;
        let body = self.read_exactly(found.body_bytes)?;
        guarded(|| check_buffers(&message, &body))?;
        if let Some(compression) = found.compression {
            self.compression = compression;
        }
        self.decode(&[Buffer::from_vec(frame), message, body])?;
        Ok(true)
    }

    fn decode(&mut self, buffers: &[Buffer]) -> Result<(), ShardError> {
        for buffer in buffers {
            let mut buffer = buffer.clone();
            while !buffer.is_empty() {
                let batch = guarded(|| self.decoder.decode(&mut buffer))?;
                self.decoded.extend(batch);
            }
        }
        Ok(())
    }

    fn read_exactly(&mut self, n_bytes: u64) -> Result<Buffer, ShardError> {
        let left = self.file_bytes.saturating_sub(self.bytes_read);
        if n_bytes > left {
            // A stream that stops between two messages may be whole to other readers; here it may be cut off.
            let why = format!("it ends after byte {} without the mark that ends a stream", self.file_bytes);
            return Err(ShardError::damaged(why));
        }
        let offset = self.bytes_read;
        let n_bytes_here = usize::try_from(n_bytes)
            .map_err(|_large| ShardError::damaged("a message is larger than the memory"))?;
        let buffer = read_buffer(&mut self.file, n_bytes_here)
            .map_err(|source| ShardError::Read { offset, source })?;
        self.bytes_read += n_bytes;
        Ok(buffer)
    }

    fn check_end(&mut self) -> Result<(), ShardError> {
        self.is_finished = true;
        let offset = self.bytes_read;
        match self.file.read(&mut [0]) {
            Ok(0) => guarded(|| self.decoder.finish()),
            Ok(_) => Err(ShardError::damaged(format!("something follows its end, after byte {offset}"))),
            Err(source) if source.kind() == io::ErrorKind::Interrupted => self.check_end(),
            Err(source) => Err(ShardError::Read { offset, source }),
        }
    }
}

impl Batches for StreamBatches {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ShardError> {
        loop {
            if let (Some(batch), Some(schema)) = (self.decoded.pop_front(), &self.schema) {
                let schema = Arc::clone(schema);
                return guarded(|| with_schema(&schema, &batch)).map(Some);
            }
            if self.is_finished || !self.read_message()? {
                // The end lets the decoder give out a batch without a body.
                if self.decoded.is_empty() {
                    return Ok(None);
                }
            }
        }
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    fn compression(&self) -> Option<CompressionType> {
        self.compression
    }
}
