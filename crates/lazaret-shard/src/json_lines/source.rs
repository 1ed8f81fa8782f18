//! Cuts a stream of bytes into lines, in bounded memory and without losing a byte.

use lazaret_core::Digest;
use memchr::memchr;
use sha2::{Digest as _, Sha256};

use crate::chunk::Limits;
use crate::codec::Decoder;
use crate::error::ShardError;

/// How many bytes are asked for at once.
const READ_BYTES: usize = 256 << 10;

/// Chunks that are larger than this grow as they are read.
const CHUNK_BYTES_USUAL: usize = 8 << 20;

/// A chunk holds no more lines than this: each takes memory beside its bytes.
const PIECES_MAX: usize = 1 << 16;

/// A part of the stream, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A line; where it ends in the bytes.
    Line { end: usize },
    /// Lines of nothing but white space; where the last one ends.
    Blank { end: usize, n_lines: u64 },
    /// A line that was too long to be kept.
    Long { offset: u64, bytes: u64, sha256: Digest },
}

/// The bytes of some lines, and how they are cut.
pub(crate) type Cut = (Vec<u8>, Vec<Piece>);

/// Lines of a stream.
#[derive(Debug)]
pub(crate) struct LineSource {
    decoder: Decoder,
    limits: Limits,
    /// What was read behind the last chunk.
    carry: Vec<u8>,
    has_ended: bool,
    /// Where the next line begins, in bytes of the stream.
    offset: u64,
}

/// What is being read.
struct Reading {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
    /// Where the line begins that is not ended yet, and up to where no line ends.
    start: usize,
    searched: usize,
}

impl LineSource {
    pub(crate) fn new(decoder: Decoder, limits: Limits) -> Self {
        Self { decoder, limits, carry: Vec::new(), has_ended: false, offset: 0 }
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.decoder.bytes_read()
    }

    /// Returns the next lines; `None` at the end.
    pub(crate) fn next_lines(&mut self) -> Result<Option<Cut>, ShardError> {
        let mut bytes = std::mem::take(&mut self.carry);
        // Room for a chunk at once, unless a caller asks for chunks that are larger than memory.
        bytes.reserve(self.limits.chunk_bytes.min(CHUNK_BYTES_USUAL) + READ_BYTES);
        let mut reading = Reading { bytes, pieces: Vec::new(), start: 0, searched: 0 };
        loop {
            if self.cut(&mut reading) {
                self.carry = reading.bytes.split_off(reading.start);
                break;
            }
            if reading.bytes.len() - reading.start > self.limits.row_bytes_max {
                self.skip_long(&mut reading)?;
            } else if self.has_ended {
                if reading.start < reading.bytes.len() {
                    let end = reading.bytes.len();
                    self.end_line(&mut reading, end);
                }
                break;
            } else {
                self.read(&mut reading.bytes)?;
            }
        }
        Ok((!reading.pieces.is_empty()).then_some((reading.bytes, reading.pieces)))
    }

    /// Reads some bytes onto the end of `bytes`.
    fn read(&mut self, bytes: &mut Vec<u8>) -> Result<(), ShardError> {
        let old = bytes.len();
        bytes.resize(old + READ_BYTES, 0);
        let read = self.decoder.read(bytes.get_mut(old..).unwrap_or_default());
        bytes.truncate(old + read.as_ref().copied().unwrap_or_default());
        self.has_ended = read? == 0;
        Ok(())
    }

    /// Cuts all lines that are there; whether they fill a chunk.
    fn cut(&mut self, reading: &mut Reading) -> bool {
        while let Some(length) = memchr(b'\n', reading.bytes.get(reading.searched..).unwrap_or_default()) {
            let end = reading.searched + length + 1;
            self.end_line(reading, end);
            if reading.start >= self.limits.chunk_bytes || reading.pieces.len() >= PIECES_MAX {
                return true;
            }
        }
        reading.searched = reading.bytes.len();
        false
    }

    fn end_line(&mut self, reading: &mut Reading, end: usize) {
        let line = reading.bytes.get(reading.start..end).unwrap_or_default();
        let offset = self.offset;
        self.offset += line.len() as u64;
        let mut end = end;
        if line.len() > self.limits.row_bytes_max {
            let (bytes, sha256) = (line.len() as u64, Digest::of(line));
            reading.bytes.drain(reading.start..end);
            end = reading.start;
            reading.pieces.push(Piece::Long { offset, bytes, sha256 });
        } else if !line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            reading.pieces.push(Piece::Line { end });
        } else if let Some(Piece::Blank { end: last, n_lines }) = reading.pieces.last_mut() {
            *last = end;
            *n_lines += 1;
        } else {
            reading.pieces.push(Piece::Blank { end, n_lines: 1 });
        }
        (reading.start, reading.searched) = (end, end);
    }

    /// Reads the line that begins at the start to its end and keeps its digest alone.
    fn skip_long(&mut self, reading: &mut Reading) -> Result<(), ShardError> {
        let mut hasher = Sha256::new();
        let mut n_bytes = 0;
        let mut block = reading.bytes.split_off(reading.start);
        loop {
            let end = memchr(b'\n', &block).map(|at| at + 1);
            let rest = block.split_off(end.unwrap_or(block.len()));
            hasher.update(&block);
            n_bytes += block.len() as u64;
            if end.is_some() || self.has_ended {
                reading.bytes.extend_from_slice(&rest);
                break;
            }
            block.clear();
            self.read(&mut block)?;
        }
        let sha256 = Digest::from_bytes(hasher.finalize().into());
        reading.pieces.push(Piece::Long { offset: self.offset, bytes: n_bytes, sha256 });
        self.offset += n_bytes;
        reading.searched = reading.start;
        Ok(())
    }
}
