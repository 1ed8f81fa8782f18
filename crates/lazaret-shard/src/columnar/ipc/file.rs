//! Reads an Arrow file by its footer.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, CompressionType, root_as_footer};
use arrow_schema::{ArrowError, SchemaRef};

use super::{ArrowShard, Batches, with_schema};
use crate::chunk::{Limits, ShardReader};
use crate::columnar::guard::guarded;
use crate::columnar::message::{check_buffers, read_buffer, shape};
use crate::columnar::{ColumnarTemplate, Packing};
use crate::error::ShardError;
use crate::profile::Profile;

/// `ARROW1` with its padding at the start, the length of the footer and `ARROW1` at the end.
const FRAME_BYTES: u64 = 8 + TRAILER_BYTES;
const TRAILER_BYTES: u64 = 10;

/// Before the message stand a marker and its length, or its length alone in files of old writers.
const MARKER: [u8; 4] = [0xFF; 4];

/// Opens an Arrow file.
pub(crate) fn open_file(
    file: File,
    profile: &Profile,
    limits: Limits,
) -> Result<(Box<dyn ShardReader>, ColumnarTemplate), ShardError> {
    let (batches, notes) = FileBatches::open(file)?;
    let schema = Arc::clone(&batches.schema);
    let shard = ArrowShard::open(batches, &schema, profile, limits)?;
    let compression = shard.batches.compression();
    let template = ColumnarTemplate { schema, packing: Packing::ArrowFile { compression, notes } };
    Ok((Box::new(shard), template))
}

struct FileBatches {
    file: BufReader<File>,
    schema: SchemaRef,
    decoder: FileDecoder,
    blocks: Vec<Block>,
    next: usize,
    bytes_read: u64,
    file_bytes: u64,
    compression: Option<CompressionType>,
}

impl FileBatches {
    fn open(file: File) -> Result<(Self, Vec<(String, String)>), ShardError> {
        let mut file = BufReader::new(file);
        let (footer, end) = read_footer(&mut file)?;
        let file_bytes = end + footer.len() as u64 + TRAILER_BYTES;
        let (mut batches, dictionaries, notes) = guarded(|| {
            let footer = root_as_footer(&footer).map_err(|_where| {
                ArrowError::ParseError("the footer is not in the form of one".to_owned())
            })?;
            let no_schema = || ArrowError::ParseError("the footer has no schema".to_owned());
            let schema = Arc::new(try_fb_to_schema(footer.schema().ok_or_else(no_schema)?)?);
            let blocks: Vec<Block> = footer.recordBatches().iter().flatten().copied().collect();
            let dictionaries: Vec<Block> = footer.dictionaries().iter().flatten().copied().collect();
            check_blocks(dictionaries.iter().chain(&blocks), end)?;
            let mut notes: Vec<(String, String)> = footer
                .custom_metadata()
                .iter()
                .flatten()
                .filter_map(|note| Some((note.key()?.to_owned(), note.value()?.to_owned())))
                .collect();
            notes.sort();
            let decoder = FileDecoder::new(Arc::clone(&schema), footer.version());
            let batches = Self {
                file,
                schema,
                decoder,
                blocks,
                next: 0,
                bytes_read: FRAME_BYTES,
                file_bytes,
                compression: None,
            };
            Ok((batches, dictionaries, notes))
        })?;
        for block in dictionaries {
            let buffer = batches.read_block(&block)?;
            guarded(|| batches.decoder.read_dictionary(&block, &buffer))?;
        }
        Ok((batches, notes))
    }

