//! Reads a file of a shelf from its beginning to its end.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures_util::stream::{BoxStream, Stream as _};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

use super::error::ShelfError;

/// A file of a shelf that is being read. That it came to its end says nothing of what was written: a hash does.
pub struct ShelfReader(From);

enum From {
    File(File),
    Bucket { parts: BoxStream<'static, Result<Bytes, ShelfError>>, part: Bytes },
}

impl ShelfReader {
    pub(super) fn of_file(file: std::fs::File) -> Self {
        Self(From::File(File::from_std(file)))
    }

    pub(super) fn of_bucket(parts: BoxStream<'static, Result<Bytes, ShelfError>>) -> Self {
        Self(From::Bucket { parts, part: Bytes::new() })
    }
}

impl AsyncRead for ShelfReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            From::File(file) => Pin::new(file).poll_read(context, buffer),
            From::Bucket { parts, part } => {
                while part.is_empty() {
                    match ready!(Pin::new(&mut *parts).poll_next(context)) {
                        Some(next) => *part = next.map_err(io::Error::other)?,
                        None => return Poll::Ready(Ok(())),
                    }
                }
                let taken = part.split_to(part.len().min(buffer.remaining()));
                buffer.put_slice(taken.chunk());
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl fmt::Debug for ShelfReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShelfReader").finish_non_exhaustive()
    }
}
