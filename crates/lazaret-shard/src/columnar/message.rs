//! Checks an Arrow message before it is decoded: how much memory it asks for.

use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::{CompressionType, MessageHeader, RecordBatch, root_as_message};
use arrow_schema::ArrowError;

/// A compressed buffer may promise no more than this. The decoder takes the promised memory before it reads a byte, and
/// a process that asks for too much is ended by the system, without an error. Larger columns are split into batches by
/// every writer.
const BUFFER_BYTES_MAX: i64 = 4 << 30;

/// What a message holds, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MessageShape {
    /// How many bytes of body follow the message.
    pub(super) body_bytes: u64,
    /// How its buffers are compressed; `None` for a message without buffers.
    pub(super) compression: Option<Option<CompressionType>>,
}

/// Reads what a message says of itself.
pub(super) fn shape(message: &[u8]) -> Result<MessageShape, ArrowError> {
    let message = parse(message)?;
    let body_bytes = u64::try_from(message.bodyLength())
        .map_err(|_negative| ArrowError::IpcError("a message has a negative length".to_owned()))?;
    let compression = (message.header_type() == MessageHeader::RecordBatch)
        .then(|| message.header_as_record_batch().map(|batch| batch.compression().map(|how| how.codec())))
        .flatten();
    Ok(MessageShape { body_bytes, compression })
}

/// Checks the buffers of a message with its body.
pub(super) fn check_buffers(message: &[u8], body: &[u8]) -> Result<(), ArrowError> {
    let message = parse(message)?;
    let batch = message
        .header_as_record_batch()
        .or_else(|| message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data()));
    match batch {
        Some(batch) if batch.compression().is_some() => check_promises(&batch, body),
        _ => Ok(()),
    }
}

fn check_promises(batch: &RecordBatch<'_>, body: &[u8]) -> Result<(), ArrowError> {
    for buffer in batch.buffers().iter().flatten() {
        let start = usize::try_from(buffer.offset()).unwrap_or(usize::MAX);
        let Some(promise) = body.get(start..).and_then(|rest| rest.first_chunk::<8>()) else { continue };
        if buffer.length() > 0 && i64::from_le_bytes(*promise) > BUFFER_BYTES_MAX {
            let why = format!("a compressed buffer promises more than {BUFFER_BYTES_MAX} bytes");
            return Err(ArrowError::IpcError(why));
        }
    }
    Ok(())
}

fn parse(message: &[u8]) -> Result<arrow_ipc::Message<'_>, ArrowError> {
    root_as_message(message)
        .map_err(|_where| ArrowError::ParseError("a message is not in the form of one".to_owned()))
}

/// Reads exactly so many bytes into memory that is aligned for Arrow. The caller has held the number against the size
/// of the file.
pub(super) fn read_buffer(from: &mut impl std::io::Read, n_bytes: usize) -> std::io::Result<Buffer> {
    let mut buffer = MutableBuffer::from_len_zeroed(n_bytes);
    from.read_exact(buffer.as_slice_mut())?;
    Ok(buffer.into())
}