    fn read_block(&mut self, block: &Block) -> Result<Buffer, ShardError> {
        let (offset, n_meta, n_body) =
            extent(block).ok_or_else(|| ShardError::damaged("a negative length"))?;
        let n_bytes = usize::try_from(n_meta + n_body)
            .map_err(|_large| ShardError::damaged("a batch is larger than the memory"))?;
        let read = |file: &mut BufReader<File>| {
            file.seek(SeekFrom::Start(offset))?;
            read_buffer(file, n_bytes)
        };
        let buffer = read(&mut self.file).map_err(|source| ShardError::Read { offset, source })?;
        self.bytes_read = self.bytes_read.max(offset + n_meta + n_body);
        let n_meta = usize::try_from(n_meta).unwrap_or(usize::MAX);
        let compression = guarded(|| {
            let short = || ArrowError::IpcError("a message is shorter than its frame".to_owned());
            let (message, body) = buffer.split_at_checked(n_meta).ok_or_else(short)?;
            let skipped = if message.starts_with(&MARKER) { 8 } else { 4 };
            let message = message.get(skipped..).ok_or_else(short)?;
            check_buffers(message, body)?;
            Ok(shape(message)?.compression)
        })?;
        if let Some(compression) = compression {
            self.compression = compression;
        }
        Ok(buffer)
    }
}

impl Batches for FileBatches {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ShardError> {
        let Some(block) = self.blocks.get(self.next).copied() else {
            self.bytes_read = self.file_bytes;
            return Ok(None);
        };
        self.next += 1;
        let buffer = self.read_block(&block)?;
        guarded(|| match self.decoder.read_record_batch(&block, &buffer)? {
            Some(batch) => with_schema(&self.schema, &batch).map(Some),
            None => Err(ArrowError::IpcError("the footer names a batch that is none".to_owned())),
        })
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    fn compression(&self) -> Option<CompressionType> {
        self.compression
    }
}

/// Reads the footer, and returns where it begins.
fn read_footer(file: &mut BufReader<File>) -> Result<(Vec<u8>, u64), ShardError> {
    let failed = |source| ShardError::Read { offset: 0, source };
    let file_bytes = file.seek(SeekFrom::End(0)).map_err(failed)?;
    if file_bytes < FRAME_BYTES {
        return Err(ShardError::damaged("it is shorter than an empty file"));
    }
    let mut trailer = [0_u8; 10];
    let at = file_bytes - TRAILER_BYTES;
    file.seek(SeekFrom::Start(at)).map_err(failed)?;
    file.read_exact(&mut trailer).map_err(failed)?;
    let n_footer = read_footer_length(trailer).map_err(|_why| {
        ShardError::damaged("it does not end with a footer: it is cut off, or something follows")
    })?;
    let start = at.checked_sub(n_footer as u64).filter(|&start| start >= 8);
    let start = start.ok_or_else(|| ShardError::damaged("its footer is longer than the file"))?;
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    let mut footer = vec![0; n_footer];
    file.read_exact(&mut footer).map_err(failed)?;
    Ok((footer, start))
}

/// Checks that the blocks lie in the file and are not read twice: a small file could so hold any number of rows.
fn check_blocks<'a>(blocks: impl Iterator<Item = &'a Block>, end: u64) -> Result<(), ArrowError> {
    let error = |why: &str| ArrowError::IpcError(why.to_owned());
    let mut extents = Vec::new();
    for block in blocks {
        let (offset, n_meta, n_body) = extent(block).ok_or_else(|| error("a batch has a negative length"))?;
        let block_end = offset.checked_add(n_meta).and_then(|at| at.checked_add(n_body));
        let block_end = block_end.filter(|&at| at <= end);
        extents.push((offset, block_end.ok_or_else(|| error("a batch lies outside of the file"))?));
    }
    extents.sort_unstable();
    let overlap = extents.windows(2).any(|pair| matches!(pair, [(_, end), (start, _)] if start < end));
    if overlap { Err(error("two batches lie in the same place")) } else { Ok(()) }
}

fn extent(block: &Block) -> Option<(u64, u64, u64)> {
    let n_meta = u64::try_from(block.metaDataLength()).ok()?;
    Some((u64::try_from(block.offset()).ok()?, n_meta, u64::try_from(block.bodyLength()).ok()?))
}
