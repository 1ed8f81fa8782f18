//! Hashes encrypted bytes on their way to a shelf and back.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures_util::io::{AsyncBufRead, AsyncRead, AsyncWrite};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufRead as _, AsyncRead as TokioRead, AsyncWrite as _, BufReader};

use super::{PART_BYTES, digest};
use crate::hold::SealedObject;
use crate::shelf::Spool;

/// No header of ours is longer: it has some hundred bytes for each recipient. Whoever could write into the vault could
/// make the header of an object without end, and have it taken into memory.
const HEADER_BYTES_MAX: u64 = 64 << 10;

/// Encrypted bytes that go into a file.
pub(super) struct Outgoing {
    spool: Spool,
    hasher: Sha256,
    bytes: u64,
}

impl Outgoing {
    pub(super) fn new(spool: Spool) -> Self {
        Self { spool, hasher: Sha256::new(), bytes: 0 }
    }

    /// Returns the file, and what was written to it.
    pub(super) fn finish(self) -> (Spool, SealedObject) {
        let Self { spool, hasher, bytes } = self;
        (spool, SealedObject { object: digest(hasher), object_bytes: bytes })
    }
}

impl AsyncWrite for Outgoing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let n_written = ready!(Pin::new(&mut self.spool).poll_write(context, bytes))?;
        let written = bytes.get(..n_written).unwrap_or(bytes);
        self.hasher.update(written);
        self.bytes += written.len() as u64;
        Poll::Ready(Ok(n_written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.spool).poll_flush(context)
    }

    /// Only flushes: the file lives on, and gets a name.
    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

/// Encrypted bytes that come from a shelf.
pub(super) struct Incoming<R> {
    reader: BufReader<R>,
    seen: Seen,
}

/// What was seen of an object so far; shared by the reader, which is deep within age's, and by who checks it.
#[derive(Clone)]
pub(super) struct Seen(Arc<Mutex<Tally>>);

struct Tally {
    hasher: Sha256,
    bytes: u64,
    bytes_max: u64,
}

impl<R: TokioRead + Unpin> Incoming<R> {
    pub(super) fn new(reader: R) -> (Self, Seen) {
        let tally = Tally { hasher: Sha256::new(), bytes: 0, bytes_max: HEADER_BYTES_MAX };
        let seen = Seen(Arc::new(Mutex::new(tally)));
        (Self { reader: BufReader::with_capacity(PART_BYTES, reader), seen: seen.clone() }, seen)
    }
}

impl Seen {
    /// Sets how many bytes there may be in all.
    pub(super) fn allow(&self, bytes: u64) {
        self.tally().bytes_max = bytes;
    }

    /// Returns what was read so far, and whether there was more than allowed.
    pub(super) fn so_far(&self) -> (SealedObject, bool) {
        let tally = self.tally();
        let object = SealedObject { object: digest(tally.hasher.clone()), object_bytes: tally.bytes };
        (object, tally.bytes > tally.bytes_max)
    }

    fn add(&self, bytes: &[u8]) {
        let mut tally = self.tally();
        tally.hasher.update(bytes);
        tally.bytes += bytes.len() as u64;
    }

    fn check(&self) -> io::Result<()> {
        let tally = self.tally();
        if tally.bytes <= tally.bytes_max {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "the object is too long"))
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: TokioRead + Unpin> AsyncBufRead for Incoming<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let Self { reader, seen } = self.get_mut();
        seen.check()?;
        Pin::new(reader).poll_fill_buf(context)
    }

    fn consume(mut self: Pin<&mut Self>, n_bytes: usize) {
        if let Some(consumed) = self.reader.buffer().get(..n_bytes) {
            self.seen.add(consumed);
        }
        Pin::new(&mut self.reader).consume(n_bytes);
    }
}

impl<R: TokioRead + Unpin> AsyncRead for Incoming<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let there = ready!(self.as_mut().poll_fill_buf(context))?;
        let n_bytes = there.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(there) {
            *to = *from;
        }
        self.consume(n_bytes);
        Poll::Ready(Ok(n_bytes))
    }
}
